"""What the ledger's log can say; logic-free, so that the books can be read from the events alone.

A posting carries the running balance of each leg, so a typed row needs nothing but its event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from cutline.engine.messages import Prize

Outcome = Literal["posted", "duplicate_effect", "suspense", "recorded", "ignored", "dead_letter", "pending"]
"""What a Stripe event came to.

`recorded`: it moves no money, but others are told or it is remembered. `pending`: its posting broke and is tried again.
"""


def fee_key(payment_intent: str) -> str:
    """Name what is owed to a contest about a fee, until it has it or the fee is called back."""
    return f"fee:{payment_intent}"


class Posting(Struct, frozen=True, kw_only=True):
    """A transaction as it was booked. Legs are (account, cents, balance after), debits above zero."""

    effect_key: str
    kind: str
    currency: str
    legs: tuple[tuple[str, int, int], ...]
    occurred_at: datetime
    hold_source: str | None = None


class AccountOpened(Struct, frozen=True, kw_only=True):
    """An account of the chart is used for the first time, in this currency (LED-010)."""

    account: str
    kind: str
    currency: str

    @property
    def key(self) -> str:
        """Return the business key: an account opens once."""
        return f"account:{self.account}"


class StripeEventRecorded(Struct, frozen=True, kw_only=True):
    """What Stripe said, what we made of it and what it did to the books, in one event (PAY-009, PAY-010).

    `facts` are the mapped facts that outlive the sealed body; amounts in them are cents, as decimal strings.
    `fetched` tells an event that was listed from one that was delivered, whose bytes differ, by what both have.
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
    fetched: str | None = None

    @property
    def key(self) -> str:
        """Return the business key, which is the forwarding idempotency key (PAY-014)."""
        return f"stripe:event:{self.event_id}"


class PostingBroke(Struct, frozen=True, kw_only=True):
    """An attempt to post a recorded event broke; it moved nothing. Without `next_retry_at` no other one is scheduled.

    `reason` names places and figures, never what Stripe sent (PAY-039).
    """

    event_id: str
    attempt: int
    code: str
    http_status: int
    reason: str
    next_retry_at: datetime | None

    @property
    def key(self) -> str:
        """Return the business key: each attempt ends once."""
        return f"stripe:event:{self.event_id}:attempt:{self.attempt}"


class StripeEventForwarded(Struct, frozen=True, kw_only=True):
    """A recorded event whose posting had broken is in the books now (FWD-011, FWD-013)."""

    event_id: str
    attempt: int
    outcome: Outcome
    posting: Posting | None
    facts: Mapping[str, str]

    @property
    def key(self) -> str:
        """Return the business key: an event is forwarded once."""
        return f"stripe:event:{self.event_id}:forwarded"


class EventQuarantined(Struct, frozen=True, kw_only=True):
    """Stripe's id of a recorded event came again with another body; it moved nothing."""

    event_id: str
    type: str
    recorded_sha256: str
    sha256: str

    @property
    def key(self) -> str:
        """Return the business key: each foreign body is kept once."""
        return f"stripe:event:{self.event_id}:quarantined:{self.sha256}"


class DeadLettered(Struct, frozen=True, kw_only=True):
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


class FeeCalledBack(Struct, frozen=True, kw_only=True):
    """A fee went back in the place of its contest, which is not told of it any more."""

    payment_intent: str
    contest_id: str

    @property
    def key(self) -> str:
        """Return the business key: a payment is called back once."""
        return f"called-back:{self.payment_intent}"

    @property
    def withdraws(self) -> tuple[str, ...]:
        """Return the keys of what the file owes no longer."""
        return (fee_key(self.payment_intent),)


class TransactionPosted(Struct, frozen=True, kw_only=True):
    """A balanced transaction that another actor or an edge asked for.

    `content` is what was asked, field by field, so that a second request under the key can be compared by
    name; it is empty where the posting says all of it.
    """

    idempotency_key: str
    posting: Posting
    content: Mapping[str, str]
    prizes: tuple[Prize, ...] = ()

    @property
    def key(self) -> str:
        """Return the business key: who asked (LED-008)."""
        return self.idempotency_key


