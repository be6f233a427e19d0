"""Ends a process in which the event loop or an actor hangs, so that it is started anew; it must not touch what hangs.

Nothing on a loop can notice that the loop hangs, so this looks from a thread of its own. It counts its own looks and
reads no clock: a box that was suspended has missed one look and not an hour of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, Protocol, Self

LOOK_EVERY_S: Final = 5.0
LOOP_LOOKS_MAX: Final = 12
"""A loop that has not turned for so many looks in a row is given up: a minute, in which no request was answered."""
ACTOR_LOOKS_MAX: Final = 60
"""An actor that has had one message in hand for so many looks is given up: five minutes. Folding a large ledger again
after a batch that broke takes a fraction of that, and a start is never judged."""
RUNBOOK: Final = "runbooks/engine-hung.md"


class LoopHangs(RuntimeError):
    """The event loop has not turned for too long."""


class ActorHangs(RuntimeError):
    """An actor has not done with a message for too long; whoever asked it was told so after seconds."""


class Actor(Protocol):
    """What is looked at of an actor."""

    actor_urn: str
    address: str

    @property
    def at_work_on(self) -> int:
        """The number of the message in hand, or 0."""


class Watchdog:
    """Watches the running loop for as long as the context lasts, and calls `must_die` once something hangs."""

    def __init__(self, must_die: Callable[[BaseException], None], *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._must_die = must_die
        self._look_every_s = look_every_s
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._turned = threading.Event()
        self._missed = 0
        self._actors: Callable[[], Iterable[Actor]] = tuple
        self._in_hand: dict[str, tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()

    def watch(self, actors: Callable[[], Iterable[Actor]]) -> None:
        """Watch the actors that this returns, too (FAULTS P5)."""
        self._actors = actors

    def _watch(self) -> None:
        self._turned.set()
        while not self._stopped.wait(self._look_every_s):
            failure = self.look_at_loop() or self.look_at_actors()
            if failure is not None:
                faulthandler.dump_traceback()  # where it hangs: names of functions, no values
                self._must_die(failure)
                return

    def look_at_loop(self) -> LoopHangs | None:
        """Return what is to be said of a loop that has not turned since so many looks."""
        if not self._turned.is_set():
            self._missed += 1
            if self._missed >= LOOP_LOOKS_MAX:
                return LoopHangs(f"the event loop has not turned for {self._missed * self._look_every_s:.0f} s")
            return None
        self._missed = 0
        self._turned.clear()
        with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago
            self._loop.call_soon_threadsafe(self._turned.set)
        return None

    def look_at_actors(self) -> ActorHangs | None:
        """Return what is to be said of an actor that had the same message in hand at so many looks."""
        before, self._in_hand = self._in_hand, {}
        for actor in self._actors():
            number = actor.at_work_on
            if number:
                last, looks = before.get(actor.actor_urn, (0, 0))
                looks = looks + 1 if number == last else 0
                self._in_hand[actor.actor_urn] = (number, looks)
                if looks >= ACTOR_LOOKS_MAX:
                    return ActorHangs(
                        f"{actor.address} has had one message in hand for {looks * self._look_every_s:.0f} s"
                    )
        return None
