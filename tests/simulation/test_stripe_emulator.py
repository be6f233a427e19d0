"""The emulator behaves as Stripe does, seen through the official SDK over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import stripe
from aiohttp import ClientSession
from freezegun import freeze_time

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import PUBLISHABLE_KEY, SECRET_KEY, StripeEmulator, listening

FEE = {"amount": 2_500, "currency": "usd", "metadata": {"entry_id": "e1", "contest_id": "c1"}}
START = "2026-04-01T12:00:00Z"


@asynccontextmanager
async def connected(emulator: StripeEmulator, key: str = SECRET_KEY) -> AsyncIterator[Any]:
    """Yield the SDK's v1 services over a real socket."""
    stripe.enable_telemetry = False
    async with ClientSession() as session, listening(emulator) as base_url:
        client = stripe.StripeClient(
            key,
            http_client=SessionClient(session, timeout_s=5),
            stripe_version=API_VERSION,
            base_addresses={"api": base_url},
        )
        yield client.v1


def key(name: str) -> dict[str, Any]:
    return {"idempotency_key": name}


async def paid(v1: Any, name: str = "one", method: str = "pm_card_visa", **changes: Any) -> Any:
    parameters = FEE | {"payment_method": method, "confirm": True} | changes
    return await v1.payment_intents.create_async(parameters, key(name))


