"""The ledger's memory, folded from its log, and what can be read from it; only `fold` changes it.

Plain dictionaries, because every webhook passes through here.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Literal

from cutline.engine.canonical import canonical_json
from cutline.engine.errors import InvariantViolated
from cutline.engine.ledger import accounts, loss_state
from cutline.engine.ledger.events import (
    AccountClosed,
    AccountOpened,
    AllEventsListedAgain,
    AnchorRecorded,
    BalanceListingRequested,
    BalanceTransactionsRead,
    DeadLettered,
    EventQuarantined,
    FeeCalledBack,
    Funds,
    PayoutAdmitted,
    PlatformFundsRead,
    Posting,
    PostingBroke,
    StripeEventForwarded,
    StripeEventRecorded,
    TransactionPosted,
    TransferEndedUnlocked,
    UndeliveredEventsListed,
)
from cutline.engine.ledger.netting_state import NettingState
from cutline.engine.ledger.payout_book import PayoutBook
from cutline.engine.retries import DEFAULT, RetryTerms

Place = Literal["escrow", "pot", "refunds", "refunded", "available", "suspense"]

_PLACES: Final[dict[str, Place]] = {
    "entry_payment": "escrow",
    "payment": "available",
    "suspended_payment": "suspense",
    "entry_activated": "pot",
    "entry_refused": "refunds",
    "entry_returned": "refunds",
    "refund_succeeded": "refunded",
    "refund_refused": "available",
}
"""Where a payment's money lies after each kind of posting; other kinds leave it where it was."""


@dataclass(slots=True, kw_only=True)
class Payment:
    """One payment that Stripe reported, and where its money lies now."""

    contest_id: str | None
    entry_id: str | None
    account_did: str | None
    amount_cents: int
    currency: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """An event that is not in the books yet: how often it was tried, how the last attempt ended, and since when."""

    attempts: int
    code: str
    http_status: int
    next_retry_at: datetime | None
    since: datetime


@dataclass(slots=True)
class LedgerState:
    """Balances and everything that must not happen twice. Balances are debit-positive cents, by currency."""

    books: dict[str, dict[str, int]] = field(default_factory=dict)
    accounts: dict[str, accounts.AccountKind] = field(default_factory=dict)
    holds: dict[tuple[str, str, str], int] = field(default_factory=dict)
    effects: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str | Posting] = field(default_factory=dict)
    """What a request said, by its key: its fields, `joined`, or its posting where that says all of it."""
    stripe_events: dict[str, tuple[str, str]] = field(default_factory=dict)
    quarantined: set[str] = field(default_factory=set)
    dead_letters: set[str] = field(default_factory=set)
    payments: dict[str, Payment] = field(default_factory=dict)
    escrowed: dict[str, datetime] = field(default_factory=dict)
    """Since when a payment waits in escrow for its contest's word, by its intent."""
    failed_refunds: set[str] = field(default_factory=set)
    early_refunds: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    """Refunds, (cents, currency) by id, that were reported before their payment, by its intent."""
    payouts: PayoutBook = field(default_factory=PayoutBook)
    anchors: dict[str, str] = field(default_factory=dict)
    listing_requested_at: datetime | None = None
    listing_outstanding: bool = False
    first_payment_at: datetime | None = None
    balance_cursor: str | None = None
    balance_cursors: set[str] = field(default_factory=set)
    outbox: dict[str, OutboxRow] = field(default_factory=dict)
    fetched: dict[str, str] = field(default_factory=dict)
    undelivered_listed_at: datetime | None = None
    all_listed_at: datetime | None = None
    ingest_day: date | None = None
    ingested_cents: dict[str, int] = field(default_factory=dict)
    funds: tuple[Funds, ...] = ()
    funds_read_at: datetime | None = None
    trails: dict[str, array[int]] = field(default_factory=dict)
    """Rows of the log that concern a holder, by account; kept by `trails.follow`."""
    losses: loss_state.Losses = field(default_factory=loss_state.Losses)
    netting: NettingState = field(default_factory=NettingState)
    """Folded by `netting_state.follow`."""
    retries: RetryTerms = DEFAULT
    """Terms of the installation, folded from nothing."""


def balances(state: LedgerState, account_did: str, currency: str) -> tuple[int, int]:
    """Return what an account holder has, (available, held), in cents at or above zero (LED-003)."""
    book = state.books.get(currency, {})
    return -book.get(accounts.available(account_did), 0), -book.get(accounts.held(account_did), 0)


def trial_balance(state: LedgerState) -> dict[str, dict[str, int]]:
    """Return every account's balance by currency, debit-positive cents; each currency sums to zero."""
    return {currency: dict(sorted(book.items())) for currency, book in sorted(state.books.items())}


