"""Measures the ledger without HTTP: balanced transactions through the real engine, beside bare SQLite in one run."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import uvloop
from pydantic import SecretStr
from rich.console import Console

from cutline.actors.jobs import production_scheduler
from cutline.actors.system import System
from cutline.actors.workers import InlineWorkers
from cutline.bench.bare_sqlite import BareSQLite, random_key
from cutline.bench.measurement import IN_FLIGHT, WARM_UP_S, BenchmarkFailed, Figures, closed_loop
from cutline.bench.report import print_json, print_table
from cutline.engine.decision import Rejected
from cutline.engine.messages import PostTransaction, ReadTrialBalance
from cutline.logs import configure_logs
from cutline.service import running_engine
from cutline.settings import Settings

LEDGER = "ledger"
LIMIT = "bare SQLite"
_ACCOUNTS = 1_000
_CENTS = 2_500
_NOWHERE = "http://127.0.0.1:9"
"""Nothing is asked of Stripe or the feed here; if it were, nobody would answer."""


def main(*, json: bool = False, rounds: int = 3, seconds: float = 2.0, data: Path | None = None) -> int:
    """Measure, print, and return the exit code: 1 if the ledger refused or lost anything.

    Files lie in a folder of their own under `data` (or the current one), because a temporary directory may be kept
    in memory, where flushing costs nothing.
    """
    configure_logs()
    status = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="cutline-bench-", dir=data or Path.cwd()) as folder,
        status.status("") as at,
    ):
        try:
            figures = uvloop.run(run_ledger(Path(folder), rounds=rounds, seconds=seconds, tell=at.update))
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    if json:
        print_json("ledger", figures, {"rounds": rounds, "seconds": seconds})
    else:
        print_table("The ledger, one balanced transaction each", "tx", figures, limit=LIMIT)
    return 0


async def run_ledger(
    folder: Path, *, rounds: int, seconds: float, tell: Callable[[str], None] = lambda _: None
) -> list[Figures]:
    """Return the figures of the ledger and of bare SQLite at every load, rounds interleaved.

    Raises BenchmarkFailed when a transaction is refused or the books afterwards do not hold each exactly once.
    """
    figures = {(subject, n): Figures(subject=subject, in_flight=n) for subject in (LEDGER, LIMIT) for n in IN_FLIGHT}
    async with running_system(folder / "engine") as system:
        with closing(BareSQLite(folder / "bare.db")) as bare:
            poster = Poster(system)
            await closed_loop(poster.post, in_flight=IN_FLIGHT[-1], seconds=WARM_UP_S)
            for number, in_flight in itertools.product(range(1, rounds + 1), IN_FLIGHT):
                tell(f"round {number} of {rounds}, {in_flight} in flight")
                run = await closed_loop(poster.post, in_flight=in_flight, seconds=seconds)
                figures[LEDGER, in_flight].runs.append(run)
                figures[LIMIT, in_flight].runs.append(bare.run(at_a_commit=in_flight, seconds=seconds))
            await poster.check()
    return list(figures.values())


class Poster:
    """Posts transactions of many holders, each once by one key as bare SQLite does, and knows what the books must hold.

    Contests ask so, too: under the name of what happened.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._posted = 0

    async def post(self) -> None:
        """Credit one of many account holders and await the committed answer."""
        self._posted += 1
        number, key = self._posted, random_key()
        message = PostTransaction(
            idempotency_key=key,
            effect_key=key,
            kind="outside_ingest",
            currency="usd",
            legs=(("clearing:provider", _CENTS), (f"user:did:bench:{number % _ACCOUNTS}:available", -_CENTS)),
            occurred_at=datetime.now(UTC),
        )
        answer = await self._system.ask("ledger", message, "bench")
        if isinstance(answer, Rejected):
            raise BenchmarkFailed(f"transaction {number} was refused: {answer.code}")

    async def check(self) -> None:
        """Raise BenchmarkFailed unless the books hold every transaction once."""
        answer = await self._system.ask("ledger", ReadTrialBalance(), "bench")
        if isinstance(answer, Rejected):
            raise BenchmarkFailed(f"the trial balance was refused: {answer.code}")
        balances = answer.reply["usd"]
        if sum(balances.values()) or balances["clearing:provider"] != self._posted * _CENTS:
            raise BenchmarkFailed("the books do not hold every transaction exactly once")


@asynccontextmanager
async def running_system(root: Path) -> AsyncIterator[System]:
    """Run the real engine over a new data root, its doors closed."""
    secret = SecretStr("a-secret-that-guards-nothing-but-figures")
    settings = Settings(
        settle_env="test",
        cutline_data_dir=root,
        cutline_jwt_secret=secret,
        settle_admin_key=secret,
        ledger_admin_key=secret,
        stripe_api_key=SecretStr("sk_test_bench"),
        stripe_webhook_secret=SecretStr("whsec_bench"),
        stripe_base_url=_NOWHERE,
        ingestion_endpoint_url=_NOWHERE,
        cutline_replica_url=None,
    )
    async with (
        aiohttp.ClientSession() as session,
        running_engine(settings, scheduler=production_scheduler(), workers=InlineWorkers(), session=session) as engine,
    ):
        yield engine.system
