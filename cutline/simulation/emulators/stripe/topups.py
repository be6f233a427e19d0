"""Top-ups: money of the owner's own, put into the platform's balance; it must not touch other accounts."""

from __future__ import annotations

from cutline.simulation.emulators.stripe.balance import post
from cutline.simulation.emulators.stripe.calls import PAGING, Call
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

LIST = PAGING | {"status"}


def top_up(platform: Platform, *, amount_cents: int, currency: str = "usd") -> Wire:
    """Put money of the owner's own into the platform's available balance, at once."""
    wire: Wire = {
        "id": platform.mint("tu"),
        "object": "topup",
        "amount": amount_cents,
        "balance_transaction": None,
        "created": platform.now_s,
        "currency": currency,
        "description": None,
        "expected_availability_date": platform.now_s,
        "failure_code": None,
        "failure_message": None,
        "livemode": platform.livemode,
        "metadata": {},
        "source": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_group": None,
    }
    transaction = post(
        platform,
        owner=PLATFORM,
        source=wire["id"],
        kind="topup",
        amount_cents=amount_cents,
        currency=currency,
    )
    wire["balance_transaction"] = transaction["id"]
    platform.topups[wire["id"]] = wire
    platform.record("topup.succeeded", wire)
    return wire


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/topups/{id}`."""
    return platform.find(platform.topups, "topup", call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/topups`, newest first."""
    return call.page(platform.topups.values(), "/v1/topups", equal=("status",))
