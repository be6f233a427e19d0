"""What is asked and answered about payments, connected accounts, transfers and the ledger. Amounts are in cents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from cutline.http.schemas.base import AccountDid, Asked, ContestId, EntryId, Given


class IntentAsked(Asked):
    """The entry whose payment intent is wanted."""

    contest_id: ContestId
    entry_id: EntryId


class IntentGiven(Given):
    """A payment intent: Stripe's id, how it stands, and while it can be paid the secret that lets an app pay it."""

    payment_intent: str
    client_secret: str | None = None
    status: str
    amount_cents: int
    currency: str


class OnboardAsked(Asked):
    """Whose connected account is wanted: the caller's own, unless staff names another."""

    account_did: AccountDid | None = None
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)] | None = None


class OnboardGiven(Given):
    """A connected account, and Stripe's page where its holder finishes the onboarding."""

    account_did: str
    status: str
    stripe_account_id: str
    url: str | None = None
    transfers_active: bool


class TransferGiven(Given):
    """One payment of winnings to a connected account."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    status: str
    attempts: int
    next_attempt_at: datetime | None = None
    stripe_transfer_id: str | None = None
    reason: str | None = None


class TransfersGiven(Given):
    """Transfers of one contest, or of all."""

    transfers: list[TransferGiven]


class BalanceGiven(Given):
    """What an account holder has in one currency."""

    available: int
    held: int


class AccountGiven(Given):
    """An account holder's balances: the chosen currency's, and all of them."""

    account_did: str
    currency: str
    available: int
    held: int
    balances: dict[str, BalanceGiven]


class TrialBalanceGiven(Given):
    """Every account's balance by currency, debit positive; each currency sums to zero."""

    balances: dict[str, dict[str, int]]
    sums: dict[str, int]
