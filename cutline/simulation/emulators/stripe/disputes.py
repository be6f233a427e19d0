"""Disputes of charges: opened by a bank, answered by evidence, won or lost. It must not change a PaymentIntent."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from cutline.simulation.emulators.stripe.balance import post
from cutline.simulation.emulators.stripe.calls import PAGING, Call
from cutline.simulation.emulators.stripe.errors import (
    charge_disputed,
    charge_not_succeeded,
    invalid_parameter,
    out_of_turn,
    refund_too_large,
)
from cutline.simulation.emulators.stripe.forms import read_flag, read_metadata
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

UPDATE = frozenset({"evidence", "metadata", "submit"})
LIST = PAGING | {"charge", "payment_intent"}

DisputeReason = Literal[
    "credit_not_processed", "duplicate", "fraudulent", "general", "product_not_received", "product_unacceptable",
    "subscription_canceled", "unrecognized",
]  # fmt: skip
DisputeOutcome = Literal["lost", "won"]

_OPEN = ("needs_response", "under_review")
_ANSWER_WITHIN = timedelta(days=9)
_EVIDENCE = frozenset({
    "access_activity_log", "billing_address", "customer_email_address", "customer_name", "customer_purchase_ip",
    "product_description", "refund_policy_disclosure", "service_date", "uncategorized_text",
})  # fmt: skip
_VERDICTS: dict[str, DisputeOutcome] = {"winning_evidence": "won", "losing_evidence": "lost"}
"""What Stripe's test mode makes of `uncategorized_text` ("Testing", section "Evidence")."""


def open_dispute(
    platform: Platform,
    charge_id: str,
    *,
    reason: DisputeReason = "fraudulent",
    amount_cents: int | None = None,
    names_intent: bool = True,
) -> Wire:
    """Let the cardholder's bank take a charge back: amount and fee leave the platform's balance at once.

    Real disputes often come without the PaymentIntent (`names_intent=False`). Raises `ApiError` where the charge
    did not succeed, is disputed already, or has less left than `amount_cents`.
    """
    charge = platform.find(platform.charges, "charge", charge_id)
    if charge["status"] != "succeeded":
        raise charge_not_succeeded(charge_id)
    if charge["disputed"]:
        raise charge_disputed(charge_id)
    left_cents = charge["amount"] - charge["amount_refunded"]
    amount_cents = left_cents if amount_cents is None else amount_cents
    if not 0 < amount_cents <= left_cents:
        raise refund_too_large(amount_cents, left_cents)
    due_at = platform.now + _ANSWER_WITHIN
    dispute: Wire = {
        "id": platform.mint("dp", charge_id),
        "object": "dispute",
        "amount": amount_cents,
        "balance_transactions": [],
        "charge": charge_id,
        "created": platform.now_s,
        "currency": charge["currency"],
        "evidence": dict.fromkeys(sorted(_EVIDENCE)),
        "evidence_details": {
            "due_by": int(due_at.timestamp()), "has_evidence": False, "past_due": False, "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": platform.livemode,
        "metadata": {},
        "payment_intent": charge["payment_intent"] if names_intent else None,
        "reason": reason,
        "status": "needs_response",
    }  # fmt: skip
    platform.disputes[dispute["id"]] = dispute
    charge["disputed"] = True
    platform.record("charge.dispute.created", dispute)
    _move_funds(platform, dispute, -amount_cents, category="dispute", fee_cents=platform.fees.dispute_cents)
    platform.record("charge.dispute.funds_withdrawn", dispute)
    platform.at(due_at, lambda: _let_lapse(platform, dispute))
    return dispute


def _move_funds(platform: Platform, dispute: Wire, amount_cents: int, *, category: str, fee_cents: int = 0) -> None:
    transaction = post(
        platform, owner=PLATFORM, source=dispute["id"], kind="adjustment", category=category,
        amount_cents=amount_cents, fee_cents=fee_cents, fee_text="Dispute fee", currency=dispute["currency"],
    )  # fmt: skip
    dispute["balance_transactions"].append(transaction)


def _let_lapse(platform: Platform, dispute: Wire) -> None:
    """Decide against whoever never answered."""
    if dispute["status"] == "needs_response":
        dispute["evidence_details"]["past_due"] = True
        decide(platform, dispute["id"], "lost")


def decide(platform: Platform, dispute_id: str, outcome: DisputeOutcome) -> Wire:
    """Let the bank decide: `won` gives the amount back and keeps the fee, `lost` moves nothing more."""
    dispute = platform.find(platform.disputes, "dispute", dispute_id)
    if dispute["status"] not in _OPEN:
        raise out_of_turn("dispute", dispute["status"], outcome)
    dispute["status"] = outcome
    if outcome == "won":
        _move_funds(platform, dispute, dispute["amount"], category="dispute_reversal")
        platform.record("charge.dispute.funds_reinstated", dispute)
    platform.record("charge.dispute.closed", dispute)
    return dispute


def update(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/disputes/{id}`: evidence is sent to the bank unless `submit` is false."""
    dispute = platform.find(platform.disputes, "dispute", call.object_id)
    evidence = call.parameters.get("evidence") or {}
    if not isinstance(evidence, dict) or evidence.keys() - _EVIDENCE:
        raise invalid_parameter("evidence", "Unknown evidence")
    metadata = read_metadata(call.parameters)
    submits = read_flag(call.parameters, "submit") is not False and bool(evidence)
    if submits and dispute["status"] != "needs_response":
        raise out_of_turn("dispute", dispute["status"], "under_review")
    dispute["metadata"] |= metadata
    dispute["evidence"] |= evidence
    dispute["evidence_details"]["has_evidence"] = any(dispute["evidence"].values())
    if submits:
        dispute["evidence_details"]["submission_count"] += 1
        dispute["status"] = "under_review"
    platform.record("charge.dispute.updated", dispute)
    verdict = _VERDICTS.get(evidence.get("uncategorized_text", ""))
    return decide(platform, dispute["id"], verdict) if submits and verdict is not None else dispute


def close(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/disputes/{id}/close`: the platform gives up, and the dispute is lost."""
    return decide(platform, platform.find(platform.disputes, "dispute", call.object_id)["id"], "lost")


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/disputes/{id}`."""
    return platform.find(platform.disputes, "dispute", call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/disputes`, newest first."""
    return call.page(platform.disputes.values(), "/v1/disputes", equal=("charge", "payment_intent"))
