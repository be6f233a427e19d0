"""A played data root and a way to run the command line, in a process of its own or in this one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cutline.cli import main
from tests.storage.verify.staging import box


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contest played to its paid winners. Not to be written to."""
    path = tmp_path_factory.mktemp("commands") / "data"
    with box(path) as made:
        made.play("open-1")
    return path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: starting Python anew costs most of a second."""

    def run_here(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ended(code=int(ended.value.code or 0), out=out, err=err)

    return run_here


@pytest.fixture
def run_apart() -> Run:
    """Run a command as people and scripts do."""

    def run_there(*arguments: object) -> Ended:
        command = [sys.executable, "-m", "cutline", *(str(argument) for argument in arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return run_there
