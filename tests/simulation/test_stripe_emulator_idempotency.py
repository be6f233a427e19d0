"""Idempotency keys of the emulator follow Stripe's rules: what is kept, what is not, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession
from freezegun import freeze_time

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import SECRET_KEY, ApiFault, StripeEmulator, listening

FEE = {"amount": 2_500, "currency": "usd"}
KEY = {"idempotency_key": "pay:e1:1"}


@asynccontextmanager
async def connected(emulator: StripeEmulator, timeout_s: float = 5) -> AsyncIterator[Any]:
    stripe.enable_telemetry = False
    async with ClientSession() as session, listening(emulator) as base_url:
        transport = SessionClient(session, timeout_s=timeout_s)
        client = stripe.StripeClient(
            SECRET_KEY, http_client=transport, stripe_version=API_VERSION, base_addresses={"api": base_url}
        )
        yield client.v1


async def test_same_key_and_parameters_replay_the_first_answer() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        first = await v1.payment_intents.create_async(FEE, KEY)
        again = await v1.payment_intents.create_async(FEE, KEY)
        assert again.id == first.id
        assert "idempotent-replayed" not in first.last_response.headers
        assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(emulator.state.payment_intents) == 1


async def test_same_key_with_other_parameters_or_path_is_an_error() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await v1.payment_intents.create_async(FEE, KEY)
        with pytest.raises(stripe.IdempotencyError) as caught:
            await v1.payment_intents.create_async(FEE | {"amount": 2_600}, KEY)
        assert (caught.value.http_status, caught.value.code) == (400, None)
        with pytest.raises(stripe.IdempotencyError):
            await v1.payment_intents.cancel_async(intent.id, options=KEY)
    assert emulator.state.payment_intents[0]["status"] == "requires_payment_method"


async def test_refusals_after_execution_began_are_kept_for_a_day() -> None:
    with freeze_time("2026-04-01T12:00:00Z", real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            wish = {"type": "express", "capabilities": {"transfers": {"requested": True}}}
            account = await v1.accounts.create_async(wish)
            emulator.set_account(account.id, transfers="active")
            prize = {"amount": 900, "currency": "usd", "destination": account.id}
            for wait in (timedelta(0), timedelta(hours=23, minutes=59)):
                clock.tick(wait)
                with pytest.raises(stripe.InvalidRequestError) as caught:
                    await v1.transfers.create_async(prize, KEY)
                assert caught.value.code == "balance_insufficient"
                emulator.top_up(1_000)
            assert emulator.state.transfers == ()
            clock.tick(timedelta(minutes=1))
            assert (await v1.transfers.create_async(prize, KEY)).amount == 900


async def test_pruned_key_makes_a_second_object_with_another_id() -> None:
    with freeze_time("2026-04-01T12:00:00Z", real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            first = await v1.payment_intents.create_async(FEE, KEY)
            clock.tick(timedelta(hours=24))
            second = await v1.payment_intents.create_async(FEE, KEY)
            assert first.id != second.id


async def test_card_declines_are_kept_and_validation_failures_are_not() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await v1.payment_intents.create_async({"currency": "usd"}, KEY)
        assert caught.value.code == "parameter_missing"
        declined = FEE | {"payment_method": "pm_card_chargeDeclined", "confirm": True}
        for _ in range(2):
            with pytest.raises(stripe.CardError):
                await v1.payment_intents.create_async(declined, KEY)
    assert len(emulator.state.payment_intents) == 1
    assert len(emulator.state.charges) == 1


async def test_saved_500_is_replayed_without_and_with_the_effect() -> None:
    emulator = StripeEmulator()
    emulator.faults.add(ApiFault(kind="error_500", operation="payment_intents.create"))
    async with connected(emulator) as v1:
        for _ in range(2):
            with pytest.raises(stripe.APIError) as caught:
                await v1.payment_intents.create_async(FEE, KEY)
            assert caught.value.http_status == 500
        assert emulator.state.payment_intents == ()
        emulator.faults.add(ApiFault(kind="error_500_after_commit"))
        for _ in range(2):
            with pytest.raises(stripe.APIError):
                await v1.payment_intents.create_async(FEE, {"idempotency_key": "pay:e1:2"})
        assert len(emulator.state.payment_intents) == 1


async def test_twin_of_a_running_request_is_409_and_then_replayed() -> None:
    emulator = StripeEmulator()
    emulator.faults.add(ApiFault(kind="slow", seconds=0.2))
    async with connected(emulator) as v1:
        running = asyncio.create_task(v1.payment_intents.create_async(FEE, KEY))
        await asyncio.wait_for(emulator.webhooks.arrived.wait(), 5)
        with pytest.raises(stripe.APIError) as caught:
            await v1.payment_intents.create_async(FEE, KEY)
        assert caught.value.http_status == 409
        assert caught.value.error is not None
        assert caught.value.error.code == "idempotency_key_in_use"
        first = await running
        assert (await v1.payment_intents.create_async(FEE, KEY)).id == first.id


@pytest.mark.parametrize("kind", ["drop_after_commit", "truncated_body"])
async def test_answer_lost_after_success_is_found_again_under_the_key(kind: Any) -> None:
    """Fault T1: performed, then cut; the same key brings the same object and there is one effect (I4)."""
    emulator = StripeEmulator()
    emulator.faults.add(ApiFault(kind=kind, metadata={"entry_id": "e1"}))
    async with connected(emulator) as v1:
        await v1.payment_intents.create_async(FEE | {"metadata": {"entry_id": "e2"}}, {"idempotency_key": "other"})
        parameters = FEE | {"metadata": {"entry_id": "e1"}}
        with pytest.raises(stripe.APIConnectionError):
            await v1.payment_intents.create_async(parameters, KEY)
        again = await v1.payment_intents.create_async(parameters, KEY)
        assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(emulator.state.payment_intents) == 2


async def test_request_lost_before_it_arrived_has_no_effect_and_no_kept_answer() -> None:
    """Fault T2."""
    emulator = StripeEmulator()
    emulator.faults.add(ApiFault(kind="drop_before_commit"))
    async with connected(emulator) as v1:
        with pytest.raises(stripe.APIConnectionError):
            await v1.payment_intents.create_async(FEE, KEY)
        assert emulator.state.payment_intents == ()
        again = await v1.payment_intents.create_async(FEE, KEY)
        assert "idempotent-replayed" not in again.last_response.headers


async def test_slow_answer_times_out_although_it_was_performed() -> None:
    emulator = StripeEmulator()
    emulator.faults.add(ApiFault(kind="slow", seconds=0.15))
    async with connected(emulator, timeout_s=0.05) as v1:
        with pytest.raises(stripe.APIConnectionError):
            await v1.payment_intents.create_async(FEE, KEY)
        await asyncio.sleep(0.2)
        assert (await v1.payment_intents.create_async(FEE, KEY)).id == emulator.state.payment_intents[0]["id"]
    assert len(emulator.state.payment_intents) == 1


async def test_lock_timeout_is_429_and_is_not_kept() -> None:
    emulator = StripeEmulator()
    emulator.faults.add(ApiFault(kind="lock_timeout", times=2))
    async with connected(emulator) as v1:
        for _ in range(2):
            with pytest.raises(stripe.RateLimitError) as caught:
                await v1.payment_intents.create_async(FEE, KEY)
            assert caught.value.error is not None
            assert caught.value.error.code == "lock_timeout"
        assert (await v1.payment_intents.create_async(FEE, KEY)).amount == 2_500
    assert [one["kind"] for one in emulator.faults.struck] == ["lock_timeout"] * 2
