"""Booking a refund that Stripe did not make: it pays what the same payment cost us, and the rest stays its holder's.

Stripe makes none where the payment has gone back already, by its dashboard or by a dispute. It asks no Stripe.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.ledger import accounts, loss_state, postings
from cutline.engine.ledger.booking import Session, book
from cutline.engine.ledger.events import Posting, TransactionPosted
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.requests import content_of
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import RaiseAlert, RefundOutcome

RUNBOOK: Final = "runbooks/money-went-back.md"


def refund_refused(state: LedgerState, command: RefundOutcome, now: datetime) -> Decision:
    """Set what was due off against the debts that the same payment left, and credit the rest (PAY-042, PAY-043).

    A debt that is paid so ends its freeze. While a dispute is open the credit is frozen like any other. The fee must
    lie where refunds are due; that is the caller's to know.
    """
    did, currency = command.account_did, command.currency
    debts = loss_state.debts_of(state.losses, command.payment_intent, currency)
    debts_cents = sum(debt.left_cents for _, debt in debts)
    standing_cents = state.books.get(currency, {}).get(accounts.receivable(did), 0)
    owed_cents = max(0, min(command.amount_cents, debts_cents, standing_cents))
    draft = postings.refund_refused(
        command.payment_intent, command.contest_id, did, owed_cents, command.amount_cents, currency
    )
    session, content = Session(), content_of(command)
    booked = book(state, draft, now, session)
    if isinstance(booked, Rejected):
        return booked
    events: list[Any] = [*booked.opened, _posted(booked.posting, content)]
    for release in _releases(state, booked.posting, did):
        released = book(state, release, now, session)
        if isinstance(released, Rejected):
            return released
        events += [*released.opened, _posted(released.posting, content)]
    details = {
        "payment_intent": command.payment_intent,
        "contest_id": command.contest_id,
        "entry_id": command.entry_id,
        "reason": command.reason,
        "debt_paid_cents": owed_cents,
        "credited_cents": command.amount_cents - owed_cents,
        "currency": currency,
    }
    alert = RaiseAlert(name="refund_refused", runbook=RUNBOOK, details=details)
    return Accepted(events=events, reply={"deduped": False, "idempotency_key": draft.effect_key}, effects=(alert,))


def _releases(state: LedgerState, posting: Posting, did: str) -> list[Draft]:
    """Return the ends of the freezes whose debts are paid whole by this posting."""
    drafts = []
    for name, cents in loss_state.paid_off(state.losses, posting).items():
        source = postings.loss_hold_source(name)
        held_cents = state.holds.get((accounts.held(did), source, posting.currency), 0)
        if held_cents and cents == state.losses.debts[name].left_cents:
            drafts.append(postings.loss_hold_resolved(name, did, held_cents, posting.currency))
    return drafts


def _posted(posting: Posting, content: Mapping[str, str]) -> TransactionPosted:
    return TransactionPosted(idempotency_key=posting.effect_key, posting=posting, content=content)
