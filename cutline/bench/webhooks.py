"""Measures the whole way of a webhook, from the socket to the committed books, against a real engine process."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console

from cutline.bench.books import Books, read_books
from cutline.bench.load import LoadResult, LoadSpec
from cutline.bench.measurement import IN_FLIGHT, WARM_UP_S, BenchmarkFailed, Figures, Run
from cutline.bench.report import print_json, print_table
from cutline.bench.served_engine import ServedEngine

NEW = "new events"
CONNECTIONS = (*IN_FLIGHT, 256)
_GRACE_S = 30.0


def main(
    *, json: bool = False, rounds: int = 3, seconds: float = 3.0, redelivered: float = 0.9, data: Path | None = None
) -> int:
    """Measure, print, and return the exit code: 1 if an acknowledged event is not in the books exactly once.

    `redelivered` is the share of requests that repeat an event in the second kind of load; 0 leaves that kind out.
    Files lie in a folder of their own under `data` (or the current one), because a temporary directory may be kept
    in memory, where flushing costs nothing.
    """
    status = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="cutline-bench-", dir=data or Path.cwd()) as folder,
        status.status("") as at,
    ):
        try:
            figures, books = run_webhooks(
                Path(folder), rounds=rounds, seconds=seconds, redelivered=redelivered, tell=at.update
            )
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    if json:
        print_json("webhooks", figures, {"rounds": rounds, "seconds": seconds, "books": asdict(books)})
    else:
        print_table("Webhooks: verified, stored, posted, answered", "events", figures)
        status.print(
            f"Books: {books.acknowledged:,} acknowledged, {books.missing} missing, {books.unbalanced} unbalanced"
        )
    return 0 if books.hold else 1


def run_webhooks(
    folder: Path, *, rounds: int, seconds: float, redelivered: float, tell: Callable[[str], None] = lambda _: None
) -> tuple[list[Figures], Books]:
    """Return the figures at every load, rounds interleaved, and what the books say after the engine has stopped.

    Raises BenchmarkFailed when a request is refused, a connection breaks, or the engine does not run.
    """
    subjects = {NEW: 0.0}
    if redelivered:
        subjects[f"{redelivered:.0%} redelivered"] = redelivered
    figures = {(subject, n): Figures(subject=subject, in_flight=n) for subject in subjects for n in CONNECTIONS}
    acknowledged: set[str] = set()
    with ServedEngine(folder / "engine") as engine:
        load = _Sender(engine, folder, acknowledged)
        load.send(connections=CONNECTIONS[-1], seconds=WARM_UP_S, redelivered=0.0)
        for number, in_flight, subject in itertools.product(range(1, rounds + 1), CONNECTIONS, subjects):
            tell(f"round {number} of {rounds}, {in_flight} connections, {subject}")
            run = load.send(connections=in_flight, seconds=seconds, redelivered=subjects[subject])
            figures[subject, in_flight].runs.append(run)
    return list(figures.values()), read_books(engine.ledger_file, acknowledged)


class _Sender:
    """Runs the load program against one engine and keeps what it acknowledged."""

    def __init__(self, engine: ServedEngine, folder: Path, acknowledged: set[str]) -> None:
        self._engine = engine
        self._file = folder / "acknowledged.txt"
        self._acknowledged = acknowledged
        self._runs = 0

    def send(self, *, connections: int, seconds: float, redelivered: float) -> Run:
        """Run once; the CPU is the engine's alone, over all requests of the run, warm-up included."""
        self._runs += 1
        spec = LoadSpec(
            port=self._engine.port,
            path=self._engine.path,
            secret=self._engine.secret,
            connections=connections,
            warm_up_s=WARM_UP_S,
            seconds=seconds,
            redelivered=redelivered,
            prefix=f"{self._runs:08x}",
            acknowledged_file=str(self._file),
        )
        cpu_s = self._engine.cpu_s()
        result = self._run_program(spec)
        cpu_s = self._engine.cpu_s() - cpu_s
        if result.refused or result.broken:
            raise BenchmarkFailed(f"{result.refused} refused, {result.broken} broken; first: {result.first_refusal}")
        self._acknowledged.update(self._file.read_text("ascii").split())
        return Run(
            done=result.done,
            elapsed_s=seconds,
            p50_ms=result.p50_ms,
            p99_ms=result.p99_ms,
            cpu_us=cpu_s / max(result.requests, 1) * 1e6,
        )

    def _run_program(self, spec: LoadSpec) -> LoadResult:
        command = [sys.executable, "-m", "cutline.bench.load", orjson.dumps(asdict(spec)).decode()]
        try:
            program = subprocess.run(  # noqa: S603  # our own program
                command, stdout=subprocess.PIPE, timeout=spec.warm_up_s + spec.seconds + _GRACE_S, check=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
            raise BenchmarkFailed(f"the load program failed: {failure}") from failure
        return LoadResult(**orjson.loads(program.stdout))
