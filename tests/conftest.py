"""What every test shares: quiet logs."""

from __future__ import annotations

import pytest

from cutline.logs import configure_logs


@pytest.fixture(autouse=True, scope="session")
def _quiet_logs() -> None:
    """Keep the engine's logs out of test output unless CUTLINE_LOG_LEVEL asks for them."""
    configure_logs("critical")
