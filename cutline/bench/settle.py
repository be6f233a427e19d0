"""Measures settling a large contest from its file: the fast scorer beside the plain one, and standings after a poll."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from cutline.bench.large_contest import ENTRIES_MIN, make_contest
from cutline.bench.measurement import BenchmarkFailed, machine
from cutline.engine.contest.changes import read_change
from cutline.engine.contest.feed_state import FeedState, board_of, evolve
from cutline.engine.decision import Rejected
from cutline.engine.scoring import matrix, plain
from cutline.engine.scoring.board import Board
from cutline.engine.scoring.rosters import Rosters
from cutline.engine.settlement import award, result_sha256, settle_json, write_packed
from cutline.engine.tournament import Tournament, from_canonical
from cutline.logs import configure_logs
from cutline.storage.frozen_rosters import read_rosters
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader

MATRIX, PLAIN, BOTH = "matrix", "plain", "settlement"
"""The fast scorer, the plain one, and what the engine does before money moves: both, compared."""
SIZES = (10_000, 100_000, 1_000_000)
STANDINGS_SIZE = 100_000
POLLS = 20
_CONFIG = "SELECT payload ->> 'config_json' FROM log WHERE key = 'contest:created'"
_CHANGES = """
SELECT c.value FROM log AS l, json_each(l.payload, '$.changes') AS c
WHERE l.type = 'FeedApplied' ORDER BY l.seq, c.key"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One way through one file, in a process of its own. `peak_mb` is the most memory that the process had."""

    seconds: float
    peak_mb: float
    result_sha256: str


@dataclass(slots=True, kw_only=True)
class SizeFigures:
    """All runs at one number of entries, by subject."""

    entries: int
    runs: dict[str, list[Measured]] = field(default_factory=dict)

    def seconds(self, subject: str) -> float:
        """Return the median time of a subject."""
        return statistics.median(run.seconds for run in self.runs[subject])

    def peak_mb(self, subject: str) -> float:
        """Return the most memory that any run of a subject had."""
        return max(run.peak_mb for run in self.runs[subject])

    @property
    def ratio(self) -> float:
        """The fast scorer's time as a share of the plain one's, run by run, the median of them."""
        pairs = zip(self.runs[MATRIX], self.runs[PLAIN], strict=True)
        return statistics.median(fast.seconds / slow.seconds for fast, slow in pairs)

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        subjects = {
            name: {"seconds": round(self.seconds(name), 4), "peak_mb": round(self.peak_mb(name), 1)}
            for name in self.runs
        }
        return {"entries": self.entries, "ratio": round(self.ratio, 4), "subjects": subjects}


def main(*, json: bool = False, rounds: int = 3, entries: int = SIZES[-1], data: Path | None = None) -> int:
    """Measure, print, and return the exit code: 1 if two ways through a file came to different results."""
    configure_logs()
    status = Console(stderr=True)
    sizes = [size for size in SIZES if size < entries] + [entries]
    with (
        tempfile.TemporaryDirectory(prefix="cutline-bench-", dir=data or Path.cwd()) as folder,
        status.status("") as at,
    ):
        try:
            figures = run_settle(Path(folder), sizes, rounds=rounds, tell=at.update)
            polls_ms = run_standings(Path(folder), min(entries, STANDINGS_SIZE), tell=at.update)
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    standings = {
        "entries": min(entries, STANDINGS_SIZE),
        "p50_ms": round(statistics.median(polls_ms), 1),
        "max_ms": round(max(polls_ms), 1),
    }
    if json:
        document = {
            "benchmark": "settle",
            "machine": machine(),
            "rounds": rounds,
            "sizes": [one.as_json() for one in figures],
            "standings_after_a_poll": standings,
        }
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _show(figures, standings)
    return 0


def run_settle(
    folder: Path, sizes: Sequence[int], *, rounds: int, tell: Callable[[str], None] = lambda _: None
) -> list[SizeFigures]:
    """Return the figures at every size, the subjects taking turns, each in a new process.

    Raises BenchmarkFailed when they do not come to the same result.
    """
    figures = []
    for size in sizes:
        path = _contest_file(folder, size, tell)
        one = SizeFigures(entries=size)
        for number in range(1, rounds + 1):
            for subject in (MATRIX, PLAIN, BOTH):
                tell(f"{size:,} entries, round {number} of {rounds}: {subject}")
                one.runs.setdefault(subject, []).append(_apart(measure, str(path), subject))
        results = {run.result_sha256 for runs in one.runs.values() for run in runs}
        if len(results) != 1:
            raise BenchmarkFailed(f"{size} entries came to {len(results)} results")
        figures.append(one)
    return figures


