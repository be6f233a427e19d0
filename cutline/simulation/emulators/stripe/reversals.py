"""Reversals, which take a transfer's money back from its connected account; it must not touch charges."""

from __future__ import annotations

from datetime import UTC, datetime

from cutline.simulation.emulators.stripe.balance import available_cents, pending_cents, post
from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.errors import already_reversed, balance_insufficient, reversal_too_large
from cutline.simulation.emulators.stripe.forms import read_integer, read_metadata
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

CREATE = frozenset({"amount", "metadata"})
LIST = frozenset({"limit", "starting_after", "ending_before"})


def create(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/transfers/{id}/reversals`: never more than was sent, nor than the destination still has.

    The SDK's other parameters need application fees or descriptions that nothing here reads, and are refused.
    """
    transfer = platform.find(platform.transfers, "transfer", call.object_id)
    metadata = read_metadata(call.parameters)
    left_cents = transfer["amount"] - transfer["amount_reversed"]
    if left_cents == 0:
        raise already_reversed(transfer["id"])
    has_amount = "amount" in call.parameters
    amount_cents = read_integer(call.parameters, "amount", at_least=1) if has_amount else left_cents
    if amount_cents > left_cents:
        raise reversal_too_large(amount_cents, left_cents)
    available_at = _available_at(platform, transfer)
    owner, currency = transfer["destination"], transfer["currency"]
    book = pending_cents if available_at > platform.now else available_cents
    if book(platform, owner, currency) < amount_cents:
        raise balance_insufficient()
    return _reverse(platform, transfer, amount_cents, metadata, available_at)


def _available_at(platform: Platform, transfer: Wire) -> datetime:
    """Return when the transfer's own money is available: before that, it is taken back from the pending balance."""
    sent = platform.balance_transactions[transfer["balance_transaction"]]
    return max(datetime.fromtimestamp(sent["available_on"], UTC), platform.now)


def _reverse(
    platform: Platform, transfer: Wire, amount_cents: int, metadata: dict[str, str], available_at: datetime
) -> Wire:
    reversal_id = platform.mint("trr")
    reversal: Wire = {
        "id": reversal_id,
        "object": "transfer_reversal",
        "amount": amount_cents,
        "balance_transaction": None,
        "created": platform.now_s,
        "currency": transfer["currency"],
        "destination_payment_refund": platform.mint("pyr", reversal_id),
        "metadata": metadata,
        "source_refund": None,
        "transfer": transfer["id"],
    }
    post(
        platform, owner=transfer["destination"], source=reversal["destination_payment_refund"], kind="payment_refund",
        amount_cents=-amount_cents, currency=transfer["currency"], available_at=available_at,
    )  # fmt: skip
    taken = post(
        platform, owner=PLATFORM, source=reversal_id, kind="transfer_refund", amount_cents=amount_cents,
        currency=transfer["currency"], available_at=available_at,
    )  # fmt: skip
    reversal["balance_transaction"] = taken["id"]
    platform.reversals[reversal_id] = reversal
    transfer["amount_reversed"] += amount_cents
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, reversal)
    platform.record("transfer.reversed", transfer)
    return reversal


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/transfers/{id}/reversals/{part}`."""
    transfer = platform.find(platform.transfers, "transfer", call.object_id)
    own = {one["id"]: one for one in transfer["reversals"]["data"]}
    return platform.find(own, "transfer reversal", call.part_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/transfers/{id}/reversals`, newest first."""
    transfer = platform.find(platform.transfers, "transfer", call.object_id)
    return call.page(reversed(transfer["reversals"]["data"]), transfer["reversals"]["url"])