def joined(content: Mapping[str, str]) -> str:
    """Return a request's fields as one string that can be compared and taken apart again.

    The order of the fields is no content: a request just made and one read from the log again give the same string.
    """
    return canonical_json(content if type(content) is dict else dict(content)).decode()


def fold(state: LedgerState, event: object, at: datetime) -> None:
    """Fold one event, committed at `at`, into the state."""
    folding = _FOLDINGS.get(type(event))
    if folding is None:
        raise TypeError(f"the ledger's log has no {type(event).__name__}")
    folding(state, event, at)


def _fold_stripe_event(state: LedgerState, event: StripeEventRecorded, at: datetime) -> None:
    state.stripe_events[event.event_id] = (event.sha256, event.outcome)
    if event.fetched is not None:
        state.fetched[event.event_id] = event.fetched
    _fold_meaning(state, event, event.key, at)


def _fold_forwarded(state: LedgerState, event: StripeEventForwarded, at: datetime) -> None:
    state.outbox.pop(event.event_id)
    state.stripe_events[event.event_id] = (state.stripe_events[event.event_id][0], event.outcome)
    _fold_meaning(state, event, f"stripe:event:{event.event_id}", at)


def _fold_transaction(state: LedgerState, event: TransactionPosted, at: datetime) -> None:
    posting, content = event.posting, event.content
    if event.idempotency_key in state.contents:
        raise InvariantViolated(f"{event.idempotency_key} is the key of another transaction already")
    _post(state, posting, event.idempotency_key, at)
    if posting.kind == "outside_ingest":
        _fold_ingest(state, posting, at)
    if not content:
        state.contents[event.idempotency_key] = posting
        return
    state.contents[event.idempotency_key] = joined(content)
    if "stripe_transfer_id" in content:
        loss_state.remember_transfer(state.losses, posting, content["stripe_transfer_id"])
    intent = content.get("payment_intent")
    _move_payment(state, posting, intent)
    if intent is not None and posting.kind == "refund_outside":
        loss_state.remember_payment(state.losses, posting, intent)
    state.payouts.award(event.prizes, posting.currency)
    state.payouts.post(posting.kind, content)


def _fold_admission(state: LedgerState, event: PayoutAdmitted, _at: datetime) -> None:
    state.payouts.admit(event)


def _fold_abandonment(state: LedgerState, event: TransferEndedUnlocked, _at: datetime) -> None:
    state.payouts.abandon(event)


def _fold_opening(state: LedgerState, event: AccountOpened, _at: datetime) -> None:
    kind = accounts.kind_of(event.account)
    if kind is not None:
        state.accounts[event.account] = kind


def _fold_closure(state: LedgerState, event: AccountClosed, _at: datetime) -> None:
    state.losses.closed.setdefault(event.account_did, 0)


def _fold_quarantine(state: LedgerState, event: EventQuarantined, _at: datetime) -> None:
    state.quarantined.add(event.key)


def _fold_dead_letter(state: LedgerState, event: DeadLettered, _at: datetime) -> None:
    state.dead_letters.add(event.subject)


def _fold_nothing(_state: LedgerState, _event: FeeCalledBack, _at: datetime) -> None:
    """What a fact changes outside this memory is its reader's to know: here, what is still owed to a contest."""


def _fold_anchor(state: LedgerState, event: AnchorRecorded, _at: datetime) -> None:
    state.anchors[event.key] = event.hash


def _fold_listing_request(state: LedgerState, event: BalanceListingRequested, _at: datetime) -> None:
    state.listing_requested_at = event.requested_at
    state.listing_outstanding = True


def _fold_listing(state: LedgerState, event: BalanceTransactionsRead, _at: datetime) -> None:
    state.balance_cursor = event.last
    state.balance_cursors.add(event.last)
    state.listing_outstanding = False


def _fold_undelivered(state: LedgerState, event: UndeliveredEventsListed, _at: datetime) -> None:
    state.undelivered_listed_at = event.listed_at


def _fold_all_listed(state: LedgerState, event: AllEventsListedAgain, _at: datetime) -> None:
    state.all_listed_at = event.listed_at


def _fold_funds(state: LedgerState, event: PlatformFundsRead, _at: datetime) -> None:
    state.funds, state.funds_read_at = event.funds, event.read_at


def _fold_break(state: LedgerState, event: PostingBroke, at: datetime) -> None:
    before = state.outbox.get(event.event_id)
    state.outbox[event.event_id] = OutboxRow(
        attempts=event.attempt,
        code=event.code,
        http_status=event.http_status,
        next_retry_at=event.next_retry_at,
        since=at if before is None else before.since,
    )
    outcome = "pending" if event.next_retry_at is not None else "dead_letter"
    state.stripe_events[event.event_id] = (state.stripe_events[event.event_id][0], outcome)


