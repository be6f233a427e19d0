"""What a decision of the engine looks like; it must not know any contest, account or file.

An actor takes a command, asks a machine to `decide`, appends the events to its file, folds them with `evolve`, and
only then answers. What an event makes the file owe to another file is a function of the log (`owes`), so that a
restart can send it again; what it makes the outside world see is an effect, performed after the commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar

from msgspec import Struct, field

from cutline.engine.errors import RejectCode

S = TypeVar("S")

Address = str
"""Where an actor lives: `ledger`, `payouts`, `payments`, `governance`, `contest/<id>` or `feed/<provider event>`."""


class Event(Protocol):
    """A fact: a frozen struct, named in the past tense, whose fields are its payload.

    One that ends what its file owed before names the keys of that as `withdraws`.
    """

    @property
    def key(self) -> str:
        """The business key: the same fact cannot be recorded twice, which the file refuses, or else the fold."""


class Recorded(Struct, frozen=True):
    """An event as the log holds it: its place, its commit time, its cause and the chain's hash after it."""

    seq: int
    at: datetime
    cause: str
    event: Any
    hash: bytes
    blob: bytes | None = None


class Owed(Struct, frozen=True, kw_only=True):
    """A message that a committed event owes to another actor until that actor acknowledges its key."""

    key: str
    to: Address
    message: Any


_NO_BLOBS: Final[Mapping[str, bytes]] = {}


class Accepted(Struct, frozen=True):
    """The command holds: record `events`, then answer `reply` and perform `effects`.

    `blobs` maps an event's key to raw bytes that are stored beside the log and never in it (Stripe's bodies, feed
    payloads). No events means that the command changes nothing: a duplicate, or a look when nothing is due. A refusal
    that must leave its row is recorded so: its `reply` is the `Rejected` that the caller is answered with.
    """

    events: Sequence[Event] = ()
    reply: Any = None
    effects: Sequence[Any] = ()
    blobs: Mapping[str, bytes] = _NO_BLOBS


class Rejected(Struct, frozen=True, kw_only=True):
    """The command is refused by name; nothing is recorded."""

    code: RejectCode
    details: Mapping[str, Any] = field(default_factory=dict)


Decision = Accepted | Rejected


class Machine(Protocol, Generic[S]):
    """The pure rules of one file kind. The state belongs to one actor and is changed in place by `evolve` only."""

    kind: str
    events: Mapping[str, type]

    def initial(self) -> S:
        """Return the state of an empty file."""

    def decide(self, state: S, command: Any, now: datetime) -> Decision:
        """Judge a command at commit time `now` (UTC), changing nothing."""

    def evolve(self, state: S, recorded: Recorded) -> None:
        """Fold one recorded event into the state."""

    def owes(self, state: S, recorded: Recorded) -> Sequence[Owed]:
        """Return the messages that this event, just folded into `state`, owes to other actors."""

    def resume(self, state: S, now: datetime) -> Sequence[Any]:
        """Return the effects that a restarted actor must perform again."""

    def due_at(self, state: S) -> datetime | None:
        """Return when this actor next wants to look at the clock, or None."""