def run_standings(folder: Path, size: int, *, tell: Callable[[str], None] = lambda _: None) -> list[float]:
    """Return how long standings take after each of some polls that changed a score, in milliseconds."""
    path = _contest_file(folder, size, tell)
    tell(f"standings of {size:,} entries after a poll")
    polls: list[float] = _apart(measure_polls, str(path))
    return polls


def _contest_file(folder: Path, size: int, tell: Callable[[str], None]) -> Path:
    if size < ENTRIES_MIN:
        raise BenchmarkFailed(f"the prizes need {ENTRIES_MIN} entries")
    path = folder / f"{size}.db"
    if not path.exists():
        tell(f"making a contest of {size:,} entries")
        make_contest(path, size)
    return path


def _apart(function: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def measure(path: str, subject: str) -> Measured:
    """Settle the contest of a file, from opening it to the hash of the result, in this process."""
    began = time.perf_counter()
    tournament, board, rosters, config_json = _load(Path(path))
    if subject == BOTH:
        written = write_packed("bench", config_json, board, rosters.pack())
        digest = str(orjson.loads(settle_json(written))["result"]["result_sha256"])
    else:
        if subject == MATRIX:
            standings = matrix.standings_of(tournament, board, rosters)
        else:
            standings = plain.standings(tournament, board, tuple(rosters.entries()))
        awarded = award(tournament, standings)
        if isinstance(awarded, Rejected):
            raise BenchmarkFailed(f"the pot was not divided: {awarded.code}")
        digest = result_sha256(*awarded)
    return Measured(seconds=time.perf_counter() - began, peak_mb=_peak_mb(), result_sha256=digest)


def measure_polls(path: str) -> list[float]:
    """Rank everybody anew after each of some changes of one golfer's last round, the rosters being in memory."""
    tournament, board, rosters, _ = _load(Path(path))
    taken_ms = []
    for poll in range(POLLS):
        board = _one_stroke_more(board, poll)
        began = time.perf_counter()
        matrix.standings_of(tournament, board, rosters)
        taken_ms.append((time.perf_counter() - began) * 1_000)
    return taken_ms


def _one_stroke_more(board: Board, place: int) -> Board:
    card = board.cards[place]
    last = card.rounds[-1]
    worse = replace(last, to_par=last.to_par + 1, strokes=last.strokes + 1)
    changed = replace(card, rounds=(*card.rounds[:-1], worse))
    return replace(board, cards=(*board.cards[:place], changed, *board.cards[place + 1 :]))


def _load(path: Path) -> tuple[Tournament, Board, Rosters, str]:
    with closing(open_reader(path, KINDS["contest"])) as connection:
        (config_json,) = connection.execute(_CONFIG).fetchone()
        state = FeedState()
        for (change,) in connection.execute(_CHANGES):
            name, payload = orjson.loads(change)
            evolve(state, read_change((name, payload)))
        rosters = read_rosters(connection)
    if rosters is None:
        raise BenchmarkFailed("the contest has no packed rosters")
    return from_canonical(config_json), board_of(state), rosters, config_json


def _peak_mb() -> float:
    """Return the most memory that this process has had (Linux, proc(5)): unlike getrusage it forgets the parent's."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1_024


def _show(figures: Sequence[SizeFigures], standings: dict[str, Any]) -> None:
    table = Table(title="Settling a contest, from its file to the hash of the result", title_justify="left")
    for heading in ("Entries", "matrix s", "plain s", "matrix/plain", "both, as settled s", "matrix MB", "both MB"):
        table.add_column(heading, justify="right")
    for one in figures:
        table.add_row(
            f"{one.entries:,}",
            f"{one.seconds(MATRIX):.3f}",
            f"{one.seconds(PLAIN):.3f}",
            f"{one.ratio:.3f}",
            f"{one.seconds(BOTH):.3f}",
            f"{one.peak_mb(MATRIX):,.0f}",
            f"{one.peak_mb(BOTH):,.0f}",
        )
    console = Console()
    console.print(table)
    shown = f"p50 {standings['p50_ms']} ms, max {standings['max_ms']} ms"
    console.print(f"Standings of {standings['entries']:,} entries after a poll: {shown}")
