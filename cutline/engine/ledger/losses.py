"""Judging what admins say of losses and accounts: write-offs and closures; and reading debts. It asks no Stripe."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.booking import Session, book
from cutline.engine.ledger.events import AccountClosed, TransactionPosted
from cutline.engine.ledger.loss_state import Debt, Dispute
from cutline.engine.ledger.requests import answered, content_of, post
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import CloseAccount, ReadDebts, WriteOffDebt


def write_off(state: LedgerState, command: WriteOffDebt, now: datetime) -> Decision:
    """End a debt, once: what is frozen for it pays its part, the platform bears the rest.

    Refused: NOT_FOUND for a loss that left no debt, INVALID_STATUS_TRANSITION where the debt was settled another way.
    """
    name = command.loss_event_id
    content = content_of(command)
    answer = answered(state, f"loss-event:{name}:written_off", content)
    if answer is not None:
        return answer
    debt = state.losses.debts.get(name)
    if debt is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"loss_event_id": name})
    standing_cents = state.books.get(debt.currency, {}).get(accounts.receivable(debt.account_did), 0)
    owed_cents = min(debt.left_cents, standing_cents)
    if owed_cents <= 0:
        return Rejected(code=RejectCode.INVALID_STATUS_TRANSITION, details={"loss_event_id": name, "from": "paid"})
    held_cents = min(owed_cents, _frozen_cents(state, name, debt))
    draft = postings.written_off(name, debt.account_did, held_cents, owed_cents - held_cents, debt.currency)
    return post(state, draft, now, content)


def close_account(state: LedgerState, command: CloseAccount, now: datetime) -> Decision:
    """Close an account, once: what is available goes to suspense, and so will all that comes later (POUT-043).

    Refused: ACCOUNT_UNKNOWN for a holder that never had money.
    """
    did = command.account_did
    name = accounts.available(did)
    if did in state.losses.closed:
        return Accepted(reply={"deduped": True, "account_did": did})
    currencies = [currency for currency, book_of in sorted(state.books.items()) if name in book_of]
    if not currencies:
        return Rejected(code=RejectCode.ACCOUNT_UNKNOWN, details={"account_did": did})
    session = Session()
    events: list[Any] = [AccountClosed(account_did=did, actor=command.actor, reason=command.reason)]
    for currency in currencies:
        cents = -state.books[currency][name]
        if cents <= 0:
            continue
        draft = postings.account_closed(did, cents, currency, part=len(session.effects) + 1)
        booked = book(state, draft, now, session)
        if isinstance(booked, Rejected):
            return booked
        posted = TransactionPosted(
            idempotency_key=draft.effect_key, posting=booked.posting, content=content_of(command)
        )
        events += [*booked.opened, posted]
    return Accepted(events=events, reply={"deduped": False, "account_did": did})


def read_debts(state: LedgerState, command: ReadDebts, _now: datetime) -> Decision:
    """Answer the debts and open disputes of one holder, or of all, oldest first."""
    did = command.account_did
    losses = state.losses
    debts = [(name, debt) for name, debt in losses.debts.items() if did in (None, debt.account_did)]
    disputes = [(name, one) for name, one in losses.disputes.items() if did in (None, one.account_did)]
    return Accepted(
        reply={
            "debts": [_debt(state, name, debt) for name, debt in debts],
            "disputes": [_dispute(state, name, one) for name, one in disputes if one.status == "open"],
        }
    )


def _debt(state: LedgerState, name: str, debt: Debt) -> dict[str, Any]:
    return {
        "loss_event_id": name,
        "account_did": debt.account_did,
        "cause": debt.cause,
        "status": "written_off" if debt.written_off else "owed" if debt.left_cents else "paid",
        "amount_cents": debt.amount_cents,
        "frozen_cents": _frozen_cents(state, name, debt),
        "currency": debt.currency,
        "since": debt.since,
    }


def _dispute(state: LedgerState, name: str, dispute: Dispute) -> dict[str, Any]:
    return {
        "loss_event_id": name,
        "account_did": dispute.account_did,
        "payment_intent": dispute.payment_intent,
        "status": dispute.status,
        "amount_cents": dispute.amount_cents,
        "frozen_cents": _frozen_cents(state, name, dispute),
        "currency": dispute.currency,
        "since": dispute.since,
    }


def _frozen_cents(state: LedgerState, name: str, loss: Debt | Dispute) -> int:
    if loss.account_did is None:
        return 0
    return state.holds.get((accounts.held(loss.account_did), postings.loss_hold_source(name), loss.currency), 0)
