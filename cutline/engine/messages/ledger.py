"""The messages to `ledger`: Stripe's events, requests of other actors and of edges; they must not know any account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from cutline.engine.errors import RejectCode


class RecordStripeEvent(Struct, frozen=True, kw_only=True):
    """Record what Stripe said and what it does to the books, in one commit.

    `object` is the parsed `data.object`; `body` the raw bytes, stored sealed and never logged; `sha256` their digest.
    `fetched`: Stripe listed the event when asked; its bytes are not those of a delivery, which may still come.
    """

    event_id: str
    type: str
    api_version: str | None
    livemode: bool
    created: int
    account: str | None
    object: Mapping[str, Any]
    sha256: str
    body: bytes
    fetched: bool = False


class RefuseStripeEvent(Struct, frozen=True, kw_only=True):
    """Keep a dead letter of a signed event that this installation does not take: its livemode is not ours (C-11)."""

    event_id: str
    type: str
    livemode: bool
    expected_livemode: bool


class CommandBroke(Struct, frozen=True, kw_only=True):
    """From the file's own writer: judging or writing `command` raised; keep what must not be lost of it.

    `reason` names the exception and its place in the code, and nothing that the exception says.
    """

    command: Any
    code: RejectCode
    reason: str


class RetryForwarding(Struct, frozen=True, kw_only=True):
    """From the scheduler or an edge: post again what broke and is due, in order of time, at most `limit` events.

    `force` takes what is not due and what was given up; `event_id` chooses one event. Nothing is forwarded twice.
    """

    limit: int
    force: bool = False
    event_id: str | None = None


class PostAgain(Struct, frozen=True, kw_only=True):
    """From a task: make this attempt to post a recorded event; without `event` its body cannot be read any more."""

    event_id: str
    attempt: int
    event: RecordStripeEvent | None


class ReadForwarding(Struct, frozen=True, kw_only=True):
    """Ask what came of these attempts to post events again. Decides nothing."""

    events: tuple[tuple[str, int], ...]


class FetchUndelivered(Struct, frozen=True, kw_only=True):
    """From the scheduler: list what Stripe could not deliver, unless that was done within the day."""


class UndeliveredListed(Struct, frozen=True, kw_only=True):
    """From a task: all events of one list have been sent before this message."""

    found: int


class AllEventsListed(Struct, frozen=True, kw_only=True):
    """From a task: after a restore every event that Stripe still lists has been sent before this message."""

    found: int


class IngestSettlement(Struct, frozen=True, kw_only=True):
    """From an edge with the ledger's key: credit an account with what an outside service has collected (LED-001).

    `provider_reference` names the fact, once; `day_cap_cents` bounds what one UTC day may bring in a currency.
    """

    idempotency_key: str
    provider_reference: str
    account_did: str
    amount_cents: int
    currency: str
    day_cap_cents: int


class ReadSettlement(Struct, frozen=True, kw_only=True):
    """Ask for the settlement of a payment by its provider's reference (LED-002). Decides nothing."""

    provider_reference: str


class PlatformBalanceRead(Struct, frozen=True, kw_only=True):
    """From a task: the platform's balance as (currency, available, pending) in cents."""

    balances: tuple[tuple[str, int, int], ...]


class ReadMoneyHealth(Struct, frozen=True, kw_only=True):
    """Ask for the figures to be watched: the outbox, dead letters, and the platform's funds. Decides nothing."""


class MoveEntryFee(Struct, frozen=True, kw_only=True):
    """From a contest: move one fee. activated: escrow to pot; refused: escrow to refunds; returned: pot to refunds."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    outcome: Literal["activated", "refused", "returned"]
    reason: str


class ReadStrandedFees(Struct, frozen=True, kw_only=True):
    """Ask for the fees that have waited in escrow for their contest for so long. Decides nothing."""

    older_than_minutes: int


class LookForStrandedFees(Struct, frozen=True, kw_only=True):
    """From the scheduler: raise an alert if there are such fees."""

    older_than_minutes: int


class ReturnStrandedFee(Struct, frozen=True, kw_only=True):
    """From an edge: give a fee back whose contest does not exist and that has waited for so long."""

    payment_intent: str
    older_than_minutes: int


class Prize(Struct, frozen=True, kw_only=True):
    """One winning entry and what it wins."""

    entry_id: str
    account_did: str
    amount_cents: int


class PostSettlement(Struct, frozen=True, kw_only=True):
    """From a contest: divide the pot into prizes and rake. The legs sum to the pot; a contest settles once."""

    contest_id: str
    currency: str
    score_version: int
    pot_cents: int
    rake_cents: int
    prizes: tuple[Prize, ...]
    result_sha256: str


class RecordAnchor(Struct, frozen=True, kw_only=True):
    """Keep the head of another file's chain, so that a cut tail or a swapped file shows. `hash` is hexadecimal."""

    address: str
    seq: int
    hash: str
    reason: str


class LockTransfer(Struct, frozen=True, kw_only=True):
    """From payouts: hold the winnings of one entry before Stripe is called (available to held)."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str


class CompleteTransfer(Struct, frozen=True, kw_only=True):
    """From payouts: Stripe has made the transfer; book it and free the hold."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    stripe_transfer_id: str
    stripe_account_id: str


class FailTransfer(Struct, frozen=True, kw_only=True):
    """From payouts: the transfer failed for good; return held to available."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    reason: str


class AbandonTransfer(Struct, frozen=True, kw_only=True):
    """From payouts: the transfer ended before Stripe was called; return what is held for it, and hold nothing more."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    reason: str


class RefundOutcome(Struct, frozen=True, kw_only=True):
    """From payments: Stripe's answer about one refund of an entry's fee.

    A refund that Stripe refused to make has no id; its money stays where it waits, and a person is told.
    """

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    stripe_refund_id: str | None
    succeeded: bool
    reason: str | None = None


class BalanceTransactionsListed(Struct, frozen=True, kw_only=True):
    """From a task: balance transactions of Stripe, oldest first, as plain mappings; fees and top-ups are booked."""

    items: tuple[Mapping[str, Any], ...]


class PostTransaction(Struct, frozen=True, kw_only=True):
    """From an edge with the ledger's key: post balanced legs once. Legs are (account, cents), debit positive.

    A leg on a held account needs `hold_source`: what the money is kept for.
    """

    idempotency_key: str
    effect_key: str
    kind: str
    currency: str
    legs: tuple[tuple[str, int], ...]
    occurred_at: datetime
    hold_source: str | None = None


class ReadAccount(Struct, frozen=True, kw_only=True):
    """Ask for the balances of one account holder: available and held, in cents. Decides nothing."""

    account_did: str


class ReadTrail(Struct, frozen=True, kw_only=True):
    """Ask which rows of the ledger's log concern one account holder. Decides nothing."""

    account_did: str


class ReadTrialBalance(Struct, frozen=True, kw_only=True):
    """Ask for every account's balance in cents. Decides nothing."""


class WriteOffDebt(Struct, frozen=True, kw_only=True):
    """From an admin: give up what is owed for one loss, named by its dispute or by its refund made outside."""

    loss_event_id: str
    actor: str
    reason: str


class CloseAccount(Struct, frozen=True, kw_only=True):
    """From an admin: an account holder is gone; what is theirs goes to suspense, now and later (POUT-043)."""

    account_did: str
    actor: str
    reason: str


class ReadDebts(Struct, frozen=True, kw_only=True):
    """Ask for the debts and open disputes of one account holder, or of all. Decides nothing."""

    account_did: str | None = None
