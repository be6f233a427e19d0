"""What every test shares: quiet logs, or loud ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from cutline.http.tally import Tally
from cutline.logs import configure_logs


@pytest.fixture(autouse=True, scope="session")
def _quiet_logs() -> None:
    """Keep the engine's logs out of test output unless CUTLINE_LOG_LEVEL asks for them."""
    configure_logs("critical")


@pytest.fixture(autouse=True)
def outside_the_contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int, str | None]]]:
    """FRZ-020: no engine inside a test's own process may answer what its operation does not announce."""
    outside: list[tuple[str, int, str | None]] = []
    monkeypatch.setattr(Tally, "undeclared", lambda _, *answer: outside.append(answer))
    yield outside
    assert outside == []


@pytest.fixture
def loud_logs() -> Iterator[None]:
    """Logs of every level, for tests that read them."""
    structlog.reset_defaults()
    yield
    configure_logs("critical")
