"""`serve` as the service manager sees it: it starts, refuses a second engine, drains on SIGTERM, and starts again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from cutline.http.auth import mint_token
from cutline.http.client import CutlineClient
from cutline.storage.verify import verify_root

SECRET = "0123456789abcdef0123456789abcdef"
ENVIRONMENT = {
    "CUTLINE_JWT_SECRET": SECRET,
    "SETTLE_ADMIN_KEY": "settle-key",
    "LEDGER_ADMIN_KEY": "ledger-key",
    "STRIPE_API_KEY": "sk_test_emulated",
    "STRIPE_WEBHOOK_SECRET": "whsec_emulated",
    "STRIPE_BASE_URL": "http://127.0.0.1:9",
    "INGESTION_ENDPOINT_URL": "http://127.0.0.1:9",
}


def _environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    return {**kept, **ENVIRONMENT, **more}


@contextmanager
def serving(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An engine in a process of its own, and its URL."""
    command = [sys.executable, "-m", "cutline", "serve", "--data", str(data), "--port", "0", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    ) as engine:
        assert engine.stdout is not None
        assert engine.stderr is not None
        line = engine.stdout.readline()
        try:
            assert line, engine.stderr.read()
            yield engine, line.split()[2]
        finally:
            engine.kill()


def _status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own process on this machine
        return int(answer.status)


def test_serve_answers_refuses_a_second_engine_and_drains_on_sigterm(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as (engine, url):
        assert _status(f"{url}/healthz") == 200
        second = subprocess.run(
            [sys.executable, "-m", "cutline", "serve", "--data", str(data), "--port", "0"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=_environment(),
        )
        assert second.returncode == 1
        assert f"process {engine.pid}" in second.stderr
        assert "Stop that engine first" in second.stderr
        assert "Traceback" not in second.stderr
        assert verify_root(data).ok
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(timeout=30) == 0
    assert verify_root(data).ok
    with serving(data) as (engine, url):
        assert _status(f"{url}/healthz") == 200
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(timeout=30) == 0


@pytest.mark.slow
def test_what_was_served_until_the_last_moment_can_be_restored(tmp_path: Path) -> None:
    """RB-096: a drained engine leaves a replica that holds every file, also one made a moment before."""
    data, replica = tmp_path / "data", (tmp_path / "replica").as_uri()
    with serving(data, "--replicate", replica) as (engine, url):
        asyncio.run(_create_contest(url, Path("config/tournaments/masters-2026.toml").read_text("utf-8")))
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(timeout=30) == 0
        assert engine.stderr is not None
        said = engine.stderr.read()
    command = [sys.executable, "-m", "cutline", "restore", "--replica", replica, "--data", str(tmp_path / "back")]
    restored = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert restored.returncode == 0, restored.stderr
    report = verify_root(tmp_path / "back")
    assert report.problems == (), said
    assert report.counts["files"] == verify_root(data).counts["files"]


async def _create_contest(url: str, toml: str) -> None:
    token = mint_token(SECRET, "ops", ["admin"], now=datetime.now(UTC), lifetime=timedelta(minutes=5))
    async with aiohttp.ClientSession() as session:
        client = CutlineClient(session, url, token)
        await client.publish_config(toml)
        await client.create_contest("m-1", "masters-2026")


def test_serve_names_every_setting_that_is_missing_and_shows_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cutline", "serve", "--data", str(tmp_path / "data")]
    bare = {name: value for name, value in _environment().items() if name not in ("STRIPE_API_KEY", "SETTLE_ADMIN_KEY")}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=bare)
    assert ended.returncode == 2
    assert "STRIPE_API_KEY" in ended.stderr
    assert "SETTLE_ADMIN_KEY" in ended.stderr
    assert SECRET not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_serve_refuses_a_replica_that_it_cannot_name(tmp_path: Path) -> None:
    """A folder without file:// would be taken for a path of Litestream's own making."""
    for wrong, says in (("/mnt/replica", "written file:///"), ("file:///two words", "spaces")):
        command = [sys.executable, "-m", "cutline", "serve", "--data", str(tmp_path / "data"), "--port", "0"]
        ended = subprocess.run(
            [*command, "--replicate", wrong],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=_environment(),
        )
        assert ended.returncode == 1
        assert says in ended.stderr
        assert "Traceback" not in ended.stderr


def test_serve_warns_of_a_netting_variable_that_it_does_not_know(tmp_path: Path) -> None:
    """NET-019: a misspelt limit would silently be none. What is known is not mentioned.

    POUT-022: a domain that the books do not know stops the start.
    """
    command = [sys.executable, "-m", "cutline", "serve", "--data", str(tmp_path / "data"), "--replicate", "/nowhere"]
    environment = _environment(NETTING_RUN_LIMIT="5", NETTING_RUN_LIMIT_DEFAULT="7")
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    warned = [line for line in ended.stderr.splitlines() if "setting_unknown" in line]
    assert len(warned) == 1
    assert '"NETTING_RUN_LIMIT"' in warned[0]
    for name in ("NETTING_CLEARING_DOMAIN", "PAYOUTS_CLEARING_DOMAIN"):
        wrong = _environment(**{name: "elsewhere"})
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=wrong)
        assert (refused.returncode, name in refused.stderr) == (2, True)
