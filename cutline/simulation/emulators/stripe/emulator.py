"""The emulated Stripe as one object: application, state, faults and deliveries, in real or virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
from aiohttp import web

from cutline.simulation.emulators.stripe.api import Api
from cutline.simulation.emulators.stripe.control import Control
from cutline.simulation.emulators.stripe.events import Events
from cutline.simulation.emulators.stripe.faults import Faults
from cutline.simulation.emulators.stripe.levers import EmulatorClock, Levers
from cutline.simulation.emulators.stripe.operations import operations
from cutline.simulation.emulators.stripe.platform import Clock, Fees, Platform
from cutline.simulation.emulators.stripe.state import StripeState, read_state
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint, Webhooks

SECRET_KEY = "sk_test_emulator"  # noqa: S105 (a well-known key of an emulator guards nothing)
PUBLISHABLE_KEY = "pk_test_emulator"
FUNDS_DELAY = timedelta(days=2)

_LONGEST_NAP_S = 1.0


def utc_now() -> datetime:
    """Return the present, which freezegun can hold."""
    return datetime.now(UTC)


class StripeEmulator(Levers):
    """A Stripe of our own, answering the official SDK over any transport that carries aiohttp.

    Nothing happens by itself: `deliver_due` sends the webhooks whose time has come, so that virtual time can drive
    it; `run` does so continuously in real time. Webhooks leave through the session given here or by `use_session`.
    """

    def __init__(
        self,
        *,
        endpoints: Iterable[WebhookEndpoint] = (),
        session: aiohttp.ClientSession | None = None,
        clock: Clock = utc_now,
        secret_key: str = SECRET_KEY,
        publishable_key: str = PUBLISHABLE_KEY,
        livemode: bool = False,
        fees: Fees | None = None,
        funds_delay: timedelta = FUNDS_DELAY,
        delivery_concurrency: int = 1,
    ) -> None:
        self.faults = Faults()
        own_clock = EmulatorClock(clock)
        webhooks = Webhooks(own_clock, self.faults, concurrency=delivery_concurrency, signing_clock=clock)
        webhooks.endpoints.extend(endpoints)
        platform = Platform(own_clock, livemode=livemode, fees=fees or Fees(), funds_delay=funds_delay)
        platform.on_event = webhooks.enqueue
        super().__init__(platform, webhooks, own_clock)
        self.app = web.Application()
        api = Api(self.platform, self.faults, secret_key=secret_key, publishable_key=publishable_key)
        api.add_routes(self.app, operations(Events(self.webhooks.is_delivered)))
        Control(self).add_routes(self.app)
        self._session = session

    @property
    def state(self) -> StripeState:
        """Everything the emulator holds, with the clock's due changes made."""
        self.platform.advance()
        return read_state(self.platform)

    @property
    def pending_deliveries(self) -> int:
        """How many webhook deliveries are still owed, retries included."""
        return self.webhooks.pending

    @property
    def next_due_at(self) -> datetime | None:
        """When the emulator next has something to do by itself: a delivery, funds or a payout becoming due."""
        due = [at for at in (self.webhooks.next_due_at, self.platform.next_timer_at) if at is not None]
        return min(due, default=None)

    def use_session(self, session: aiohttp.ClientSession) -> None:
        """Send webhooks through this session from now on; its owner closes it."""
        self._session = session

    async def deliver_due(self) -> int:
        """Make every change and attempt every delivery due at the clock's now; return the number of attempts."""
        self.platform.advance()
        if self._session is None:
            return 0
        return await self.webhooks.deliver_due(self._session)

    async def run(self) -> None:
        """Deliver in real time until cancelled."""
        while True:
            self.webhooks.arrived.clear()
            await self.deliver_due()
            due_at = self.next_due_at
            nap_s = _LONGEST_NAP_S if due_at is None else (due_at - self.clock()).total_seconds()
            try:
                async with asyncio.timeout(min(max(nap_s, 0.001), _LONGEST_NAP_S)):
                    await self.webhooks.arrived.wait()
            except TimeoutError:
                continue


@asynccontextmanager
async def listening(emulator: StripeEmulator, *, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve an emulator on a real socket; yield its base URL. Port 0 takes any free port."""
    runner = web.AppRunner(emulator.app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def serve_stripe(
    port: int,
    webhook_url: str | None,
    secret: str,
    *,
    host: str = "127.0.0.1",
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the emulator and deliver its webhooks in real time until cancelled; `on_ready` gets the base URL."""
    endpoints = [WebhookEndpoint(url=webhook_url, secrets=(secret,))] if webhook_url else []
    async with aiohttp.ClientSession() as session:
        emulator = StripeEmulator(endpoints=endpoints, session=session, delivery_concurrency=8)
        async with listening(emulator, port=port, host=host) as base_url:
            if on_ready is not None:
                on_ready(base_url)
            await emulator.run()
