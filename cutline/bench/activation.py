"""Measures contests at rest: what they cost in memory, how long a cold one takes to answer, and a common lock."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from rich.console import Console

from cutline.bench.measurement import BenchmarkFailed, machine, quantile_ms
from cutline.bench.population import contest_id_of, populate
from cutline.bench.served_engine import ServedEngine
from cutline.http.auth import mint_token
from cutline.logs import configure_logs
from cutline.simulation.stage import JWT_SECRET
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader

GOAL_MIB = 350
GOAL_COLD_P99_MS = 15.0
QUIET_S = 2.0
SURVEYED_WITHIN_S = 600.0
LOCKED_WITHIN_S = 1_800.0

Tell = Callable[[str], None]


def main(
    *, json: bool = False, contests: int = 10_000, active: int = 1_000, lock: bool = False, data: Path | None = None
) -> int:
    """Measure, print, and return the exit code: 1 if a contest did not answer, or did not lock."""
    configure_logs()
    status = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="cutline-bench-", dir=data or Path.cwd()) as folder,
        status.status("") as at,
    ):
        try:
            found = measure_activation(Path(folder) / "rest", contests=contests, active=active, tell=at.update)
            if lock:
                found["common_lock"] = measure_common_lock(Path(folder) / "lock", contests=contests, tell=at.update)
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    document = {"benchmark": "activate", "machine": machine(), "contests": contests, "active": active, **found}
    if json:
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _print(document)
    return 0


def measure_activation(data: Path, *, contests: int, active: int, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Return memory in MiB at rest and with `active` contests open, and latencies of first and second reads in ms."""
    now = datetime.now(UTC)
    tell(f"writing {contests} contests")
    populate(data, contests=contests, at=now, lock_at=now + timedelta(days=30))
    with ServedEngine(data) as engine:
        tell("waiting for the survey")
        surveyed_s = _wait_until_quiet(engine)
        at_rest_mib = engine.memory_mib()
        tell(f"reading {active} contests")
        # Contests from all over the root, so that no shard's folder is warmer than another.
        asked = [contest_id_of(number * contests // active) for number in range(active)]
        cold, warm = asyncio.run(_read_twice(engine.port, asked))
        active_mib = engine.memory_mib()
    return {
        "survey_s": round(surveyed_s, 1),
        "memory_mib": {"at_rest": round(at_rest_mib), "active": round(active_mib), "goal": GOAL_MIB},
        "cold_ms": {**_quantiles(cold), "goal_p99": GOAL_COLD_P99_MS},
        "warm_ms": _quantiles(warm),
    }


def measure_common_lock(data: Path, *, contests: int, tell: Tell = lambda _: None) -> dict[str, Any]:
    """Return how long all contests take to lock when their one lock time has passed, and what that costs."""
    now = datetime.now(UTC)
    tell(f"writing {contests} contests that lock at one instant")
    populate(data, contests=contests, at=now - timedelta(hours=2), lock_at=now - timedelta(hours=1))
    began = time.perf_counter()
    most_mib, most_threads, locked = 0.0, 0, 0
    with ServedEngine(data) as engine:
        while locked < contests:
            if time.perf_counter() - began > LOCKED_WITHIN_S:
                raise BenchmarkFailed(f"{locked} of {contests} contests have locked")
            time.sleep(0.5)
            most_mib, most_threads = max(most_mib, engine.memory_mib()), max(most_threads, engine.threads())
            locked = _anchored(engine.ledger_file)
            tell(f"{locked} of {contests} contests have locked")
        elapsed_s = time.perf_counter() - began
    return {"seconds": round(elapsed_s, 1), "memory_mib": round(most_mib), "threads": most_threads}


def _anchored(ledger: Path) -> int:
    with closing(open_reader(ledger, KINDS["ledger"])) as connection:
        return int(connection.execute("SELECT count(*) FROM log WHERE type = 'AnchorRecorded'").fetchone()[0])


def _wait_until_quiet(engine: ServedEngine) -> float:
    """Wait until the engine has used next to no CPU for a while; return how long it was busy."""
    began = quiet_since = time.perf_counter()
    used_s = engine.cpu_s()
    while time.perf_counter() - quiet_since < QUIET_S:
        if time.perf_counter() - began > SURVEYED_WITHIN_S:
            raise BenchmarkFailed("the engine does not come to rest")
        time.sleep(0.2)
        now_s = engine.cpu_s()
        if now_s - used_s > 0.05:
            quiet_since = time.perf_counter()
        used_s = now_s
    return quiet_since - began


async def _read_twice(port: int, contest_ids: list[str]) -> tuple[list[float], list[float]]:
    """Read each contest once, one at a time, and then each again; return both lists of latencies in seconds."""
    token = mint_token(JWT_SECRET, "bench", ["ops"], now=datetime.now(UTC), lifetime=timedelta(hours=1))
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        async with session.get("/healthz") as response:
            await response.read()
        return [await _read(session, one) for one in contest_ids], [await _read(session, one) for one in contest_ids]


async def _read(session: aiohttp.ClientSession, contest_id: str) -> float:
    began = time.perf_counter()
    async with session.get(f"/v1/contests/{contest_id}") as response:
        body = await response.read()
        if response.status != 200:
            raise BenchmarkFailed(f"{contest_id} answered {response.status}: {body[:200]!r}")
    return time.perf_counter() - began


def _quantiles(latencies_s: list[float]) -> dict[str, float]:
    return {"p50": round(quantile_ms(latencies_s, 0.5), 2), "p99": round(quantile_ms(latencies_s, 0.99), 2)}


def _print(document: dict[str, Any]) -> None:
    memory, cold, warm = document["memory_mib"], document["cold_ms"], document["warm_ms"]
    console = Console()
    console.print(f"{document['contests']} contests, surveyed in {document['survey_s']} s: {memory['at_rest']} MiB")
    console.print(f"{document['active']} of them active: {memory['active']} MiB (goal {memory['goal']})")
    console.print(f"a cold read: p50 {cold['p50']} ms, p99 {cold['p99']} ms (goal {cold['goal_p99']})")
    console.print(f"a warm read: p50 {warm['p50']} ms, p99 {warm['p99']} ms")
    locked = document.get("common_lock")
    if locked is not None:
        console.print(
            f"all locked at one instant: {locked['seconds']} s, {locked['memory_mib']} MiB, {locked['threads']} threads"
        )
