"""What a person sees while the demo plays: a progress bar with the virtual date, and the leaderboard as it changes."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cutline.simulation.playback import Frame
from cutline.simulation.stage import Script

LEADERS = 8


class Screen:
    """A live view; on something that is no terminal it prints a line each virtual day and each new state."""

    def __init__(self, script: Script, start: datetime) -> None:
        self._console = Console(stderr=True)
        self._zone = ZoneInfo(script.tournament.event.time_zone)
        self._start = start
        self._total = (script.settled_by - start).total_seconds()
        self._title = script.tournament.name
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=40),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._task = self._progress.add_task("The engine starts", total=self._total)
        self._live = Live(self._progress, console=self._console, refresh_per_second=8, transient=True)
        self._line = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def update(self, now: datetime, contest: dict[str, Any], frame: Frame | None) -> None:
        """Show one step."""
        local = now.astimezone(self._zone)
        status = contest.get("progress", "SCHEDULED")
        if not self._console.is_terminal:
            self._print_day(local, status)
            return
        done = min(self._total, (now - self._start).total_seconds())
        self._progress.update(self._task, completed=done, description=f"{local:%a %d %b %H:%M}  {status}")
        below = _leaders(frame, self._title) or _entries(contest)
        self._live.update(Group(self._progress, below) if below is not None else self._progress)

    def _print_day(self, local: datetime, status: str) -> None:
        line = f"{local:%a %d %b %Y}  {status}"
        if line != self._line:
            self._line = line
            self._console.print(line)


def _entries(contest: dict[str, Any]) -> Text | None:
    entries = contest.get("entries")
    return None if entries is None else Text(f"{entries['active']} entries are paid")


def _leaders(frame: Frame | None, title: str) -> Table | None:
    if frame is None:
        return None
    snapshot = orjson.loads(frame.body)
    leaders = [player for player in snapshot["leaderboard"] if player.get("position")][:LEADERS]
    if not leaders:
        return None
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("Pos", "Golfer", "To par", "Rounds"):
        table.add_column(heading, justify="right" if heading in ("Pos", "To par") else "left")
    for player in leaders:
        rounds = " ".join(str(one["strokes"]) for one in player["rounds"] if one.get("thru") == 18)
        name = f"{player['first_name']} {player['last_name']}"
        tied = "T" if player.get("tied") else ""
        table.add_row(f"{tied}{player['position']}", name, to_par(player["score"]), rounds)
    return table


def to_par(score: int) -> str:
    """Write a score as golfers do: E, +3, -12."""
    return "E" if score == 0 else f"{score:+d}"