class AccountClosed(Struct, frozen=True, kw_only=True):
    """An account holder is gone: what is theirs goes to suspense, now and later (POUT-043)."""

    account_did: str
    actor: str
    reason: str

    @property
    def key(self) -> str:
        """Return the business key: an account is closed once."""
        return f"account-closed:{self.account_did}"


class TransferEndedUnlocked(Struct, frozen=True, kw_only=True):
    """A winner's transfer ended before anything was held for it; the winnings stay where they are."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    reason: str

    @property
    def key(self) -> str:
        """Return the business key: a transfer ends once."""
        return f"transfer-ended:{self.contest_id}:{self.entry_id}"


class PayoutAdmitted(Struct, frozen=True, kw_only=True):
    """The money of a payout to the bank is held. `transfer_cents` is what the connected account lacks of it."""

    payout_id: str
    account_did: str
    amount_cents: int
    currency: str
    transfer_cents: int
    principal: str
    idempotency_key: str

    @property
    def key(self) -> str:
        """Return the business key: a payout is admitted once."""
        return f"payout:{self.payout_id}:admitted"


class AnchorRecorded(Struct, frozen=True, kw_only=True):
    """The head of another file's chain at one moment, kept outside that file."""

    address: str
    seq: int
    hash: str
    reason: str

    @property
    def key(self) -> str:
        """Return the business key: one head for each place in a chain."""
        return f"anchor:{self.address}:{self.seq}"


class BalanceListingRequested(Struct, frozen=True, kw_only=True):
    """Stripe is asked for the balance transactions that are newer than `after`."""

    requested_at: datetime
    after: str | None

    @property
    def key(self) -> str:
        """Return the business key: one request at a moment."""
        return f"balance-listing:{self.requested_at.isoformat()}"


class BalanceTransactionsRead(Struct, frozen=True, kw_only=True):
    """Stripe's balance transactions are booked up to `last`."""

    last: str

    @property
    def key(self) -> str:
        """Return the business key: the cursor stands at each transaction once."""
        return f"balance-read:{self.last}"


class UndeliveredEventsListed(Struct, frozen=True, kw_only=True):
    """Stripe has listed the events that it could not deliver; those among them that were missing are recorded."""

    listed_at: datetime
    found: int

    @property
    def key(self) -> str:
        """Return the business key: one list at a moment."""
        return f"undelivered:{self.listed_at.isoformat()}"


class AllEventsListedAgain(Struct, frozen=True, kw_only=True):
    """After a restore, everything that Stripe still listed is recorded."""

    listed_at: datetime
    found: int

    @property
    def key(self) -> str:
        """Return the business key: one list at a moment."""
        return f"listed-again:{self.listed_at.isoformat()}"


class Funds(Struct, frozen=True, kw_only=True):
    """What the platform has at Stripe in one currency, and what it owes and could be asked for today, in cents."""

    currency: str
    available_cents: int
    pending_cents: int
    owed_cents: int


class PlatformFundsRead(Struct, frozen=True, kw_only=True):
    """The platform's balance at Stripe was compared with what the books say is owed."""

    read_at: datetime
    funds: tuple[Funds, ...]

    @property
    def key(self) -> str:
        """Return the business key: one comparison at a moment."""
        return f"funds:{self.read_at.isoformat()}"


EVENTS: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        AccountClosed,
        AccountOpened,
        StripeEventRecorded,
        PostingBroke,
        StripeEventForwarded,
        EventQuarantined,
        DeadLettered,
        FeeCalledBack,
        TransactionPosted,
        TransferEndedUnlocked,
        PayoutAdmitted,
        AnchorRecorded,
        BalanceListingRequested,
        BalanceTransactionsRead,
        UndeliveredEventsListed,
        AllEventsListedAgain,
        PlatformFundsRead,
    )
}
