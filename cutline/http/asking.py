"""What the doors need of the engine, and the one way in which they ask it; it must not know any route."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from cutline.actors.alerts import Alerts
from cutline.engine.decision import Accepted, Address, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.vitals import Vitals
from cutline.http.tally import Tally
from cutline.storage.boards import EntryCard, Picture

FIRST_PAUSE_S = 0.02
PAUSE_MAX_S = 0.5
PATIENCE_S = 5.0

T = TypeVar("T")


class Refused(Exception):
    """A request is refused by name; whoever answers it looks the code up in the registry."""

    def __init__(self, code: RejectCode, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.details = details or {}


class Quarantine(Protocol):
    """The directory, as far as the doors look into it."""

    def quarantined(self) -> dict[Address, str]:
        """Return what is kept closed, with reasons."""

    def release(self, address: Address) -> None:
        """Open what was kept closed; its file is judged anew."""

    def undeliverable(self) -> int:
        """Return how many owed messages found no file to go to."""

    def vitals(self) -> list[Vitals]:
        """Return the figures of every file that has some."""


class Jobs(Protocol):
    """Who turns time into messages (`cutline.actors.timekeeper.Timekeeper`)."""

    @property
    def replaced(self) -> int:
        """Return how many schedulers have stopped since the start."""

    def late(self) -> list[str]:
        """Return the names of the jobs that should have run and did not."""

    def seconds_since(self) -> dict[str, float]:
        """Return how long ago each job ran last, in seconds."""


class Rereading(Protocol):
    """Who has contests' files read and scored again."""

    async def compare(self, contest_id: str, before: str, after: str) -> dict[str, Any] | Rejected:
        """Settle a contest's file at two points and return how they differ."""


class Boards(Protocol):
    """What of a contest is read beside its actor (`cutline.actors.leaderboards.Leaderboards`)."""

    async def picture(self, contest_id: str) -> Picture | None:
        """Return the contest as its last commit left it, or None where there is none."""

    def cards(self, contest_id: str, entry_ids: Sequence[str]) -> dict[str, EntryCard]:
        """Return owner and picks of a page's entries."""

    def entry_ids(self, contest_id: str, *, account_did: str | None, after: int, limit: int) -> list[tuple[int, str]]:
        """Return places and ids of an account's entries, or of all, after a place."""


class Engine(Protocol):
    """The actors behind the doors (`cutline.actors.system.System`, or a stand-in)."""

    @property
    def alerts(self) -> Alerts:
        """Return who counts alerts."""

    @property
    def directory(self) -> Quarantine:
        """Return who knows what is kept closed."""

    @property
    def timekeeper(self) -> Jobs:
        """Return who knows when jobs ran last."""

    @property
    def rescoring(self) -> Rereading:
        """Return who scores files again."""

    @property
    def leaderboards(self) -> Boards:
        """Return who reads entries and standings beside their actor."""

    def ask(self, to: Address, message: Any, cause: str) -> Awaitable[Accepted | Rejected]:
        """Ask an actor; what is awaited is its committed answer."""

    def question(self, to: Address, message: Any, cause: str, answered: Callable[[Accepted | Rejected], None]) -> None:
        """Ask an actor with the next `hand_over`.

        `answered` is called on this event loop with the committed answer, later and once.
        """

    def hand_over(self) -> None:
        """Send what was put to actors by `question`: all that one turn of the loop asks travels together."""

    async def restart(self, address: Address) -> RejectCode | None:
        """Stop an actor and open it again from its file; return why that cannot be."""

    async def report(self, build: Callable[..., T], *arguments: Any) -> T:
        """Run a report over the data root, given first, in a worker: it reads what is committed, and no actor waits."""


def reply_of(answer: Accepted | Rejected) -> Any:
    """Return what an actor replied, or raise Refused.

    A refusal that is itself recorded comes as the reply of an accepted command (LIFE-011).
    """
    said = answer.reply if isinstance(answer, Accepted) else answer
    if isinstance(said, Rejected):
        raise Refused(said.code, said.details)
    return said


class Asking:
    """Asks in the name of one request, and counts what is under way."""

    def __init__(self, engine: Engine, tally: Tally, cause: str) -> None:
        self._engine = engine
        self._tally = tally
        self._cause = cause

    async def ask(self, to: Address, message: Any) -> Any:
        """Return the reply of the actor at `to`; raises Refused by the actor's code."""
        self._tally.asks_in_flight += 1
        try:
            return reply_of(await self._engine.ask(to, message, self._cause))
        finally:
            self._tally.asks_in_flight -= 1


async def ask_until(ask: Callable[[], Awaitable[T]], ready: Callable[[T], bool], *, otherwise: RejectCode) -> T:
    """Ask at growing intervals until the reply is `ready`; refuse with `otherwise` after five seconds.

    What is not found yet counts as not ready: its cause may still be on its way to this actor.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + PATIENCE_S
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            reply = await ask()
        except Refused as refused:
            if refused.code is not RejectCode.NOT_FOUND:
                raise
        else:
            if ready(reply):
                return reply
        if loop.time() + pause_s > give_up_at:
            raise Refused(otherwise)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, PAUSE_MAX_S)