def _fold_ingest(state: LedgerState, posting: Posting, at: datetime) -> None:
    if state.ingest_day != at.date():
        state.ingest_day, state.ingested_cents = at.date(), {}
    cents = sum([cents for _, cents, _ in posting.legs if cents > 0])
    state.ingested_cents[posting.currency] = state.ingested_cents.get(posting.currency, 0) + cents


def _fold_meaning(
    state: LedgerState, event: StripeEventRecorded | StripeEventForwarded, key: str, at: datetime
) -> None:
    """Fold what an event came to, whether at its first posting or at a later one."""
    facts = event.facts
    posting = event.posting
    if posting is None:
        _fold_unbooked_refund(state, facts)
        return
    _post(state, posting, key, at)
    if posting.kind == "dispute_created":
        loss_state.open_dispute(state.losses, posting, facts, at)
    intent = facts.get("payment_intent")
    if intent is None:
        return
    if posting.kind in ("entry_payment", "payment", "suspended_payment"):
        if state.first_payment_at is None:
            state.first_payment_at = at
        state.payments[intent] = payment_of(facts, posting.kind)
        if "charge" in facts:
            state.losses.charges[facts["charge"]] = intent
        if state.payments[intent].place == "escrow":
            state.escrowed[intent] = at
        state.early_refunds.pop(intent, None)
        return
    if posting.kind == "refund_outside":
        loss_state.remember_payment(state.losses, posting, intent)
    _move_payment(state, posting, intent)


def payment_of(facts: Mapping[str, str], kind: str) -> Payment:
    """Return the payment that the facts of an event tell of, where a posting of this kind lays its money."""
    return Payment(
        contest_id=facts.get("contest_id"),
        entry_id=facts.get("entry_id"),
        account_did=facts.get("account_did"),
        amount_cents=int(facts["amount_cents"]),
        currency=facts["currency"],
        place=_PLACES[kind],
    )


def _fold_unbooked_refund(state: LedgerState, facts: Mapping[str, str]) -> None:
    """Remember what is said of a refund that cannot be booked yet; only an early one carries its amount."""
    status = facts.get("refund_status")
    if status == "failed":
        state.failed_refunds.add(facts["refund"])
    elif status == "succeeded" and "amount_cents" in facts:
        early = state.early_refunds.setdefault(facts.get("payment_intent", ""), {})
        early[facts["refund"]] = (int(facts["amount_cents"]), facts["currency"])


def _move_payment(state: LedgerState, posting: Posting, intent: str | None) -> None:
    payment = None if intent is None else state.payments.get(intent)
    if payment is None or intent is None:
        return
    moved_cents = sum(cents for _, cents, _ in posting.legs if cents > 0)
    if moved_cents == payment.amount_cents or payment.place != "suspense":
        payment.place = _PLACES.get(posting.kind, payment.place)
        if payment.place != "escrow":
            state.escrowed.pop(intent, None)


def _post(state: LedgerState, posting: Posting, key: str, at: datetime) -> None:
    book = state.books.get(posting.currency)
    if book is None:
        book = state.books[posting.currency] = {}
    for account, _, balance in posting.legs:
        book[account] = balance
    state.effects[posting.effect_key] = key
    if posting.kind in loss_state.KINDS:
        loss_state.fold_posting(state.losses, posting, at)
    source = posting.hold_source
    if source is not None:
        for account, cents, _ in posting.legs:
            if account.endswith(":held"):
                hold = (account, source, posting.currency)
                left = state.holds.get(hold, 0) - cents
                if left:
                    state.holds[hold] = left
                else:
                    state.holds.pop(hold, None)


_FOLDINGS: Final[Mapping[type, Callable[[LedgerState, Any, datetime], None]]] = {
    StripeEventRecorded: _fold_stripe_event,
    StripeEventForwarded: _fold_forwarded,
    PostingBroke: _fold_break,
    TransactionPosted: _fold_transaction,
    AccountClosed: _fold_closure,
    AccountOpened: _fold_opening,
    PayoutAdmitted: _fold_admission,
    TransferEndedUnlocked: _fold_abandonment,
    EventQuarantined: _fold_quarantine,
    DeadLettered: _fold_dead_letter,
    AnchorRecorded: _fold_anchor,
    FeeCalledBack: _fold_nothing,
    BalanceListingRequested: _fold_listing_request,
    BalanceTransactionsRead: _fold_listing,
    UndeliveredEventsListed: _fold_undelivered,
    AllEventsListedAgain: _fold_all_listed,
    PlatformFundsRead: _fold_funds,
}
