"""SIGKILL after a commit and restart: whatever the moment, the contest comes to the same result (P1, P8, I4, I5, I9).

A contest of twelve entrants is played against a real engine process; people, Stripe and the feed outlive it. The long
version (`make crash`) dies after the first commit of every kind of event and at a hundred other commits.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from cutline.simulation.outcome import read_outcome
from cutline.simulation.production import Played, held, opening, play
from cutline.simulation.stage import masters_recording, masters_toml, write_script
from cutline.storage.verify import verify_root

pytestmark = pytest.mark.crash

CONTEST_ID = "masters-2026-crash"
ENTRANTS = 12
SEED = 4
LONG = os.environ.get("CUTLINE_CRASH") == "all"
OTHER_COMMITS = 100 if LONG else 3
FIRSTS_SAMPLED = 6


def run(data: Path, environment: dict[str, str]) -> tuple[Played, str]:
    script = write_script(toml=masters_toml(), contest_id=CONTEST_ID, entrants=ENTRANTS, seed=SEED)
    recording = masters_recording()
    with held(opening(script)) as calendar:
        played = asyncio.run(
            play(
                script,
                recording,
                data,
                calendar=calendar,
                on_step=lambda *_: None,
                extra_environment=environment,
            )
        )
    assert not verify_root(data).problems
    return played, read_outcome(data, [CONTEST_ID]).sha256


@cache
def baseline() -> dict[str, Any]:
    """Play once without a crash, noting every commit."""
    folder = Path(mkdtemp(prefix="cutline-crash-"))
    notes = folder / "commits"
    played, sha256 = run(folder / "data", {"CUTLINE_COMMITS_FILE": str(notes)})
    kinds: dict[str, None] = {}
    commits = 0
    for line in notes.read_text().splitlines():
        if line == "commit":
            commits += 1
        else:
            kinds.setdefault(":".join(line.split()))
    return {"sha256": sha256, "firsts": list(kinds), "commits": commits, "progress": played.contest["progress"]}


def plans() -> list[str]:
    """Return the crash plans of this run; which they are is only known once the baseline has been played."""
    chance = random.Random(SEED)
    known = baseline()
    firsts = known["firsts"] if LONG else chance.sample(known["firsts"], FIRSTS_SAMPLED)
    others = chance.sample(range(2, known["commits"]), OTHER_COMMITS)
    return [*(f"first:{first}" for first in firsts), *(f"commit:{number}" for number in others)]


def test_the_undisturbed_contest_pays_its_winners() -> None:
    known = baseline()
    assert known["progress"] == "PAID_OUT"
    assert len(known["firsts"]) > 30, json.dumps(known["firsts"])


@pytest.mark.parametrize("number", range(1_000 if LONG else FIRSTS_SAMPLED + OTHER_COMMITS))
def test_a_crash_after_a_commit_changes_nothing_in_the_result(number: int, tmp_path: Path) -> None:
    chosen = plans()
    if number >= len(chosen):
        return
    played, sha256 = run(tmp_path / "data", {"CUTLINE_CRASH_AFTER": chosen[number]})
    assert played.engine_starts == 2, f"{chosen[number]}: the engine did not die"
    assert sha256 == baseline()["sha256"], chosen[number]
