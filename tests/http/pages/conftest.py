"""A real browser, without a window: Debian's Chromium, told what to do through its own driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from selenium.common.exceptions import SessionNotCreatedException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

STARTS_MAX = 3


def _program(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, f"{name} is missing: apt-get install chromium chromium-driver"
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = _program("chromium")
    # Tests may run as root in a container without a display or a large /dev/shm.
    for switch in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,900"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with _start(options) as driver:
        yield driver


def _start(options: ChromeOptions) -> Chrome:
    """Start the browser; on a machine that is busy with everything else it may not come up within its minute."""
    for _ in range(STARTS_MAX - 1):
        try:
            return Chrome(options=options, service=ChromeService(_program("chromedriver")))
        except SessionNotCreatedException:
            continue
    return Chrome(options=options, service=ChromeService(_program("chromedriver")))


def complaints(driver: Chrome) -> list[str]:
    """What the console has said since the last time and that no page of ours may cause, a broken policy above all."""
    entries = driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has not typed this one
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Chrome]:
    """The browser on an empty page, without what earlier tests left; nothing may complain in its console."""
    chromium.get("about:blank")
    complaints(chromium)
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    yield chromium
    loud = complaints(chromium)
    chromium.get("about:blank")
    assert not loud