async def ready_account(v1: Any, emulator: StripeEmulator) -> str:
    wish = {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    account = await v1.accounts.create_async(wish, key("account"))
    emulator.set_account(account.id, transfers="active")
    return str(account.id)


def event_types(emulator: StripeEmulator) -> list[str]:
    return [event["type"] for event in emulator.state.events]


async def test_intent_is_created_confirmed_and_charged_with_fees() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await v1.payment_intents.create_async(FEE, key("pi"))
        assert (intent.status, intent.latest_charge, intent.metadata["entry_id"]) == (
            "requires_payment_method", None, "e1",
        )  # fmt: skip
        confirmed = await v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
        assert (confirmed.status, confirmed.amount_received) == ("succeeded", 2_500)
        full = await v1.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge.balance_transaction"]})
        transaction = full.latest_charge.balance_transaction
        assert (transaction.amount, transaction.fee, transaction.net) == (2_500, 103, 2_397)
        listed = await v1.payment_intents.list_async({"limit": 3})
        assert [one.id for one in listed.data] == [intent.id]
    assert event_types(emulator) == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
async def test_declined_card_leaves_the_intent_open_and_moves_nothing(
    method: str, code: str, decline_code: str | None
) -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        with pytest.raises(stripe.CardError) as caught:
            await paid(v1, method=method)
        error = caught.value
        assert error.error is not None
        assert (error.http_status, error.code, error.error.decline_code) == (402, code, decline_code)
        intent = emulator.state.payment_intents[0]
        assert (intent["status"], intent["last_payment_error"]["code"]) == ("requires_payment_method", code)
        retried = await v1.payment_intents.confirm_async(intent["id"], {"payment_method": "pm_card_visa"})
        assert retried.status == "succeeded"
    assert event_types(emulator)[1:3] == ["charge.failed", "payment_intent.payment_failed"]
    assert len(emulator.state.balance_transactions) == 1


async def test_cancelled_intent_cannot_be_paid_and_paid_intent_cannot_be_cancelled() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await v1.payment_intents.create_async(FEE, key("a"))
        assert (await v1.payment_intents.cancel_async(intent.id)).status == "canceled"
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await v1.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
        assert caught.value.code == "payment_intent_unexpected_state"
        succeeded = await paid(v1, "b")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await v1.payment_intents.cancel_async(succeeded.id)
        assert refused.value.error is not None
        assert refused.value.error.payment_intent is not None
        assert refused.value.error.payment_intent.status == "succeeded"


async def test_entrant_pays_with_the_publishable_key_and_the_client_secret_only() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await v1.payment_intents.create_async(FEE, key("a"))
    async with connected(emulator, PUBLISHABLE_KEY) as browser:
        with pytest.raises(stripe.AuthenticationError):
            await browser.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
        with pytest.raises(stripe.AuthenticationError):
            await browser.payment_intents.list_async()
        secret = {"client_secret": intent.client_secret}
        done = await browser.payment_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"} | secret)
        assert done.status == "succeeded"
    with pytest.raises(Exception, match="status of succeeded"):
        emulator.pay_intent(intent.id)


async def test_funds_wait_two_days_and_then_announce_themselves() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            await paid(v1)
            before = await v1.balance.retrieve_async()
            assert (before.available[0].amount, before.pending[0].amount) == (0, 2_397)
            assert emulator.next_due_at is not None
            clock.tick(timedelta(days=2))
            after = await v1.balance.retrieve_async()
            assert (after.available[0].amount, after.pending[0].amount) == (2_397, 0)
            bypassed = await paid(v1, "two", "pm_card_bypassPending")
            assert bypassed.status == "succeeded"
            assert emulator.state.balance["available"][0]["amount"] == 2 * 2_397
    assert "balance.available" in event_types(emulator)


async def test_refunds_never_exceed_the_charge() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await paid(v1)
        first = await v1.refunds.create_async({"payment_intent": intent.id, "amount": 1_000}, key("r1"))
        assert (first.status, first.charge) == ("succeeded", intent.latest_charge)
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            await v1.refunds.create_async({"payment_intent": intent.id, "amount": 1_501}, key("r2"))
        rest = await v1.refunds.create_async({"charge": intent.latest_charge}, key("r3"))
        assert rest.amount == 1_500
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await v1.refunds.create_async({"payment_intent": intent.id}, key("r4"))
        assert caught.value.code == "charge_already_refunded"
        assert (await v1.refunds.retrieve_async(rest.id)).amount == 1_500
        assert len((await v1.refunds.list_async({"payment_intent": intent.id})).data) == 2
        assert (await v1.charges.retrieve_async(intent.latest_charge)).refunded is True
    assert sum(one["net"] for one in emulator.state.balance_transactions) == -103
    assert {"refund.created", "charge.refunded", "refund.updated"} <= set(event_types(emulator))


async def test_account_is_onboarded_by_its_link_or_by_the_lever() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1, ClientSession() as browser:
        wish = {"type": "express", "email": "w@example.org", "capabilities": {"transfers": {"requested": True}}}
        account = await v1.accounts.create_async(wish, key("a"))
        assert (account.capabilities.transfers, account.payouts_enabled) == ("inactive", False)
        urls = {"refresh_url": "http://127.0.0.1/again", "return_url": "http://127.0.0.1/done"}
        link = await v1.account_links.create_async({"account": account.id, "type": "account_onboarding"} | urls)
        async with browser.get(link.url, allow_redirects=False) as page:
            assert (page.status, page.headers["Location"]) == (303, "http://127.0.0.1/done")
        ready = await v1.accounts.retrieve_async(account.id)
        assert (ready.capabilities.transfers, ready.payouts_enabled) == ("active", True)
        lever = link.url.partition("/_emulator/")[0] + f"/_emulator/accounts/{account.id}"
        async with browser.post(lever, json={"transfers": "inactive"}) as answer:
            assert answer.status == 200
        assert [one.id for one in (await v1.accounts.list_async()).data] == [account.id]
    updates = [event for event in emulator.state.events if event["type"] == "account.updated"]
    assert [event["account"] for event in updates] == [account.id, account.id]
    assert updates[1]["data"]["object"]["capabilities"] == {"transfers": "inactive"}


async def test_transfer_needs_available_balance_and_a_capable_destination() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        wish = {"type": "express", "capabilities": {"transfers": {"requested": True}}}
        account = await v1.accounts.create_async(wish, key("a"))
        prize = {"amount": 5_000, "currency": "usd", "destination": account.id, "transfer_group": "c1"}
        codes = []
        for name, change in (
            ("t1", {}), ("t2", {"destination": "acct_nobody"}), ("t3", {"colour": "red"}), ("t4", {"amount": "ten"}),
        ):  # fmt: skip
            with pytest.raises(stripe.InvalidRequestError) as caught:
                await v1.transfers.create_async(prize | change, key(name))
            codes.append(caught.value.code)
        assert codes == [
            "insufficient_capabilities_for_transfer",
            "resource_missing",
            "parameter_unknown",
            "parameter_invalid_integer",
        ]
        emulator.set_account(account.id, transfers="active")
        with pytest.raises(stripe.InvalidRequestError) as short:
            await v1.transfers.create_async(prize, key("t5"))
        assert short.value.code == "balance_insufficient"
        emulator.top_up(5_000)
        with pytest.raises(stripe.InvalidRequestError):
            await v1.transfers.create_async(prize, key("t5"))
        transfer = await v1.transfers.create_async(prize | {"metadata": {"entry_id": "e1"}}, key("t6"))
        assert (transfer.transfer_group, transfer.metadata["entry_id"]) == ("c1", "e1")
        assert (await v1.transfers.list_async({"transfer_group": "other"})).data == []
        assert [one.id for one in (await v1.transfers.list_async({"transfer_group": "c1"})).data] == [transfer.id]
        assert (await v1.transfers.retrieve_async(transfer.id)).amount == 5_000
        connected_balance = await v1.balance.retrieve_async(options={"stripe_account": account.id})
        assert connected_balance.available[0].amount == 5_000
    assert emulator.state.balance["available"][0]["amount"] == 0


async def test_source_transaction_transfers_pending_money_but_never_more_than_it() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        account = await ready_account(v1, emulator)
        intent = await paid(v1)
        prize = {
            "amount": 2_000, "currency": "usd", "destination": account, "source_transaction": intent.latest_charge,
        }  # fmt: skip
        assert (await v1.transfers.create_async(prize, key("t1"))).source_transaction == intent.latest_charge
        with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
            await v1.transfers.create_async(prize, key("t2"))
    assert emulator.state.connected_balances[account]["pending"][0]["amount"] == 2_000


async def test_payout_of_a_connected_account_is_paid_after_two_days() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            account = await ready_account(v1, emulator)
            emulator.top_up(5_000)
            await v1.transfers.create_async({"amount": 5_000, "currency": "usd", "destination": account}, key("t"))
            own = {"stripe_account": account}
            with pytest.raises(stripe.InvalidRequestError) as caught:
                await v1.payouts.create_async({"amount": 5_001, "currency": "usd"}, key("p1") | own)
            assert caught.value.code == "balance_insufficient"
            payout = await v1.payouts.create_async({"amount": 5_000, "currency": "usd"}, key("p2") | own)
            assert payout.status == "pending"
            with pytest.raises(stripe.InvalidRequestError) as foreign:
                await v1.payouts.retrieve_async(payout.id)
            assert foreign.value.http_status == 404
            clock.tick(timedelta(days=2))
            assert (await v1.payouts.retrieve_async(payout.id, options=own)).status == "paid"
    last = emulator.state.events[-1]
    assert (last["type"], last["account"]) == ("payout.paid", account)


async def test_balance_transactions_page_by_time_and_type() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            for number in range(3):
                await paid(v1, f"k{number}")
                clock.tick(timedelta(hours=1))
            emulator.top_up(1_000)
            list_async = v1.balance_transactions.list_async
            assert len((await list_async({"type": "charge"})).data) == 3
            first = await list_async({"limit": 2})
            assert first.has_more
            assert first.data[0].type == "topup"
            rest = await list_async({"limit": 2, "starting_after": first.data[-1].id})
            assert len(rest.data) == 2
            assert not rest.has_more
            oldest = rest.data[-1].created
            assert len((await list_async({"created": {"lte": oldest}})).data) == 1
            assert (await v1.balance_transactions.retrieve_async(rest.data[0].id)).id == rest.data[0].id


async def test_events_can_be_listed_and_fetched() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        await paid(v1)
        listed = await v1.events.list_async({"types": ["payment_intent.succeeded"]})
        assert [event.type for event in listed.data] == ["payment_intent.succeeded"]
        event = await v1.events.retrieve_async(listed.data[0].id)
        assert event.data.object.metadata["entry_id"] == "e1"
        assert (event.api_version, event.request.idempotency_key) == (API_VERSION, "one")


async def test_ids_depend_on_keys_and_not_on_the_order_of_arrival() -> None:
    found = []
    for order in (["a", "b"], ["b", "a"]):
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            found.append({name: (await paid(v1, name)).latest_charge for name in order})
    assert found[0] == found[1]


async def test_what_no_request_caused_names_none() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        await ready_account(v1, emulator)
        first = emulator.top_up(100)["id"]
        updated, topped_up = emulator.state.events
        assert updated["request"] == topped_up["request"] == {"id": None, "idempotency_key": None}
    assert StripeEmulator().top_up(100)["id"] == first


async def test_wrong_key_unknown_account_unknown_route_and_unknown_object_are_refused() -> None:
    emulator = StripeEmulator()
    async with connected(emulator, "sk_test_wrong") as v1:
        with pytest.raises(stripe.AuthenticationError):
            await v1.balance.retrieve_async()
    async with connected(emulator) as v1:
        with pytest.raises(stripe.PermissionError):
            await v1.balance.retrieve_async(options={"stripe_account": "acct_nobody"})
        with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
            await v1.customers.create_async({"name": "x"})
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await v1.payment_intents.retrieve_async("pi_nothing")
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
        with pytest.raises(stripe.InvalidRequestError) as small:
            await v1.payment_intents.create_async({"amount": 49, "currency": "usd"})
        assert small.value.code == "amount_too_small"
        assert small.value.request_id


async def test_levers_refuse_what_they_do_not_know() -> None:
    emulator = StripeEmulator()
    async with listening(emulator) as base_url, aiohttp.ClientSession() as session:
        for path, body in (
            ("faults", {"on": "api", "kind": "earthquake"}),
            ("faults", {"on": "weather"}),
            ("topups", {"amount": -1}),
            ("accounts/acct_x", {"transfers": "perhaps"}),
            ("webhook_endpoints", {"url": "http://127.0.0.1:1", "secrets": []}),
            ("payment_intents/pi_x/pay", {"payment_method": 5}),
        ):
            async with session.post(f"{base_url}/_emulator/{path}", json=body) as answer:
                assert answer.status == 400, path
        async with session.post(f"{base_url}/_emulator/accounts/acct_x", json={"transfers": "active"}) as answer:
            assert answer.status == 404
        async with session.post(f"{base_url}/_emulator/topups", json={"amount": 700}) as answer:
            assert answer.status == 200
        async with session.get(f"{base_url}/_emulator/onboarding/link_x") as answer:
            assert answer.status == 404
        async with session.get(f"{base_url}/_emulator/state") as answer:
            state = await answer.json()
        assert state["balance"]["available"][0]["amount"] == 700
        assert emulator.faults.waiting == []


async def test_every_lever_works_over_http() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1, listening(emulator) as base_url, aiohttp.ClientSession() as session:
        emulator.use_session(session)
        hook = {"url": "http://127.0.0.1:1/hook", "secrets": ["whsec_x"]}
        async with session.post(f"{base_url}/_emulator/webhook_endpoints", json=hook) as answer:
            assert answer.status == 200
        intent = await v1.payment_intents.create_async(FEE, key("a"))
        for body, status in (({"payment_method": "pm_card_chargeDeclined"}, 402), (None, 200)):
            async with session.post(f"{base_url}/_emulator/payment_intents/{intent.id}/pay", json=body) as answer:
                assert answer.status == status
        async with session.post(f"{base_url}/_emulator/deliver") as answer:
            assert await answer.json() == {"attempts": 5, "pending": 5}
        fault = {"on": "api", "kind": "lock_timeout", "operation": "balance.retrieve", "times": 2}
        async with session.post(f"{base_url}/_emulator/faults", json=fault) as answer:
            assert answer.status == 200
        with pytest.raises(stripe.RateLimitError):
            await v1.balance.retrieve_async()
        async with session.get(f"{base_url}/_emulator/faults") as answer:
            told = await answer.json()
        assert (told["waiting"][0]["left"], told["struck"][0]["where"]) == (1, "balance.retrieve")
        async with session.delete(f"{base_url}/_emulator/faults") as answer:
            assert answer.status == 200
        assert (await v1.balance.retrieve_async()).livemode is False
