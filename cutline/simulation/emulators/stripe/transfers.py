"""Transfers from the platform to its connected accounts; it must not touch charges."""

from __future__ import annotations

from datetime import UTC, datetime

from cutline.simulation.emulators.stripe.accounts import find_connected
from cutline.simulation.emulators.stripe.balance import available_cents, post
from cutline.simulation.emulators.stripe.calls import PAGING, Call
from cutline.simulation.emulators.stripe.errors import (
    balance_insufficient,
    capability_missing,
    source_exhausted,
)
from cutline.simulation.emulators.stripe.forms import (
    read_currency,
    read_integer,
    read_metadata,
    read_optional_text,
    read_text,
)
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

CREATE = frozenset({
    "amount", "currency", "description", "destination", "metadata", "source_transaction", "transfer_group",
})  # fmt: skip
LIST = PAGING | {"destination", "transfer_group"}


def create(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/transfers`: needs available balance, or a `source_transaction` that still covers it."""
    parameters = call.parameters
    amount_cents = read_integer(parameters, "amount", at_least=1)
    currency, metadata = read_currency(parameters), read_metadata(parameters)
    destination = read_text(parameters, "destination")
    account = find_connected(platform, destination, param="destination", noun="destination")
    source_id = read_optional_text(parameters, "source_transaction")
    available_at = _available_at(platform, source_id, amount_cents)
    if account["capabilities"].get("transfers") != "active":
        raise capability_missing()
    if source_id is None and available_cents(platform, PLATFORM, currency) < amount_cents:
        raise balance_insufficient()
    transfer_id = platform.mint("tr")
    transfer: Wire = {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount_cents,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": platform.now_s,
        "currency": currency,
        "description": read_optional_text(parameters, "description"),
        "destination": destination,
        "destination_payment": platform.mint("py", transfer_id),
        "livemode": platform.livemode,
        "metadata": metadata,
        "reversals": {
            "object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{transfer_id}/reversals",
        },
        "reversed": False,
        "source_transaction": source_id,
        "source_type": "card",
        "transfer_group": read_optional_text(parameters, "transfer_group"),
    }  # fmt: skip
    sent = post(
        platform, owner=PLATFORM, source=transfer_id, kind="transfer", amount_cents=-amount_cents,
        currency=currency, available_at=available_at,
    )  # fmt: skip
    transfer["balance_transaction"] = sent["id"]
    post(
        platform, owner=destination, source=transfer["destination_payment"], kind="payment",
        amount_cents=amount_cents, currency=currency, available_at=available_at,
    )  # fmt: skip
    platform.transfers[transfer_id] = transfer
    platform.record("transfer.created", transfer)
    return transfer


def _available_at(platform: Platform, source_id: str | None, amount_cents: int) -> datetime | None:
    """Return when the charge behind a transfer is available; refuse to transfer more than it brought."""
    if source_id is None:
        return None
    charge = platform.find(platform.charges, "charge", source_id, param="source_transaction")
    used_cents = sum(one["amount"] for one in platform.transfers.values() if one["source_transaction"] == source_id)
    if amount_cents > charge["amount_captured"] - used_cents:
        raise source_exhausted(charge["amount_captured"] - used_cents)
    paid_in = platform.balance_transactions[charge["balance_transaction"]]
    return datetime.fromtimestamp(paid_in["available_on"], UTC)


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/transfers/{id}`."""
    return platform.find(platform.transfers, "transfer", call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/transfers`, newest first, filtered by `transfer_group` and `destination`."""
    return call.page(platform.transfers.values(), "/v1/transfers", equal=("destination", "transfer_group"))
