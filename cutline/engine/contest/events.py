"""What happens to a contest, as facts in its file; logic-free, and each with a business key unique in that file.

Amounts are integer cents; times are aware UTC. An event carries all that is owed because of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from cutline.engine.contest.audit_events import AuditEnded, AuditStarted, LateChangesReceived
from cutline.engine.contest.config_events import ConfigChangeRefused, ContestConfigChanged
from cutline.engine.contest.lifecycle import Status, Trigger
from cutline.engine.errors import RejectCode


class EntryStatus(StrEnum):
    """What an entry is. Only ACTIVE plays: its payment has succeeded (LIFE-017)."""

    PENDING_PAYMENT = "PENDING_PAYMENT"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"


class ContestCreated(Struct, frozen=True, kw_only=True):
    """The contest exists, and plays by this configuration (canonical JSON) until a version takes its place."""

    contest_id: str
    config_json: str
    config_sha256: str
    currency: str
    provider_event_id: str
    lock_at: datetime
    first_tee_at: datetime

    @property
    def key(self) -> str:
        """A file holds one contest."""
        return "contest:created"


class StatusChanged(Struct, frozen=True, kw_only=True):
    """The contest took one edge of its lifecycle. `number` counts them from 1 (LIFE-012).

    `execution_id` is the runbook execution within which a person asked for it (LIFE-014).
    """

    number: int
    from_status: Status
    to_status: Status
    trigger: Trigger
    actor: str
    reason: str
    runbook: str | None = None
    execution_id: str | None = None

    @property
    def key(self) -> str:
        """Transitions are numbered."""
        return f"status:{self.number}"


class TransitionRefused(Struct, frozen=True, kw_only=True):
    """A transition was asked for, or its time had come, and it was not taken (LIFE-003, LIFE-011, LIFE-021)."""

    number: int
    from_status: Status
    to_status: Status
    actor: str
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """Refusals are numbered."""
        return f"status-refused:{self.number}"


class EntryReserved(Struct, frozen=True, kw_only=True):
    """An entry holds a seat until it is paid or `expires_at` has passed."""

    contest_id: str
    entry_id: str
    account_did: str
    picks: tuple[str, ...]
    tiebreak: int | None
    fee_cents: int
    currency: str
    expires_at: datetime

    @property
    def key(self) -> str:
        """An entry is reserved once."""
        return f"entry:{self.entry_id}:reserved"


class EntryPicksChanged(Struct, frozen=True, kw_only=True):
    """An entry was given other golfers or another prediction before the lock. `number` counts its changes from 1."""

    entry_id: str
    number: int
    picks: tuple[str, ...]
    tiebreak: int | None

    @property
    def key(self) -> str:
        """The changes of an entry are numbered."""
        return f"entry:{self.entry_id}:picks:{self.number}"


class EntryActivated(Struct, frozen=True, kw_only=True):
    """The fee came in time and a seat was there: the entry plays."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str

    @property
    def key(self) -> str:
        """An entry is activated once."""
        return f"entry:{self.entry_id}:activated"


class EntryRefused(Struct, frozen=True, kw_only=True):
    """A fee came that buys no seat and is given back. `entry_status` is what the entry is now, None if unknown."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    reason: RejectCode
    entry_status: EntryStatus | None

    @property
    def key(self) -> str:
        """Each payment is refused once; an entry may have been paid twice."""
        return f"payment:{self.payment_intent}:refused"


class EntryExpired(Struct, frozen=True, kw_only=True):
    """A reservation was not paid in time, or not before the lock; its seat is free."""

    contest_id: str
    entry_id: str
    reason: str

    @property
    def key(self) -> str:
        """A reservation expires once."""
        return f"entry:{self.entry_id}:expired"


class EntryWithdrawn(Struct, frozen=True, kw_only=True):
    """An entrant withdrew before the lock. `payment_intent` is None if nothing had been paid."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str | None

    @property
    def key(self) -> str:
        """An entry is withdrawn once."""
        return f"entry:{self.entry_id}:withdrawn"


