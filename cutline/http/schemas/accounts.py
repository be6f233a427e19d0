"""What is asked and answered about account holders: statements, debts, closures, yearly totals. Amounts in cents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cutline.http.schemas.base import Asked, Day, Given, Queried

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
LossEventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class StatementQueried(Queried):
    """The UTC days of a statement, both included; all of them where none is named."""

    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="to")
    format: Literal["json", "csv"] = "json"


class YearQueried(Queried):
    """A year, by UTC."""

    year: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}$")]
    format: Literal["json", "csv"] = "json"


class StatementLineGiven(Given):
    """One thing that happened to a holder's money. The amount is above zero; the kind says which way it went.

    The four balances are those after it: what can be used, what is kept for a purpose, what is owed to us, and what
    lies in the holder's own account at Stripe.
    """

    at: datetime
    kind: str
    amount_cents: int
    currency: str
    available_cents: int
    held_cents: int
    debt_cents: int
    connected_cents: int
    contest_id: str | None
    entry_id: str | None
    reference: str


class StatementGiven(Given):
    """A holder's lines, oldest first, and their sums by currency and kind."""

    account_did: str
    lines: list[StatementLineGiven]
    totals: dict[str, dict[str, int]]


class DebtGiven(Given):
    """What a holder owes for one loss, and what of their money is frozen for it."""

    loss_event_id: str
    account_did: str
    cause: str
    status: str
    amount_cents: int
    frozen_cents: int
    currency: str
    since: datetime


class DisputeGiven(Given):
    """A dispute that is not decided yet. Without `account_did` nobody here is known to have paid."""

    loss_event_id: str
    account_did: str | None
    payment_intent: str | None
    status: str
    amount_cents: int
    frozen_cents: int
    currency: str
    since: datetime


class DebtsGiven(Given):
    """Debts and open disputes, oldest first."""

    debts: list[DebtGiven]
    disputes: list[DisputeGiven]


class WriteOffAsked(Asked):
    """The loss whose debt is given up, by its dispute or by its refund made outside, and why."""

    loss_event_id: LossEventId
    reason: Reason


class WriteOffGiven(Given):
    """A debt that is given up."""

    loss_event_id: str
    deduped: bool


class ClosureAsked(Asked):
    """Why an account is closed."""

    reason: Reason


class ClosureGiven(Given):
    """An account that is closed."""

    account_did: str
    deduped: bool


class YearlyTotalGiven(Given):
    """What one winner won, paid and was paid in one year and currency."""

    year: int
    account_did: str
    currency: str
    winnings_cents: int
    prizes: int
    fees_cents: int
    refunds_cents: int
    transferred_cents: int
    paid_out_cents: int


class YearlyTotalsGiven(Given):
    """The totals of every winner of a year."""

    year: int
    totals: list[YearlyTotalGiven]
