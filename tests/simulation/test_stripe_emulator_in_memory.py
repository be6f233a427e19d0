"""The emulator needs no socket: the production gateway reaches it through memory, on a clock that a test turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, web

from cutline.gateways.stripe import StripeGateway, Succeeded
from cutline.gateways.stripe_errors import Failed
from cutline.gateways.stripe_webhook import parse_event, verify_signature
from cutline.simulation.emulators.stripe import SECRET_KEY, ApiFault, StripeEmulator, WebhookEndpoint
from cutline.simulation.network import MemoryConnector

FEE = {"amount": 2_500, "currency": "usd", "metadata": {"entry_id": "e1"}}
SECRET = "whsec_memory"


class Turned:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 4, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class World:
    def __init__(self, clock: Turned) -> None:
        self.clock = clock
        self.received: list[str] = []
        endpoint = WebhookEndpoint(url="http://engine/hook", secrets=(SECRET,))
        self.emulator = StripeEmulator(endpoints=[endpoint], clock=clock)

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        verify_signature(body, request.headers["Stripe-Signature"], [SECRET], self.clock.now)
        self.received.append(parse_event(body).type)
        return web.Response()


@asynccontextmanager
async def in_memory() -> AsyncIterator[tuple[World, StripeGateway]]:
    world = World(Turned())
    app = web.Application()
    app.router.add_post("/hook", world.receive)
    runners = {"stripe": web.AppRunner(world.emulator.app), "engine": web.AppRunner(app)}
    for runner in runners.values():
        await runner.setup()
    servers: dict[str, Any] = {host: runner.server for host, runner in runners.items()}
    async with ClientSession(connector=MemoryConnector(servers)) as session:
        world.emulator.use_session(session)
        yield world, StripeGateway(SECRET_KEY, "http://stripe", session, timeout_s=1)
    for runner in runners.values():
        await runner.cleanup()


async def test_payment_funds_and_webhooks_follow_the_clock_that_is_given() -> None:
    async with in_memory() as (world, gateway):
        intent = await gateway.create_payment_intent(FEE, "k")
        assert isinstance(intent, Succeeded)
        assert intent.object["created"] == int(world.clock.now.timestamp())
        world.emulator.pay_intent(intent.object["id"])
        assert await world.emulator.deliver_due() == 3
        dues = [world.emulator.next_due_at]
        world.clock.now += timedelta(days=2)
        assert await world.emulator.deliver_due() == 1
        dues.append(world.emulator.next_due_at)
        assert dues == [world.clock.now, None]
    assert world.received[-2:] == ["payment_intent.succeeded", "balance.available"]


@pytest.mark.parametrize("kind", ["drop_before_commit", "drop_after_commit", "truncated_body"])
async def test_cut_connections_look_alike_and_the_same_key_settles_them(kind: Any) -> None:
    async with in_memory() as (world, gateway):
        world.emulator.faults.add(ApiFault(kind=kind))
        failed = await gateway.create_payment_intent(FEE, "k")
        assert isinstance(failed, Failed)
        assert failed.code == "connection_lost"
        assert isinstance(await gateway.create_payment_intent(FEE, "k"), Succeeded)
    assert len(world.emulator.state.payment_intents) == 1


async def test_without_a_session_nothing_is_delivered_and_everything_stays_owed() -> None:
    emulator = StripeEmulator(endpoints=[WebhookEndpoint(url="http://engine/hook", secrets=(SECRET,))])
    emulator.top_up(100)
    assert await emulator.deliver_due() == 0
    assert emulator.pending_deliveries == 1
