"""Measures reads and entering over HTTP against a real engine process, in contests that a crowd has entered."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console

from cutline.bench.api_load import LIVE, OPEN, ApiSpec, Question
from cutline.bench.crowd import Crowd, write_crowd
from cutline.bench.load import LoadResult
from cutline.bench.measurement import IN_FLIGHT, WARM_UP_S, BenchmarkFailed, Figures, Run
from cutline.bench.report import print_json, print_table
from cutline.bench.served_engine import ServedEngine
from cutline.engine import tournament
from cutline.engine.tournament import Tournament
from cutline.simulation.stage import JWT_SECRET, masters_toml
from cutline.storage.files import CORE, DataRoot, kind_of
from cutline.storage.sqlite import create_file, open_reader

SUBJECTS: Final[dict[str, Question]] = {
    "standings, page 1": "standings",
    "entry status": "entry",
    "entering": "enter",
}
OPENS_WITHIN_S: Final = 120.0
"""A contest's actor verifies and folds its whole file before it answers the first time."""
_GRACE_S: Final = 60.0


def main(
    *, json: bool = False, rounds: int = 3, seconds: float = 3.0, entries: int = 100_000, data: Path | None = None
) -> int:
    """Measure, print, and return the exit code: 1 where an answer was refused or an entry is missing.

    Both contests hold `entries`. Nobody answers at Stripe's address, so what entering costs is ours alone.
    """
    status = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="cutline-bench-", dir=data or Path.cwd()) as folder,
        status.status("") as at,
    ):
        try:
            figures = run_api(Path(folder), rounds=rounds, seconds=seconds, entries=entries, tell=at.update)
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    if json:
        print_json("api", figures, {"rounds": rounds, "seconds": seconds, "entries": entries})
    else:
        print_table(f"API, with {entries:,} entries in each contest", "requests", figures)
    return 0


def run_api(
    folder: Path, *, rounds: int, seconds: float, entries: int, tell: Callable[[str], None] = lambda _: None
) -> list[Figures]:
    """Return the figures of every question at every load, rounds interleaved.

    Entering comes last: each entry's fee is asked of Stripe, who is not there, and asking again goes on beside whatever
    is measured next. Raises BenchmarkFailed when a request is refused, a connection breaks, an acknowledged entry is
    missing, or the engine does not run.
    """
    figures = {(subject, n): Figures(subject=subject, in_flight=n) for subject in SUBJECTS for n in IN_FLIGHT}
    terms, root = crowded_terms(entries), DataRoot(folder / "engine")
    tell(f"writing two contests of {entries:,} entries")
    _write_root(root, terms, entries)
    with ServedEngine(root.path) as engine:
        load = _Asker(engine, terms, entries)
        tell("waiting until the engine has read them")
        load.wait_until_open()
        *reads, entering = SUBJECTS
        for subjects in (reads, [entering]):
            for number, in_flight, subject in itertools.product(range(1, rounds + 1), IN_FLIGHT, subjects):
                tell(f"round {number} of {rounds}, {in_flight} connections, {subject}")
                run = load.ask(SUBJECTS[subject], connections=in_flight, seconds=seconds)
                figures[subject, in_flight].runs.append(run)
        load.check_entries()
    return list(figures.values())


def crowded_terms(entries: int) -> Tournament:
    """Return the terms of both contests: those of the recorded Masters, with seats for everybody and a lock to come."""
    document: dict[str, Any] = orjson.loads(tournament.canonical(tournament.load(masters_toml())))
    tee = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    document["event"] |= {"first_tee_at": tee.isoformat(), "ends_at": (tee + timedelta(days=4)).isoformat()}
    document["entry"] |= {
        "lock_at": tee.isoformat(),
        "max_entries": 10 * entries + 1_000_000,
        "max_entries_per_user": 1_000_000,
    }
    return tournament.from_canonical(orjson.dumps(document))


def _write_root(root: DataRoot, terms: Tournament, entries: int) -> None:
    now = datetime.now(UTC)
    for address in CORE:
        create_file(root.path_of(address), kind_of(address), now)
    for contest_id, live in ((LIVE, True), (OPEN, False)):
        write_crowd(root, Crowd(contest_id=contest_id, tournament=terms, entries=entries, live=live), now)


class _Asker:
    """Runs the load program against one engine."""

    def __init__(self, engine: ServedEngine, terms: Tournament, entries: int) -> None:
        self._engine = engine
        self._picks = tuple(player for tier in terms.roster.tiers for player in tier.players[: tier.pick])
        self._entries = entries
        self._runs = self._entered = 0

    def wait_until_open(self) -> None:
        """Return when every question is answered."""
        gives_up_at = time.perf_counter() + OPENS_WITHIN_S
        for question in SUBJECTS.values():
            while (result := self._run(question, connections=1, seconds=0.2, warm_up_s=0.0)).refused:
                if time.perf_counter() > gives_up_at:
                    raise BenchmarkFailed(f"{question}: {result.first_refusal}")

    def ask(self, question: Question, *, connections: int, seconds: float) -> Run:
        """Run once; the CPU is the engine's alone, over all requests of the run, warm-up included."""
        cpu_s = self._engine.cpu_s()
        result = self._run(question, connections=connections, seconds=seconds, warm_up_s=WARM_UP_S)
        cpu_s = self._engine.cpu_s() - cpu_s
        if result.refused or result.broken:
            raise BenchmarkFailed(f"{result.refused} refused, {result.broken} broken; first: {result.first_refusal}")
        return Run(
            done=result.done,
            elapsed_s=seconds,
            p50_ms=result.p50_ms,
            p99_ms=result.p99_ms,
            cpu_us=cpu_s / max(result.requests, 1) * 1e6,
        )

    def check_entries(self) -> None:
        """Raise BenchmarkFailed unless every entry that was acknowledged is in the file, and no other."""
        path = self._engine.root.path_of(f"contest/{OPEN}")
        with contextlib.closing(open_reader(path, kind_of(f"contest/{OPEN}"))) as connection:
            found = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        if found != self._entries + self._entered:
            raise BenchmarkFailed(f"{found} entries in the file, {self._entries + self._entered} acknowledged")

    def _run(self, question: Question, *, connections: int, seconds: float, warm_up_s: float) -> LoadResult:
        self._runs += 1
        spec = ApiSpec(
            question=question,
            port=self._engine.port,
            jwt_secret=JWT_SECRET,
            entries=self._entries,
            picks=self._picks,
            run=f"run-{self._runs}",
            connections=connections,
            warm_up_s=warm_up_s,
            seconds=seconds,
        )
        command = [sys.executable, "-m", "cutline.bench.api_load", orjson.dumps(asdict(spec)).decode()]
        try:
            program = subprocess.run(  # noqa: S603  # our own program
                command, stdout=subprocess.PIPE, timeout=warm_up_s + seconds + _GRACE_S, check=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
            raise BenchmarkFailed(f"the load program failed: {failure}") from failure
        result = LoadResult(**orjson.loads(program.stdout))
        if question == "enter":
            self._entered += result.requests - result.refused
        return result
