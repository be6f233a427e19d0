"""Measures a netting run, and how long others wait for the ledger while it is under way."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console

from cutline.actors.system import System
from cutline.bench.ledger import Poster, running_system
from cutline.bench.measurement import BenchmarkFailed, Figures, Run, closed_loop
from cutline.bench.report import print_json, print_table
from cutline.engine.decision import Rejected
from cutline.engine.messages import PostTransaction, ReadNettingRun, ReadTrialBalance, RunNetting
from cutline.logs import configure_logs

IN_FLIGHT = 8
"""A busy hour at the doors while the run is under way."""

ALONE = "ledger"
BESIDE = "ledger, netting"
_CENTS = 2_500
_LOOK_EVERY_S = 0.02
_PAYERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingFigures:
    """One run over `payouts`: how long it took, and how others fared before and meanwhile."""

    payouts: int
    entries: int
    seconds: float
    seconds_undisturbed: float
    before: Run
    meanwhile: Run


def main(*, json: bool = False, payouts: int = 100_000, data: Path | None = None) -> int:
    """Measure, print, and return the exit code: 1 if a payout was not netted exactly once.

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
            figures = uvloop.run(run_netting(Path(folder), payouts=payouts, tell=at.update))
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    shown = [
        Figures(subject=ALONE, in_flight=IN_FLIGHT, runs=[figures.before]),
        Figures(subject=BESIDE, in_flight=IN_FLIGHT, runs=[figures.meanwhile]),
    ]
    if json:
        more = {name: value for name, value in asdict(figures).items() if name not in ("before", "meanwhile")}
        print_json("netting", shown, more)
    else:
        print_table("The ledger beside a netting run, one balanced transaction each", "tx", shown)
        status.print(
            f"{figures.payouts:,} payouts netted in {figures.seconds_undisturbed:.2f} s, and as many again in "
            f"{figures.seconds:.2f} s beside {IN_FLIGHT} callers, in {figures.entries} entries"
        )
    return 0


async def run_netting(
    folder: Path, *, payouts: int, tell: Callable[[str], None] = lambda _: None, seconds: float = 2.0
) -> NettingFigures:
    """Return the figures of two runs over as many payouts each: one alone, one while others post.

    Raises BenchmarkFailed when anything is refused, or the clearing accounts are not empty afterwards.
    """
    async with running_system(folder / "engine") as system:
        poster = Poster(system)
        tell(f"paying {payouts:,} payouts")
        await _pay(system, 0, payouts)
        tell("netting them")
        alone = await _net(system, "alone")
        tell(f"paying {payouts:,} payouts more")
        await _pay(system, payouts, payouts)
        tell("posting without a run")
        before = await closed_loop(poster.post, in_flight=IN_FLIGHT, seconds=seconds)
        tell("posting beside a run")
        run, meanwhile = await _beside(system, poster)
        await _check(system)
        await poster.check()
    return NettingFigures(
        payouts=payouts,
        entries=run["entry_count"],
        seconds=run["seconds"],
        seconds_undisturbed=alone["seconds"],
        before=before,
        meanwhile=meanwhile,
    )


async def _beside(system: System, poster: Poster) -> tuple[dict[str, Any], Run]:
    """Net while others post, and stop their loop when the run is applied."""
    netting = asyncio.ensure_future(_net(system, "beside others"))
    meanwhile = await closed_loop(poster.post, in_flight=IN_FLIGHT, until=netting.done)
    return await netting, meanwhile


async def _pay(system: System, first: int, count: int) -> None:
    """Book payouts as their webhooks do, without the prizes behind them."""
    numbers = iter(range(first, first + count))

    async def payer() -> None:
        for number in numbers:
            effect = f"payout:po_{number}:paid"
            legs = (
                ("equity:capital", _CENTS),
                ("clearing:payouts", -_CENTS),
                ("clearing:bank", _CENTS),
                (f"stripe:connected:did:{number}", -_CENTS),
            )
            post = PostTransaction(
                idempotency_key=effect,
                effect_key=effect,
                kind="payout_paid",
                currency="usd",
                legs=legs,
                occurred_at=datetime.now(UTC),
            )
            await _asked(system, post)

    await asyncio.gather(*(payer() for _ in range(_PAYERS)))


async def _net(system: System, key: str) -> dict[str, Any]:
    began = time.perf_counter()
    command = RunNetting(
        idempotency_key=key, currency="usd", selection_before=None, limit=None, limit_default=1_000_000
    )
    started = await _asked(system, command)
    while True:
        run: dict[str, Any] = await _asked(system, ReadNettingRun(run_id=started["run_id"]))
        if run["status"] == "applied":
            return run | {"seconds": time.perf_counter() - began}
        if run["status"] == "failed":
            raise BenchmarkFailed(f"the run failed: {run['failure']}")
        await asyncio.sleep(_LOOK_EVERY_S)


async def _check(system: System) -> None:
    balances = (await _asked(system, ReadTrialBalance()))["usd"]
    if balances["clearing:payouts"] or balances["clearing:bank"]:
        raise BenchmarkFailed("the clearing accounts are not empty")


async def _asked(system: System, message: Any) -> Any:
    answer = await system.ask("ledger", message, "bench")
    if isinstance(answer, Rejected):
        raise BenchmarkFailed(f"{type(message).__name__} was refused: {answer.code} {dict(answer.details)}")
    return answer.reply
