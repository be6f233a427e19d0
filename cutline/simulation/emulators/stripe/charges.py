"""Charges and their refunds, which move the platform's balance; it must not change a PaymentIntent."""

from __future__ import annotations

from datetime import UTC, datetime

from cutline.simulation.emulators.stripe.balance import post
from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.cards import Card
from cutline.simulation.emulators.stripe.errors import (
    already_refunded,
    charge_not_succeeded,
    invalid_parameter,
    missing_parameter,
    refund_too_large,
)
from cutline.simulation.emulators.stripe.forms import read_integer, read_metadata, read_optional_text
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

REFUND = frozenset({"amount", "charge", "metadata", "payment_intent", "reason"})

_REASONS = (None, "duplicate", "fraudulent", "requested_by_customer")


def charge_card(platform: Platform, intent: Wire, payment_method: str, card: Card) -> Wire:
    """Charge the intent's amount; money of a good card waits `funds_delay` before it is available."""
    succeeded = card.code is None
    charge: Wire = {
        "id": platform.mint("ch", intent["id"]),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if succeeded else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": succeeded,
        "created": platform.now_s,
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": card.code,
        "failure_message": None if succeeded else "Your card was declined.",
        "livemode": platform.livemode,
        "metadata": dict(intent["metadata"]),
        "outcome": _outcome(card),
        "paid": succeeded,
        "payment_intent": intent["id"],
        "payment_method": payment_method,
        "payment_method_details": {"card": {"brand": card.brand, "last4": card.last4}, "type": "card"},
        "refunded": False,
        "status": "succeeded" if succeeded else "failed",
        "transfer_group": intent["transfer_group"],
    }
    if succeeded:
        transaction = post(
            platform,
            owner=PLATFORM,
            source=charge["id"],
            kind="charge",
            amount_cents=charge["amount"],
            fee_cents=platform.fees.of(charge["amount"]),
            currency=charge["currency"],
            available_at=platform.now if card.bypasses_pending else platform.now + platform.funds_delay,
        )
        charge["balance_transaction"] = transaction["id"]
    platform.charges[charge["id"]] = charge
    return charge


def _outcome(card: Card) -> Wire:
    if card.code is None:
        return {"network_status": "approved_by_network", "reason": None, "type": "authorized"}
    reason = card.decline_code or card.code
    return {"network_status": "declined_by_network", "reason": reason, "type": "issuer_declined"}


def create_refund(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/refunds`: never more than is left of the charge; Stripe keeps its fee.

    Money that is still pending is refunded from the pending balance, other money from the available one, which may
    thereby fall below zero, as the real platform balance does.
    """
    charge = _charge_to_refund(platform, call)
    reason = read_optional_text(call.parameters, "reason")
    if reason not in _REASONS:
        raise invalid_parameter("reason", f"Invalid reason: {reason}")
    metadata = read_metadata(call.parameters)
    if charge["status"] != "succeeded":
        raise charge_not_succeeded(charge["id"])
    left_cents = charge["amount"] - charge["amount_refunded"]
    if left_cents == 0:
        raise already_refunded(charge["id"])
    has_amount = "amount" in call.parameters
    amount_cents = read_integer(call.parameters, "amount", at_least=1) if has_amount else left_cents
    if amount_cents > left_cents:
        raise refund_too_large(amount_cents, left_cents)
    refund = _refund(platform, charge, amount_cents, reason, metadata)
    charge["amount_refunded"] += amount_cents
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    platform.record("refund.created", refund)
    platform.record("charge.refunded", charge)
    platform.record("refund.updated", refund)
    return refund


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
        "status": "succeeded",
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


def retrieve_refund(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/refunds/{id}`."""
    return platform.find(platform.refunds, "refund", call.object_id)


def list_refunds(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/refunds`, newest first."""
    return call.page(platform.refunds.values(), "/v1/refunds", equal=("charge", "payment_intent"))


def retrieve_charge(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/charges/{id}`."""
    return platform.find(platform.charges, "charge", call.object_id)
