"""Moves the balances of the platform and its connected accounts by balance transactions, and tells them."""

from __future__ import annotations

from datetime import datetime

from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.forms import read_optional_text
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

_CATEGORIES = {
    "payment": "charge",
    "payment_refund": "refund",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "transfer_refund": "transfer_reversal",
}
"""The reporting category of each type that has not its own name (Stripe, "Reporting categories")."""


def post(
    platform: Platform,
    *,
    owner: str,
    source: str,
    kind: str,
    amount_cents: int,
    fee_cents: int = 0,
    fee_text: str = "Stripe processing fees",
    category: str | None = None,
    currency: str,
    available_at: datetime | None = None,
) -> Wire:
    """Record one balance transaction and move the owner's balance by its net.

    What is not available yet waits in `pending` until the clock reaches `available_at`.
    """
    now = platform.now
    available_at = max(available_at or now, now)
    net_cents = amount_cents - fee_cents
    ready = available_at <= now
    detail = {
        "amount": fee_cents,
        "application": None,
        "currency": currency,
        "description": fee_text,
    }
    wire: Wire = {
        "id": platform.mint("txn", f"{kind}:{source}"),
        "object": "balance_transaction",
        "amount": amount_cents,
        "available_on": int(available_at.timestamp()),
        "balance_type": "payments",
        "created": platform.now_s,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee_cents,
        "fee_details": [detail | {"type": "stripe_fee"}] if fee_cents else [],
        "net": net_cents,
        "reporting_category": category or _CATEGORIES.get(kind, kind),
        "source": source,
        "status": "available" if ready else "pending",
        "type": kind,
    }
    platform.balance_transactions[wire["id"]] = wire
    platform.owners[wire["id"]] = owner
    if ready:
        platform.available[owner, currency] += net_cents
    else:
        platform.pending[owner, currency] += net_cents
        platform.at(available_at, lambda: _release(platform, owner, wire))
    return wire


def _release(platform: Platform, owner: str, wire: Wire) -> None:
    """Turn pending money into available money and say so, as Stripe does."""
    platform.pending[owner, wire["currency"]] -= wire["net"]
    platform.available[owner, wire["currency"]] += wire["net"]
    wire["status"] = "available"
    account = None if owner == PLATFORM else owner
    platform.record("balance.available", balance_of(platform, owner), account=account)


def available_cents(platform: Platform, owner: str, currency: str) -> int:
    """Return what the owner can send now, in cents; below zero after refunds of money already sent."""
    return platform.available[owner, currency]


def pending_cents(platform: Platform, owner: str, currency: str) -> int:
    """Return what the owner will be able to send later, in cents."""
    return platform.pending[owner, currency]


def balance_of(platform: Platform, owner: str) -> Wire:
    """Return the Balance object of the platform or of a connected account."""
    currencies = sorted({currency for who, currency in [*platform.available, *platform.pending] if who == owner})

    def lines(book: str) -> list[Wire]:
        amounts = platform.available if book == "available" else platform.pending
        return [
            {"amount": amounts[owner, code], "currency": code, "source_types": {"card": amounts[owner, code]}}
            for code in currencies or ["usd"]
        ]

    return {
        "object": "balance",
        "available": lines("available"),
        "livemode": platform.livemode,
        "pending": lines("pending"),
    }


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/balance`."""
    return balance_of(platform, call.owner)


def list_transactions(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/balance_transactions`, newest first, of the caller's account alone.

    The filter `payout` knows what automatic payouts took along; a manual one takes no particular transactions.
    """
    payout = read_optional_text(call.parameters, "payout")
    owned = (
        wire
        for key, wire in platform.balance_transactions.items()
        if platform.owners[key] == call.owner and (payout is None or platform.paid_out_by.get(key) == payout)
    )
    return call.page(owned, "/v1/balance_transactions", equal=("currency", "source", "type"))


def retrieve_transaction(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/balance_transactions/{id}`, to the account that owns it alone."""
    owned = platform.balance_transactions if platform.owners.get(call.object_id) == call.owner else {}
    return platform.find(owned, "balance transaction", call.object_id)
