"""The table of API operations: name, route, parameters, function. It must not know how requests are carried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cutline.simulation.emulators.stripe import (
    accounts,
    balance,
    charges,
    disputes,
    payment_intents,
    payouts,
    refunds,
    reversals,
    topups,
    transfers,
)
from cutline.simulation.emulators.stripe.calls import PAGING, Call
from cutline.simulation.emulators.stripe.events import Events
from cutline.simulation.emulators.stripe.platform import Platform, Wire

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row: `publishable` operations also accept the entrant's key with the intent's client secret."""

    name: str
    method: str
    path: str
    perform: Callable[[Platform, Call], Wire]
    parameters: frozenset[str] = NOTHING
    publishable: bool = False


def _get(name: str, path: str, perform: Callable[[Platform, Call], Wire], *parameters: str) -> Operation:
    return Operation(name=name, method="GET", path=path, perform=perform, parameters=frozenset(parameters))


def _post(
    name: str,
    path: str,
    perform: Callable[[Platform, Call], Wire],
    parameters: frozenset[str],
    *,
    publishable: bool = False,
) -> Operation:
    return Operation(
        name=name, method="POST", path=path, perform=perform, parameters=parameters, publishable=publishable
    )


def operations(events: Events) -> tuple[Operation, ...]:
    """Return every operation that the emulator answers."""
    intent, reversal = "/v1/payment_intents", "/v1/transfers/{id}/reversals"
    return (
        _post("payment_intents.create", intent, payment_intents.create, payment_intents.CREATE),
        _get("payment_intents.list", intent, payment_intents.list_all, *PAGING),
        Operation(
            name="payment_intents.retrieve", method="GET", path=f"{intent}/{{id}}", perform=payment_intents.retrieve,
            parameters=payment_intents.RETRIEVE, publishable=True,
        ),
        _post(
            "payment_intents.confirm", f"{intent}/{{id}}/confirm", payment_intents.confirm, payment_intents.CONFIRM,
            publishable=True,
        ),
        _post("payment_intents.cancel", f"{intent}/{{id}}/cancel", payment_intents.cancel, payment_intents.CANCEL),
        _get("charges.list", "/v1/charges", charges.list_all, *charges.LIST),
        _get("charges.retrieve", "/v1/charges/{id}", charges.retrieve),
        _post("refunds.create", "/v1/refunds", refunds.create, refunds.CREATE),
        _get("refunds.list", "/v1/refunds", refunds.list_all, *refunds.LIST),
        _get("refunds.retrieve", "/v1/refunds/{id}", refunds.retrieve),
        _get("disputes.list", "/v1/disputes", disputes.list_all, *disputes.LIST),
        _get("disputes.retrieve", "/v1/disputes/{id}", disputes.retrieve),
        _post("disputes.update", "/v1/disputes/{id}", disputes.update, disputes.UPDATE),
        _post("disputes.close", "/v1/disputes/{id}/close", disputes.close, NOTHING),
        _post("accounts.create", "/v1/accounts", accounts.create, accounts.CREATE),
        _get("accounts.list", "/v1/accounts", accounts.list_all, *PAGING),
        _get("accounts.retrieve", "/v1/accounts/{id}", accounts.retrieve),
        _post("account_links.create", "/v1/account_links", accounts.create_link, accounts.LINK),
        _post("transfers.create", "/v1/transfers", transfers.create, transfers.CREATE),
        _get("transfers.list", "/v1/transfers", transfers.list_all, *transfers.LIST),
        _get("transfers.retrieve", "/v1/transfers/{id}", transfers.retrieve),
        _post("transfers.reversals.create", reversal, reversals.create, reversals.CREATE),
        _get("transfers.reversals.list", reversal, reversals.list_all, *reversals.LIST),
        _get("transfers.reversals.retrieve", f"{reversal}/{{part}}", reversals.retrieve),
        _post("payouts.create", "/v1/payouts", payouts.create, payouts.CREATE),
        _get("payouts.list", "/v1/payouts", payouts.list_all, *payouts.LIST),
        _get("payouts.retrieve", "/v1/payouts/{id}", payouts.retrieve),
        _post("payouts.cancel", "/v1/payouts/{id}/cancel", payouts.cancel, NOTHING),
        _get("topups.list", "/v1/topups", topups.list_all, *topups.LIST),
        _get("topups.retrieve", "/v1/topups/{id}", topups.retrieve),
        _get("balance.retrieve", "/v1/balance", balance.retrieve),
        _get(
            "balance_transactions.list", "/v1/balance_transactions", balance.list_transactions,
            *PAGING, "currency", "payout", "source", "type",
        ),
        _get("balance_transactions.retrieve", "/v1/balance_transactions/{id}", balance.retrieve_transaction),
        _get("events.list", "/v1/events", events.list_all, *PAGING, "delivery_success", "type", "types"),
        _get("events.retrieve", "/v1/events/{id}", events.retrieve),
    )  # fmt: skip
