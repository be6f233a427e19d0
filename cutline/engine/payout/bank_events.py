"""What the log of payouts can say about payouts to the bank; logic-free."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from cutline.engine.messages.bank import PayoutOutcome


def payout_key(payout_id: str) -> str:
    """Return the business key of a payout, which is also the first attempt's key at Stripe."""
    return f"payout:{payout_id}"


class PayoutInitiated(Struct, frozen=True, kw_only=True):
    """The ledger holds the money of a payout. `transfer_cents` is what the connected account lacks of it."""

    payout_id: str
    account_did: str
    amount_cents: int
    currency: str
    transfer_cents: int
    principal: str
    idempotency_key: str
    head: str
    created_at: datetime

    @property
    def key(self) -> str:
        """Return the business key: a payout begins once."""
        return payout_key(self.payout_id)


class PayoutFunded(Struct, frozen=True, kw_only=True):
    """Stripe has transferred to the connected account what it lacked."""

    payout_id: str
    stripe_transfer_id: str
    stripe_account_id: str

    @property
    def key(self) -> str:
        """Return the business key: what is lacking is transferred once."""
        return f"{payout_key(self.payout_id)}:funded"


class PayoutAccepted(Struct, frozen=True, kw_only=True):
    """Stripe has made the payout. `arrives_at` is when the bank should have the money, as Stripe expects it."""

    payout_id: str
    stripe_payout_id: str
    arrives_at: datetime | None

    @property
    def key(self) -> str:
        """Return the business key: a payout is made once."""
        return f"{payout_key(self.payout_id)}:accepted"


class PayoutOutcomeRecorded(Struct, frozen=True, kw_only=True):
    """How a payout ended, by a webhook or by asking. A payout may fail after it was paid."""

    payout_id: str
    outcome: PayoutOutcome
    stripe_payout_id: str | None
    reason: str | None
    report: str

    @property
    def key(self) -> str:
        """Return the business key: each end is reported once."""
        return f"{payout_key(self.payout_id)}:reported:{self.outcome}"


class PayoutFinalized(Struct, frozen=True, kw_only=True):
    """The ledger has booked how the payout ended."""

    payout_id: str
    outcome: PayoutOutcome
    finalized_at: datetime

    @property
    def key(self) -> str:
        """Return the business key: each end is booked once (POUT-013, POUT-014)."""
        return f"{payout_key(self.payout_id)}:{self.outcome}"


class PayoutRetried(Struct, frozen=True, kw_only=True):
    """Somebody asked for the next step of a payout at once."""

    payout_id: str
    number: int
    actor: str

    @property
    def key(self) -> str:
        """Return the business key: retries are counted."""
        return f"{payout_key(self.payout_id)}:retry:{self.number}"


BankEvent = PayoutInitiated | PayoutFunded | PayoutAccepted | PayoutOutcomeRecorded | PayoutFinalized | PayoutRetried
BANK_EVENTS: Final = (
    PayoutInitiated,
    PayoutFunded,
    PayoutAccepted,
    PayoutOutcomeRecorded,
    PayoutFinalized,
    PayoutRetried,
)


class Change(Struct, frozen=True, kw_only=True):
    """What an event says of a payout to whoever audits it: the status it has then, who did it, and why (POUT-020)."""

    status: str
    actor: str
    reason: str


def change_of(event: BankEvent) -> Change:
    """Return what an event of a payout means to its audit."""
    match event:
        case PayoutInitiated():
            return Change(status="initiated", actor=event.principal, reason="the money is held")
        case PayoutFunded():
            return Change(status="funded", actor="stripe", reason=event.stripe_transfer_id)
        case PayoutAccepted():
            return Change(status="accepted", actor="stripe", reason=event.stripe_payout_id)
        case PayoutOutcomeRecorded():
            return Change(status=f"finalizing_{event.outcome}", actor="stripe", reason=event.reason or "")
        case PayoutFinalized():
            return Change(status=event.outcome, actor="ledger", reason="the end is booked")
        case PayoutRetried():
            return Change(status="retried", actor=event.actor, reason="a retry was asked for")
