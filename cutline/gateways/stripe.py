"""Asks Stripe through its official SDK, once a call, and says what came of it; it must not retry or decide.

Retries belong to the payment and payout actors, which commit each attempt's key and exact parameters before they
ask: a retry inside the SDK would be an attempt that nobody recorded, after a random sleep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import aiohttp
import stripe

from cutline.engine.errors import InvariantViolated
from cutline.gateways.pacing import Pace
from cutline.gateways.stripe_errors import Failed, classify

API_VERSION = "2026-10-28.endive"
"""The version that every request names; webhook endpoints are created with the same one."""

CALLS_PER_S_MAX = 100
"""What Stripe takes of a live platform in a second (Stripe, "Rate limits")."""

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """Where the SDK has an operation, and what kind of call it is."""

    service: str
    method: str
    kind: Literal["write", "read", "read_all"]


def _write(service: str, method: str = "create_async") -> _Route:
    return _Route(service=service, method=method, kind="write")


def _read(service: str) -> _Route:
    return _Route(service=service, method="retrieve_async", kind="read")


def _read_all(service: str) -> _Route:
    return _Route(service=service, method="list_async", kind="read_all")


OPERATIONS: Mapping[str, _Route] = {
    "create_payment_intent": _write("payment_intents"),
    "cancel_payment_intent": _write("payment_intents", "cancel_async"),
    "retrieve_payment_intent": _read("payment_intents"),
    "create_refund": _write("refunds"),
    "retrieve_refund": _read("refunds"),
    "find_refunds": _read_all("refunds"),
    "create_account": _write("accounts"),
    "retrieve_account": _read("accounts"),
    "create_account_link": _write("account_links"),
    "create_transfer": _write("transfers"),
    "retrieve_transfer": _read("transfers"),
    "find_transfers": _read_all("transfers"),
    "create_payout": _write("payouts"),
    "retrieve_payout": _read("payouts"),
    "find_payouts": _read_all("payouts"),
    "balance": _read("balance"),
    "list_balance_transactions": _read_all("balance_transactions"),
    "list_events": _read_all("events"),
}
"""Every operation that the engine may name; nothing else leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """Stripe did it; `object` is what it answered, as plain data."""

    object: dict[str, Any]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The objects of a listing, all pages together."""
        return cast("list[dict[str, Any]]", self.object["data"])


StripeOutcome = Succeeded | Failed


class SessionClient(stripe.AIOHTTPClient):
    """The SDK's transport over a session of ours.

    The SDK's own lets a time-out or a cut body escape raw; here both are connection errors, for the request may have
    been executed.
    """

    def __init__(self, session: aiohttp.ClientSession, *, timeout_s: float, pace: Pace | None = None) -> None:
        super().__init__(session=session)
        self._pace = pace
        self._own_session = session
        self._limit = aiohttp.ClientTimeout(total=timeout_s)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request and read its whole answer; raise `APIConnectionError` for anything less.

        A body that is not UTF-8 counts as less: the SDK would let the decoding error escape.
        """
        if self._pace is not None:
            await self._pace.turn()
        try:
            async with self._own_session.request(
                method, url, headers=headers, data=post_data, timeout=self._limit
            ) as response:
                body = await response.read()
                body.decode()
                return body, response.status, response.headers
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError) as error:
            message = f"No complete answer from Stripe: {type(error).__name__}"
            lost = stripe.APIConnectionError(message, should_retry=True)  # type: ignore[no-untyped-call]  # the SDK's own
            raise lost from error


