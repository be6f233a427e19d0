"""The webhook that is sent again and again: a payment as Stripe reports it, with the bulk of a real one."""

from __future__ import annotations

from typing import Any

import orjson

UID = "0" * 23 + "x"
"""Stands in the body wherever an event differs from the next one; ids replace it, so they have its length."""

HOLDER = "did:bench:holder-0"
"""Stands where the account holder is named; the last digit is replaced."""


def body_template() -> bytes:
    """Return a `payment_intent.succeeded` that credits an account holder, so that one event is one posting.

    Fields and indentation follow Stripe's API reference ("The PaymentIntent object", "The Event object").
    """
    event = {
        "id": f"evt_{UID}",
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": 1_767_225_600,
        "data": {"object": _payment_intent()},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": f"req_{UID}", "idempotency_key": f"intent-{UID}"},
        "type": "payment_intent.succeeded",
    }
    return orjson.dumps(event, option=orjson.OPT_INDENT_2)


def _payment_intent() -> dict[str, Any]:
    empty = (
        "application", "application_fee_amount", "canceled_at", "cancellation_reason", "customer",
        "last_payment_error", "next_action", "on_behalf_of", "processing", "review", "setup_future_usage",
        "shipping", "source", "statement_descriptor", "transfer_data", "transfer_group",
    )  # fmt: skip
    return {
        "id": f"pi_{UID}",
        "object": "payment_intent",
        "amount": 2_500,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 2_500,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "capture_method": "automatic_async",
        "client_secret": f"pi_{UID}_secret_{UID}",
        "confirmation_method": "automatic",
        "created": 1_767_225_600,
        "currency": "usd",
        "description": "Money for later contests",
        "latest_charge": f"ch_{UID}",
        "livemode": False,
        "metadata": {"account_did": HOLDER, "purpose": "account_credit", "reference": UID},
        "payment_method": f"pm_{UID}",
        "payment_method_configuration_details": {"id": f"pmc_{UID}", "parent": None},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            },
            "link": {"persistent_token": None},
        },
        "payment_method_types": ["card", "link"],
        "receipt_email": "holder@example.com",
        "statement_descriptor_suffix": "CONTEST",
        "status": "succeeded",
        **dict.fromkeys(empty),
    }
