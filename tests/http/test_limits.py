"""Nobody can ask without end, and whoever guesses at credentials has to wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from cutline.engine.messages import ReadDirectory
from cutline.http import limits
from cutline.http.limits import Bucket
from tests.http.standin import ANNA, BERT, SETTLE_KEY, StandIn, bearer, token

Open = Callable[..., Awaitable[str]]


def test_a_bucket_lets_through_so_many_a_minute_at_once_or_spread_out() -> None:
    bucket = Bucket(60)
    assert [bucket.take("a", 0.0) for _ in range(59)] == [0.0] * 59
    assert bucket.take("a", 0.001) == 0.0
    assert 0.9 < bucket.take("a", 0.01) <= 1.0
    assert bucket.take("b", 0.01) == 0.0
    assert bucket.take("a", 1.1) == 0.0
    spread = Bucket(60)
    assert {spread.take("a", float(second)) for second in range(1000)} == {0.0}


def test_no_limit_is_no_limit() -> None:
    bucket = Bucket(0)
    assert {bucket.take("a", 0.0) for _ in range(10_000)} == {0.0}


def test_those_who_have_been_quiet_longest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood from many addresses costs a bounded memory."""
    monkeypatch.setattr(limits, "CALLERS_MAX", 2)
    bucket = Bucket(1)
    assert [bucket.take(caller, 0.0) for caller in ("a", "b", "c")] == [0.0, 0.0, 0.0]
    assert bucket.take("c", 1.0) > 0
    assert bucket.take("a", 1.0) == 0.0


async def ask(session: aiohttp.ClientSession, url: str, credential: str, **headers: str) -> tuple[int, Any, Any]:
    async with session.get(f"{url}/v1/contests", headers={**bearer(credential), **headers}) as response:
        return response.status, await response.json(), response.headers


async def test_an_entrant_who_asks_too_often_has_to_wait(
    engine: StandIn, open_doors: Open, session: aiohttp.ClientSession
) -> None:
    """By principal, not by token; staff and services are not limited."""
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    url = await open_doors(cutline_principal_requests_per_minute=3)
    assert [(await ask(session, url, token(ANNA)))[0] for _ in range(3)] == [200] * 3
    engine.asked.clear()
    status, answer, headers = await ask(session, url, token(ANNA, "entrant", "tenant"))
    assert (status, answer["error"]["code"], answer["error"]["details"]["limit"]) == (429, "RATE_LIMITED", "principal")
    assert 1 <= int(headers["Retry-After"]) <= 20
    assert engine.asked == []
    assert (await ask(session, url, token(BERT)))[0] == 200
    for credential in (token("oscar", "ops"), SETTLE_KEY):
        assert {(await ask(session, url, credential))[0] for _ in range(10)} == {200}


async def test_an_address_that_asks_too_often_has_to_wait(
    engine: StandIn, open_doors: Open, session: aiohttp.ClientSession
) -> None:
    """The proxy's word counts, which is the last; what a client writes before it does not."""
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    url = await open_doors(cutline_address_requests_per_minute=3)
    staff = token("oscar", "ops")
    for number in range(3):
        forwarded = {"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.7"}
        assert (await ask(session, url, staff, **forwarded))[0] == 200
    status, answer, _ = await ask(session, url, staff, **{"X-Forwarded-For": "203.0.113.7"})
    assert (status, answer["error"]["details"]["limit"]) == (429, "address")
    assert (await ask(session, url, staff, **{"X-Forwarded-For": "203.0.113.8"}))[0] == 200
    assert {(await ask(session, url, staff))[0] for _ in range(10)} == {200}, "the box itself is not limited"


async def test_one_network_is_one_address_in_ipv6(
    engine: StandIn, open_doors: Open, session: aiohttp.ClientSession
) -> None:
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    url = await open_doors(cutline_address_requests_per_minute=1)
    staff = token("oscar", "ops")
    asked = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "not an address"]
    statuses = [(await ask(session, url, staff, **{"X-Forwarded-For": address}))[0] for address in asked]
    assert statuses == [200, 429, 200, 200]


async def test_whoever_fails_too_often_to_prove_who_they_are_has_to_wait(
    engine: StandIn, open_doors: Open, session: aiohttp.ClientSession
) -> None:
    """A7: then even the right key is not looked at; failures are counted for whoever watches."""
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    url = await open_doors(cutline_failed_logins_per_minute=3)
    guesser, other = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}
    assert (await ask(session, url, SETTLE_KEY, **guesser))[0] == 200
    assert [(await ask(session, url, f"guess-{n}", **guesser))[0] for n in range(3)] == [401] * 3
    status, answer, headers = await ask(session, url, SETTLE_KEY, **guesser)
    assert (status, answer["error"]["details"]["limit"]) == (429, "failures")
    assert int(headers["Retry-After"]) >= 1
    assert (await ask(session, url, SETTLE_KEY, **other))[0] == 200
    async with session.get(f"{url}/metrics") as response:
        page = await response.text()
    assert 'cutline_admissions_total{result="UNAUTHENTICATED"} 3.0' in page
    assert 'cutline_admissions_total{result="ok"} 2.0' in page
