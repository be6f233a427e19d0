"""Starting, reading and reaping the engine program of `replicated_engine`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def start_engine(data: Path, url: str, run: Path) -> subprocess.Popen[str]:
    program = Path(__file__).with_name("replicated_engine.py")
    command = [sys.executable, str(program), str(data), url, str(run)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def line_of(engine: subprocess.Popen[str]) -> list[str]:
    assert engine.stdout is not None
    words = engine.stdout.readline().split()
    assert words, "the engine ended by itself"
    return words


def litestream_pid(engine: subprocess.Popen[str]) -> int:
    return int(line_of(engine)[1])


def rest_of(engine: subprocess.Popen[str]) -> list[str]:
    """Reap the engine and return the whole lines it still printed."""
    assert engine.stdout is not None
    rest = engine.stdout.read().splitlines(keepends=True)
    engine.stdout.close()
    engine.wait()
    return [line for line in rest if line.startswith("confirmed ") and line.endswith("\n")]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
