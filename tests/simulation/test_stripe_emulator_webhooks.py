"""Webhooks of the emulator: signed at delivery, retried for days, and faulty where a test asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession, web
from freezegun import freeze_time

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import (
    SECRET_KEY,
    StripeEmulator,
    WebhookEndpoint,
    WebhookFault,
    listening,
    serve_stripe,
)
from cutline.simulation.emulators.stripe.webhooks import RETRY_DELAYS_S

SECRET = "whsec_one"
START = "2026-04-01T12:00:00Z"


@dataclass
class Receiver:
    """A real endpoint that verifies with the SDK what it gets."""

    secret: str = SECRET
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    url: str = ""

    async def receive(self, request: web.Request) -> web.Response:
        body, header = await request.read(), request.headers["Stripe-Signature"]
        event = stripe.Webhook.construct_event(body, header, self.secret)
        self.bodies.append(body)
        self.headers.append(header)
        self.events.append(event)
        self.arrived.release()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[ClientSession]:
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    async with ClientSession() as session:
        yield session
    await runner.cleanup()


@asynccontextmanager
async def wired(receiver: Receiver) -> AsyncIterator[tuple[StripeEmulator, Any]]:
    """Yield an emulator that delivers to the receiver, and the SDK's services."""
    stripe.enable_telemetry = False
    async with receiving(receiver) as session:
        emulator = StripeEmulator(endpoints=[WebhookEndpoint(url=receiver.url, secrets=(SECRET,))], session=session)
        async with listening(emulator) as base_url:
            client = stripe.StripeClient(
                SECRET_KEY,
                http_client=SessionClient(session, timeout_s=5),
                stripe_version=API_VERSION,
                base_addresses={"api": base_url},
            )
            yield emulator, client.v1


async def intend(v1: Any, entry_id: str) -> Any:
    parameters = {"amount": 2_500, "currency": "usd", "metadata": {"entry_id": entry_id}}
    return await v1.payment_intents.create_async(parameters, {"idempotency_key": entry_id})


async def test_every_change_is_delivered_once_signed_and_in_order() -> None:
    receiver = Receiver()
    async with wired(receiver) as (emulator, v1):
        intent = await intend(v1, "e1")
        emulator.pay_intent(intent.id)
        assert emulator.pending_deliveries == 3
        assert await emulator.deliver_due() == 3
        assert await emulator.deliver_due() == 0
        assert (emulator.pending_deliveries, receiver.types) == (
            0, ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"],
        )  # fmt: skip
        assert (await v1.events.list_async({"delivery_success": False})).data == []
        assert len((await v1.events.list_async({"delivery_success": True})).data) == 3


async def test_signature_is_made_when_delivered_not_when_the_event_was_made() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        receiver = Receiver()
        async with wired(receiver) as (emulator, v1):
            emulator.faults.add(WebhookFault(kind="delay", seconds=86_400, metadata={"entry_id": "e1"}))
            await intend(v1, "e1")
            await intend(v1, "e2")
            await emulator.deliver_due()
            assert [event.data.object.metadata["entry_id"] for event in receiver.events] == ["e2"]
            clock.tick(timedelta(days=1))
            assert emulator.next_due_at is not None
            await emulator.deliver_due()
            late = receiver.events[1]
            signed_at_s = int(receiver.headers[1].split(",")[0].removeprefix("t="))
            assert signed_at_s - late.created == 86_400


async def test_refused_delivery_is_retried_for_three_days_with_the_same_body() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        receiver = Receiver(statuses=[500, 302, 503])
        async with wired(receiver) as (emulator, v1):
            await intend(v1, "e1")
            for delay_s in (0, *RETRY_DELAYS_S[:3]):
                clock.tick(timedelta(seconds=delay_s))
                assert await emulator.deliver_due() == 1
                assert await emulator.deliver_due() == 0
            assert emulator.pending_deliveries == 0
            assert len(set(receiver.bodies)) == 1
            assert len(set(receiver.headers)) == 4
    assert [one["http_status"] for one in emulator.webhooks.attempts] == [500, 302, 503, 200]
    assert sum(RETRY_DELAYS_S) <= 3 * 86_400


