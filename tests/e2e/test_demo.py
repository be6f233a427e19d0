"""The main job: the recorded Masters 2026 from creation to paid winners, over real sockets, threads and processes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def demo(seed: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cutline", "demo", "--seed", str(seed), "--entrants", "40", *options]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr[-4000:]
    return finished


def test_the_demo_pays_its_winners_and_gives_the_same_result_for_the_same_seed() -> None:
    """LIFE-008, POUT-049, I9: twice the same result hash, with real threads and sockets in between.

    The second time as people see it who have no terminal: a line each day, and the last one tells the end.
    """
    first: dict[str, Any] = json.loads(demo(7, "--json").stdout)
    second = demo(7)
    assert first["progress"] == "PAID_OUT"
    assert first["verify"] == "ok"
    assert first["pot_cents"] == first["rake_cents"] + first["paid_cents"] + first["owed_cents"]
    assert first["pot_cents"] == 2500 * first["active_entries"]
    assert first["owed_cents"] == 0
    assert first["refunded_cents"] == 2500
    assert first["entries"] == 40
    assert f"Result {first['result_sha256'][:16]}." in second.stdout
    days = re.findall(r"^\w{3} \d\d \w{3} 2026  (\w+)$", second.stderr, re.MULTILINE)
    assert (days[0], days[-1]) == ("SCHEDULED", "PAID_OUT")
