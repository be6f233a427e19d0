"""Measures transfers to winners through the real engine, with an emulated Stripe that takes its time to answer.

The contest is made of ledger postings alone: nothing is played here, and no doors are open.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from pydantic import SecretStr
from rich.console import Console

from cutline.actors.jobs import production_scheduler
from cutline.actors.system import Parts, System
from cutline.actors.workers import InlineWorkers
from cutline.bench.measurement import BenchmarkFailed, Figures, Run, quantile_ms
from cutline.bench.report import print_json, print_table
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import (
    AccountReported,
    OnboardAccount,
    PostSettlement,
    PostTransaction,
    Prize,
    ReadTransfers,
    ReadTrialBalance,
)
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import CALLS_PER_S_MAX, StripeGateway
from cutline.http.asking import ask_until
from cutline.logs import configure_logs
from cutline.settings import Settings
from cutline.simulation.emulators.stripe.emulator import SECRET_KEY
from cutline.storage.files import DataRoot

LIMITED = f"at most {CALLS_PER_S_MAX} calls/s"
UNLIMITED = "no limit of calls"
ANSWER_S = 0.05
_NO_LIMIT = 100_000.0
_HOLDERS = 50
_CENTS = 1_000
_LOOK_EVERY_S = 0.05
_PATIENCE_S = 300.0
_NOWHERE = "http://127.0.0.1:9"
"""No feed is asked for anything here; if one were, nobody would answer."""


def main(*, json: bool = False, rounds: int = 3, winners: int = 500, data: Path | None = None) -> int:
    """Measure, print, and return the exit code: 1 if a winner was not paid, or not once."""
    configure_logs("critical")
    status = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="cutline-bench-", dir=data or Path.cwd()) as folder,
        status.status("") as at,
    ):
        try:
            figures = uvloop.run(run_payouts(Path(folder), rounds=rounds, winners=winners, tell=at.update))
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    if json:
        print_json("payouts", figures, {"rounds": rounds, "winners": winners, "answer_ms": ANSWER_S * 1000})
    else:
        print_table(
            f"Transfers to {winners} winners, Stripe answering in {ANSWER_S * 1000:.0f} ms", "transfers", figures
        )
    return 0


async def run_payouts(
    folder: Path, *, rounds: int, winners: int, tell: Callable[[str], None] = lambda _: None
) -> list[Figures]:
    """Return the figures with and without Stripe's limit of calls, rounds interleaved, each over new files.

    Raises BenchmarkFailed when a prize is not transferred, or not once, or the books and Stripe disagree.
    """
    limits = {LIMITED: float(CALLS_PER_S_MAX), UNLIMITED: _NO_LIMIT}
    figures: dict[str, Figures] = {}
    with _emulator() as stripe_url:
        async with aiohttp.ClientSession() as session:
            slow = {"on": "api", "kind": "slow", "operation": "transfers.create", "seconds": ANSWER_S, "times": 10**9}
            await _pull(session, f"{stripe_url}/_emulator/faults", slow)
            for number in range(1, rounds + 1):
                for subject, limit in limits.items():
                    tell(f"round {number} of {rounds}, {subject}")
                    name = f"c{len(figures)}-{number}-{subject[:2].strip()}"
                    round_ = _Round(
                        session, stripe_url, folder / name, contest_id=name.replace(" ", "-"), winners=winners
                    )
                    in_flight = round_.settings.stripe_payout_calls_at_once
                    kept = figures.setdefault(subject, Figures(subject=subject, in_flight=in_flight))
                    kept.runs.append(await round_.run(limit))
    return list(figures.values())


class _Round:
    """One contest's winners, paid by an engine over files of its own."""

    def __init__(
        self, session: aiohttp.ClientSession, stripe_url: str, root: Path, *, contest_id: str, winners: int
    ) -> None:
        self._session = session
        self._stripe_url = stripe_url
        self._contest_id = contest_id
        self._winners = winners
        self.settings = _settings(root, stripe_url)

    async def run(self, calls_per_s_max: float) -> Run:
        """Settle, and measure from there until the last transfer is booked as made."""
        await _pull(self._session, f"{self._stripe_url}/_emulator/topups", {"amount": self._winners * _CENTS})
        async with _engine(self.settings, self._session, calls_per_s_max) as system:
            holders = [await self._holder(system, number) for number in range(_HOLDERS)]
            await self._fill_pot(system)
            began, cpu_began = time.perf_counter(), time.process_time()
            await _ask(system, "ledger", self._settlement(holders))
            ended_s = await self._await_transfers(system, began)
            cpu_s = time.process_time() - cpu_began
            await self._check(system)
        return Run(
            done=self._winners,
            elapsed_s=ended_s[-1],
            p50_ms=quantile_ms(ended_s, 0.50),
            p99_ms=quantile_ms(ended_s, 0.99),
            cpu_us=cpu_s / self._winners * 1e6,
        )

    async def _holder(self, system: System, number: int) -> str:
        """Open an account that can be paid at once."""
        did = f"did:bench:{self._contest_id}:{number}"
        onboard = OnboardAccount(account_did=did)
        account = await ask_until(
            lambda: _ask(system, "payouts", onboard), _is_made, otherwise=RejectCode.ACCOUNT_NOT_READY
        )
        account_id = account["stripe_account_id"]
        await _pull(self._session, f"{self._stripe_url}/_emulator/accounts/{account_id}", {"transfers": "active"})
        ready = AccountReported(stripe_account_id=account_id, transfers_active=True, payouts_enabled=True)
        await _ask(system, "payouts", ready)
        return did

    async def _fill_pot(self, system: System) -> None:
        cents = self._winners * _CENTS
        funding = PostTransaction(
            idempotency_key="bench:pot",
            effect_key="bench:pot",
            kind="top_up",
            currency="usd",
            legs=(("stripe:platform", cents), (f"pot:{self._contest_id}", -cents)),
            occurred_at=datetime.now(UTC),
        )
        await _ask(system, "ledger", funding)

    def _settlement(self, holders: list[str]) -> PostSettlement:
        prizes = tuple(
            Prize(entry_id=f"e{number}", account_did=holders[number % _HOLDERS], amount_cents=_CENTS)
            for number in range(self._winners)
        )
        return PostSettlement(
            contest_id=self._contest_id,
            currency="usd",
            score_version=1,
            pot_cents=self._winners * _CENTS,
            rake_cents=0,
            prizes=prizes,
            result_sha256="0" * 64,
        )

    async def _await_transfers(self, system: System, began: float) -> list[float]:
        """Return for each transfer when it was seen to be made, in seconds since the settlement."""
        ended_s: list[float] = []
        while len(ended_s) < self._winners:
            now_s = time.perf_counter() - began
            if now_s > _PATIENCE_S:
                raise BenchmarkFailed(f"{self._winners - len(ended_s)} transfers did not end")
            listed = await _ask(system, "payouts", ReadTransfers(contest_id=self._contest_id))
            made = sum(1 for one in listed if one["status"] == "completed")
            ended_s += [now_s] * (made - len(ended_s))
            await asyncio.sleep(_LOOK_EVERY_S)
        return ended_s

    async def _check(self, system: System) -> None:
        """Raise BenchmarkFailed unless Stripe made one transfer a prize and the books have each."""
        async with self._session.get(f"{self._stripe_url}/_emulator/state") as response:
            state = await response.json()
        made = [one for one in state["transfers"] if one["transfer_group"] == self._contest_id]
        entries = {one["metadata"]["entry_id"] for one in made}
        if not len(made) == len(entries) == self._winners:
            raise BenchmarkFailed(f"Stripe made {len(made)} transfers for {len(entries)} of {self._winners} prizes")
        gives_up_at = time.perf_counter() + _PATIENCE_S
        while time.perf_counter() < gives_up_at:
            book = (await _ask(system, "ledger", ReadTrialBalance()))["usd"]
            paid_cents = sum(cents for name, cents in book.items() if name.startswith("stripe:connected:"))
            if paid_cents == self._winners * _CENTS:
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        raise BenchmarkFailed("the books do not hold every transfer")


