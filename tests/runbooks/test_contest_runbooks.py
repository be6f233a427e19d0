"""The runbooks of a contest's life, executed as they are written, against a running engine and a real fault."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cutline.actors.mailbox import Tell
from cutline.engine.messages import DeclareContestError
from cutline.storage.files import DataRoot
from tests.http.standin import JWT_SECRET
from tests.http.town import CONTEST, Town, open_town, until
from tests.runbooks.reading import BLOCK, ROOT

ADDRESS = f"contest/{CONTEST}"

pytestmark = pytest.mark.slow
"""Every command is a process of its own."""


@dataclass
class Shell:
    """One shell of somebody on the box: what one command sets, the next one finds."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    async def run(self, script: str) -> tuple[int, str]:
        """Run the commands of one block; return the exit status and all that was printed."""
        kept = self.home / "kept.sh"
        kept.touch()
        whole = f'set -a; . "{kept}"\n{script}\nstatus=$?\necho "EXECUTION=${{EXECUTION:-}}" > "{kept}"\nexit $status\n'
        process = await asyncio.create_subprocess_exec(
            "/bin/bash",
            "-c",
            whole,
            cwd=ROOT,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path / "data") as opened:
        await opened.found()
        await until(opened.admin.contests, lambda listed: listed[0]["created_at"] is not None)
        yield opened


@pytest.fixture
def shell(town: Town, tmp_path: Path) -> Shell:
    tools = tmp_path / "bin"
    tools.mkdir()
    cutline = tools / "cutline"
    cutline.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cutline "$@"\n')
    cutline.chmod(0o755)
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "USER": "olga",
        "COLUMNS": "200",
        "CUTLINE_JWT_SECRET": JWT_SECRET,
        "CUTLINE_URL": town.url,
        "STAGING_URL": town.url,
        "CONTEST_ID": CONTEST,
        "DATA_DIR": str(town.data),
        "CONTEST_FILE": str(DataRoot(town.data).path_of(ADDRESS)),
    }
    return Shell(tmp_path, environment)


def blocks(name: str) -> list[str]:
    """Return the code blocks of a runbook, in order, as they are written."""
    return list(BLOCK.findall((ROOT / "runbooks" / f"{name}.md").read_text("utf-8")))


async def follow(shell: Shell, scripts: list[str]) -> list[str]:
    """Run blocks one after the other, each of which must succeed; return what each printed."""
    said = []
    for script in scripts:
        code, out = await shell.run(script)
        assert code == 0, (script, out)
        said.append(out)
    return said


async def executions(town: Town) -> list[tuple[Any, ...]]:
    return town.rows("governance", "SELECT runbook_name, runbook_version, executed_by, status FROM runbook_executions")


async def test_contest_lock_failed(town: Town, shell: Shell) -> None:
    """RB-003, RB-077, RB-078: locked by an admin, on record, and no entry is taken any more."""
    said = await follow(shell, blocks("contest-lock-failed"))
    assert f"{CONTEST} is SCHEDULED" in said[1]
    assert said[2] == f"ok: {CONTEST} is LOCKED\n"
    assert "admin:olga" in said[4]
    assert await executions(town) == [("contest_lock_failed", "1.0.0", "olga", "completed")]
    assert (await town.admin.contest(CONTEST))["status"] == "LOCKED"


async def test_deploy_configuration_change_and_its_rollback(town: Town, shell: Shell, tmp_path: Path) -> None:
    """RB-009, RB-099 to RB-102: the same sha256 in every step, active afterwards, and no more once rolled back."""
    text = (ROOT / "config/tournaments/masters-2026.toml").read_text("utf-8")
    file = tmp_path / "change.toml"
    shell.environment |= {"CONFIG_FILE": str(file), "CONFIG_ID": "masters-2026", "VERSION": "2"}
    file.write_text(text)
    await town.admin.publish_config(text)
    before = (await town.admin.config("masters-2026"))["config_sha256"]
    file.write_text(text.replace("rake_percent = 10", "rake_percent = 12"))
    *steps, rollback = blocks("deploy-configuration-change")
    said = await follow(shell, steps)
    sha256 = (await town.admin.config("masters-2026"))["config_sha256"]
    assert sha256 != before
    assert all(sha256 in said[step] for step in (1, 2, 3, 4))
    assert "on record" in said[1]
    assert sha256[:12] in said[6]
    assert await executions(town) == [("deploy_configuration_change", "1.0.0", "olga", "completed")]
    await follow(shell, [rollback])
    active = await town.admin.config("masters-2026")
    assert (active["version"], active["config_sha256"]) == (3, before)


async def test_contest_in_error(town: Town, shell: Shell) -> None:
    """RB-034, LIFE-010: it goes on where it was, and can be cancelled if it must not."""
    fault = DeclareContestError(actor="feed", reason="FEED_CHANGE_UNREADABLE", runbook="runbooks/contest-in-error.md")
    town.engine.system.directory.send(ADDRESS, Tell(fault, "test"))
    await until(lambda: town.admin.contest(CONTEST), lambda contest: contest["status"] == "ERROR")
    await town.settle()
    *steps, cancel = blocks("contest-in-error")
    said = await follow(shell, steps)
    assert f"{CONTEST} is ERROR" in said[1]
    assert said[3] == f"ok: {CONTEST} is SCHEDULED\n"
    assert await executions(town) == [("contest_in_error", "1.1.0", "olga", "completed")]
    assert await follow(shell, [cancel]) == [f"ok: {CONTEST} is CANCELLED\n"]


async def test_contest_quarantined(town: Town, shell: Shell) -> None:
    """FAULTS S8: a file that was moved away and back; released too early, it stays closed."""
    verify, release, show = blocks("contest-quarantined")
    directory, path = town.engine.system.directory, DataRoot(town.data).path_of(ADDRESS)
    await town.settle()
    [writer] = [writer for writer in directory.writers() if writer.address == ADDRESS]
    await asyncio.to_thread(writer.actor_ref.stop)
    directory.forget(ADDRESS)
    path.rename(path.with_name("elsewhere"))
    code, out = await shell.run(show)
    assert code == 1
    assert "CONTEST_QUARANTINED" in out
    code, out = await shell.run(verify)
    assert code == 1
    assert "FILE_MISSING" in out
    code, out = await shell.run(release)
    assert code == 1
    assert "CONTEST_QUARANTINED" in out
    path.with_name("elsewhere").rename(path)
    said = await follow(shell, [verify, release, show])
    assert said[0].startswith("ok: ")
    assert said[1] == f"ok: {CONTEST} released, and is SCHEDULED\n"
