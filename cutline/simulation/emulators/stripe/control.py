"""The levers of the emulator under `/_emulator/`: state, faults, accounts, money. No part of Stripe's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cutline.simulation.emulators.stripe.accounts import CapabilityStatus
from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.simulation.emulators.stripe.faults import FAULT
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint

if TYPE_CHECKING:
    from cutline.simulation.emulators.stripe.emulator import StripeEmulator


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _AccountOrder(_Order):
    transfers: CapabilityStatus
    payouts_enabled: bool | None = None


class _TopUpOrder(_Order):
    amount: int = Field(gt=0)


class _EndpointOrder(_Order):
    url: str
    secrets: tuple[str, ...] = Field(min_length=1)


class _PaymentOrder(_Order):
    payment_method: str = "pm_card_visa"


class Control:
    """The handlers of the levers."""

    def __init__(self, emulator: StripeEmulator) -> None:
        self._emulator = emulator

    def add_routes(self, app: web.Application) -> None:
        """Route every lever."""
        router = app.router
        router.add_get("/_emulator/state", self._state)
        router.add_get("/_emulator/faults", self._list_faults)
        router.add_post("/_emulator/faults", self._add_fault)
        router.add_delete("/_emulator/faults", self._clear_faults)
        router.add_post("/_emulator/accounts/{id}", self._change_account)
        router.add_post("/_emulator/payment_intents/{id}/pay", self._pay)
        router.add_post("/_emulator/topups", self._top_up)
        router.add_post("/_emulator/webhook_endpoints", self._add_endpoint)
        router.add_post("/_emulator/deliver", self._deliver)
        router.add_get("/_emulator/onboarding/{token}", self._onboard)

    async def _state(self, _request: web.Request) -> web.Response:
        return _json(self._emulator.state.as_json())

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return _json({"waiting": self._emulator.faults.waiting, "struck": self._emulator.faults.struck})

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            fault = FAULT.validate_json(await request.read())
        except ValidationError as error:
            return _refuse(str(error))
        self._emulator.faults.add(fault)
        return _json(fault.model_dump(mode="json"))

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._emulator.faults.clear()
        return _json({})

    async def _change_account(self, request: web.Request) -> web.Response:
        try:
            order = _AccountOrder.model_validate_json(await request.read())
            return _json(
                self._emulator.set_account(
                    request.match_info["id"], transfers=order.transfers, payouts_enabled=order.payouts_enabled
                )
            )
        except ValidationError as error:
            return _refuse(str(error))
        except ApiError as error:
            return _json(error.body, status=error.http_status)

    async def _pay(self, request: web.Request) -> web.Response:
        try:
            order = _PaymentOrder.model_validate_json(await request.read() or b"{}")
            return _json(self._emulator.pay_intent(request.match_info["id"], order.payment_method))
        except ValidationError as error:
            return _refuse(str(error))
        except ApiError as error:
            return _json(error.body, status=error.http_status)

    async def _top_up(self, request: web.Request) -> web.Response:
        try:
            order = _TopUpOrder.model_validate_json(await request.read())
        except ValidationError as error:
            return _refuse(str(error))
        return _json(self._emulator.top_up(order.amount))

    async def _add_endpoint(self, request: web.Request) -> web.Response:
        try:
            order = _EndpointOrder.model_validate_json(await request.read())
        except ValidationError as error:
            return _refuse(str(error))
        self._emulator.add_endpoint(WebhookEndpoint(url=order.url, secrets=order.secrets))
        return _json({"url": order.url})

    async def _deliver(self, _request: web.Request) -> web.Response:
        made = await self._emulator.deliver_due()
        return _json({"attempts": made, "pending": self._emulator.pending_deliveries})

    async def _onboard(self, request: web.Request) -> web.Response:
        try:
            return_url = self._emulator.onboard(request.match_info["token"])
        except KeyError:
            return _refuse("This link is not known.", status=404)
        return web.Response(status=303, headers={"Location": return_url})


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _refuse(message: str, status: int = 400) -> web.Response:
    return _json({"error": {"type": "emulator_error", "message": message}}, status=status)
