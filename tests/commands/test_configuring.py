"""`config`, `contest` and `runbook` against a running engine: what is said, and how a refusal reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.commands.conftest import Ended, Run
from tests.http.standin import ANNA, JWT_SECRET, token
from tests.http.town import CONTEST, Town, open_town

MASTERS = Path("config/tournaments/masters-2026.toml")
TOML = MASTERS.read_text("utf-8")


@pytest.fixture
async def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setenv("CUTLINE_JWT_SECRET", JWT_SECRET)
    monkeypatch.delenv("CUTLINE_TOKEN", raising=False)
    async with open_town(tmp_path / "data") as opened:
        monkeypatch.setenv("CUTLINE_URL", opened.url)
        yield opened


async def ran(run: Run, *arguments: object) -> Ended:
    """Run a command in a thread of its own: it has an event loop of its own."""
    return await asyncio.to_thread(run, *arguments)


async def test_a_configuration_is_validated_published_listed_and_rolled_back(
    town: Town, run: Run, tmp_path: Path
) -> None:
    """CFG-007 to CFG-010."""
    passed = json.loads((await ran(run, "config", "validate", MASTERS, "--url", town.url, "--json")).out)
    assert (passed["ok"], passed["recorded"]["deduped"]) == (True, False)
    assert passed["recorded"]["config_sha256"] == passed["sha256"]
    assert passed["recorded"]["report"] == passed["rehearsal"]
    published = json.loads((await ran(run, "config", "publish", MASTERS, "--json")).out)
    assert (published["version"], published["config_sha256"]) == (1, passed["sha256"])
    assert "is published already" in (await ran(run, "config", "publish", MASTERS)).out
    other = tmp_path / "other.toml"
    other.write_text(TOML.replace("rake_percent = 10", "rake_percent = 12"))
    assert "version 2 is published" in (await ran(run, "config", "publish", other)).out
    back = ("config", "rollback", "masters-2026", "--version", 2, "--reason", "wrong rake")
    assert "version 3 undoes version 2" in (await ran(run, *back)).out
    online = json.loads((await ran(run, "config", "list", "--url", town.url, "--json")).out)
    offline = json.loads((await ran(run, "config", "list", "--data", town.data, "--json")).out)
    assert [one["config_sha256"] for one in online] == [one["config_sha256"] for one in offline]
    assert [(one["version"], one["validated"], one["rolls_back"]) for one in offline] == [
        (1, True, None),
        (2, False, None),
        (3, True, 2),
    ]


async def test_a_refusal_is_named_with_what_to_do(town: Town, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = await ran(run, "config", "rollback", "nothing", "--version", 2, "--reason", "r")
    assert (ended.code, "NOT_FOUND" in ended.err) == (1, True)
    await town.found()
    execution = (await ran(run, "runbook", "start", "contest_lock_failed", "--by", "olga")).out.strip()
    await ran(run, "runbook", "complete", execution, "--status", "failed", "--error", "nobody was there")
    ended = await ran(run, "contest", "lock", CONTEST, "--execution", execution, "--reason", "r")
    assert ended.code == 1
    assert "RUNBOOK_NOT_OPEN" in ended.err
    assert "Start another one." in ended.err
    [line] = json.loads((await ran(run, "runbook", "executions", "--json")).out)
    assert (line["status"], line["error_reason"], line["runbook_version"]) == ("failed", "nobody was there", "1.0.0")
    monkeypatch.setenv("CUTLINE_TOKEN", token(ANNA))
    ended = await ran(run, "contest", "cancel", CONTEST, "--reason", "r", "--json")
    assert ended.code == 1
    assert "FORBIDDEN" in json.loads(ended.out)["error"]["message"]


def test_without_an_engine_or_a_secret_the_command_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUTLINE_TOKEN", raising=False)
    monkeypatch.delenv("CUTLINE_JWT_SECRET", raising=False)
    ended = run("contest", "show", "c1", "--url", "http://127.0.0.1:9")
    assert (ended.code, "CUTLINE_JWT_SECRET" in ended.err) == (1, True)
    monkeypatch.setenv("CUTLINE_JWT_SECRET", JWT_SECRET)
    ended = run("contest", "show", "c1", "--url", "http://127.0.0.1:9")
    assert (ended.code, "nobody answers" in ended.err) == (1, True)
    assert "Traceback" not in ended.err


def test_a_runbook_that_is_not_there_has_no_version(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTLINE_JWT_SECRET", JWT_SECRET)
    ended = run("runbook", "start", "no_such_runbook")
    assert (ended.code, "--version" in ended.err) == (1, True)


def test_a_root_that_is_none_publishes_nothing(run: Run, tmp_path: Path) -> None:
    ended = run("config", "list", "--data", tmp_path)
    assert ended.code == 1
    assert "Traceback" not in ended.err
