"""What one contest remembers between messages, with counters beside every list that a decision would have to scan.

It is changed by `folding` alone and decides nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cutline.engine.contest.config_events import ConfigChangeRefused
from cutline.engine.contest.events import ContestCreated, EntryStatus, RostersFrozen, SettledEntry, SettlementRecorded
from cutline.engine.contest.feed_state import FeedState
from cutline.engine.contest.lifecycle import Status
from cutline.engine.errors import InvariantViolated
from cutline.engine.tournament import Tournament

SEATED = frozenset({EntryStatus.PENDING_PAYMENT, EntryStatus.ACTIVE})
"""The statuses that hold a seat."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One entry as it is. `payment_intent` is the payment that made it ACTIVE.

    `asked` is what was picked and predicted when it was made: a retry of that request asks for nothing else.
    """

    entry_id: str
    account_did: str
    picks: tuple[str, ...]
    tiebreak: int | None
    entered_at: datetime
    expires_at: datetime
    status: EntryStatus = EntryStatus.PENDING_PAYMENT
    payment_intent: str | None = None
    picks_changes: int = 0
    asked: tuple[tuple[str, ...], int | None] | None = None
    """None while nothing was changed."""


@dataclass(slots=True)
class Seats:
    """The entries, and who holds a seat. `pending` is in the order of expiry: commit times never fall."""

    entries: dict[str, Entry] = field(default_factory=dict)
    pending: OrderedDict[str, None] = field(default_factory=OrderedDict)
    counts: dict[EntryStatus, int] = field(default_factory=lambda: dict.fromkeys(EntryStatus, 0))
    taken_by_account: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    """What became of each payment, by payment intent: `activated` or `refused`."""

    @property
    def taken(self) -> int:
        """Return how many seats are held, paid or not."""
        return self.counts[EntryStatus.PENDING_PAYMENT] + self.counts[EntryStatus.ACTIVE]

    def add(self, entry: Entry) -> None:
        """Seat a new reservation."""
        self.entries[entry.entry_id] = entry
        self.pending[entry.entry_id] = None
        self.counts[entry.status] += 1
        self._seat(entry.account_did, 1)

    def move(self, entry: Entry, status: EntryStatus) -> None:
        """Change an entry's status and every counter with it."""
        self._seat(entry.account_did, (status in SEATED) - (entry.status in SEATED))
        self.counts[entry.status] -= 1
        self.counts[status] += 1
        if entry.status is EntryStatus.PENDING_PAYMENT and status is not EntryStatus.PENDING_PAYMENT:
            del self.pending[entry.entry_id]
        entry.status = status

    def next_expiry(self) -> datetime | None:
        """Return when the oldest reservation expires."""
        for entry_id in self.pending:
            return self.entries[entry_id].expires_at
        return None

    def _seat(self, account_did: str, change: int) -> None:
        self.taken_by_account[account_did] = self.taken_by_account.get(account_did, 0) + change


@dataclass(slots=True)
class Feed:
    """What the contest believes of the provider's event, from the changes it has applied.

    `polled_at` is the last poll that the contest heard of; `field` the published golfers' ids, None before that;
    `watches` how often the contest has asked for the changes from the start, `waiting` whether the last time is open.
    """

    board: FeedState = field(default_factory=FeedState)
    applied: int = 0
    polled_at: datetime | None = None
    field: frozenset[str] | None = None
    watches: int = 1
    waiting: bool = False


@dataclass(slots=True, kw_only=True)
class Late:
    """What the provider has changed since the contest was COMPLETE: the board as it would be, and how far it goes."""

    board: FeedState
    applied: int
    polled_at: datetime
    corrections: int = 0


@dataclass(slots=True)
class Audits:
    """The scheduled audits of a settlement: the open one, what the last found, and when the next is due.

    `ended` holds every one as plain data, for ops.
    """

    count: int = 0
    open_since: datetime | None = None
    next_at: datetime | None = None
    mismatches: tuple[str, ...] = ()
    ended: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A settlement run that has been given its inputs and has not answered."""

    run_id: str
    attempt: int
    checkpoint: int
    input_sha256: str
    started_at: datetime


@dataclass(slots=True)
class Settlement:
    """Where the settlement stands: the open run, the last failure, or the result and what of it is paid."""

    attempts: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    """Every run that has ended, as its row in `settlement_audit` says."""
    run: Run | None = None
    error: Mapping[str, Any] | None = None
    retry_at: datetime | None = None
    recorded: SettlementRecorded | None = None
    results: dict[str, SettledEntry] = field(default_factory=dict)
    unpaid: dict[str, int] = field(default_factory=dict)
    """Prizes in cents that are neither paid nor unpayable, by entry."""
    paid: dict[str, int] = field(default_factory=dict)
    unpayable: dict[str, int] = field(default_factory=dict)
    settled_at: datetime | None = None
    paid_out_at: datetime | None = None
    """When the last prize was paid or given up, or at the settlement where there was none."""
    seconds: float | None = None
    """How long the run took that settled the contest, in seconds."""
    audits: Audits = field(default_factory=Audits)


@dataclass(slots=True)
class Contest:
    """A contest that has been created."""

    created: ContestCreated
    created_at: datetime
    config: Tournament
    config_json: str
    config_sha256: str
    config_version: int = 0
    """The published version taken since the creation; 0 while the contest plays by what it was created with."""
    config_judged: int = 0
    """The last published version that was taken or refused."""
    config_refusal: ConfigChangeRefused | None = None
    feed: Feed = field(default_factory=Feed)
    late: Late | None = None
    status: Status = Status.SCHEDULED
    came_from: Status | None = None
    transitions: list[dict[str, Any]] = field(default_factory=list)
    refusals: int = 0
    refused: set[tuple[Status, Status, tuple[str, ...]]] = field(default_factory=set)
    """Automatic transitions that were due and held back, so that each reason is recorded once."""
    seats: Seats = field(default_factory=Seats)
    settlement: Settlement = field(default_factory=Settlement)
    frozen: RostersFrozen | None = None
    """What was packed at the lock."""

    @property
    def contest_id(self) -> str:
        """Return the contest's id."""
        return self.created.contest_id


@dataclass(slots=True)
class ContestState:
    """The state of a contest's file: empty until the contest is created."""

    contest: Contest | None = None

    def existing(self) -> Contest:
        """Return the contest, which the caller knows to exist."""
        if self.contest is None:
            raise InvariantViolated("an event was recorded before its contest was created")
        return self.contest
