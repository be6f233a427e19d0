"""One engine behind real doors with an emulated Stripe, whose ledger can be made to break on chosen events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson
from aiohttp import web

from cutline.actors.jobs import SteppedScheduler
from cutline.actors.system import Parts, System
from cutline.actors.workers import ProcessWorkers
from cutline.engine.decision import Decision, Recorded
from cutline.engine.ledger.events import StripeEventForwarded, StripeEventRecorded
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import PostAgain, RecordStripeEvent
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway
from cutline.http.client import CutlineClient
from cutline.http.server import serve
from cutline.simulation.emulators.stripe.emulator import SECRET_KEY, StripeEmulator
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint, sign
from cutline.storage.files import DataRoot
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader
from tests.engine.golf import CONFIG
from tests.http.standin import LEDGER_KEY, SETTLE_KEY, WEBHOOK_SECRET, bearer, settings, token

T = TypeVar("T")
CONTEST = "small-open-1"


class FragileLedger(LedgerMachine):
    """The ledger's rules with bugs in them: they raise on chosen events, with the event's own words in the message."""

    def __init__(self) -> None:
        self.breaks_deciding: set[str] = set()
        self.breaks_folding: set[str] = set()

    def decide(self, state: LedgerState, command: Any, now: datetime) -> Decision:
        event = command.event if isinstance(command, PostAgain) else command
        if isinstance(event, RecordStripeEvent) and event.event_id in self.breaks_deciding:
            raise ValueError(f"cannot decide on {event.object}")
        return super().decide(state, command, now)

    def evolve(self, state: LedgerState, recorded: Recorded) -> None:
        event = recorded.event
        posted = isinstance(event, StripeEventRecorded | StripeEventForwarded) and event.posting is not None
        if posted and event.event_id in self.breaks_folding:
            raise ValueError(f"cannot fold {event.facts}")
        super().evolve(state, recorded)


@dataclass
class Bank:
    """The engine, its Stripe, and the ways in."""

    root: Path
    session: aiohttp.ClientSession
    stripe: StripeEmulator
    stripe_url: str
    ledger: FragileLedger = field(default_factory=FragileLedger)
    url: str = ""
    _system: System | None = None

    @property
    def system(self) -> System:
        assert self._system is not None, "the engine does not run"
        return self._system

    @asynccontextmanager
    async def open(self, **different: Any) -> AsyncIterator[Bank]:
        """Run the engine over the bank's data root; may be called again, as a restart is."""
        own = settings(cutline_data_dir=self.root, stripe_base_url=self.stripe_url, **different)
        root = DataRoot(self.root)
        with root.lock() as lock:
            parts = Parts(
                stripe=StripeGateway(SECRET_KEY, base_url=self.stripe_url, session=self.session),
                feed=ScoreFeed(self.session, "http://127.0.0.1:1"),
                workers=ProcessWorkers(),
                scheduler=SteppedScheduler(),
                machines={"ledger": self.ledger},
            )
            self._system = System(own, root, lock.boot_epoch, parts)
            self._system.start()
            runner, (host, port) = await serve(self._system, own)
            self.url = f"http://{host}:{port}"
            self.stripe.webhooks.endpoints.clear()
            self.stripe.add_endpoint(WebhookEndpoint(url=f"{self.url}/v1/stripe/webhook", secrets=(WEBHOOK_SECRET,)))
            try:
                yield self
            finally:
                await runner.cleanup()
                await self._system.stop()

    def client(self, credential: str) -> CutlineClient:
        return CutlineClient(self.session, self.url, credential, retries=0)

    @property
    def service(self) -> CutlineClient:
        return self.client(SETTLE_KEY)

    @property
    def books(self) -> CutlineClient:
        return self.client(LEDGER_KEY)

    @property
    def admin(self) -> CutlineClient:
        return self.client(token("ada", "admin"))

    def run_job(self, name: str) -> None:
        """Do what the scheduler does when a job is due."""
        [job] = [job for job in self.system.jobs() if job.name == name]
        job.run()

    async def deliver(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Deliver a signed body as Stripe does."""
        headers = {"Stripe-Signature": sign(body, (WEBHOOK_SECRET,), datetime.now(UTC))}
        async with self.session.post(f"{self.url}/v1/stripe/webhook", data=body, headers=headers) as response:
            return response.status, await response.json()

    async def open_contest(self) -> None:
        """Publish the small config with a lock that is still to come, and open one contest on it."""
        lock_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
        times = {"first_tee_at": lock_at.isoformat(), "ends_at": (lock_at + timedelta(days=4)).isoformat()}
        config = {
            **CONFIG,
            "event": {**CONFIG["event"], **times},
            "entry": {**CONFIG["entry"], "lock_at": lock_at.isoformat()},
        }
        headers = {**bearer(token("ada", "admin")), "Content-Type": "application/json"}
        body = orjson.dumps({"config": config})
        async with self.session.post(f"{self.url}/v1/configs", data=body, headers=headers) as response:
            assert response.status == 201, await response.text()
        await self.admin.create_contest(CONTEST, "small-open")

    def rows(self, query: str, address: str = "ledger") -> list[tuple[Any, ...]]:
        """Read a file of the engine, as anybody may."""
        path = DataRoot(self.root).path_of(address)
        with closing(open_reader(path, KINDS[address])) as connection:
            return list(connection.execute(query))


@asynccontextmanager
async def bank_with_stripe(root: Path, session: aiohttp.ClientSession) -> AsyncIterator[Bank]:
    """A bank whose Stripe runs, and whose engine does not yet."""
    stripe = StripeEmulator(session=session)
    runner = web.AppRunner(stripe.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Bank(root=root, session=session, stripe=stripe, stripe_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


def payment(event_id: str = "evt_1", *, cents: int = 1234, holder: str = "did:u", **different: Any) -> bytes:
    """The body of a payment for an account holder."""
    intent = {
        "id": f"pi_{event_id}",
        "object": "payment_intent",
        "amount": cents,
        "currency": "usd",
        "metadata": {"user_id": holder},
    }
    content = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_775_000_000,
        "type": "payment_intent.succeeded",
        "livemode": False,
        "data": {"object": intent},
    }
    return json.dumps({**content, **different}).encode()


async def until(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Ask until the answer holds, for some seconds at most."""
    for _ in range(500):
        if holds(answer := await ask()):
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError(f"still {answer}")
