"""Booking fees and top-ups from Stripe's own list of what moved the balance; it fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.ledger import postings
from cutline.engine.ledger.booking import CURRENCY, Session, book
from cutline.engine.ledger.events import (
    BalanceListingRequested,
    BalanceTransactionsRead,
    DeadLettered,
    TransactionPosted,
)
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import BalanceTransactionsListed, ListBalanceTransactions, Look, ReadPlatformBalance

LISTING_INTERVAL: Final = timedelta(hours=1)

_CHARGED: Final = frozenset({"stripe_fee", "network_cost", "tax_fee"})
"""Types whose amount itself is the fee."""

_FEES_ELSEWHERE: Final = frozenset({"adjustment"})
"""Types whose fee another posting books: a dispute's fee belongs to the dispute."""


def listing_due_at(state: LedgerState) -> datetime | None:
    """Return when Stripe is to be asked next; never before the first payment."""
    since = state.listing_requested_at or state.first_payment_at
    return None if since is None else since + LISTING_INTERVAL


def look(state: LedgerState, _command: Look, now: datetime) -> Decision:
    """Ask for newer balance transactions and for the platform's balance, at most once an hour."""
    due_at = listing_due_at(state)
    if due_at is None or now < due_at:
        return Accepted()
    return Accepted(
        events=(BalanceListingRequested(requested_at=now, after=state.balance_cursor),),
        effects=(ListBalanceTransactions(after=state.balance_cursor), ReadPlatformBalance()),
    )


def book_balance_transactions(state: LedgerState, command: BalanceTransactionsListed, now: datetime) -> Decision:
    """Book the fees and top-ups of a list, each once by its own id; what cannot be read is dead-lettered."""
    session = Session()
    events: list[Any] = []
    last: str | None = None
    for item in command.items:
        identity = item.get("id")
        if not isinstance(identity, str) or not identity:
            continue
        last = identity
        draft = _draft(identity, item)
        if draft is None or draft.effect_key in state.effects or draft.effect_key in session.effects:
            continue
        booked = book(state, draft, _occurred_at(item, now), session)
        if isinstance(booked, Rejected):
            events.extend(_unbooked(state, identity, booked))
            continue
        content = {"balance_transaction": identity, "type": str(item.get("type"))}
        events.extend(booked.opened)
        events.append(
            TransactionPosted(
                idempotency_key=draft.effect_key,
                posting=booked.posting,
                content=content,
            )
        )
    if last is not None and last not in state.balance_cursors:
        events.append(BalanceTransactionsRead(last=last))
    return Accepted(events=events)


def _draft(identity: str, item: Mapping[str, Any]) -> Draft | None:
    kind, currency = item.get("type"), item.get("currency")
    amount_cents, fee_cents = item.get("amount"), item.get("fee") or 0
    if not isinstance(currency, str) or CURRENCY.fullmatch(currency) is None:
        return None
    if type(amount_cents) is not int or type(fee_cents) is not int:
        return None
    if kind == "topup" and amount_cents > 0:
        return postings.top_up(identity, amount_cents, currency)
    if kind in _CHARGED:
        fee_cents -= amount_cents
    if kind in _FEES_ELSEWHERE or not fee_cents:
        return None
    return postings.stripe_fee(identity, fee_cents, currency)


def _occurred_at(item: Mapping[str, Any], now: datetime) -> datetime:
    created = item.get("created")
    if type(created) is int and 0 <= created <= int(now.timestamp()):
        return datetime.fromtimestamp(created, UTC)
    return now


def _unbooked(state: LedgerState, identity: str, refusal: Rejected) -> tuple[DeadLettered, ...]:
    subject = f"btxn:{identity}"
    if subject in state.dead_letters:
        return ()
    return (
        DeadLettered(
            subject=subject,
            event_id=None,
            event_type=None,
            failure_class=refusal.code.value,
            details={name: str(value) for name, value in refusal.details.items()},
        ),
    )
