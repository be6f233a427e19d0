"""Asks Stripe through its official SDK, once a call, and says what came of it; it must not retry or decide.

Retries belong to the payment and payout actors, which commit each attempt's key and exact parameters before they
ask: a retry inside the SDK would be an attempt that nobody recorded, after a random sleep.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import aiohttp
import stripe

from cutline.gateways.stripe_errors import Failed, classify

API_VERSION = "2026-10-28.endive"
"""The version that every request names; webhook endpoints are created with the same one."""

_PAGE = 100


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

    def __init__(self, session: aiohttp.ClientSession, *, timeout_s: float) -> None:
        super().__init__(session=session)
        self._own_session = session
        self._limit = aiohttp.ClientTimeout(total=timeout_s)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request and read its whole answer; raise `APIConnectionError` for anything less."""
        try:
            async with self._own_session.request(
                method, url, headers=headers, data=post_data, timeout=self._limit
            ) as response:
                return await response.read(), response.status, response.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"No complete answer from Stripe: {type(error).__name__}"
            # The SDK leaves this constructor without types.
            lost = stripe.APIConnectionError(message, should_retry=True)  # type: ignore[no-untyped-call]
            raise lost from error


class StripeGateway:
    """Stripe's API as the engine sees it: committed parameters in, an outcome out, never an exception of the SDK."""

    def __init__(
        self, secret_key: str, base_url: str, session: aiohttp.ClientSession, *, timeout_s: float = 20
    ) -> None:
        stripe.enable_telemetry = False
        client = stripe.StripeClient(
            secret_key,
            http_client=SessionClient(session, timeout_s=timeout_s),
            max_network_retries=0,
            stripe_version=API_VERSION,
            base_addresses={"api": base_url},
        )
        self._v1: Any = client.v1

    async def create_payment_intent(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Ask for an entry fee; `amount` in cents."""
        return await _write(self._v1.payment_intents.create_async, parameters, idempotency_key)

    async def retrieve_payment_intent(self, intent_id: str) -> StripeOutcome:
        """Look a PaymentIntent up."""
        return await _read(self._v1.payment_intents.retrieve_async, intent_id)

    async def cancel_payment_intent(
        self, intent_id: str, idempotency_key: str, parameters: Mapping[str, Any] | None = None
    ) -> StripeOutcome:
        """Close an intent that is not paid; `payment_intent_unexpected_state` carries the intent, perhaps paid."""
        return await _write(self._v1.payment_intents.cancel_async, parameters or {}, idempotency_key, intent_id)

    async def create_refund(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Return money to the card it came from; without `amount`, all that is left."""
        return await _write(self._v1.refunds.create_async, parameters, idempotency_key)

    async def retrieve_refund(self, refund_id: str) -> StripeOutcome:
        """Look a refund up."""
        return await _read(self._v1.refunds.retrieve_async, refund_id)

    async def find_refunds(self, intent_id: str) -> StripeOutcome:
        """List every refund of a PaymentIntent, newest first."""
        return await _read_all(self._v1.refunds.list_async, {"payment_intent": intent_id})

    async def create_account(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Create a connected account for a winner."""
        return await _write(self._v1.accounts.create_async, parameters, idempotency_key)

    async def retrieve_account(self, account_id: str) -> StripeOutcome:
        """Look an account up; it can be paid when `capabilities.transfers` is `active`."""
        return await _read(self._v1.accounts.retrieve_async, account_id)

    async def create_account_link(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Make an onboarding link, which lives for minutes and is used once."""
        return await _write(self._v1.account_links.create_async, parameters, idempotency_key)

    async def create_transfer(self, parameters: Mapping[str, Any], idempotency_key: str) -> StripeOutcome:
        """Move money from the platform's available balance to a connected account; `amount` in cents."""
        return await _write(self._v1.transfers.create_async, parameters, idempotency_key)

    async def retrieve_transfer(self, transfer_id: str) -> StripeOutcome:
        """Look a transfer up."""
        return await _read(self._v1.transfers.retrieve_async, transfer_id)

    async def find_transfers(self, transfer_group: str) -> StripeOutcome:
        """List every transfer of a group, newest first: the look-up before a new key after a day of doubt."""
        return await _read_all(self._v1.transfers.list_async, {"transfer_group": transfer_group})

    async def balance(self, account_id: str | None = None) -> StripeOutcome:
        """Tell the platform's balance, or a connected account's."""
        return await _read(self._v1.balance.retrieve_async, options=_on_behalf_of(account_id))

    async def list_balance_transactions(
        self, *, created_from: datetime | None = None, created_before: datetime | None = None
    ) -> StripeOutcome:
        """List the platform's balance transactions of `[created_from, created_before)`, newest first."""
        created: dict[str, int] = {}
        if created_from is not None:
            created["gte"] = int(created_from.timestamp())
        if created_before is not None:
            created["lt"] = int(created_before.timestamp())
        return await _read_all(self._v1.balance_transactions.list_async, {"created": created} if created else {})

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
        return await _read_all(self._v1.events.list_async, parameters)


def _on_behalf_of(account_id: str | None) -> dict[str, str]:
    return {} if account_id is None else {"stripe_account": account_id}


async def _write(
    ask: Callable[..., Awaitable[Any]], parameters: Mapping[str, Any], idempotency_key: str, *path: str
) -> StripeOutcome:
    """Send exactly these parameters under exactly this key, once."""
    try:
        answer = await ask(*path, params=dict(parameters), options={"idempotency_key": idempotency_key})
    except stripe.StripeError as error:
        return classify(error)
    return Succeeded(object=answer.to_dict())


async def _read(
    ask: Callable[..., Awaitable[Any]], *path: str, options: Mapping[str, str] | None = None
) -> StripeOutcome:
    try:
        answer = await ask(*path, options=dict(options or {}))
    except stripe.StripeError as error:
        return classify(error, is_read=True)
    return Succeeded(object=answer.to_dict())


async def _read_all(ask: Callable[..., Awaitable[Any]], parameters: Mapping[str, Any]) -> StripeOutcome:
    """Follow a listing to its end."""
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = dict(parameters) | {"limit": _PAGE}
    while True:
        try:
            answer = (await ask(params=page)).to_dict()
        except stripe.StripeError as error:
            return classify(error, is_read=True)
        found.extend(answer["data"])
        if not answer["has_more"] or not answer["data"]:
            return Succeeded(object={"object": "list", "data": found, "has_more": False})
        page["starting_after"] = answer["data"][-1]["id"]
