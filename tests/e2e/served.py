"""`cutline serve --replicate` in a process of its own, with people and an emulated Stripe that outlive it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from cutline.http.client import CutlineClient
from cutline.simulation.emulators.stripe.emulator import StripeEmulator, listening
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint
from cutline.simulation.stage import ADMIN_KEY, WEBHOOK_SECRET, engine_environment
from cutline.storage.litestream.control import ControlSocket
from tests.engine.golf import CONFIG
from tests.http.standin import bearer

T = TypeVar("T")
PICKS = ["A", "B", "C"]
FEE_CENTS = 1001


@dataclass
class Served:
    """One engine process and its Litestream."""

    process: asyncio.subprocess.Process
    url: str
    data: Path

    @property
    def control(self) -> ControlSocket:
        return ControlSocket(self.data / "run" / "litestream.sock")

    async def replicate_all(self) -> None:
        """Wait until the replica has every commit made so far."""
        async with self.control as control:
            for path in sorted((await control.listing()).lag_seconds):
                await control.sync(path, wait=True, timeout_seconds=20)

    async def litestream_pid(self) -> int:
        async with self.control as control:
            return await control.pid()

    async def kill_with_litestream(self) -> None:
        """SIGKILL both, the engine first: nothing is drained, answered or copied any more."""
        pid = await self.litestream_pid()
        self.process.kill()
        os.kill(pid, signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        self.process.terminate()
        async with asyncio.timeout(40):
            return await self.process.wait()


class Town:
    """People, Stripe, and how they reach an engine."""

    def __init__(self, session: aiohttp.ClientSession, stripe: StripeEmulator, stripe_url: str, token: Any) -> None:
        self.session = session
        self.stripe = stripe
        self.stripe_url = stripe_url
        self._token = token
        self.url = ""

    def client(self, did: str, *scopes: str) -> CutlineClient:
        return CutlineClient(self.session, self.url, self._token(did, list(scopes or ("entrant",))), retries=0)

    @property
    def admin(self) -> CutlineClient:
        return self.client("did:ops:ada", "admin", "ops")

    @property
    def books(self) -> CutlineClient:
        return CutlineClient(self.session, self.url, ADMIN_KEY, retries=0)

    @asynccontextmanager
    async def served(self, data: Path, replica_url: str) -> AsyncIterator[Served]:
        """Serve a data root and replicate it; Stripe's webhooks go to this engine from now on."""
        environment = engine_environment(data, stripe_url=self.stripe_url, feed_url="http://127.0.0.1:9")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cutline", "serve", "--port", "0", "--replicate", replica_url),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )
        assert process.stdout is not None
        try:
            line = (await process.stdout.readline()).decode()
            assert line.startswith("Cutline serves"), line
            self.url = line.split()[2]
            endpoint = WebhookEndpoint(url=f"{self.url}/v1/stripe/webhook", secrets=(WEBHOOK_SECRET,))
            self.stripe.webhooks.endpoints[:] = [endpoint]
            yield Served(process=process, url=self.url, data=data)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def publish(self, **terms: Any) -> None:
        """Publish a small contest that locks in two days, on these terms of entering."""
        lock_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
        times = {"first_tee_at": lock_at.isoformat(), "ends_at": (lock_at + timedelta(days=4)).isoformat()}
        config = {
            **CONFIG,
            "event": {**CONFIG["event"], **times},
            "entry": {**CONFIG["entry"], "lock_at": lock_at.isoformat(), **terms},
        }
        headers = {**bearer(self._token("did:ops:ada", ["admin"])), "Content-Type": "application/json"}
        body = orjson.dumps({"config": config})
        async with self.session.post(f"{self.url}/v1/configs", data=body, headers=headers) as response:
            assert response.status == 201, await response.text()

    async def enter_and_pay(self, contest_id: str, did: str) -> str:
        """Enter, pay, and wait until the entry plays; return its id."""
        client = self.client(did)
        entry_id = (await client.enter(contest_id, PICKS, None, idempotency_key=f"{did}:{contest_id}"))["entry_id"]
        intent = await client.intent(contest_id, entry_id)
        self.stripe.pay_intent(intent["payment_intent"])
        await until(lambda: client.entry(contest_id, entry_id), lambda entry: entry["status"] == "ACTIVE")
        return str(entry_id)


@asynccontextmanager
async def open_town(token: Callable[[str, list[str]], str]) -> AsyncIterator[Town]:
    """Open Stripe, and deliver its webhooks in real time."""
    async with aiohttp.ClientSession() as session:
        stripe = StripeEmulator(session=session)
        async with listening(stripe) as stripe_url:
            delivering = asyncio.create_task(stripe.run())
            try:
                yield Town(session, stripe, stripe_url, token)
            finally:
                delivering.cancel()
                await asyncio.wait([delivering])


async def until(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Ask until the answer holds, for some seconds at most."""
    for _ in range(1_000):
        if holds(answer := await ask()):
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError(f"still {answer}")
