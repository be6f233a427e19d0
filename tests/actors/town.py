"""A real engine over files, with the emulated Stripe behind real sockets and nobody at its doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from apscheduler.schedulers.base import BaseScheduler

from cutline.actors.jobs import SteppedScheduler
from cutline.actors.system import System
from cutline.actors.workers import InlineWorkers
from cutline.engine import tournament
from cutline.engine.decision import Accepted, Rejected
from cutline.engine.messages import (
    CreateContest,
    EnterContest,
    PlanContest,
    PublishConfig,
    ReadContest,
    ReadDirectory,
    ReadTrialBalance,
    RecordStripeEvent,
)
from cutline.service import assemble
from cutline.settings import Settings
from cutline.simulation.emulators.stripe.emulator import SECRET_KEY, StripeEmulator, listening
from cutline.storage.files import DataRoot
from tests.engine.golf import CONFIG

ANNA = "did:player:anna"


@dataclass
class Town:
    """One engine and its Stripe."""

    system: System
    stripe: StripeEmulator

    async def ask(self, to: str, message: Any) -> Any:
        """Ask an actor; the reply, or the refusal."""
        answer = await self.system.ask(to, message, "test")
        return answer.reply if isinstance(answer, Accepted) else answer

    async def plan(self, contest_id: str, *, locks_in: timedelta = timedelta(days=2)) -> Any:
        """Publish the small config, plan a contest from it, and have its file made."""
        lock_at = datetime.now(UTC).replace(microsecond=0) + locks_in
        event = {"first_tee_at": lock_at.isoformat(), "ends_at": (lock_at + timedelta(days=4)).isoformat()}
        config = tournament.from_canonical(
            orjson.dumps(
                {
                    **CONFIG,
                    "event": {**CONFIG["event"], **event},
                    "entry": {**CONFIG["entry"], "lock_at": lock_at.isoformat()},
                }
            )
        )
        canonical, digest = tournament.canonical(config), tournament.sha256(config)
        publish = PublishConfig(config_id=config.id, config_json=canonical, config_sha256=digest, actor="test")
        await self.ask("governance", publish)
        plan = await self.ask("governance", PlanContest(contest_id=contest_id, config_id=config.id, actor="test"))
        create = CreateContest(
            contest_id=contest_id, config_json=plan["config_json"], config_sha256=plan["config_sha256"]
        )
        return await self.ask(f"contest/{contest_id}", create)

    async def enter(self, contest_id: str, entry_id: str, account_did: str = ANNA) -> Any:
        """Reserve one seat."""
        entry = EnterContest(entry_id=entry_id, account_did=account_did, picks=("A", "B", "C"))
        return await self.ask(f"contest/{contest_id}", entry)

    async def pay(self, contest_id: str, entry_id: str, account_did: str = ANNA, *, intent: str | None = None) -> Any:
        """Tell the ledger that an entry's fee has come, as Stripe's webhook would."""
        return await self.ask("ledger", fee_event(contest_id, entry_id, account_did, intent=intent))

    async def books(self) -> dict[str, int]:
        """Return every balance in US cents."""
        balances: dict[str, dict[str, int]] = await self.ask("ledger", ReadTrialBalance())
        return balances.get("usd", {})

    async def contest(self, contest_id: str) -> Any:
        """Return a contest as it is, or the refusal."""
        return await self.ask(f"contest/{contest_id}", ReadContest())

    async def created(self) -> list[str]:
        """Return the contests that governance knows to exist."""
        listed = (await self.ask("governance", ReadDirectory()))["contests"]
        return [one["contest_id"] for one in listed if one["created_at"] is not None]

    async def quarantines(self) -> dict[str, str]:
        """Return what governance knows to be kept closed, with reasons."""
        listed = (await self.ask("governance", ReadDirectory()))["contests"]
        return {one["contest_id"]: one["quarantine"] for one in listed if one["quarantine"] is not None}

    async def until(self, look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        """Look until it holds, for some seconds at most."""
        for _ in range(500):
            if holds(seen := await look()):
                return seen
            await asyncio.sleep(0.01)
        raise AssertionError(f"still {seen}")


def fee_event(contest_id: str, entry_id: str, account_did: str, *, intent: str | None = None) -> RecordStripeEvent:
    """The webhook of a paid entry fee."""
    name = intent or f"pi_{contest_id}_{entry_id}"
    metadata = {
        "purpose": "contest_entry_fee",
        "contest_id": contest_id,
        "entry_id": entry_id,
        "account_did": account_did,
        "fee_cents": "1001",
        "currency": "usd",
    }
    paid = {"id": name, "amount": 1001, "amount_received": 1001, "currency": "usd", "metadata": metadata}
    body = orjson.dumps(paid)
    return RecordStripeEvent(
        event_id=f"evt_{name}",
        type="payment_intent.succeeded",
        api_version=None,
        livemode=False,
        created=int(datetime.now(UTC).timestamp()),
        account=None,
        object=paid,
        sha256=sha256(body).hexdigest(),
        body=body,
    )


@asynccontextmanager
async def running_town(root: Path, *, scheduler: BaseScheduler | None = None) -> AsyncIterator[Town]:
    """Run an engine over a data root until the block ends; without a scheduler of its own, the test steps one."""
    stripe = StripeEmulator()
    async with listening(stripe) as stripe_url, aiohttp.ClientSession() as session:
        settings = Settings.model_validate(
            {
                "cutline_data_dir": root,
                "cutline_port": 0,
                "cutline_jwt_secret": "a-secret-of-the-tests-that-is-long-enough",
                "settle_admin_key": "settle-key",
                "ledger_admin_key": "ledger-key",
                "stripe_api_key": SECRET_KEY,
                "stripe_webhook_secret": "whsec_of_the_tests",
                "stripe_base_url": stripe_url,
                "ingestion_endpoint_url": "http://127.0.0.1:1",
            }
        )
        with DataRoot(root).lock() as lock:
            engine = assemble(
                settings,
                DataRoot(root),
                lock.boot_epoch,
                scheduler=scheduler or SteppedScheduler(),
                workers=InlineWorkers(),
                session=session,
            )
            engine.system.start()
            try:
                yield Town(engine.system, stripe)
            finally:
                await engine.system.stop()


def is_refused(answer: Any, code: str) -> bool:
    """Whether an answer is this refusal."""
    return isinstance(answer, Rejected) and answer.code == code
