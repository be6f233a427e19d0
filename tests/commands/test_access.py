"""Files and folders that the engine's user may not read or write: said as such, not as damage and not as `ok` (S8)."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from cutline.storage.errors import NoAccess
from tests.commands.conftest import Ended
from tests.commands.test_serving import ENVIRONMENT

OVERRIDES = (1, 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root read and write what it has no right to (capabilities(7))."""
PR_CAPBSET_DROP = 24
RIGHTS = "to the user that runs the engine"


def obey_rights() -> None:
    """Have the program that starts next obey file modes, even as root; anybody else does so already."""
    libc = ctypes.CDLL(None)
    for capability in OVERRIDES:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def run(*arguments: object) -> Ended:
    command = [sys.executable, "-m", "cutline", *map(str, arguments)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **ENVIRONMENT},
        preexec_fn=obey_rights,  # this test has no other thread
    )  # fmt: skip
    return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)


@contextmanager
def closed(path: Path, mode: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


@pytest.fixture
def root(data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(data, tmp_path / "data"))


@pytest.mark.parametrize("hidden", ["contests", "contests/??", "feeds", "core/payouts.db"])
def test_what_verify_may_not_read_is_named_and_not_called_damaged(root: Path, hidden: str) -> None:
    """A folder that cannot be listed must not pass for an empty one."""
    path = next(root.glob(hidden))
    with closed(path, 0):
        ended = run("verify", root, "--json")
    assert ended.code == 1, ended.err
    assert ended.out, ended.err
    problems = orjson.loads(ended.out)["problems"]
    assert {problem["code"] for problem in problems if path.name in problem["message"]} == {"NO_ACCESS"}
    assert "the user that runs the engine" in ended.out


@pytest.mark.parametrize(
    ("shut", "mode", "code"),
    [
        ("", 0o500, 1),
        ("engine.lock", 0o400, 1),
        ("boot_epoch", 0, 1),
        ("core/ledger.db", 0o400, 70),
    ],
    ids=["root", "lock", "epoch", "ledger"],
)
def test_an_engine_without_its_rights_ends_and_says_which_it_lacks(root: Path, shut: str, mode: int, code: int) -> None:
    """It neither serves nor starts its ledger again and again."""
    (root / "engine.lock").touch()
    (root / "boot_epoch").write_text("1\n", "ascii")
    with closed(root / shut, mode):
        ended = run("serve", "--data", root, "--port", 0)
    assert ended.code == code
    assert "Cutline serves" not in ended.out
    assert "actor_restarts" not in ended.err
    if code == 1:
        assert RIGHTS in ended.err
        assert "Traceback" not in ended.err
    else:
        assert NoAccess.__name__ in ended.err
        assert "runbooks/engine-died-on-disk-error.md" in ended.err


def test_a_data_root_that_is_a_file_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    ended = run("serve", "--data", tmp_path / "data", "--port", 0)
    assert ended.code == 1
    assert "is not a folder" in ended.err
