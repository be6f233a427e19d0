"""What every test shares: quiet logs, or loud ones."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from cutline.http.tally import Tally
from cutline.logs import configure_logs


@pytest.fixture(autouse=True, scope="session")
def _quiet_logs() -> None:
    """Keep the engine's logs out of test output unless CUTLINE_LOG_LEVEL asks for them."""
    configure_logs("critical")


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command run in this process sends logs to the stream of its test, which is closed with it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def outside_the_contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int, str | None]]]:
    """FRZ-020: no engine inside a test's own process may answer what its operation does not announce."""
    outside: list[tuple[str, int, str | None]] = []
    monkeypatch.setattr(Tally, "undeclared", lambda _, *answer: outside.append(answer))
    yield outside
    assert outside == []


@pytest.fixture
def one_at_a_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let no other test that asks for this run meanwhile, in whichever process of the run it is (PAY-051).

    Whoever measures a bound of wall time asks. A lock does it where groups of pytest-xdist would not: they are only
    kept together by one of its ways to distribute, and then wait in one process while others idle. The kernel lets go
    of the lock when its process dies.
    """
    mine = tmp_path_factory.getbasetemp()
    shared = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    path = shared / "one-at-a-time.lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


@pytest.fixture
def loud_logs() -> Iterator[None]:
    """Logs of every level, for tests that read them."""
    structlog.reset_defaults()
    yield
    configure_logs("critical")
