"""The time machine: production code on one thread in virtual time, the same digest for the same seed (I9)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def simulate(seed: int, hash_seed: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "cutline", "simulate", "--days", "7", "--seed", str(seed), "--contests", "2"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    finished = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-4000:]
    document: dict[str, Any] = json.loads(finished.stdout)
    return document


def test_one_seed_gives_one_digest_in_processes_with_different_hash_seeds() -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(simulate, (1, 1), ("1", "4242"))
    assert one["digest"] == other["digest"]
    assert one["engine_starts"] == 2
    assert [contest["progress"] for contest in one["contests"]] == ["PAID_OUT", "PAID_OUT"]
    assert one["verify"] == "ok"


def test_another_seed_gives_another_story() -> None:
    assert simulate(2, "1")["digest"] != simulate(3, "1")["digest"]