class EntryCancelled(Struct, frozen=True, kw_only=True):
    """The contest was cancelled and this entry with it. `payment_intent` is None if nothing had been paid."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str | None
    reason: str

    @property
    def key(self) -> str:
        """An entry is cancelled once."""
        return f"entry:{self.entry_id}:cancelled"


class FeedApplied(Struct, frozen=True, kw_only=True):
    """The contest took numbered changes of the provider's event, from `first` on, with the feed's head hash."""

    first: int
    changes: tuple[tuple[str, Mapping[str, Any]], ...]
    polled_at: datetime
    head: str

    @property
    def key(self) -> str:
        """A change is applied once."""
        return f"feed:{self.first}"


class FeedConfirmed(Struct, frozen=True, kw_only=True):
    """A later poll found the final status still standing."""

    polled_at: datetime

    @property
    def key(self) -> str:
        """A poll confirms once."""
        return f"poll:{self.polled_at.isoformat()}"


class FeedGapFound(Struct, frozen=True, kw_only=True):
    """Changes came while earlier ones are missing. They were not taken: all are asked for again, by this `attempt`."""

    attempt: int
    expected: int
    first: int

    @property
    def key(self) -> str:
        """Each asking again is numbered."""
        return f"feed-gap:{self.attempt}"


class RostersFrozen(Struct, frozen=True, kw_only=True):
    """The contest is locked and its ACTIVE entries are packed beside the log: `size` bytes of this hash (CFG-006)."""

    contest_id: str
    entries: int
    sha256: str
    size: int

    @property
    def key(self) -> str:
        """Rosters are frozen once."""
        return "rosters:frozen"


class SettlementStarted(Struct, frozen=True, kw_only=True):
    """A settlement run was given its inputs: the changes up to `checkpoint` (exclusive) and the ACTIVE entries."""

    run_id: str
    attempt: int
    checkpoint: int
    input_sha256: str

    @property
    def key(self) -> str:
        """Runs are numbered."""
        return f"settlement:{self.attempt}:started"


class SettledEntry(Struct, frozen=True, kw_only=True):
    """One entry's place in the result; `status` is `ranked`, or `cut` if it missed the entry cut."""

    entry_id: str
    account_did: str
    rank: int
    status: str
    score: int | None
    prize_cents: int


class SettlementRecorded(Struct, frozen=True, kw_only=True):
    """The contest is settled: every score and every prize of one run, all or nothing (SET-003, SET-005)."""

    contest_id: str
    run_id: str
    attempt: int
    checkpoint: int
    score_version: int
    started_at: datetime
    input_sha256: str
    result_sha256: str
    currency: str
    pot_cents: int
    rake_cents: int
    entries: tuple[SettledEntry, ...]

    @property
    def key(self) -> str:
        """A contest settles once."""
        return "settlement:recorded"


class SettlementFailed(Struct, frozen=True, kw_only=True):
    """A settlement run failed; `error` is its code and its details, `retry_at` when the next run is due (SET-006)."""

    contest_id: str
    run_id: str
    attempt: int
    checkpoint: int
    started_at: datetime
    input_sha256: str
    error: Mapping[str, Any]
    retry_at: datetime

    @property
    def key(self) -> str:
        """A run fails once."""
        return f"settlement:{self.attempt}:failed"


class PrizePaid(Struct, frozen=True, kw_only=True):
    """The transfer of an entry's winnings is completed."""

    entry_id: str
    amount_cents: int
    stripe_transfer_id: str

    @property
    def key(self) -> str:
        """A prize is paid once (I4)."""
        return f"prize:{self.entry_id}:paid"


class PrizeUnpayable(Struct, frozen=True, kw_only=True):
    """The transfer failed for good; the winner holds the money as available balance."""

    entry_id: str
    amount_cents: int
    reason: str

    @property
    def key(self) -> str:
        """A transfer fails for good once."""
        return f"prize:{self.entry_id}:unpayable"


ENTRY_EVENTS: tuple[type, ...] = (
    EntryReserved,
    EntryPicksChanged,
    EntryActivated,
    EntryRefused,
    EntryExpired,
    EntryWithdrawn,
    EntryCancelled,
)
"""What happens to one entry. All that is known of entries is in the file's rows, too; see `storage.boards`."""

EVENTS: tuple[type, ...] = (
    ContestCreated,
    ContestConfigChanged,
    ConfigChangeRefused,
    StatusChanged,
    TransitionRefused,
    *ENTRY_EVENTS,
    FeedApplied,
    FeedConfirmed,
    FeedGapFound,
    LateChangesReceived,
    RostersFrozen,
    SettlementStarted,
    SettlementRecorded,
    SettlementFailed,
    AuditStarted,
    AuditEnded,
    PrizePaid,
    PrizeUnpayable,
)
