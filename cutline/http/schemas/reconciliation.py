"""What is answered about reconciliation: the daily report of payouts, and days held against Stripe, in cents."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from cutline.http.schemas.base import Asked, Day, Given, Queried


class DailyQueried(Queried):
    """The UTC day of a report."""

    date: Day
    format: Literal["json", "csv"] = "json"


class PayingGiven(Given):
    """One transfer or payout, as it stood at the day's end."""

    section: str
    id: str
    account_did: str
    contest_id: str | None
    entry_id: str | None
    status: str
    currency: str
    amount_cents: int
    created_at: datetime
    changed_at: datetime


class StatusTotalGiven(Given):
    """How many transfers or payouts stood so, and their sum."""

    section: str
    status: str
    currency: str
    count: int
    amount_cents: int


class LedgerTotalGiven(Given):
    """What a kind of posting moved on the day, or how a group of accounts stood before and after it."""

    section: str
    id: str
    currency: str
    amount_cents: int
    count: int | None = None
    opening_cents: int | None = None
    closing_cents: int | None = None


class DailyPayoutsGiven(Given):
    """The report of one UTC day. `complete`: the day is over, and the report will never change.

    `artifact_sha256` is the SHA-256 of the report as CSV; `clearing_did` is the account that paid payouts drain into.
    """

    date: str
    complete: bool
    clearing_did: str
    artifact_sha256: str
    rows: list[PayingGiven]
    totals: list[StatusTotalGiven]
    ledger: list[LedgerTotalGiven]


class DifferenceGiven(Given):
    """One thing that Stripe and the books do not say alike; cents above zero came to the platform."""

    kind: str
    subject: str
    currency: str | None
    stripe_cents: int | None
    ledger_cents: int | None
    detail: str


class DayTotalsGiven(Given):
    """What moved the platform's balance on the day, by each side."""

    currency: str
    stripe_cents: int
    ledger_cents: int


class DayLineGiven(Given):
    """One day: its last run, and how many differences it left; none while it has not been compared."""

    day: str
    run: int
    started_at: datetime
    under_way: bool
    differences_found: int | None


class DaysGiven(Given):
    """Every day that was compared, the latest first, and how many differences the last week has left."""

    open_differences: int
    days: list[DayLineGiven]


class DayGiven(DayLineGiven):
    """One day in full; of very many differences only the first are named."""

    stripe_items: int
    ledger_lines: int
    totals: list[DayTotalsGiven]
    differences: list[DifferenceGiven]


class ComparisonAsked(Asked):
    """The UTC day that is to be compared with Stripe again."""

    date: Day


class ComparisonGiven(Given):
    """A comparison that is under way."""

    day: str
    run: int
    deduped: bool
