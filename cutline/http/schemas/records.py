"""What is answered about ingestion, settlement runs and audits: for ops, who have no shell to look with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import StringConstraints

from cutline.http.schemas.base import Given, Queried

Point = Annotated[
    str,
    StringConstraints(pattern=r"^(settled|late|checkpoint:[0-9]{1,9}|[a-z0-9][a-z0-9_-]{0,63}:settlement:[0-9]{1,9})$"),
]
"""Where a contest can be settled: its own run, with all late corrections, after so many changes, or a run by its id."""


class SettlementsCompared(Queried):
    """Which two points are compared."""

    before: Point = "settled"
    after: Point = "late"


class PollGiven(Given):
    """The last poll of the provider; `good_at` is when something sound came."""

    asked_at: datetime | None
    answered_at: datetime | None
    good_at: datetime | None
    http_status: int | None
    duration_ms: float | None


class HeldGiven(Given):
    """A value that went back and is not believed: `believed` stands while `served` has come `polls` times in a row."""

    subject: str
    kind: str
    believed: str
    served: str
    polls: int
    received_at: datetime


class HappeningGiven(Given):
    """One event of the feed's log."""

    seq: int
    at: datetime
    type: str
    details: dict[str, Any]


class ProviderGiven(Given):
    """The provider's event, as its feed stands for all contests on it. `pending` waits for this contest."""

    event_status: str | None
    changes: int
    pending: int
    pending_since: datetime | None
    payloads: int
    rejected_payloads: int
    failing: str | None
    failing_since: datetime | None
    lag_seconds: float | None
    lagging: bool
    last_poll: PollGiven
    next_poll_at: datetime | None
    held: list[HeldGiven]
    recent: list[HappeningGiven]


class IngestionGiven(Given):
    """What a contest has taken of its provider's event; `provider` is null until its feed has a file."""

    contest_id: str
    status: str
    provider_event_id: str
    event_status: str | None
    changes_applied: int
    polled_at: datetime | None
    field_complete: bool
    field_count: int | None
    field_sha256: str | None
    waiting_for_gap: bool
    late_changes: int
    late_corrections: int
    provider: ProviderGiven | None


class IngestionRestartedGiven(Given):
    """The feed whose actor was opened again from its file."""

    contest_id: str
    provider_event_id: str
    restarted: bool


class SettlementRunGiven(Given):
    """One row of `settlement_audit`; `checkpoint` counts the changes of the feed that the run has read."""

    run_id: str
    contest_id: str
    score_version: int
    checkpoint: int
    status: str
    error: dict[str, Any] | None
    input_sha256: str
    result_sha256: str | None
    started_at: datetime
    ended_at: datetime


class AuditGiven(Given):
    """One audit of a settled contest; with an `error` it could not look."""

    number: int
    run_id: str
    started_at: datetime
    ended_at: datetime
    mismatches: list[str]
    error: dict[str, Any] | None
    next_at: datetime


class SettlementAuditGiven(Given):
    """Every settlement run and every audit of a contest, oldest first."""

    contest_id: str
    settlement_status: str
    runs: list[SettlementRunGiven]
    audits: list[AuditGiven]
    next_audit_at: datetime | None
    mismatches: list[str]
    late_corrections: int


class PointGiven(Given):
    """One side of a comparison: what settling there gives, or why it is refused."""

    point: str
    checkpoint: int
    score_version: int | None = None
    input_sha256: str | None = None
    result_sha256: str | None = None
    entries: int | None = None
    pot_cents: int | None = None
    rake_cents: int | None = None
    refused: dict[str, Any] | None = None


class PlaceGiven(Given):
    """What one side gives one entry, in cents."""

    rank: int
    status: str
    score: int | None
    prize_cents: int


class EntryDifferenceGiven(Given):
    """An entry that the two sides place otherwise; `difference_cents` is what the later gives more."""

    entry_id: str
    account_did: str | None
    before: PlaceGiven | None
    after: PlaceGiven | None
    difference_cents: int


class ChangeGiven(Given):
    """One numbered change of the feed."""

    number: int
    type: str
    payload: dict[str, Any]


class SettlementDifferenceGiven(Given):
    """How two points of one contest differ. Nothing is paid by it, and nothing paid is taken back."""

    contest_id: str
    currency: str
    before: PointGiven
    after: PointGiven
    same: bool
    moved_cents: int
    accounts: dict[str, int]
    entries: list[EntryDifferenceGiven]
    changes_between: int
    changes: list[ChangeGiven]