def _is_made(account: dict[str, Any]) -> bool:
    return bool(account.get("stripe_account_id"))


async def _ask(system: System, to: str, message: Any) -> Any:
    answer = await system.ask(to, message, "bench")
    if isinstance(answer, Rejected):
        raise BenchmarkFailed(f"{type(message).__name__} was refused: {answer.code} {dict(answer.details)}")
    return answer.reply


async def _pull(session: aiohttp.ClientSession, url: str, order: dict[str, Any]) -> None:
    """Pull a lever of the emulator."""
    async with session.post(url, json=order) as response:
        if response.status != 200:
            raise BenchmarkFailed(f"the emulator refused {url}: {await response.text()}")


def _settings(root: Path, stripe_url: str) -> Settings:
    secret = SecretStr("a-secret-that-guards-nothing-but-figures")
    return Settings(
        settle_env="test",
        cutline_data_dir=root,
        cutline_jwt_secret=secret,
        settle_admin_key=secret,
        ledger_admin_key=secret,
        stripe_api_key=SecretStr(SECRET_KEY),
        stripe_webhook_secret=SecretStr("whsec_bench"),
        stripe_base_url=stripe_url,
        ingestion_endpoint_url=_NOWHERE,
        cutline_replica_url=None,
    )


@asynccontextmanager
async def _engine(settings: Settings, session: aiohttp.ClientSession, calls_per_s_max: float) -> AsyncIterator[System]:
    """Run the real actors over a new data root, their doors closed, with a limit of calls that no setting allows."""
    root = DataRoot(settings.cutline_data_dir)
    with root.lock() as lock:
        gateway = StripeGateway(SECRET_KEY, settings.stripe_base_url, session, calls_per_s_max=calls_per_s_max)
        parts = Parts(
            stripe=gateway,
            feed=ScoreFeed(session, _NOWHERE),
            workers=InlineWorkers(),
            scheduler=production_scheduler(),
        )
        system = System(settings, root, lock.boot_epoch, parts)
        system.start()
        try:
            yield system
        finally:
            await system.stop()


@contextmanager
def _emulator() -> Iterator[str]:
    """Run the emulated Stripe in a process of its own, so that its work is not the engine's; yield its address."""
    command = [sys.executable, "-m", "cutline", "emulate", "stripe", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603  # our own program
        try:
            said = process.stdout.readline() if process.stdout is not None else ""
            if "http://" not in said:
                raise BenchmarkFailed(f"the emulator did not start: {said!r}")
            yield said.split()[-1].strip()
        finally:
            process.terminate()
