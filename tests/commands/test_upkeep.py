"""`schema`, `config`, `token`, `restore` and `emulate`: the chores around an engine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import jwt
import pytest

from cutline.storage import schema
from tests.commands.conftest import Run

SECRET = "a secret of at least thirty-two bytes"


def test_the_committed_snapshot_is_current(run: Run) -> None:
    """SCH-006."""
    ended = run("schema", "check")
    assert (ended.code, ended.out) == (0, "ok: the snapshot is what the migrations make\n")
    assert json.loads(run("schema", "check", "--json").out) == {"ok": True, "differences": []}


def test_a_snapshot_that_drifts_is_shown_with_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "schema.snapshot.sql"
    old.write_text(schema.SNAPSHOT.read_text("utf-8").replace("tiebreak INTEGER", "tiebreak TEXT"))
    monkeypatch.setattr(schema.check, "__defaults__", (old,))
    ended = run("schema", "check")
    assert ended.code == 1
    assert "tiebreak" in ended.out
    assert "What to do: cutline schema dump" in ended.out


def test_a_dumped_schema_is_the_snapshot(run: Run, tmp_path: Path) -> None:
    run("schema", "dump", "--output", tmp_path / "made.sql")
    assert (tmp_path / "made.sql").read_text("utf-8") == schema.SNAPSHOT.read_text("utf-8")
    assert run("schema", "dump").out.startswith("-- iteration: ")


def test_the_shipped_configuration_is_valid(run: Run) -> None:
    ended = run("config", "validate", "config/tournaments/masters-2026.toml", "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["ok"] is True
    assert document["id"] == "masters-2026"
    assert document["warnings"] == []
    assert "masters-2026" in run("config", "list").out


def test_a_faulty_configuration_names_the_path(run: Run, tmp_path: Path) -> None:
    text = Path("config/tournaments/masters-2026.toml").read_text("utf-8")
    (tmp_path / "bad.toml").write_text(text.replace("rake_percent = 10", "rake_percent = 100000"))
    ended = run("config", "validate", tmp_path / "bad.toml")
    assert ended.code == 1
    assert "entry.rake_percent" in ended.err
    listed = json.loads(run("config", "list", tmp_path, "--json").out)
    assert "entry.rake_percent" in listed[0]["fault"]


def test_a_rake_of_nothing_is_warned_about(run: Run, tmp_path: Path) -> None:
    text = Path("config/tournaments/masters-2026.toml").read_text("utf-8")
    (tmp_path / "free.toml").write_text(text.replace("rake_percent = 10", "rake_percent = 0"))
    ended = run("config", "validate", tmp_path / "free.toml")
    assert ended.code == 0
    assert "warning: entry.rake_percent: 0: takes 0 cents of an entry and Stripe about 103" in ended.out


def test_a_token_says_who_and_what(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTLINE_JWT_SECRET", SECRET)
    ended = run("token", "--sub", "did:ann", "--scopes", "entrant, ops", "--json")
    assert ended.code == 0
    claims = jwt.decode(json.loads(ended.out)["token"], SECRET, algorithms=["HS256"], audience="cutline")
    assert (claims["sub"], claims["scopes"]) == ("did:ann", ["entrant", "ops"])


def test_a_token_without_a_secret_or_with_an_unknown_scope_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUTLINE_JWT_SECRET", raising=False)
    ended = run("token", "--sub", "did:ann", "--scopes", "ops")
    assert ended.code == 1
    assert "CUTLINE_JWT_SECRET" in ended.err
    monkeypatch.setenv("CUTLINE_JWT_SECRET", SECRET)
    ended = run("token", "--sub", "did:ann", "--scopes", "everything")
    assert ended.code == 1
    assert "admin, ops, tenant, entrant" in ended.err


def test_restoring_from_nowhere_is_refused_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    ended = run("restore", "--replica", (tmp_path / "none").as_uri(), "--data", tmp_path / "data")
    assert ended.code == 1
    assert "Name a replica" in ended.err
    assert not (tmp_path / "data").exists()


def test_demo_and_simulate_do_not_write_over_what_is_there(run: Run, data: Path) -> None:
    for command in (("demo",), ("simulate", "--days", "1", "--seed", "1")):
        ended = run(*command, "--data", data)
        assert ended.code == 1
        assert "is not empty" in ended.err


def test_a_wrong_option_ends_with_2_and_no_traceback(run: Run) -> None:
    ended = run("simulate", "--days", "0", "--seed", "1")
    assert ended.code == 2
    assert "--days" in ended.err
    assert "Traceback" not in ended.err


def test_the_feed_emulator_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "cutline", "emulate", "feed", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdout is not None
        url = emulator.stdout.readline().split()[-1]
        # The path is not the feed's: any answer shows that someone listens.
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}/", timeout=10)  # noqa: S310 - our own process on this machine
        emulator.send_signal(signal.SIGTERM)
        assert emulator.wait(timeout=10) == 0
