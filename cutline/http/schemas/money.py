"""What is asked and answered about payments, connected accounts, transfers and the ledger. Amounts are in cents."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from cutline.http.schemas.base import AccountDid, Asked, ContestId, EntryId, Given, Queried

Currency = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]

_SPACES: Final = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_EMAIL: Final = re.compile(f"[^@{_SPACES}]+@[^@{_SPACES}]+")
"""By ECMAScript, as JSON Schema reads a pattern: what it takes for a space differs from Python's and from Rust's."""


def _email(text: str) -> str:
    if _EMAIL.fullmatch(text) is None:
        raise ValueError("no address")
    return text


Email = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "maxLength": 254, "pattern": r"^[^@\s]+@[^@\s]+$"}),
]


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
    email: Email | None = None


class OnboardGiven(Given):
    """A connected account, and Stripe's page where its holder finishes the onboarding."""

    account_did: str
    status: str
    stripe_account_id: str
    url: str | None = None
    transfers_active: bool


class TransfersQueried(Queried):
    """Whose transfers: one contest's, or all."""

    contest_id: ContestId | None = None


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


class AccountQueried(Queried):
    """Which currency is shown first; without it the first by name."""

    currency: Currency | None = None


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


class RefundAsked(Asked):
    """The entry to be taken back before the lock, and its fee with it."""

    contest_id: ContestId
    entry_id: EntryId


class RefundGiven(Given):
    """A refund as it was asked for. `nothing_paid`: the entry was taken back before its fee had come."""

    contest_id: str
    entry_id: str
    entry_status: str
    status: Literal["requested", "nothing_paid"]
    amount_cents: int
    currency: str
    payment_intent: str | None = None
    deduped: bool = False


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,200}$")]


class SettlementAsked(Asked):
    """What an outside service has collected for an account holder. `provider_reference` names the fact, once."""

    provider_reference: Reference
    account_did: AccountDid
    amount_cents: int = Field(gt=0, le=10**12)
    currency: Currency
    idempotency_key: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")] | None = None


class SettlementsQueried(Queried):
    """Whose settlement: a payment intent's id or an outside reference."""

    provider_reference: str = Field(min_length=1, max_length=255)


class SettlementGiven(Given):
    """One settlement. `suspended`: the money came, and is nobody's yet."""

    settlement_id: str
    provider_reference: str
    status: Literal["confirmed", "suspended"]
    account_did: str | None
    amount_cents: int
    currency: str
    deduped: bool = False


class SettlementsGiven(Given):
    """The settlements of a provider's reference: one."""

    settlements: list[SettlementGiven]


class ForwardingAsked(Asked):
    """Which events to post again: at most `limit`, one by its id, with `force` also what is not due or given up."""

    limit: int = Field(default=100, ge=1, le=1000)
    force: bool = False
    event_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None


class ForwardingGiven(Given):
    """What came of it."""

    attempted: int
    forwarded: int
    failed: int
