"""What timed runs come to: rates, quantiles and CPU, by medians over rounds; it must not know what was measured."""

from __future__ import annotations

import asyncio
import math
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pysqlite3

IN_FLIGHT = (1, 8, 64)
"""How many callers wait for an answer at a time: one by one, a busy hour, a rush before the lock."""

WARM_UP_S = 0.5


class BenchmarkFailed(Exception):
    """What was measured did not do its work, so its figures mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One timed run. `done` counts operations in `elapsed_s`; `cpu_us` is CPU time an operation, all threads."""

    done: int
    elapsed_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float

    @property
    def per_second(self) -> float:
        """Operations a second."""
        return self.done / self.elapsed_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure over all rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the median and the extremes."""
        return cls(median=statistics.median(values), low=min(values), high=max(values))


@dataclass(slots=True, kw_only=True)
class Figures:
    """All runs of one subject at one load."""

    subject: str
    in_flight: int
    runs: list[Run] = field(default_factory=list)

    def spread(self, name: str) -> Spread:
        """Return a figure of the runs, named as in `Run`, over all rounds."""
        return Spread.of([getattr(run, name) for run in self.runs])

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values, rounded to what a clock can tell."""
        document: dict[str, Any] = {"subject": self.subject, "in_flight": self.in_flight, "runs": len(self.runs)}
        for name in ("per_second", "p50_ms", "p99_ms", "cpu_us"):
            spread = self.spread(name)
            document[name] = {"median": round(spread.median, 3), "min": round(spread.low, 3)}
            document[name]["max"] = round(spread.high, 3)
        return document


def quantile_ms(latencies_s: Sequence[float], share: float) -> float:
    """Return the latency that `share` of all operations do not exceed, in milliseconds; 0 for none at all."""
    if not latencies_s:
        return 0.0
    ordered = sorted(latencies_s)
    return ordered[int((len(ordered) - 1) * share)] * 1_000


async def closed_loop(
    operate: Callable[[], Awaitable[None]],
    *,
    in_flight: int,
    seconds: float = math.inf,
    until: Callable[[], bool] = lambda: False,
) -> Run:
    """Keep `in_flight` operations under way for `seconds` or `until` it is enough; each caller asks when answered."""
    latencies_s: list[float] = []
    began, cpu_began = time.perf_counter(), time.process_time()
    ends = began + seconds

    async def caller() -> None:
        asked = time.perf_counter()
        while asked < ends and not until():
            await operate()
            answered = time.perf_counter()
            latencies_s.append(answered - asked)
            asked = answered

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(caller())
    return run_of(latencies_s, time.perf_counter() - began, time.process_time() - cpu_began)


def run_of(latencies_s: Sequence[float], elapsed_s: float, cpu_s: float, *, operations_each: int = 1) -> Run:
    """Sum up one run in which each measured latency stands for `operations_each` operations."""
    done = len(latencies_s) * operations_each
    return Run(
        done=done,
        elapsed_s=elapsed_s,
        p50_ms=quantile_ms(latencies_s, 0.50),
        p99_ms=quantile_ms(latencies_s, 0.99),
        cpu_us=cpu_s / max(done, 1) * 1e6,
    )


def cpu_s_of(process_id: int) -> float:
    """Return the CPU seconds that a process has used so far, all threads, user and system (Linux, proc(5))."""
    fields = Path(f"/proc/{process_id}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, Any]:
    """Return what the figures depend on beside the code."""
    return {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": pysqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}",
    }
