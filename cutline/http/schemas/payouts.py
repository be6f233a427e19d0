"""What is asked and answered about payouts to the bank. Amounts are in cents, times in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from cutline.http.paging import LIMIT_MAX, PageAsked
from cutline.http.schemas.base import AccountDid, Asked, Given, Queried

Status = Literal["initiated", "submitted", "finalizing_paid", "finalizing_failed", "paid", "failed"]
WaitsFor = Literal["account", "stripe", "bank", "ledger"]


def _utc(value: datetime) -> datetime:
    """Read a day or a time without zone as UTC; a time that leaves the calendar on its way to UTC stays where it is."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return value.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX)]


class PayoutAsked(Asked):
    """What is to be paid to whose bank: the caller's own, unless an admin names another."""

    account_did: AccountDid | None = None
    amount_cents: int = Field(gt=0, le=10**12)
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]


class PayoutGiven(Given):
    """One payout to the bank. `waits_for` says whose turn it is; `transfer_cents` what its account lacked of it."""

    payout_id: str
    account_did: str
    amount_cents: int
    currency: str
    status: Status
    waits_for: WaitsFor | None = None
    created_at: datetime
    finalized_at: datetime | None = None
    transfer_cents: int
    stripe_transfer_id: str | None = None
    stripe_payout_id: str | None = None
    arrives_at: datetime | None = None
    attempts: int
    next_attempt_at: datetime | None = None
    reason: str | None = None
    deduped: bool = False


class PayoutAuditGiven(Given):
    """One change of a payout: what it came to, who did it, and why."""

    at: datetime
    status: str
    actor: str
    reason: str


class PayoutReadGiven(PayoutGiven):
    """One payout with everything that has happened to it."""

    audit_events: list[PayoutAuditGiven]


class PayoutsQueried(PageAsked):
    """Which payouts: created from `from` (inclusive) to `to` (exclusive); `cursor` is the last page's `next_cursor`."""

    created_from: Moment = Field(alias="from")
    created_before: Moment = Field(alias="to")
    account_did: AccountDid | None = None
    status: Status | None = None


class PayoutsGiven(Given):
    """One page of payouts, in order of (created_at, payout_id)."""

    payouts: list[PayoutGiven]
    next_cursor: str | None = None


class StuckPayoutsQueried(Queried):
    """How long a payout must have waited to count as stuck; without it, as long as this installation says."""

    minutes: Annotated[int, Field(ge=1, le=525_600)] | None = None
    limit: Limit = LIMIT_MAX


class UntriggeredQueried(Queried):
    """How long ago a contest must have settled; without it, as long as this installation says."""

    minutes: Annotated[int, Field(ge=1, le=525_600)] | None = None
    limit: Limit = LIMIT_MAX


class FailedPayoutsQueried(Queried):
    """How many of the latest failed payouts."""

    limit: Limit = LIMIT_MAX


class PayoutsCountedGiven(Given):
    """The first payouts of all that there are of a kind, and how many these are."""

    payouts: list[PayoutGiven]
    count: int


class UntriggeredGiven(Given):
    """A contest that has settled and has no transfer. `waits_for` says who has not taken its settlement yet."""

    contest_id: str
    settled_at: datetime
    prizes: int
    waits_for: Literal["ledger", "payouts"]


class UntriggeredCountedGiven(Given):
    """The first of these contests, the longest wait first, and how many there are."""

    older_than_minutes: int
    contests: list[UntriggeredGiven]
    count: int
