"""PaymentIntents: created, confirmed with test cards, declined, cancelled; it must not touch refunds."""

from __future__ import annotations

from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.cards import find_card
from cutline.simulation.emulators.stripe.charges import charge_card
from cutline.simulation.emulators.stripe.disputes import open_dispute
from cutline.simulation.emulators.stripe.errors import card_error, invalid_parameter, unexpected_state
from cutline.simulation.emulators.stripe.forms import (
    read_currency,
    read_flag,
    read_integer,
    read_metadata,
    read_optional_text,
)
from cutline.simulation.emulators.stripe.platform import Platform, Wire

CREATE = frozenset({
    "amount", "automatic_payment_methods", "confirm", "currency", "description", "metadata", "payment_method",
    "payment_method_types", "receipt_email", "statement_descriptor_suffix", "transfer_group",
})  # fmt: skip
CONFIRM = frozenset({"client_secret", "payment_method", "receipt_email", "return_url"})
CANCEL = frozenset({"cancellation_reason"})
RETRIEVE = frozenset({"client_secret"})

_OPEN = frozenset({"requires_payment_method", "requires_confirmation"})
_REASONS = (None, "abandoned", "duplicate", "fraudulent", "requested_by_customer")
_MINIMUM_CENTS = 50


def create(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/payment_intents`; below 50 cents is `amount_too_small`."""
    parameters = call.parameters
    amount_cents = read_integer(parameters, "amount", at_least=1)
    if amount_cents < _MINIMUM_CENTS:
        raise invalid_parameter("amount", "Amount must be at least $0.50 usd", code="amount_too_small")
    currency, metadata = read_currency(parameters), read_metadata(parameters)
    payment_method, confirms = (
        read_optional_text(parameters, "payment_method"),
        read_flag(parameters, "confirm"),
    )
    if payment_method is not None:
        find_card(payment_method)
    intent_id = platform.mint("pi")
    intent: Wire = {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount_cents,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_{platform.mint('secret', intent_id)}",
        "confirmation_method": "automatic",
        "created": platform.now_s,
        "currency": currency,
        "customer": None,
        "description": read_optional_text(parameters, "description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": platform.livemode,
        "metadata": metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": payment_method,
        "payment_method_types": parameters.get("payment_method_types") or ["card"],
        "receipt_email": read_optional_text(parameters, "receipt_email"),
        "statement_descriptor_suffix": read_optional_text(parameters, "statement_descriptor_suffix"),
        "status": "requires_confirmation" if payment_method else "requires_payment_method",
        "transfer_group": read_optional_text(parameters, "transfer_group"),
    }
    platform.payment_intents[intent_id] = intent
    platform.record("payment_intent.created", intent)
    return _confirm(platform, intent, payment_method) if confirms else intent


def confirm(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/payment_intents/{id}/confirm`; a decline is 402 and leaves the intent open."""
    intent = platform.find(platform.payment_intents, "payment_intent", call.object_id)
    return _confirm(platform, intent, read_optional_text(call.parameters, "payment_method"))


def _confirm(platform: Platform, intent: Wire, payment_method: str | None) -> Wire:
    if intent["status"] not in _OPEN:
        raise unexpected_state(intent, "confirm")
    payment_method = payment_method or intent["payment_method"]
    if payment_method is None:
        raise invalid_parameter("payment_method", "You must provide a payment method to confirm with.")
    card = find_card(payment_method)
    charge = charge_card(platform, intent, payment_method, card)
    intent["latest_charge"] = charge["id"]
    if card.code is None:
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "payment_method": payment_method,
        }
        intent["last_payment_error"] = None
        platform.record("charge.succeeded", charge)
        platform.record("payment_intent.succeeded", intent)
        if card.is_disputed:
            open_dispute(platform, charge["id"])
        return intent
    intent |= {"status": "requires_payment_method", "payment_method": None}
    intent["last_payment_error"] = {
        "charge": charge["id"],
        "code": card.code,
        "message": charge["failure_message"],
        "type": "card_error",
    } | ({} if card.decline_code is None else {"decline_code": card.decline_code})
    platform.record("charge.failed", charge)
    platform.record("payment_intent.payment_failed", intent)
    raise card_error(code=card.code, decline_code=card.decline_code, charge=charge["id"], intent=intent)


def cancel(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/payment_intents/{id}/cancel`; what has succeeded cannot be cancelled."""
    intent = platform.find(platform.payment_intents, "payment_intent", call.object_id)
    reason = read_optional_text(call.parameters, "cancellation_reason")
    if reason not in _REASONS:
        raise invalid_parameter("cancellation_reason", f"Invalid cancellation_reason: {reason}")
    if intent["status"] not in _OPEN:
        raise unexpected_state(intent, "cancel")
    intent |= {"status": "canceled", "canceled_at": platform.now_s, "cancellation_reason": reason}
    platform.record("payment_intent.canceled", intent)
    return intent


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/payment_intents/{id}`."""
    return platform.find(platform.payment_intents, "payment_intent", call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/payment_intents`, newest first."""
    return call.page(platform.payment_intents.values(), "/v1/payment_intents")
