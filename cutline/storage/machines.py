"""Which rules, events and typed rows belong to each kind of file, and how a log is folded; it must not write.

The one table that actors and `verify` share: what the first wrote, the second must be able to make again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cutline.engine import bookkeeping
from cutline.engine.bookkeeping import DeliveriesAcknowledged
from cutline.engine.codec import Codec
from cutline.engine.contest.machine import ContestMachine
from cutline.engine.decision import Machine, Owed, Recorded
from cutline.engine.feed import FeedMachine
from cutline.engine.governance import GovernanceMachine
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.payment.machine import PaymentMachine
from cutline.engine.payout.machine import PayoutMachine
from cutline.storage.event_log import Entry
from cutline.storage.kinds import KINDS, FileKind
from cutline.storage.projections import Rows, contest, feed, governance, ledger, payments, payouts

Project = Callable[[Recorded, bytes | None], Rows]
"""The typed rows of one event, given its blob as it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRules:
    """What one kind of file follows: its schema, its machine, how its events are written, and its typed rows."""

    kind: FileKind
    machine: Machine[Any]
    codec: Codec
    project: Project


_OF_WRITERS = frozenset(bookkeeping.EVENTS.values())
"""Facts that writers note for themselves; no machine knows them."""

_NOWHERE = ""
"""Where new links of account holders would lead. Folding makes none; whoever runs payouts gives the real address."""

_TABLE: tuple[tuple[Machine[Any], Project], ...] = (
    (ContestMachine(), contest.project),
    (FeedMachine(), feed.project),
    (LedgerMachine(), ledger.project),
    (PayoutMachine(onboarding_url=_NOWHERE), payouts.project),
    (PaymentMachine(), payments.project),
    (GovernanceMachine(), governance.project),
)


_RULES: Mapping[str, FileRules] = {
    machine.kind: FileRules(
        kind=KINDS[machine.kind],
        machine=machine,
        codec=Codec({**machine.events, **bookkeeping.EVENTS}),
        project=project,
    )
    for machine, project in _TABLE
}
"""Built with the module: annotations are read before anybody holds the clock, and no request pays for it."""


def rules_of(kind_name: str) -> FileRules:
    """Return the rules of a kind of file by its name, such as `contest`. Raises KeyError for a name that is none."""
    return _RULES[kind_name]


@dataclass(slots=True)
class Folding:
    """A log being folded: the state, what is still owed, and, where it is to be kept, what receivers have taken."""

    rules: FileRules
    state: Any
    owed: dict[str, Owed] = field(default_factory=dict)
    delivered: list[Owed] | None = None

    @classmethod
    def of(cls, rules: FileRules) -> Folding:
        """Return the folding of an empty log."""
        return cls(rules=rules, state=rules.machine.initial())

    @property
    def identity(self) -> str | None:
        """Return whose file this is by what it holds: a contest's id or a feed's event; None for the others."""
        match self.rules.kind.name:
            case "contest" if self.state.contest is not None:
                return str(self.state.contest.contest_id)
            case "feed":
                event: str | None = self.state.provider_event_id
                return event
            case _:
                return None

    def take(self, entry: Entry) -> Recorded:
        """Fold the next entry and return it as an event.

        Raises KeyError for a type that this release does not know and msgspec.DecodeError for a payload of
        another shape; whatever the machine raises on an event that cannot follow passes through.
        """
        event = self.rules.codec.decode(entry.type, entry.payload)
        recorded = Recorded(seq=entry.seq, at=entry.at, cause=entry.cause, event=event, hash=entry.hash)
        self.fold(recorded)
        return recorded

    def fold(self, recorded: Recorded) -> Sequence[Owed]:
        """Fold an event, just recorded or read, and return what it owes."""
        event = recorded.event
        if type(event) in _OF_WRITERS:
            self._fold_writers(event)
            return ()
        machine = self.rules.machine
        machine.evolve(self.state, recorded)
        owes = machine.owes(self.state, recorded)
        for owed in owes:
            self.owed[owed.key] = owed
        for key in getattr(event, "withdraws", ()):
            self.owed.pop(key, None)
        return owes

    def _fold_writers(self, event: Any) -> None:
        """Fold what a writer has noted for itself."""
        if isinstance(event, DeliveriesAcknowledged):
            taken = [owed for key in event.keys if (owed := self.owed.pop(key, None)) is not None]
            if self.delivered is not None:
                self.delivered += taken


def begin(kind_name: str) -> Folding:
    """Return the folding of an empty log that keeps what was delivered, to check or show it."""
    folding = Folding.of(rules_of(kind_name))
    folding.delivered = []
    return folding
