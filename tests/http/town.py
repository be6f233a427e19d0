"""One engine, one emulated Stripe and their clients over real sockets, for tests of what goes through the doors."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson
from aiohttp import web

from cutline.actors.jobs import SteppedScheduler
from cutline.actors.workers import ProcessWorkers
from cutline.http.client import CutlineClient
from cutline.service import Engine, running_engine
from cutline.simulation.emulators.stripe import refunds
from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.emulator import StripeEmulator, listening
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint, sign
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import open_reader
from tests.engine.golf import CONFIG
from tests.http.standin import ANNA, LEDGER_KEY, WEBHOOK_SECRET, bearer, settings, stripe_key, token

T = TypeVar("T")
CONTEST = "small-open-1"
PICKS = ["A", "B", "C"]
FEE_CENTS = CONFIG["entry"]["fee_cents"]
WEBHOOK_PATH = "/v1/stripe/webhook"


@dataclass(frozen=True, slots=True)
class Answer:
    """How the webhook's door answered one delivery."""

    status: int
    body: dict[str, Any]

    @property
    def code(self) -> str | None:
        """The name of the refusal, if it is one."""
        code: str | None = self.body.get("error", {}).get("code")
        return code


@dataclass
class Town:
    """One engine, one Stripe, and the clients of its people."""

    engine: Engine
    stripe: StripeEmulator
    session: aiohttp.ClientSession
    url: str
    lock_at: datetime
    data: Path

    def client(self, credential: str) -> CutlineClient:
        return CutlineClient(self.session, self.url, credential, retries=0)

    @property
    def admin(self) -> CutlineClient:
        return self.client(token("ada", "admin"))

    @property
    def books(self) -> CutlineClient:
        return self.client(LEDGER_KEY)

    async def publish(self, entry: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """Publish the small config, with a lock that is still to come; `entry` changes its terms of entering."""
        lock_at = self.lock_at
        times = {"first_tee_at": lock_at.isoformat(), "ends_at": (lock_at + timedelta(days=4)).isoformat()}
        config = {
            **CONFIG,
            "event": {**CONFIG["event"], **times},
            "entry": {**CONFIG["entry"], "lock_at": lock_at.isoformat(), **(entry or {})},
            **changes,
        }
        headers = {**bearer(token("ada", "admin")), "Content-Type": "application/json"}
        body = orjson.dumps({"config": config})
        async with self.session.post(f"{self.url}/v1/configs", data=body, headers=headers) as response:
            return {"status": response.status, **await response.json()}

    async def found(self, contest_id: str = CONTEST, **terms: Any) -> None:
        """Publish the small config with these terms of entering, and create a contest on it."""
        published = await self.publish(terms)
        assert published["status"] in (200, 201), published
        await self.admin.create_contest(contest_id, "small-open")

    async def enter(self, did: str = ANNA, key: str = "one", contest_id: str = CONTEST) -> tuple[str, str]:
        """Reserve a seat; return the entry and its payment intent."""
        client = self.client(token(did))
        entered = await client.enter(contest_id, PICKS, None, idempotency_key=key)
        intent = await client.intent(contest_id, entered["entry_id"])
        return entered["entry_id"], intent["payment_intent"]

    async def status(self, entry_id: str, contest_id: str = CONTEST) -> str:
        """Return where an entry stands."""
        return str((await self.admin.entry(contest_id, entry_id))["status"])

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Return Stripe's events of these types, oldest first, as Stripe would send them."""
        return [event for event in self.stripe.state.events if not kinds or event["type"] in kinds]

    def refund(self, payment_intent: str, metadata: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Refund a payment at Stripe, as a person does on its pages, or as we do with our metadata."""
        platform = self.stripe.platform
        platform.begin()
        call = Call(parameters={"payment_intent": payment_intent, "metadata": dict(metadata or {})})
        return refunds.create(platform, call)

    async def deliver(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a body to the webhook's door, signed now unless other headers are given."""
        sent = signed(body) if headers is None else headers
        # aiohttp warns of whole bodies beyond a mebibyte.
        data = body if len(body) <= 2**20 else io.BytesIO(body)
        async with self.session.post(self.url + WEBHOOK_PATH, data=data, headers=sent) as response:
            return Answer(response.status, await response.json())

    async def settle(self) -> None:
        """Deliver every webhook that is due and wait until the engine has nothing under way."""
        looks = 0
        for _ in range(2000):
            made = await self.stripe.deliver_due()
            looks = 0 if made or not self.engine.system.idle else looks + 1
            if looks == 3:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the engine does not come to rest")

    async def restart_ledger(self) -> None:
        """Close the ledger's writer and open its file again, as a restart of the engine would."""
        directory = self.engine.system.directory
        [reference] = [writer.actor_ref for writer in directory.writers() if writer.address == "ledger"]
        await asyncio.to_thread(reference.stop)
        directory.forget("ledger")

    def rows(self, address: str, query: str) -> list[tuple[Any, ...]]:
        """Read rows of a file beside its writer."""
        with closing(open_reader(DataRoot(self.data).path_of(address), kind_of(address))) as connection:
            return list(connection.execute(query))

    def count(self, table: str, address: str = "ledger") -> int:
        """Count the rows of a table."""
        return int(self.rows(address, f"SELECT count(*) FROM {table}")[0][0])

    def fingerprints(self) -> dict[str, str]:
        """Return the sha256 of every database and write-ahead log."""
        files = sorted([*self.data.rglob("*.db"), *self.data.rglob("*.db-wal")])
        return {str(path.relative_to(self.data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@asynccontextmanager
async def open_town(data: Path, **different: Any) -> AsyncIterator[Town]:
    """Open a town over a data root. Its clock is real, its jobs run only when its scheduler is stepped."""
    async with aiohttp.ClientSession() as session:
        stripe_api_key = stripe_key(different.get("settle_env"))
        stripe = StripeEmulator(session=session, secret_key=stripe_api_key)
        async with listening(stripe) as stripe_url:
            own = settings(
                **{
                    "cutline_data_dir": data,
                    "stripe_api_key": stripe_api_key,
                    "stripe_base_url": stripe_url,
                    **different,
                }
            )
            async with running_engine(
                own, scheduler=SteppedScheduler(), workers=ProcessWorkers(), session=session
            ) as engine:
                await web.TCPSite(engine.runner, "127.0.0.1", 0).start()
                url = f"http://127.0.0.1:{engine.runner.addresses[0][1]}"
                stripe.add_endpoint(WebhookEndpoint(url=url + WEBHOOK_PATH, secrets=(WEBHOOK_SECRET,)))
                lock_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
                town = Town(engine=engine, stripe=stripe, session=session, url=url, lock_at=lock_at, data=data)
                await town.settle()  # the core's files are there
                yield town


def body_of(event: Mapping[str, Any]) -> bytes:
    """Return an event's bytes as Stripe delivers them."""
    return orjson.dumps(event, option=orjson.OPT_INDENT_2)


def signed(body: bytes, *secrets: str, at: datetime | None = None) -> dict[str, str]:
    """Return the header that Stripe would send with a body."""
    return {"Stripe-Signature": sign(body, secrets or (WEBHOOK_SECRET,), at or datetime.now(UTC))}


async def until(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Ask until the answer holds, for some seconds at most."""
    for _ in range(500):
        if holds(answer := await ask()):
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError(f"still {answer}")
