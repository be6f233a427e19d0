"""The pages as people see them, in a real browser that obeys the pages' own security policy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from cutline.engine.messages import ReadContest, ReadDirectory
from cutline.http.contracts.examples import recorded
from tests.http.pages.test_pages import described, listed
from tests.http.standin import ANNA, BERT, StandIn, token
from tests.http.test_standings import picture

T = TypeVar("T")


async def see(look: Callable[..., T], *arguments: Any) -> T:
    """Do something in the browser while the engine's loop goes on."""
    return await asyncio.to_thread(look, *arguments)


PATIENCE = 600
"""So many looks, a twentieth of a second apart: beside other tests a browser may be given little of the machine."""


async def until(look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    for _ in range(PATIENCE):
        if holds(seen := await see(look)):
            return seen
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {seen!r}")


def table(browser: Chrome) -> list[list[str]]:
    script = "return [...document.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.innerText.trim()))"
    rows: list[list[str]] = browser.execute_script(script)
    return rows


async def test_a_leaderboard_changes_by_itself_when_scores_do(engine: StandIn, url: str, browser: Chrome) -> None:
    """Live by server-sent events: the page asks for nothing until it is told to."""
    engine.pictures["c"] = picture(ANNA, BERT)
    await see(browser.get, f"{url}/contests/c")
    assert [row[:3] for row in await see(table, browser)] == [["1", "e0/did:p", "-9"], ["2", "e1/did:p", "-8"]]
    engine.pictures["c"] = picture(BERT, version="2", round_number=3)
    rows = await until(lambda: table(browser), lambda rows: len(rows) == 1)
    assert rows[0][:3] == ["1", "e0/did:p", "-9"]
    assert "Round 3" in await see(lambda: browser.find_element(By.CSS_SELECTOR, "[role=status]").text)
    engine.pictures["c"] = picture(BERT, ANNA, version="3")
    await until(lambda: table(browser), lambda rows: len(rows) == 2)


async def test_a_page_of_many_entries_leads_to_the_next(engine: StandIn, url: str, browser: Chrome) -> None:
    engine.pictures["c"] = picture(*(f"did:{number}" for number in range(60)))
    await see(browser.get, f"{url}/contests/c")
    await see(lambda: browser.find_element(By.LINK_TEXT, "Next page").click())
    rows = await until(lambda: table(browser), lambda rows: len(rows) == 10)
    assert [rows[0][0], rows[-1][0]] == ["51", "60"]
    await see(lambda: browser.find_element(By.LINK_TEXT, "First page").click())
    await until(lambda: table(browser), lambda rows: len(rows) == 50)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_can_be_read_in_either_light_and_on_a_phone(
    scheme: str, engine: StandIn, url: str, browser: Chrome
) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3), and nothing wider than the screen."""
    engine.pictures["c"] = picture(ANNA, BERT)
    features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    await see(browser.execute_cdp_cmd, "Emulation.setEmulatedMedia", features)
    await see(browser.execute_cdp_cmd, "Emulation.setDeviceMetricsOverride", phone)
    try:
        for path in ("/contests/c", "/ops/sign-in"):
            await see(browser.get, url + path)
            assert await see(browser.execute_script, WIDTH) <= 360, path
            assert not await see(browser.execute_script, FAINT), path
    finally:
        await see(browser.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        await see(browser.execute_cdp_cmd, "Emulation.setEmulatedMedia", {"features": []})


WIDTH = "return document.documentElement.scrollWidth"
FAINT = """
const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const light = (rgb) => 0.2126 * part(rgb[0]) + 0.7152 * part(rgb[1]) + 0.0722 * part(rgb[2]);
const read = (text) => text.match(/[0-9.]+/g).map(Number);
const ground = (e) => {
  for (; e; e = e.parentElement) { const c = read(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; }
  return [255, 255, 255];
};
return [...document.querySelectorAll("main *")].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 &&
  n.data.trim())).filter((e) => { const [a, b] = [light(read(getComputedStyle(e).color)), light(ground(e))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; }).map((e) => e.outerHTML);
"""


PATHS = "return [...document.querySelectorAll('.opblock-summary-path')].map(e => e.dataset.path)"


async def test_the_viewer_shows_what_everybody_may_do(url: str, browser: Chrome) -> None:
    await see(browser.get, f"{url}/docs")
    shown = await until(lambda: browser.execute_script(PATHS), bool)
    assert "/v1/contests/{contest_id}/standings" in shown
    assert "/v1/configs" not in shown


EXAMPLES = "return [...document.querySelectorAll('.opblock.is-open .example')].map(e => e.innerText)"


async def test_the_viewer_shows_what_was_really_answered(url: str, browser: Chrome) -> None:
    await see(browser.get, f"{url}/docs")
    await until(lambda: browser.execute_script(PATHS), bool)
    row = await see(browser.find_element, By.CSS_SELECTOR, ".opblock [data-path='/v1/entries']")
    await see(row.click)
    shown = await until(lambda: browser.execute_script(EXAMPLES), bool)
    answer = recorded()["listOwnEntries"]["answers"]["200"]["application/json"]
    assert answer["entries"][0]["entry_id"] in shown[0]


async def test_the_viewer_shows_staff_what_staff_may_do(engine: StandIn, url: str, browser: Chrome) -> None:
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    await see(browser.get, f"{url}/ops/sign-in")
    field = await see(browser.find_element, By.ID, "token")
    await see(field.send_keys, token("oscar", "ops"))
    await see(lambda: browser.find_element(By.CSS_SELECTOR, "main button").click())
    # Going on before the answer is there would take the sign-in back.
    await until(lambda: browser.current_url, lambda at: not at.endswith("/sign-in"))
    await see(browser.get, f"{url}/ops/docs")
    assert "/v1/configs" in await until(lambda: browser.execute_script(PATHS), bool)


async def test_staff_signs_in_sees_contests_and_one_contest_and_signs_out(
    engine: StandIn, url: str, browser: Chrome
) -> None:
    engine.pictures["c"] = picture(ANNA)
    engine.answers[ReadDirectory] = lambda _: {"contests": [listed("c"), listed("later")], "configs": []}
    engine.answers[ReadContest] = lambda _: described("c")
    await see(browser.get, f"{url}/ops")
    assert (await see(lambda: browser.current_url)).endswith("/ops/sign-in")
    field = await see(browser.find_element, By.ID, "token")
    await see(field.send_keys, token("oscar", "ops"))
    await see(lambda: browser.find_element(By.CSS_SELECTOR, "main button").click())
    rows = await until(lambda: table(browser), lambda rows: len(rows) == 2)
    assert [row[:2] for row in rows] == [["c", "LIVE"], ["later", "planned"]]
    assert not await see(browser.execute_script, "return document.cookie"), "no script can read the token"
    await see(lambda: browser.find_element(By.LINK_TEXT, "c").click())
    heading = await until(lambda: browser.find_element(By.TAG_NAME, "h1").text, lambda text: text != "Contests")
    assert heading == "Small Open"
    assert "the field is complete" in await see(lambda: browser.find_element(By.TAG_NAME, "main").text)
    await see(lambda: browser.find_element(By.CSS_SELECTOR, "header button").click())
    await until(lambda: browser.current_url, lambda at: at.endswith("/ops/sign-in"))
    await see(browser.get, f"{url}/ops")
    assert (await see(lambda: browser.current_url)).endswith("/ops/sign-in")
