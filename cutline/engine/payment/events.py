"""What the log of payments can say about intents and refunds; logic-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from cutline.engine.stripe_attempts import CALL_EVENTS


class IntentPlanned(Struct, frozen=True, kw_only=True):
    """An entry's fee is to be paid by one payment intent."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str

    @property
    def key(self) -> str:
        """Return the business key, which is also the first attempt's key at Stripe."""
        return f"payment:intent:{self.contest_id}:{self.entry_id}"


class IntentClaimed(Struct, frozen=True, kw_only=True):
    """An app has taken the entry's intent under an idempotency key; no other key can take it (PAY-031)."""

    contest_id: str
    entry_id: str
    principal: str
    idempotency_key: str

    @property
    def key(self) -> str:
        """Return the business key: an entry's intent is taken once."""
        return f"payment:claim:{self.contest_id}:{self.entry_id}"


class IntentCreated(Struct, frozen=True, kw_only=True):
    """Stripe has made the intent; its client can pay by the secret."""

    contest_id: str
    entry_id: str
    payment_intent: str
    client_secret: str | None

    @property
    def key(self) -> str:
        """Return the business key: an entry's intent is created once."""
        return f"payment:intent:{self.contest_id}:{self.entry_id}:created"


class IntentFailed(Struct, frozen=True, kw_only=True):
    """Stripe will not make the intent."""

    contest_id: str
    entry_id: str
    code: str
    message: str

    @property
    def key(self) -> str:
        """Return the business key: an entry's intent fails once."""
        return f"payment:intent:{self.contest_id}:{self.entry_id}:failed"


class IntentCancelRequested(Struct, frozen=True, kw_only=True):
    """The entry has lost its seat; nobody shall pay for it any more."""

    contest_id: str
    entry_id: str
    reason: str

    @property
    def key(self) -> str:
        """Return the business key: an intent is cancelled once."""
        return f"payment:cancel:{self.contest_id}:{self.entry_id}"


class IntentCancelEnded(Struct, frozen=True, kw_only=True):
    """The cancellation has its outcome: the intent is cancelled, or was paid before and stays paid."""

    contest_id: str
    entry_id: str
    outcome: Literal["canceled", "succeeded"]

    @property
    def key(self) -> str:
        """Return the business key: a cancellation ends once."""
        return f"payment:cancel:{self.contest_id}:{self.entry_id}:ended"


class IntentReportRecorded(Struct, frozen=True, kw_only=True):
    """A webhook has said what became of the intent."""

    contest_id: str
    entry_id: str
    payment_intent: str
    status: Literal["succeeded", "failed", "canceled"]
    reason: str | None
    report: str

    @property
    def key(self) -> str:
        """Return the business key: each report counts once."""
        return f"intent-report:{self.report}"


class RefundPlanned(Struct, frozen=True, kw_only=True):
    """A fee is to go back by one refund. An entry may have been paid twice; each payment has its own."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    reason: str

    @property
    def key(self) -> str:
        """Return the business key, which is also the first attempt's key at Stripe."""
        return f"payment:refund:{self.payment_intent}"


class RefundAdvanced(Struct, frozen=True, kw_only=True):
    """Stripe has said where the refund stands. `refused`: it was never made; `failed`: it came back."""

    contest_id: str
    entry_id: str
    payment_intent: str
    status: Literal["submitted", "confirmed", "failed", "refused"]
    stripe_refund_id: str | None
    reason: str | None = None

    @property
    def key(self) -> str:
        """Return the business key: a refund reaches each standing once."""
        return f"payment:refund:{self.payment_intent}:{self.status}"


EVENTS: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        IntentPlanned,
        IntentClaimed,
        IntentCreated,
        IntentFailed,
        IntentCancelRequested,
        IntentCancelEnded,
        IntentReportRecorded,
        RefundPlanned,
        RefundAdvanced,
        *CALL_EVENTS,
    )
}
