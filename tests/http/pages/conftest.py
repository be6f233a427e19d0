"""A real browser, without a window: Debian's Chromium, told what to do through its own driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService


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
    with Chrome(options=options, service=ChromeService(_program("chromedriver"))) as driver:
        yield driver


def complaints(driver: Chrome) -> list[str]:
    """What the console has said since the last time and that no page of ours may cause, a broken policy above all."""
    entries = driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has not typed this one
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Chrome]:
    """The browser on an empty page, without what earlier tests left; nothing may complain in its console."""
    chromium.get("about:blank")
    complaints(chromium)
    chromium.delete_all_cookies()
    yield chromium
    loud = complaints(chromium)
    chromium.get("about:blank")
    assert not loud
