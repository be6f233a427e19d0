"""What the emulator does around the money: endpoints, rotated secrets, lost accounts, event filters, its own clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession, encode_basic_auth, web
from freezegun import freeze_time

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import SECRET_KEY, StripeEmulator, WebhookEndpoint, WebhookFault, listening

START = "2026-04-01T12:00:00Z"
TRANSFERS = {"type": "express", "capabilities": {"transfers": {"requested": True}}}


@dataclass
class Receiver:
    """Two endpoints of one server, which keep what they got."""

    got: dict[str, list[tuple[bytes, str]]] = field(default_factory=lambda: {"/platform": [], "/connect": []})
    base_url: str = ""

    async def receive(self, request: web.Request) -> web.Response:
        self.got[request.path].append((await request.read(), request.headers["Stripe-Signature"]))
        return web.Response()

    def verifies(self, secret: str) -> bool:
        """Tell whether the last delivery verifies under a secret."""
        body, header = self.got["/platform"][-1]
        try:
            stripe.WebhookSignature.verify_header(body.decode(), header, secret, 300)
        except stripe.SignatureVerificationError:
            return False
        return True


@asynccontextmanager
async def wired(**options: Any) -> AsyncIterator[tuple[StripeEmulator, Any, Receiver, str]]:
    stripe.enable_telemetry = False
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{name}", receiver.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ClientSession() as session:
            emulator = StripeEmulator(session=session, **options)
            async with listening(emulator) as base_url:
                client = stripe.StripeClient(
                    SECRET_KEY,
                    http_client=SessionClient(session, timeout_s=5),
                    stripe_version=API_VERSION,
                    base_addresses={"api": base_url},
                )
                yield emulator, client.v1, receiver, base_url
    finally:
        await runner.cleanup()


async def test_connect_endpoints_get_the_accounts_events_and_platform_endpoints_the_others() -> None:
    async with wired() as (emulator, v1, receiver, _):
        emulator.add_endpoint(
            WebhookEndpoint(url=f"{receiver.base_url}/platform", secrets=("a",), events_from="platform")
        )
        emulator.add_endpoint(
            WebhookEndpoint(url=f"{receiver.base_url}/connect", secrets=("b",), events_from="connected_accounts")
        )
        account = await v1.accounts.create_async(TRANSFERS)
        emulator.set_account(account.id, transfers="active")
        emulator.top_up(500)
        assert await emulator.deliver_due() == 2
        assert b'"topup.succeeded"' in receiver.got["/platform"][0][0]
        assert f'"account": "{account.id}"'.encode() in receiver.got["/connect"][0][0]


async def test_rotated_secret_signs_beside_the_old_one_for_a_day_and_then_alone() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        async with wired() as (emulator, _, receiver, _base):
            url = f"{receiver.base_url}/platform"
            emulator.add_endpoint(WebhookEndpoint(url=url, secrets=("old",)))
            emulator.faults.add(WebhookFault(kind="delay", seconds=60))
            emulator.top_up(100)
            emulator.rotate_secret(url, "new")
            clock.tick(timedelta(seconds=60))
            assert await emulator.deliver_due() == 1
            assert (receiver.verifies("old"), receiver.verifies("new")) == (True, True)
            clock.tick(timedelta(days=1))
            emulator.top_up(100)
            await emulator.deliver_due()
            assert (receiver.verifies("old"), receiver.verifies("new")) == (False, True)
            emulator.rotate_secret(url, "newest", overlap=timedelta())
            emulator.top_up(100)
            await emulator.deliver_due()
            assert (receiver.verifies("new"), receiver.verifies("newest")) == (False, True)
            with pytest.raises(KeyError):
                emulator.rotate_secret("http://127.0.0.1:1/", "x")


async def test_disconnected_account_is_told_by_its_application_and_can_no_longer_be_named() -> None:
    async with wired() as (emulator, v1, _, _base):
        account = (await v1.accounts.create_async(TRANSFERS)).id
        emulator.set_account(account, transfers="active")
        emulator.top_up(500)
        emulator.deauthorize(account)
        told = emulator.state.events[-1]
        assert (told["type"], told["account"], told["data"]["object"]["object"]) == (
            "account.application.deauthorized", account, "application",
        )  # fmt: skip
        refused = (
            v1.accounts.retrieve_async(account),
            v1.balance.retrieve_async(options={"stripe_account": account}),
            v1.transfers.create_async({"amount": 5, "currency": "usd", "destination": account}),
        )
        for asked in await asyncio.gather(*refused, return_exceptions=True):
            assert isinstance(asked, stripe.PermissionError)
            assert asked.error is not None
            assert asked.error.code == "account_invalid"
        assert (await v1.accounts.list_async()).data == []


async def test_events_are_filtered_by_type_pattern_types_time_and_account() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        async with wired() as (emulator, v1, _, _base):
            account = (await v1.accounts.create_async(TRANSFERS)).id
            emulator.set_account(account, transfers="active")
            clock.tick(timedelta(hours=1))
            intent = await v1.payment_intents.create_async({"amount": 2_500, "currency": "usd"})
            emulator.open_dispute(emulator.pay_intent(intent.id)["latest_charge"])

            async def types(parameters: dict[str, Any], **options: Any) -> list[str]:
                return [event.type for event in (await v1.events.list_async(parameters, options)).data]

            assert await types({"type": "charge.dispute.*"}) == [
                "charge.dispute.funds_withdrawn", "charge.dispute.created",
            ]  # fmt: skip
            assert await types({"type": "charge.succeeded"}) == ["charge.succeeded"]
            assert await types({"types": ["account.updated", "charge.succeeded"]}) == [
                "charge.succeeded", "account.updated",
            ]  # fmt: skip
            assert await types({"types": ["charge.*"]}) == []
            before_s = int(datetime.now(UTC).timestamp())
            assert await types({"created": {"lt": before_s}}) == ["account.updated"]
            assert await types({}, stripe_account=account) == ["account.updated"]
            for wrong in ({"type": "a", "types": ["b"]}, {"types": [f"t{n}" for n in range(21)]}):
                with pytest.raises(stripe.InvalidRequestError):
                    await v1.events.list_async(wrong)


async def test_own_clock_lets_days_pass_while_deliveries_are_signed_now() -> None:
    async with wired() as (emulator, v1, receiver, base_url):
        emulator.add_endpoint(WebhookEndpoint(url=f"{receiver.base_url}/platform", secrets=("s",)))
        intent = await v1.payment_intents.create_async({"amount": 2_500, "currency": "usd"})
        emulator.pay_intent(intent.id)
        async with ClientSession() as session:
            async with session.post(f"{base_url}/_emulator/clock", json={"seconds": 2 * 86_400}) as answer:
                ahead = datetime.fromisoformat((await answer.json())["now_utc"])
            assert ahead - datetime.now(UTC) > timedelta(days=1)
            async with session.post(f"{base_url}/_emulator/clock", json={"seconds": -1}) as answer:
                assert answer.status == 400
        assert (await v1.balance.retrieve_async()).available[0].amount == 2_397
        await emulator.deliver_due()
        assert receiver.verifies("s")
        with pytest.raises(ValueError, match="backwards"):
            emulator.set_clock_forward(timedelta(seconds=-1))


async def test_every_new_lever_works_over_http_and_refuses_nonsense() -> None:
    async with wired() as (emulator, v1, receiver, base_url), ClientSession() as session:

        async def pull(path: str, body: dict[str, Any]) -> tuple[int, Any]:
            async with session.post(f"{base_url}/_emulator/{path}", json=body) as answer:
                return answer.status, await answer.json()

        intent = await v1.payment_intents.create_async({"amount": 2_500, "currency": "usd"})
        charge = emulator.pay_intent(intent.id)["latest_charge"]
        refund = await v1.refunds.create_async({"charge": charge, "amount": 100})
        emulator.top_up(5_000)
        payout = await v1.payouts.create_async({"amount": 50, "currency": "usd"})
        account = await v1.accounts.create_async(TRANSFERS)
        url = f"{receiver.base_url}/platform"
        assert (await pull("webhook_endpoints", {"url": url, "secrets": ["s"], "events_from": "platform"}))[0] == 200
        assert (await pull("webhook_endpoints/rotate", {"url": url, "secret": "t"}))[0] == 200
        assert (await pull("webhook_endpoints/rotate", {"url": "http://x", "secret": "t"}))[0] == 404
        assert (await pull(f"refunds/{refund.id}/fail", {"reason": "unknown"}))[1]["failure_reason"] == "unknown"
        assert (await pull(f"payouts/{payout.id}/fail", {}))[1]["failure_code"] == "account_closed"
        assert (await pull("payouts/po_x/fail", {}))[0] == 404
        assert (await pull("automatic_payouts", {"enabled": True})) == (200, {"enabled": True})
        status, dispute = await pull("disputes", {"charge": charge, "amount": 200, "reason": "duplicate"})
        assert (status, dispute["amount"]) == (200, 200)
        assert (await pull(f"disputes/{dispute['id']}", {"outcome": "perhaps"}))[0] == 400
        assert (await pull(f"disputes/{dispute['id']}", {"outcome": "lost"}))[1]["status"] == "lost"
        assert (await pull(f"accounts/{account.id}/deauthorize", {}))[0] == 200


async def test_key_may_come_as_the_user_of_basic_authentication() -> None:
    """So curl sends it with --user, as Stripe's own examples do."""
    async with wired() as (_, _v1, _receiver, base_url), ClientSession() as session:
        for header, status in (
            (encode_basic_auth(SECRET_KEY, ""), 200),
            (encode_basic_auth("sk_test_wrong", ""), 401),
            ("Basic ???", 401),
            ("Digest c2s6", 401),
        ):
            async with session.get(f"{base_url}/v1/balance", headers={"Authorization": header}) as answer:
                assert answer.status == status


async def test_an_account_is_opened_with_the_payouts_that_its_platform_wants() -> None:
    """Only the schedule is known of an account's settings; anything else is refused by name."""
    async with wired() as (_, v1, _receiver, _base):
        manual = {"payouts": {"schedule": {"interval": "manual"}}}
        assert (await v1.accounts.create_async({**TRANSFERS, "settings": manual})).type == "express"
        for wrong in ({"payouts": {"schedule": {"interval": "hourly"}}}, {"branding": {"icon": "file_1"}}):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await v1.accounts.create_async({**TRANSFERS, "settings": wrong})
            assert refused.value.param == "settings"
