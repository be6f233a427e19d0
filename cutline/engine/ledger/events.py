"""What the ledger's log can say; logic-free, so that the books can be read from the events alone.

A posting carries the running balance of each leg, so a typed row needs nothing but its event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from cutline.engine.messages import Prize

Outcome = Literal["posted", "duplicate_effect", "suspense", "recorded", "ignored", "dead_letter"]
"""What a Stripe event came to. `recorded`: it moves no money, but others are told or it is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A transaction as it was booked. Legs are (account, cents, balance after), debits above zero."""

    effect_key: str
    kind: str
    currency: str
    legs: tuple[tuple[str, int, int], ...]
    occurred_at: datetime
    hold_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    """An account of the chart is used for the first time, in this currency (LED-010)."""

    account: str
    kind: str
    currency: str

    @property
    def key(self) -> str:
        """Return the business key: an account opens once."""
        return f"account:{self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEventRecorded:
    """What Stripe said, what we made of it and what it did to the books, in one event (PAY-009, PAY-010).

    `facts` are the mapped facts that outlive the sealed body; amounts in them are cents, as decimal strings.
    """

    event_id: str
    type: str
    api_version: str | None
    livemode: bool
    created: int
    account: str | None
    sha256: str
    outcome: Outcome
    posting: Posting | None
    facts: Mapping[str, str]

    @property
    def key(self) -> str:
        """Return the business key, which is the forwarding idempotency key (PAY-014)."""
        return f"stripe:event:{self.event_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuarantined:
    """Stripe's id of a recorded event came again with another body; it moved nothing."""

    event_id: str
    type: str
    recorded_sha256: str
    sha256: str

    @property
    def key(self) -> str:
        """Return the business key: each foreign body is kept once."""
        return f"stripe:event:{self.event_id}:quarantined:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLettered:
    """Something that a person must look at; what is known of it, without personal data."""

    subject: str
    event_id: str | None
    event_type: str | None
    failure_class: str
    details: Mapping[str, str]

    @property
    def key(self) -> str:
        """Return the business key: one dead letter for each subject."""
        return f"dead-letter:{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPosted:
    """A balanced transaction that another actor or an edge asked for.

    `content` is what was asked, field by field, so that a second request under the key can be compared by
    name.
    """

    idempotency_key: str
    posting: Posting
    content: Mapping[str, str]
    content_sha256: str
    prizes: tuple[Prize, ...] = ()

    @property
    def key(self) -> str:
        """Return the business key: who asked (LED-008)."""
        return self.idempotency_key


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRecorded:
    """The head of another file's chain at one moment, kept outside that file."""

    address: str
    seq: int
    hash: str
    reason: str

    @property
    def key(self) -> str:
        """Return the business key: one head for each place in a chain."""
        return f"anchor:{self.address}:{self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceListingRequested:
    """Stripe is asked for the balance transactions that are newer than `after`."""

    requested_at: datetime
    after: str | None

    @property
    def key(self) -> str:
        """Return the business key: one request at a moment."""
        return f"balance-listing:{self.requested_at.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTransactionsRead:
    """Stripe's balance transactions are booked up to `last`."""

    last: str

    @property
    def key(self) -> str:
        """Return the business key: the cursor stands at each transaction once."""
        return f"balance-read:{self.last}"


EVENTS: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        AccountOpened,
        StripeEventRecorded,
        EventQuarantined,
        DeadLettered,
        TransactionPosted,
        AnchorRecorded,
        BalanceListingRequested,
        BalanceTransactionsRead,
    )
}
