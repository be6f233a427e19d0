"""The town in virtual time: the production engine and the emulated Stripe live through days in a moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from cutline.http.client import CutlineClient
from cutline.simulation.emulators.feed import feed_app
from cutline.simulation.emulators.stripe.emulator import StripeEmulator
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint
from cutline.simulation.machine import ENGINE_HOST, FEED_HOST, STRIPE_HOST, SimulatedBox, time_machine
from cutline.simulation.production import token_for
from cutline.simulation.stage import ADMIN_KEY, WEBHOOK_SECRET, masters_recording
from cutline.storage.verify import verify_root
from tests.engine.golf import CONFIG

START = datetime(2026, 4, 1, 12, tzinfo=UTC)
LOCK_AT = START + timedelta(hours=8)
CONTEST = "small-open-1"
FEE_CENTS: int = CONFIG["entry"]["fee_cents"]
LOOK_EVERY_S = 30
PAYMENT_MINUTES: int = CONFIG["entry"]["payment_minutes"]
SEAT_FREED_AFTER = timedelta(minutes=PAYMENT_MINUTES, seconds=2 * LOOK_EVERY_S)


@dataclass
class Village:
    """One box, one Stripe, and the clients of its people, all in virtual time."""

    box: SimulatedBox
    stripe: StripeEmulator
    session: aiohttp.ClientSession

    def client(self, did: str) -> CutlineClient:
        return self._client(token_for(did, ["entrant"]))

    @property
    def admin(self) -> CutlineClient:
        return self._client(token_for("ada", ["admin", "ops"]))

    def _client(self, credential: str) -> CutlineClient:
        return CutlineClient(self.session, f"http://{ENGINE_HOST}", credential, retries=0)

    async def found(self, lock_at: datetime = LOCK_AT, **terms: Any) -> None:
        """Publish the small config with these terms of entering, and create the contest."""
        times = {"first_tee_at": lock_at.isoformat(), "ends_at": (lock_at + timedelta(days=4)).isoformat()}
        config = {
            **CONFIG,
            "event": {**CONFIG["event"], **times},
            "entry": {**CONFIG["entry"], "lock_at": lock_at.isoformat(), "max_entries_per_user": 1, **terms},
        }
        headers = {
            "Authorization": f"Bearer {token_for('ada', ['admin'])}",
            "Content-Type": "application/json",
        }
        url = f"http://{ENGINE_HOST}/v1/configs"
        async with self.session.post(url, data=orjson.dumps({"config": config}), headers=headers) as response:
            assert response.status == 201, await response.text()
        await self.admin.create_contest(CONTEST, "small-open")

    async def enter(self, did: str, key: str = "one") -> tuple[str, str]:
        """Reserve a seat; return the entry and its payment intent."""
        entered = await self.client(did).enter(CONTEST, ["A", "B", "C"], None, idempotency_key=key)
        intent = await self.client(did).intent(CONTEST, entered["entry_id"])
        return entered["entry_id"], intent["payment_intent"]

    async def entry(self, entry_id: str) -> str:
        """Return where an entry stands."""
        return str((await self.admin.entry(CONTEST, entry_id))["status"])

    async def books(self) -> dict[str, int]:
        """Return every balance as the ledger has it."""
        return await self._client(ADMIN_KEY).trial_balance()

    async def balances(self) -> dict[str, int]:
        """Return every balance that is not zero, without Stripe's own fees."""
        book = await self.books()
        assert sum(book.values()) == 0
        fees = book.pop("expense:stripe_fees", 0)
        if "stripe:platform" in book:
            book["stripe:platform"] += fees
        return {account: cents for account, cents in book.items() if cents}

    def intent(self, intent_id: str) -> dict[str, Any]:
        """Return an intent as it stands at Stripe."""
        return next(one for one in self.stripe.state.payment_intents if one["id"] == intent_id)

    def refunds(self) -> Counter[str]:
        """Count Stripe's refunds by the intent that they give back."""
        return Counter(refund["payment_intent"] for refund in self.stripe.state.refunds)

    async def wait(self, span: timedelta) -> None:
        """Let time pass."""
        await asyncio.sleep(span.total_seconds())

    async def wait_until(self, moment: datetime) -> None:
        """Let time pass until a moment."""
        await self.wait(moment - datetime.now(UTC))


def live(
    data: Path, story: Callable[[Village], Awaitable[None]], *, seed: int = 1, look_every_s: int = LOOK_EVERY_S
) -> None:
    """Let a story happen in a new village; afterwards every file must hold what `verify` asks of it."""

    async def life() -> None:
        box = SimulatedBox(data, look_every_s=look_every_s)
        session = box.new_session()
        stripe = StripeEmulator(session=session)
        stripe.top_up(10_000_000)
        stripe.add_endpoint(WebhookEndpoint(url=f"http://{ENGINE_HOST}/v1/stripe/webhook", secrets=(WEBHOOK_SECRET,)))
        await box.host(STRIPE_HOST, stripe.app)
        await box.host(FEED_HOST, feed_app(masters_recording()))
        await box.boot()
        courier = asyncio.ensure_future(_carry(stripe))
        await story(Village(box, stripe, session))
        courier.cancel()
        with suppress(asyncio.CancelledError):
            await courier
        await box.shut_down()
        await session.close()

    with time_machine(START, seed) as run:
        run(life())
    assert not verify_root(data).problems


async def _carry(stripe: StripeEmulator) -> None:
    """Deliver webhooks when they are due."""
    while True:
        stripe.webhooks.arrived.clear()
        await stripe.deliver_due()
        due_at = stripe.next_due_at
        left_s = 3600.0 if due_at is None else max(0.001, (due_at - datetime.now(UTC)).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await stripe.webhooks.arrived.wait()