class StripeGateway:
    """Stripe's API as the engine sees it: committed parameters in, an outcome out, never an exception of the SDK.

    `call` is the one way out; the methods beside it only name its operations and their parameters.
    """

    def __init__(
        self,
        secret_key: str,
        base_url: str,
        session: aiohttp.ClientSession,
        *,
        timeout_s: float = 20,
        calls_per_s_max: float = CALLS_PER_S_MAX,
    ) -> None:
        stripe.enable_telemetry = False
        client = stripe.StripeClient(
            secret_key,
            http_client=SessionClient(session, timeout_s=timeout_s, pace=Pace(calls_per_s_max)),
            max_network_retries=0,
            stripe_version=API_VERSION,
            base_addresses={"api": base_url},
        )
        self._v1: Any = client.v1

    async def call(self, operation: str, parameters: Mapping[str, Any], idempotency_key: str | None) -> StripeOutcome:
        """Make one call with exactly these parameters and this key.

        `id` among the parameters is the object in the path, `stripe_account` the connected account it is asked for;
        the rest are Stripe's own. A write needs a key, a read takes none: anything else is `InvariantViolated`, as
        is an operation outside the table.
        """
        route = OPERATIONS.get(operation)
        if route is None or (route.kind == "write") is not (idempotency_key is not None):
            raise InvariantViolated(f"no such call to Stripe: {operation} with key {idempotency_key}")
        sent = dict(parameters)
        path = (sent.pop("id"),) if "id" in sent else ()
        options = {"stripe_account": sent.pop("stripe_account")} if "stripe_account" in sent else {}
        if idempotency_key is not None:
            options["idempotency_key"] = idempotency_key
        ask = getattr(getattr(self._v1, route.service), route.method)
        try:
            if route.kind == "read_all":
                return await _follow(ask, sent, options)
            answer = await ask(*path, params=sent, options=options)
        except stripe.StripeError as error:
            return classify(error, is_read=route.kind != "write")
        return Succeeded(object=answer.to_dict())

    async def create_payment_intent(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Ask for an entry fee; `amount` in cents."""
        return await self.call("create_payment_intent", parameters, idempotency_key)

    async def retrieve_payment_intent(self, intent_id: str) -> StripeOutcome:
        """Look a PaymentIntent up."""
        return await self.call("retrieve_payment_intent", {"id": intent_id}, None)

    async def cancel_payment_intent(
        self, intent_id: str, idempotency_key: str, parameters: Mapping[str, Any] | None = None
    ) -> StripeOutcome:
        """Close an intent that is not paid; `payment_intent_unexpected_state` carries the intent, perhaps paid."""
        sent = dict(parameters or {}) | {"id": intent_id}
        return await self.call("cancel_payment_intent", sent, idempotency_key)

    async def create_refund(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Return money to the card it came from; without `amount`, all that is left."""
        return await self.call("create_refund", parameters, idempotency_key)

    async def retrieve_refund(self, refund_id: str) -> StripeOutcome:
        """Look a refund up."""
        return await self.call("retrieve_refund", {"id": refund_id}, None)

    async def find_refunds(self, intent_id: str) -> StripeOutcome:
        """List every refund of a PaymentIntent, newest first."""
        return await self.call("find_refunds", {"payment_intent": intent_id}, None)

    async def create_account(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Create a connected account for a winner."""
        return await self.call("create_account", parameters, idempotency_key)

    async def retrieve_account(self, account_id: str) -> StripeOutcome:
        """Look an account up; it can be paid when `capabilities.transfers` is `active`."""
        return await self.call("retrieve_account", {"id": account_id}, None)

    async def create_account_link(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Make an onboarding link, which lives for minutes and is used once."""
        return await self.call("create_account_link", parameters, idempotency_key)

    async def create_transfer(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Move money from the platform's available balance to a connected account; `amount` in cents."""
        return await self.call("create_transfer", parameters, idempotency_key)

    async def retrieve_transfer(self, transfer_id: str) -> StripeOutcome:
        """Look a transfer up."""
        return await self.call("retrieve_transfer", {"id": transfer_id}, None)

    async def find_transfers(self, transfer_group: str) -> StripeOutcome:
        """List every transfer of a group, newest first: the look-up before a new key after a day of doubt."""
        return await self.call("find_transfers", {"transfer_group": transfer_group}, None)

    async def balance(self, account_id: str | None = None) -> StripeOutcome:
        """Tell the platform's balance, or a connected account's."""
        return await self.call("balance", {} if account_id is None else {"stripe_account": account_id}, None)

    async def list_balance_transactions(
        self,
        *,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
        newer_than: str | None = None,
    ) -> StripeOutcome:
        """List the platform's balance transactions of `[created_from, created_before)`, newest first.

        With `newer_than`, only what Stripe lists before that balance transaction; an id that it does not know fails.
        """
        if newer_than is not None:
            return await self.call("list_balance_transactions", {"ending_before": newer_than}, None)
        created: dict[str, int] = {}
        if created_from is not None:
            created["gte"] = int(created_from.timestamp())
        if created_before is not None:
            created["lt"] = int(created_before.timestamp())
        return await self.call("list_balance_transactions", {"created": created} if created else {}, None)

    async def list_events(
        self, *, delivery_success: bool | None = None, created_after: datetime | None = None
    ) -> StripeOutcome:
        """List events of the last thirty days, newest first; `delivery_success=False` finds what never arrived.

        `created_after` is inclusive: Stripe's times have whole seconds, and an event twice is better than never.
        """
        parameters: dict[str, Any] = {}
        if delivery_success is not None:
            parameters["delivery_success"] = delivery_success
        if created_after is not None:
            parameters["created"] = {"gte": int(created_after.timestamp())}
        return await self.call("list_events", parameters, None)


async def _follow(ask: Any, parameters: Mapping[str, Any], options: Mapping[str, str]) -> Succeeded:
    """Read a listing to its end, from the newest down or from `ending_before` up; newest first in either case.

    An error of any page is the caller's to classify.
    """
    upwards = "ending_before" in parameters
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = dict(parameters) | {"limit": _PAGE}
    while True:
        answer = (await ask(params=page, options=options)).to_dict()
        rows = answer["data"]
        found = [*rows, *found] if upwards else [*found, *rows]
        if not answer["has_more"] or not rows:
            return Succeeded(object={"object": "list", "data": found, "has_more": False})
        if upwards:
            page["ending_before"] = rows[0]["id"]
        else:
            page["starting_after"] = rows[-1]["id"]
