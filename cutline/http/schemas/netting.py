"""What is asked and answered about netting runs. Amounts are in cents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from cutline.engine.ledger.netting import LIMIT_MAX
from cutline.http.schemas.base import Asked, Given, Queried


class NettingAsked(Asked):
    """Which payouts to net: of one currency, final by `selection_before` (inclusive; now), at most `limit`."""

    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    selection_before: AwareDatetime | None = None
    limit: int | None = Field(default=None, ge=1, le=LIMIT_MAX)
    idempotency_key: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")] | None = None


class NettingEntryGiven(Given):
    """One entry of a run: payouts of one day, posted together."""

    entry_id: str
    group_key: str
    payout_count: int
    amount_cents: int
    status: Literal["pending", "applying", "applied", "failed"]


class NettingFailureGiven(Given):
    """Why a run stands still."""

    entry_id: str
    code: str
    reason: str


class NettingRunGiven(Given):
    """A run as it stands. `result` says what an applied run did; `noop`: there was nothing to net."""

    run_id: str
    idempotency_key: str
    status: Literal["created", "running", "applied", "failed"]
    result: Literal["netted", "noop"] | None = None
    currency: str
    selection_before: datetime
    candidate_count: int
    total_cents: int
    entry_count: int
    applied_entry_count: int
    artifact_sha256: str | None = None
    attempt: int
    created_at: datetime
    applied_at: datetime | None = None
    failure: NettingFailureGiven | None = None
    entries: list[NettingEntryGiven]
    deduped: bool = False


class NettingReportQueried(Queried):
    """In which form: CSV, whose bytes the sha256 is of, or JSON."""

    format: Literal["json", "csv"] = "json"


class NettedPayoutGiven(Given):
    """One payout's way through the clearing accounts; `returned`, below zero, where it came back after it was paid."""

    payout_id: str
    movement: Literal["paid", "returned"]
    amount_cents: int
    finalized_at: datetime
    ledger_seq: int


class NettedEntryGiven(Given):
    """One entry of a report."""

    entry_id: str
    group_key: str
    amount_cents: int
    payouts: list[NettedPayoutGiven]


class NettingReportGiven(Given):
    """The report of an applied run. `artifact_sha256` is that of the same report as CSV, byte for byte."""

    run_id: str
    currency: str
    selection_before: datetime
    candidate_count: int
    total_cents: int
    artifact_sha256: str
    entries: list[NettedEntryGiven]
