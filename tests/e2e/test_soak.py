"""`cutline serve` killed every few seconds while people enter and pay: nothing acknowledged is lost (P1, I4, I8, I9).

Real time, real sockets, SIGKILL. A minute by default; CUTLINE_SOAK_S asks for a longer one.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.http.client import ApiRefused, CutlineClient
from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint
from cutline.simulation.production import token_for
from cutline.simulation.stage import WEBHOOK_SECRET, engine_environment
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import open_reader
from cutline.storage.verify import verify_root
from tests.e2e.served import FEE_CENTS, PICKS, Town, open_town

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("soak")]

SOAK_S = float(os.environ.get("CUTLINE_SOAK_S", "60"))
CONTEST = "soak"
PEOPLE = 6
LIVES_S = (1.5, 5.0)
"""How long the engine lives between two deaths, at least and at most."""
PAUSES_S = (0.0, 0.6)
"""How long it stays dead."""
REST_WITHIN_S = 60.0
SEED = 11


@dataclass
class Mortal:
    """An engine process on one port over one data root, which is killed and started again."""

    data: Path
    stripe_url: str
    port: int
    starts: int = 0
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        environment = engine_environment(self.data, stripe_url=self.stripe_url, feed_url="http://127.0.0.1:9")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cutline", "serve", "--port", str(self.port)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **environment, "CUTLINE_LOG_LEVEL": "critical"},
        )
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        assert line.startswith("Cutline serves"), line
        self.starts += 1

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        async with asyncio.timeout(60):
            return await self.process.wait()


@dataclass
class Crowd:
    """People who enter and pay, one entry after the other, and remember every answer."""

    town: Town
    entered: dict[str, str] = field(default_factory=dict)
    paid: dict[str, str] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    repeats: int = 0
    over: bool = False

    async def live(self, person: int) -> None:
        """Enter again and again under new names; one in ten declines first, one in twenty withdraws."""
        chance = random.Random(f"{SEED}:{person}")
        number = 0
        while not self.over:
            number += 1
            did = f"did:player:{person}:{number}"
            client = self.town.client(did)
            entered = await self.insist(client, "enter", CONTEST, PICKS, None, idempotency_key=did)
            entry_id = str(entered["entry_id"])
            self.entered[entry_id] = did
            intent = (await self.insist(client, "intent", CONTEST, entry_id))["payment_intent"]
            if chance.random() < 0.1:
                with pytest.raises(ApiError):
                    self.town.stripe.pay_intent(intent, "pm_card_chargeDeclined")
            self.town.stripe.pay_intent(intent)
            self.paid[entry_id] = intent
            if chance.random() < 0.05:
                await self.insist(client, "withdraw", CONTEST, entry_id)
                self.withdrawn.add(entry_id)
            await asyncio.sleep(chance.uniform(0.05, 0.25))

    async def insist(self, client: CutlineClient, call: str, *arguments: Any, **more: Any) -> dict[str, Any]:
        """Make a call until it is answered, while the engine dies and comes back."""
        while True:
            try:
                return dict(await getattr(client, call)(*arguments, **more))
            except (aiohttp.ClientError, OSError, TimeoutError):
                self.repeats += 1
            except ApiRefused as refused:
                if refused.status < 500:
                    raise
                self.repeats += 1
            await asyncio.sleep(0.1)


async def torment(engine: Mortal, seconds: float) -> None:
    """Kill the engine at random moments and start it again, for so long."""
    chance = random.Random(SEED)
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(chance.uniform(*LIVES_S))
        await engine.kill()
        await asyncio.sleep(chance.uniform(*PAUSES_S))
        await engine.start()


async def rest(crowd: Crowd) -> Counter[str]:
    """Wait until every webhook is delivered and every entry has its place; return how many are where."""
    stripe, admin = crowd.town.stripe, crowd.town.admin
    plays, gone = len(crowd.paid) - len(crowd.withdrawn), len(crowd.withdrawn)
    wanted = (plays, gone, gone, 0)
    give_up_at = asyncio.get_running_loop().time() + REST_WITHIN_S
    while True:
        entries = Counter((await admin.contest(CONTEST))["entries"])
        refunds = Counter(refund["payment_intent"] for refund in stripe.state.refunds)
        found = (entries["active"], entries["withdrawn"], sum(refunds.values()), stripe.pending_deliveries)
        if found == wanted:
            assert set(refunds.values()) <= {1}
            return entries
        assert asyncio.get_running_loop().time() < give_up_at, (
            f"active, withdrawn, refunds, webhooks owed: {found} instead of {wanted}"
        )
        await asyncio.sleep(0.2)


def recorded(data: Path, query: str) -> set[str]:
    with closing(open_reader(DataRoot(data).path_of("ledger"), kind_of("ledger"))) as connection:
        return {str(row[0]) for row in connection.execute(query)}


async def test_no_acknowledged_payment_is_lost_however_often_the_engine_is_killed(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    data = tmp_path / "data"
    async with open_town(token_for) as town:
        town.url = f"http://127.0.0.1:{port}"
        town.stripe.webhooks.retry_delays_s = (1,) * 10_000  # Stripe waits for minutes; nobody here can
        town.stripe.webhooks.endpoints.append(
            WebhookEndpoint(url=f"{town.url}/v1/stripe/webhook", secrets=(WEBHOOK_SECRET,))
        )
        engine = Mortal(data, town.stripe_url, port)
        await engine.start()
        try:
            await town.publish(max_entries=1_000_000)
            await town.admin.create_contest(CONTEST, "small-open")
            crowd = Crowd(town)
            lives = [asyncio.create_task(crowd.live(person)) for person in range(PEOPLE)]
            await torment(engine, SOAK_S)
            crowd.over = True
            await asyncio.gather(*lives)
            entries = await rest(crowd)
            balances = await town.books.trial_balance()
            assert await engine.stop() == 0
        finally:
            if engine.process is not None and engine.process.returncode is None:
                await engine.kill()
        attempts = town.stripe.webhooks.attempts
        acknowledged = {one["event_id"] for one in attempts if one["http_status"] == 200}
    unanswered = Counter(one["http_status"] for one in attempts)
    print(  # noqa: T201  # the figures of a long run, shown by `pytest -s`
        f"{SOAK_S:.0f} s: {engine.starts} starts, {len(crowd.entered)} entries, {len(crowd.paid)} payments, "
        f"{len(crowd.withdrawn)} withdrawn, {dict(entries)}, {crowd.repeats} calls repeated, "
        f"webhooks by status {dict(unanswered)}, {len(acknowledged)} events acknowledged and recorded"
    )
    report = verify_root(data)
    assert not report.problems
    assert acknowledged == recorded(data, "SELECT event_id FROM stripe_events")
    effects = recorded(data, "SELECT effect_key FROM transactions WHERE kind = 'entry_payment'")
    assert effects == {f"pi:{intent}:succeeded" for intent in crowd.paid.values()}
    assert sum(balances.values()) == 0
    assert balances[f"pot:{CONTEST}"] == -FEE_CENTS * (len(crowd.paid) - len(crowd.withdrawn))
    assert recorded(data, "SELECT count(*) FROM stripe_webhook_dead_letters") == {"0"}
    assert recorded(data, "SELECT count(*) FROM stripe_events_quarantined") == {"0"}
    assert len(crowd.paid) > SOAK_S / 2
    assert engine.starts > SOAK_S / 30
