"""Charges of test cards, which fill the platform's balance; it must not change a PaymentIntent."""

from __future__ import annotations

from cutline.simulation.emulators.stripe.balance import post
from cutline.simulation.emulators.stripe.calls import PAGING, Call
from cutline.simulation.emulators.stripe.cards import Card
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

LIST = PAGING | {"payment_intent", "transfer_group"}


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
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": succeeded,
        "created": platform.now_s,
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": card.code,
        "failure_message": None if succeeded else "Your card was declined.",
        "livemode": platform.livemode,
        "metadata": dict(intent["metadata"]),
        "outcome": _outcome(card),
        "paid": succeeded,
        "payment_intent": intent["id"],
        "payment_method": payment_method,
        "payment_method_details": {"card": _card_details(card), "type": "card"},
        "receipt_email": intent["receipt_email"],
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


def _card_details(card: Card) -> Wire:
    expiry = {"exp_month": 12, "exp_year": 2034}
    return {"brand": card.brand, "country": "US", "funding": "credit", "last4": card.last4} | expiry


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/charges/{id}`."""
    return platform.find(platform.charges, "charge", call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/charges`, newest first."""
    return call.page(platform.charges.values(), "/v1/charges", equal=("payment_intent", "transfer_group"))