async def test_event_that_is_never_accepted_stays_listed_as_undelivered() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        receiver = Receiver(statuses=[500] * 20)
        async with wired(receiver) as (emulator, v1):
            await intend(v1, "e1")
            while emulator.next_due_at is not None:
                clock.move_to(emulator.next_due_at)
                await emulator.deliver_due()
            assert (emulator.pending_deliveries, len(receiver.events)) == (0, len(RETRY_DELAYS_S) + 1)
            missed = await v1.events.list_async({"delivery_success": False})
            assert [event.type for event in missed.data] == ["payment_intent.created"]
            clock.tick(timedelta(days=30))
            assert (await v1.events.list_async({"delivery_success": False})).data == []


async def test_dropped_event_never_arrives_but_can_be_fetched_back() -> None:
    receiver = Receiver()
    async with wired(receiver) as (emulator, v1):
        emulator.faults.add(WebhookFault(kind="drop", event_type="payment_intent.succeeded"))
        emulator.pay_intent((await intend(v1, "e1")).id)
        await emulator.deliver_due()
        assert "payment_intent.succeeded" not in receiver.types
        assert emulator.pending_deliveries == 0
        missed = await v1.events.list_async({"delivery_success": False})
        assert [event.type for event in missed.data] == ["payment_intent.succeeded"]


async def test_duplicates_carry_the_same_id_and_body() -> None:
    receiver = Receiver()
    async with wired(receiver) as (emulator, v1):
        emulator.faults.add(WebhookFault(kind="duplicate", copies=2))
        await intend(v1, "e1")
        assert emulator.pending_deliveries == 3
        assert await emulator.deliver_due() == 3
        assert len(set(receiver.bodies)) == 1
        assert emulator.pending_deliveries == 0


async def test_reordered_event_arrives_after_the_next_one_or_after_a_minute() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        receiver = Receiver()
        async with wired(receiver) as (emulator, v1):
            emulator.faults.add(WebhookFault(kind="reorder", event_type="charge.succeeded"))
            emulator.pay_intent((await intend(v1, "e1")).id)
            assert await emulator.deliver_due() == 3
            assert receiver.types[1:] == ["payment_intent.succeeded", "charge.succeeded"]
            emulator.faults.add(WebhookFault(kind="reorder"))
            await intend(v1, "e2")
            assert await emulator.deliver_due() == 0
            clock.tick(timedelta(minutes=1))
            assert await emulator.deliver_due() == 1
            assert emulator.next_due_at is not None  # the funds of the first payment, two days on
            assert emulator.pending_deliveries == 0


@pytest.mark.parametrize("secret", ["whsec_old", "whsec_new"])
async def test_rotated_secrets_both_verify(secret: str) -> None:
    receiver = Receiver(secret=secret)
    async with receiving(receiver) as session:
        endpoint = WebhookEndpoint(url=receiver.url, secrets=("whsec_old", "whsec_new"))
        emulator = StripeEmulator(endpoints=[endpoint], session=session)
        emulator.top_up(100)
        assert await emulator.deliver_due() == 1
    assert receiver.types == ["topup.succeeded"]


async def test_endpoint_gets_only_the_types_it_subscribed_to() -> None:
    receiver = Receiver()
    async with receiving(receiver) as session:
        emulator = StripeEmulator(session=session)
        emulator.top_up(100)
        emulator.add_endpoint(
            WebhookEndpoint(url=receiver.url, secrets=(SECRET,), event_types=frozenset({"topup.failed"}))
        )
        emulator.top_up(100)
        assert await emulator.deliver_due() == 0
        assert emulator.webhooks.is_delivered(emulator.state.events[0]["id"])


async def test_endpoint_that_is_down_gets_the_event_later() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        async with ClientSession() as session:
            endpoint = WebhookEndpoint(url="http://127.0.0.1:1/hook", secrets=(SECRET,))
            emulator = StripeEmulator(endpoints=[endpoint], session=session)
            emulator.top_up(100)
            assert await emulator.deliver_due() == 1
            assert emulator.webhooks.attempts[0]["http_status"] is None
            clock.tick(timedelta(seconds=RETRY_DELAYS_S[0]))
            assert await emulator.deliver_due() == 1
            assert emulator.pending_deliveries == 1


async def test_served_alone_it_delivers_by_itself_in_real_time() -> None:
    receiver = Receiver()
    async with receiving(receiver) as session:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve_stripe(0, receiver.url, SECRET, on_ready=ready.set_result))
        base_url = await asyncio.wait_for(ready, 5)
        for _ in range(2):
            async with session.post(f"{base_url}/_emulator/topups", json={"amount": 100}) as answer:
                assert answer.status == 200
        async with asyncio.timeout(5):
            await receiver.arrived.acquire()
            await receiver.arrived.acquire()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
