"""localstripe as a peer: one SDK script pays, declines and cancels there and here, and webhooks verify alike."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import stripe
from aiohttp import ClientSession, web

from cutline.simulation.emulators.stripe import StripeEmulator, WebhookEndpoint, listening
from tests.contracts.stripe.servers import differences, localstripe, refusal, sdk

SECRET = "whsec_peer"
FEE = {"amount": 2_500, "currency": "usd", "metadata": {"entry_id": "e1"}}

EXPLAINED = {
    "cancelled.confirm": "localstripe refuses without a code; Stripe says payment_intent_unexpected_state",
    "confirmed.again": "the same",
    "declined": "localstripe leaves out the decline_code, which Stripe sends with a card_declined",
    "refund.excess": "localstripe refunds more than was paid, which Stripe refuses",
    "succeeded.cancel": "as cancelled.confirm",
    "unknown": "localstripe refuses without a code; Stripe says resource_missing",
}
"""Where the two differ, and why ours is right (Stripe, "Error codes")."""
CODES = {
    "cancelled.confirm": "payment_intent_unexpected_state",
    "confirmed.again": "payment_intent_unexpected_state",
    "succeeded.cancel": "payment_intent_unexpected_state",
    "unknown": "resource_missing",
}


@dataclass
class Inbox:
    """A webhook endpoint that accepts only what the SDK verifies."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    both: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        stripe.WebhookSignature.verify_header(body, request.headers["Stripe-Signature"], SECRET, 300)
        event = json.loads(body)
        self.events[event["type"]] = event
        if {"payment_intent.succeeded", "payment_intent.payment_failed"} <= self.events.keys():
            self.both.set()
        return web.Response()


async def pay(v1: Any) -> dict[str, Any]:
    """Create, confirm, decline and cancel; return what was seen."""
    intents = v1.payment_intents
    seen: dict[str, Any] = {}
    intent = await intents.create_async(FEE | {"payment_method": "pm_card_visa"})
    seen["created"] = (intent.status, intent.amount, intent.currency, intent.metadata.to_dict(), intent.latest_charge)
    seen["created.secret"] = intent.client_secret.startswith(f"{intent.id}_secret_")
    confirmed = await intents.confirm_async(intent.id)
    seen["confirmed"] = (confirmed.status, confirmed.id == intent.id)
    retrieved = await intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})
    charge = retrieved.latest_charge
    seen["charge"] = (charge.object, charge.status, charge.amount, charge.paid, charge.captured, charge.refunded)
    seen["charge.intent"] = charge.payment_intent == intent.id
    seen["confirmed.again"] = await refusal(lambda: intents.confirm_async(intent.id))
    seen["succeeded.cancel"] = await refusal(lambda: intents.cancel_async(intent.id))
    declined = await intents.create_async(FEE | {"payment_method": "pm_card_chargeCustomerFail"})
    seen["declined"] = await refusal(lambda: intents.confirm_async(declined.id))
    seen["declined.after"] = await _outcome(intents, declined.id)
    open_intent = await intents.create_async(FEE)
    seen["open"] = open_intent.status
    seen["cancelled"] = (await intents.cancel_async(open_intent.id)).status
    seen["cancelled.confirm"] = await refusal(lambda: intents.confirm_async(open_intent.id))
    seen["unknown"] = await refusal(lambda: intents.retrieve_async("pi_nothing"))
    refund = await v1.refunds.create_async({"payment_intent": intent.id, "amount": 1_000})
    seen["refund"] = (refund.object, refund.amount, refund.status, refund.charge == charge.id)
    seen["refund.excess"] = await refusal(
        lambda: v1.refunds.create_async({"payment_intent": intent.id, "amount": 9_000})
    )
    return seen


async def _outcome(intents: Any, intent_id: str) -> tuple[str, str | None]:
    intent = await intents.retrieve_async(intent_id)
    error = intent.last_payment_error
    return intent.status, None if error is None else error.code


def told(inbox: Inbox) -> dict[str, Any]:
    """Return what the two webhooks said that both servers send."""
    succeeded = inbox.events["payment_intent.succeeded"]
    failed = inbox.events["payment_intent.payment_failed"]
    return {
        "webhook.succeeded": (succeeded["object"], succeeded["data"]["object"]["status"], succeeded["id"][:4]),
        "webhook.amount": succeeded["data"]["object"]["amount"],
        "webhook.failed": failed["data"]["object"]["status"],
        "webhook.livemode": succeeded["livemode"],
    }


async def seen_here(inbox: Inbox, url: str) -> dict[str, Any]:
    async with ClientSession() as session:
        emulator = StripeEmulator(endpoints=[WebhookEndpoint(url=url, secrets=(SECRET,))], session=session)
        async with listening(emulator) as base_url, sdk(base_url) as v1:
            seen = await pay(v1)
            await emulator.deliver_due()
    return seen | told(inbox)


async def seen_there(inbox: Inbox, url: str) -> dict[str, Any]:
    async with localstripe() as base_url, sdk(base_url) as v1, ClientSession() as session:
        async with session.post(f"{base_url}/_config/webhooks/one", json={"url": url, "secret": SECRET}) as answer:
            assert answer.status == 200
        seen = await pay(v1)
        async with asyncio.timeout(10):
            await inbox.both.wait()
    return seen | told(inbox)


async def test_payments_and_webhooks_are_those_of_localstripe() -> None:
    """PAY-032: what the engine reads of an intent, a decline and a webhook is not an invention of ours."""
    here, there = Inbox(), Inbox()
    app = web.Application()
    app.router.add_post("/here", here.receive)
    app.router.add_post("/there", there.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        ours, theirs = await seen_here(here, f"{base}/here"), await seen_there(there, f"{base}/there")
    finally:
        await runner.cleanup()
    differing = differences(ours, theirs)
    assert differing.keys() == EXPLAINED.keys(), differing
    for name, code in CODES.items():
        assert ours[name] == theirs[name] | {"code": code}
    assert ours["declined"] == theirs["declined"] | {"decline_code": "generic_decline"}
    assert (ours["refund.excess"]["status"], theirs["refund.excess"]) == (400, {"answered": "refund"})
