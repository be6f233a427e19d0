"""The main job in one command: the recorded Masters 2026, from creation to paid winners, then `verify`.

It decides nothing: it plays, reads what became of it, checks it and shows it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from cutline.simulation.demo_report import print_report
from cutline.simulation.demo_screen import Screen
from cutline.simulation.outcome import Outcome, read_outcome
from cutline.simulation.playback import Recording
from cutline.simulation.production import Played, held, opening, play
from cutline.simulation.stage import Script, masters_recording, masters_toml, write_script
from cutline.storage.verify import Report, verify_root

CONTEST_ID = "masters-2026-demo"
ENTRANTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A finished demonstration."""

    script: Script
    recording: Recording
    played: Played
    outcome: Outcome
    report: Report
    wall_seconds: float
    data: Path

    @property
    def holds(self) -> bool:
        """Whether everything is as it should be."""
        summary = self.summary()
        return bool(
            summary["verify"] == "ok"
            and summary["progress"] == "PAID_OUT"
            and summary["pot_cents"] == summary["rake_cents"] + summary["paid_cents"] + summary["owed_cents"]
        )

    def summary(self) -> dict[str, Any]:
        """Return the figures of the story as one JSON document (amounts in cents)."""
        contest = self.played.contest
        transfers = self.played.transfers
        paid_cents = sum(one["amount_cents"] for one in transfers if one["status"] == "completed")
        prizes_cents = sum(row[-1] for row in self.outcome.standings)
        settlement = contest["settlement"]
        return {
            "contest_id": self.script.contest_id,
            "progress": contest["progress"],
            "entries": sum(story.entry_id is not None for story in self.played.world.stories),
            "active_entries": contest["entries"]["active"],
            "pot_cents": settlement["pot_cents"],
            "rake_cents": settlement["rake_cents"],
            "paid_cents": paid_cents,
            "owed_cents": prizes_cents - paid_cents,
            "refunded_cents": sum(r["amount"] for r in self.played.stripe.refunds if r["status"] == "succeeded"),
            "transfers": len(transfers),
            "virtual_days": round((self.played.ended_at - self.played.started_at).total_seconds() / 86_400, 2),
            "wall_seconds": round(self.wall_seconds, 2),
            "engine_seconds": round(self.played.engine_seconds, 2),
            "result_sha256": self.outcome.sha256,
            "verify": "ok" if not self.report.problems else [str(problem) for problem in self.report.problems],
        }


async def _play(script: Script, recording: Recording, data: Path, calendar: Any, screen: Screen | None) -> Played:
    def on_step(now: datetime, contest: dict[str, Any]) -> None:
        if screen is not None:
            screen.update(now, contest, recording.frame_at(now))

    played = await play(script, recording, data, calendar=calendar, on_step=on_step)
    on_step(played.ended_at, played.contest)  # what ended the story came after its last step
    return played


def run_demo(data: Path, *, seed: int, entrants: int = ENTRANTS, show: bool = True) -> Demo:
    """Play the demo into an empty data root. Raises FileExistsError when the root holds something."""
    if data.exists() and any(data.iterdir()):
        raise FileExistsError(f"{data} is not empty; name an empty folder with --data, or none to use a temporary one")
    began = time.perf_counter()
    recording = masters_recording()
    script = write_script(toml=masters_toml(), contest_id=CONTEST_ID, entrants=entrants, seed=seed)
    start = opening(script)
    screen = Screen(script, start) if show else None
    screen_context: AbstractContextManager[Any] = screen if screen is not None else nullcontext()
    with screen_context, held(start) as calendar:
        played = asyncio.run(_play(script, recording, data, calendar, screen))
    outcome = read_outcome(data, [script.contest_id])
    report = verify_root(data)
    return Demo(
        script=script,
        recording=recording,
        played=played,
        outcome=outcome,
        report=report,
        wall_seconds=time.perf_counter() - began,
        data=data,
    )


def main(*, as_json: bool, data: Path | None, seed: int, entrants: int = ENTRANTS) -> int:
    """Run the demo for the command line; return 0 iff everything holds."""
    folder: AbstractContextManager[str]
    folder = tempfile.TemporaryDirectory(prefix="cutline-demo-") if data is None else nullcontext(str(data))
    with folder as path:
        demo = run_demo(Path(path), seed=seed, entrants=entrants, show=not as_json)
        if as_json:
            sys.stdout.write(orjson.dumps(demo.summary(), option=orjson.OPT_INDENT_2).decode() + "\n")
        else:
            print_report(demo)
        return 0 if demo.holds else 1
