"""What is asked and answered about money in that stands still: intents without an end, fees without a contest."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from cutline.http.schemas.base import Given, Queried


class AgeQueried(Queried):
    """How old what is listed must be; without it what the installation finds too old."""

    older_than_minutes: int | None = Field(default=None, ge=0, le=9_999_999)


class OrphanedIntentGiven(Given):
    """An intent that exists at Stripe and has not ended, though it is old."""

    payment_intent: str
    contest_id: str
    entry_id: str
    account_did: str
    status: str
    amount_cents: int
    currency: str
    open_since: datetime


class OrphanedIntentsGiven(Given):
    """Such intents, oldest first."""

    older_than_minutes: int
    intents: list[OrphanedIntentGiven]


class StrandedFeeGiven(Given):
    """A fee that waits in escrow for a contest that does not answer."""

    payment_intent: str
    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    waits_since: datetime


class StrandedFeesGiven(Given):
    """Such fees, oldest first."""

    older_than_minutes: int
    fees: list[StrandedFeeGiven]


class FeeReturnedGiven(Given):
    """A fee that is on its way back."""

    payment_intent: str
    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    deduped: bool
