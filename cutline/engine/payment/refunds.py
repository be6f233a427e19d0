"""Judging refunds of entry fees: one for each payment, made by Stripe, told to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from cutline.engine.decision import Accepted, Decision, Owed, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RefundEntry, RefundOutcome, RefundReported
from cutline.engine.payment.events import RefundAdvanced, RefundPlanned
from cutline.engine.payment.lifecycle import REFUNDS, RefundStatus
from cutline.engine.payment.state import PaymentState, Refund
from cutline.engine.stripe_attempts import Parameters
from cutline.engine.stripe_call import Judgement, start

_CONTENT: Final = ("contest_id", "entry_id", "account_did", "amount_cents", "currency")

_SAID: Final[dict[str, Literal["submitted", "confirmed", "failed"]]] = {
    "succeeded": "confirmed",
    "failed": "failed",
    "canceled": "failed",
}
"""Stripe's words for a refund's standing; every other word means that it is on its way."""


def refund_entry(state: PaymentState, command: RefundEntry, now: datetime) -> Decision:
    """Plan the refund of one fee and call Stripe, once for each payment (PAY-042).

    Refused: IDEMPOTENCY_KEY_REUSED where the payment's refund is of another entry or amount.
    """
    refund = state.refunds.get(command.payment_intent)
    if refund is not None:
        for name in _CONTENT:
            if getattr(refund.plan, name) != getattr(command, name):
                details = {"idempotency_key": refund.plan.key, "field": name}
                return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)
        return Accepted(reply={"deduped": True, "status": refund.status.value})
    plan = RefundPlanned(
        contest_id=command.contest_id,
        entry_id=command.entry_id,
        account_did=command.account_did,
        amount_cents=command.amount_cents,
        currency=command.currency,
        payment_intent=command.payment_intent,
        reason=command.reason,
    )
    started, effect = start(plan.key, "create_refund", _parameters(plan), now)
    return Accepted(
        events=(plan, started),
        reply={"deduped": False, "status": RefundStatus.PLANNED.value},
        effects=(effect,),
    )


def refund_answered(state: PaymentState, payment_intent: str, judged: Judgement) -> Decision:
    """Record what Stripe made of the refund."""
    refund = state.refunds[payment_intent]
    if judged.outcome == "failed":
        return _advance(refund, "refused", None, judged.code)
    return _advance(refund, _said(judged.object.get("status")), str(judged.object["id"]), _reason(judged))


def refund_reported(state: PaymentState, command: RefundReported, _now: datetime) -> Decision:
    """Take a webhook's word about a refund that we planned; others are the ledger's business alone."""
    refund = state.refunds.get(command.payment_intent)
    if refund is None or refund.stripe_refund_id not in (None, command.stripe_refund_id):
        return Accepted(reply={"deduped": False})
    return _advance(refund, _said(command.status), command.stripe_refund_id, None)


def refund_owed(state: PaymentState, event: RefundAdvanced) -> Sequence[Owed]:
    """Return what the ledger must be told of a refund: that it is made, or that it is not."""
    if event.status == "submitted":
        return ()
    plan = state.refunds[event.payment_intent].plan
    outcome = RefundOutcome(
        contest_id=plan.contest_id,
        entry_id=plan.entry_id,
        account_did=plan.account_did,
        amount_cents=plan.amount_cents,
        currency=plan.currency,
        payment_intent=plan.payment_intent,
        stripe_refund_id=event.stripe_refund_id,
        succeeded=event.status == "confirmed",
        reason=event.reason,
    )
    return (Owed(key=event.key, to="ledger", message=outcome),)


def _advance(
    refund: Refund,
    said: Literal["submitted", "confirmed", "failed", "refused"],
    stripe_refund_id: str | None,
    reason: str | None,
) -> Accepted:
    after = REFUNDS.get((refund.status, RefundStatus(said)))
    if after is None or after is refund.status:
        return Accepted(reply={"deduped": True, "status": refund.status.value})
    advanced = RefundAdvanced(
        contest_id=refund.plan.contest_id,
        entry_id=refund.plan.entry_id,
        payment_intent=refund.plan.payment_intent,
        status=said,
        stripe_refund_id=stripe_refund_id,
        reason=reason,
    )
    return Accepted(events=(advanced,), reply={"deduped": False, "status": after.value})


def _said(status: object) -> Literal["submitted", "confirmed", "failed"]:
    return _SAID.get(status, "submitted") if isinstance(status, str) else "submitted"


def _reason(judged: Judgement) -> str | None:
    reason = judged.object.get("failure_reason")
    return reason if isinstance(reason, str) else None


def _parameters(plan: RefundPlanned) -> Parameters:
    return {
        "payment_intent": plan.payment_intent,
        "amount": plan.amount_cents,
        "metadata": {
            "purpose": "contest_entry_refund",
            "contest_id": plan.contest_id,
            "entry_id": plan.entry_id,
            "account_did": plan.account_did,
        },
    }
