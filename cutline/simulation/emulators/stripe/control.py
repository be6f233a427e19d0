"""The levers of the emulator over HTTP, under `/_emulator/`. No part of Stripe's API; it must not decide anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cutline.simulation.emulators.stripe.accounts import CapabilityStatus
from cutline.simulation.emulators.stripe.disputes import DisputeOutcome, DisputeReason
from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.simulation.emulators.stripe.faults import FAULT
from cutline.simulation.emulators.stripe.refunds import RefundFailure
from cutline.simulation.emulators.stripe.webhooks import EventsFrom, WebhookEndpoint

if TYPE_CHECKING:
    from cutline.simulation.emulators.stripe.emulator import StripeEmulator


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Account(_Order):
    transfers: CapabilityStatus
    payouts_enabled: bool | None = None


class _TopUp(_Order):
    amount: int = Field(gt=0)


class _Endpoint(_Order):
    url: str
    secrets: tuple[str, ...] = Field(min_length=1)
    events_from: EventsFrom = "both"


class _Rotation(_Order):
    url: str
    secret: str = Field(min_length=1)
    overlap_s: float = Field(default=86_400, ge=0)


class _Payment(_Order):
    payment_method: str = "pm_card_visa"


class _RefundFailure(_Order):
    reason: RefundFailure = "lost_or_stolen_card"


class _PayoutFailure(_Order):
    failure_code: str = "account_closed"


class _Dispute(_Order):
    charge: str
    amount: int | None = Field(default=None, gt=0)
    reason: DisputeReason = "fraudulent"
    names_intent: bool = True


class _Verdict(_Order):
    outcome: DisputeOutcome


class _Switch(_Order):
    enabled: bool


class _Passage(_Order):
    seconds: float = Field(ge=0)


_O = TypeVar("_O", bound=_Order)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The handlers of the levers."""

    def __init__(self, emulator: StripeEmulator) -> None:
        self._emulator = emulator

    def add_routes(self, app: web.Application) -> None:
        """Route every lever."""
        emulator, router = self._emulator, app.router
        router.add_get("/_emulator/state", self._state)
        router.add_get("/_emulator/faults", self._list_faults)
        router.add_post("/_emulator/faults", self._add_fault)
        router.add_delete("/_emulator/faults", self._clear_faults)
        router.add_post("/_emulator/deliver", self._deliver)
        router.add_get("/_emulator/onboarding/{token}", self._onboard)
        levers: tuple[tuple[str, _Handler], ...] = (
            ("topups", _lever(_TopUp, lambda _, order: emulator.top_up(order.amount))),
            (
                "accounts/{id}",
                _lever(
                    _Account,
                    lambda name, order: emulator.set_account(
                        name, transfers=order.transfers, payouts_enabled=order.payouts_enabled
                    ),
                ),
            ),
            ("accounts/{id}/deauthorize", _lever(_Order, lambda name, _: emulator.deauthorize(name))),
            (
                "payment_intents/{id}/pay",
                _lever(_Payment, lambda name, order: emulator.pay_intent(name, order.payment_method)),
            ),
            ("refunds/{id}/fail", _lever(_RefundFailure, lambda name, order: emulator.fail_refund(name, order.reason))),
            (
                "payouts/{id}/fail",
                _lever(_PayoutFailure, lambda name, order: emulator.fail_payout(name, order.failure_code)),
            ),
            ("automatic_payouts", _lever(_Switch, self._switch)),
            ("disputes", _lever(_Dispute, self._dispute)),
            (
                "disputes/{id}",
                _lever(_Verdict, lambda name, order: emulator.decide_dispute(name, order.outcome)),
            ),
            ("webhook_endpoints", _lever(_Endpoint, self._add_endpoint)),
            ("webhook_endpoints/rotate", _lever(_Rotation, self._rotate)),
            ("clock", _lever(_Passage, self._let_pass)),
        )
        for path, handler in levers:
            router.add_post(f"/_emulator/{path}", handler)

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

    async def _deliver(self, _request: web.Request) -> web.Response:
        made = await self._emulator.deliver_due()
        return _json({"attempts": made, "pending": self._emulator.pending_deliveries})

    async def _onboard(self, request: web.Request) -> web.Response:
        try:
            return_url = self._emulator.onboard(request.match_info["token"])
        except KeyError:
            return _refuse("This link is not known.", status=404)
        return web.Response(status=303, headers={"Location": return_url})

    def _switch(self, _name: str, order: _Switch) -> Any:
        self._emulator.pay_out_automatically(enabled=order.enabled)
        return {"enabled": order.enabled}

    def _dispute(self, _name: str, order: _Dispute) -> Any:
        return self._emulator.open_dispute(
            order.charge, reason=order.reason, amount_cents=order.amount, names_intent=order.names_intent
        )

    def _add_endpoint(self, _name: str, order: _Endpoint) -> Any:
        endpoint = WebhookEndpoint(url=order.url, secrets=order.secrets, events_from=order.events_from)
        self._emulator.add_endpoint(endpoint)
        return {"url": order.url}

    def _rotate(self, _name: str, order: _Rotation) -> Any:
        self._emulator.rotate_secret(order.url, order.secret, overlap=timedelta(seconds=order.overlap_s))
        return {"url": order.url}

    def _let_pass(self, _name: str, order: _Passage) -> Any:
        now = self._emulator.set_clock_forward(timedelta(seconds=order.seconds))
        self._emulator.webhooks.arrived.set()
        return {"now_utc": now.isoformat()}


def _lever(order_type: type[_O], pull: Callable[[str, _O], Any]) -> _Handler:
    """Return a handler that reads an order, pulls the lever for the id in the path, and tells what came of it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            order = order_type.model_validate_json(await request.read() or b"{}")
            return _json(pull(request.match_info.get("id", ""), order))
        except ValidationError as error:
            return _refuse(str(error))
        except ApiError as error:
            return _json(error.body, status=error.http_status)
        except KeyError as error:
            return _refuse(f"{error.args[0]} is not known.", status=404)

    return handle


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _refuse(message: str, status: int = 400) -> web.Response:
    return _json({"error": {"type": "emulator_error", "message": message}}, status=status)
