"""Refunds of charges, and how they fail after they succeeded; it must not change a PaymentIntent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from cutline.simulation.emulators.stripe.balance import post
from cutline.simulation.emulators.stripe.calls import PAGING, Call
from cutline.simulation.emulators.stripe.errors import (
    already_refunded,
    charge_disputed,
    charge_not_succeeded,
    invalid_parameter,
    missing_parameter,
    out_of_turn,
    refund_too_large,
)
from cutline.simulation.emulators.stripe.forms import read_integer, read_metadata, read_optional_text
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

CREATE = frozenset({"amount", "charge", "metadata", "payment_intent", "reason"})
LIST = PAGING | {"charge", "payment_intent"}

RefundFailure = Literal["expired_or_canceled_card", "lost_or_stolen_card", "unknown"]

_REASONS = (None, "duplicate", "fraudulent", "requested_by_customer")


def create(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/refunds`: never more than is left of the charge; Stripe keeps its fee.

    Money that is still pending is refunded from the pending balance, other money from the available one, which may
    thereby fall below zero, as the real platform balance does. A disputed charge cannot be refunded.
    """
    charge = _charge_to_refund(platform, call)
    reason = read_optional_text(call.parameters, "reason")
    if reason not in _REASONS:
        raise invalid_parameter("reason", f"Invalid reason: {reason}")
    metadata = read_metadata(call.parameters)
    if charge["status"] != "succeeded":
        raise charge_not_succeeded(charge["id"])
    if charge["disputed"]:
        raise charge_disputed(charge["id"])
    left_cents = charge["amount"] - charge["amount_refunded"]
    if left_cents == 0:
        raise already_refunded(charge["id"])
    has_amount = "amount" in call.parameters
    amount_cents = read_integer(call.parameters, "amount", at_least=1) if has_amount else left_cents
    if amount_cents > left_cents:
        raise refund_too_large(amount_cents, left_cents)
    refund = _refund(platform, charge, amount_cents, reason, metadata)
    _count(charge, amount_cents)
    platform.record("refund.created", refund)
    platform.record("charge.refunded", charge)
    platform.record("refund.updated", refund)
    return refund


def _count(charge: Wire, amount_cents: int) -> None:
    charge["amount_refunded"] += amount_cents
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _charge_to_refund(platform: Platform, call: Call) -> Wire:
    charge_id = read_optional_text(call.parameters, "charge")
    intent_id = read_optional_text(call.parameters, "payment_intent")
    if charge_id is None:
        if intent_id is None:
            raise missing_parameter("payment_intent")
        intent = platform.find(platform.payment_intents, "payment_intent", intent_id, param="payment_intent")
        charge_id = intent["latest_charge"]
        if charge_id is None:
            raise charge_not_succeeded(intent_id)
    return platform.find(platform.charges, "charge", charge_id, param="charge")


def _refund(platform: Platform, charge: Wire, amount_cents: int, reason: str | None, metadata: dict[str, str]) -> Wire:
    refund: Wire = {
        "id": platform.mint("re"),
        "object": "refund",
        "amount": amount_cents,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": platform.now_s,
        "currency": charge["currency"],
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    paid_in = platform.balance_transactions[charge["balance_transaction"]]
    transaction = post(
        platform,
        owner=PLATFORM,
        source=refund["id"],
        kind="refund",
        amount_cents=-amount_cents,
        currency=charge["currency"],
        available_at=datetime.fromtimestamp(paid_in["available_on"], UTC),
    )
    refund["balance_transaction"] = transaction["id"]
    platform.refunds[refund["id"]] = refund
    return refund


def fail(platform: Platform, refund_id: str, reason: RefundFailure) -> Wire:
    """Let the card's bank send a refund back, as it may days later: the money returns to the platform's balance.

    The charge counts it as refunded no longer (Stripe, "Refund and cancel payments", failed refunds).
    """
    refund = platform.find(platform.refunds, "refund", refund_id)
    if refund["status"] != "succeeded":
        raise out_of_turn("refund", refund["status"], "failed")
    returned = post(
        platform,
        owner=PLATFORM,
        source=refund_id,
        kind="refund_failure",
        amount_cents=refund["amount"],
        currency=refund["currency"],
    )
    refund |= {"status": "failed", "failure_reason": reason, "failure_balance_transaction": returned["id"]}
    _count(platform.charges[refund["charge"]], -refund["amount"])
    platform.record("refund.failed", refund)
    platform.record("refund.updated", refund)
    platform.record("charge.refund.updated", refund)
    return refund


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/refunds/{id}`."""
    return platform.find(platform.refunds, "refund", call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/refunds`, newest first."""
    return call.page(platform.refunds.values(), "/v1/refunds", equal=("charge", "payment_intent"))
