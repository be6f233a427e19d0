"""The table of API operations: name, route, parameters, function. It must not know how requests are carried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cutline.simulation.emulators.stripe import accounts, balance, charges, payment_intents, transfers
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
    intent = "/v1/payment_intents"
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
        _get("charges.retrieve", "/v1/charges/{id}", charges.retrieve_charge),
        _post("refunds.create", "/v1/refunds", charges.create_refund, charges.REFUND),
        _get("refunds.list", "/v1/refunds", charges.list_refunds, *PAGING, "charge", "payment_intent"),
        _get("refunds.retrieve", "/v1/refunds/{id}", charges.retrieve_refund),
        _post("accounts.create", "/v1/accounts", accounts.create, accounts.CREATE),
        _get("accounts.list", "/v1/accounts", accounts.list_all, *PAGING),
        _get("accounts.retrieve", "/v1/accounts/{id}", accounts.retrieve),
        _post("account_links.create", "/v1/account_links", accounts.create_link, accounts.LINK),
        _post("transfers.create", "/v1/transfers", transfers.create, transfers.CREATE),
        _get("transfers.list", "/v1/transfers", transfers.list_all, *PAGING, "destination", "transfer_group"),
        _get("transfers.retrieve", "/v1/transfers/{id}", transfers.retrieve),
        _post("payouts.create", "/v1/payouts", transfers.create_payout, transfers.PAYOUT),
        _get("payouts.retrieve", "/v1/payouts/{id}", transfers.retrieve_payout),
        _get("balance.retrieve", "/v1/balance", balance.retrieve),
        _get(
            "balance_transactions.list", "/v1/balance_transactions", balance.list_transactions,
            *PAGING, "currency", "payout", "source", "type",
        ),
        _get("balance_transactions.retrieve", "/v1/balance_transactions/{id}", balance.retrieve_transaction),
        _get("events.list", "/v1/events", events.list_all, *PAGING, "delivery_success", "type", "types"),
        _get("events.retrieve", "/v1/events/{id}", events.retrieve),
    )  # fmt: skip
