"""The doors speak HTTP as RFC 9110 has it, and every line and event says which request it belongs to."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.engine.messages import ReadDirectory
from cutline.http.app import OPERATIONS, ROUTES
from cutline.logs import configure_logs
from tests.http.samples import PARTS, sample
from tests.http.standin import StandIn, bearer, token
from tests.http.town import open_town

ADMIN = bearer(token("ada", "admin"))


@pytest.fixture
def contests(engine: StandIn) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    engine.answers[ReadDirectory] = lambda _: {"contests": listed, "configs": []}
    return listed


def contest(contest_id: str) -> dict[str, object]:
    times = {"planned_at": "2026-04-01T00:00:00Z", "created_at": None}
    return {"contest_id": contest_id, "config_id": "open", "version": 1, "config_sha256": "a" * 64, **times}


@pytest.mark.usefixtures("contests")
async def test_head_is_get_without_a_body(url: str, session: aiohttp.ClientSession) -> None:
    """9.3.2: the same status and the same headers."""
    for path in ("/v1/contests", "/healthz", "/v1/contests/none", "/"):
        async with session.get(url + path, headers=ADMIN) as get, session.head(url + path, headers=ADMIN) as head:
            assert (get.status, get.headers.keys()) == (head.status, head.headers.keys())
            assert head.headers["Content-Length"] != "0"
            assert await head.read() == b""


async def test_every_path_names_the_methods_it_takes(url: str, session: aiohttp.ClientSession) -> None:
    """15.5.6: generated from the table; a fixed path may be some id's path too, and takes what that one takes."""
    by_path: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, set()).add(operation.method)
    by_path["/v1/configs/validate"] |= by_path["/v1/configs/{config_id}"]
    for path, methods in by_path.items():
        allowed = methods | ({"HEAD"} if "GET" in methods else set())
        async with session.patch(url + path.format(**PARTS)) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
            assert set(response.headers["Allow"].split(", ")) == allowed, path


async def test_what_is_unchanged_is_not_sent_again(
    contests: list[dict[str, object]], url: str, session: aiohttp.ClientSession
) -> None:
    """13.1.2: by ETag, compared weakly; what has changed is sent."""
    contests.append(contest("one"))
    async with session.get(f"{url}/v1/contests", headers=ADMIN) as response:
        tag = response.headers["ETag"]
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert tag.startswith('"')
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        async with session.get(f"{url}/v1/contests", headers={**ADMIN, "If-None-Match": given}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)
            assert "Content-Type" not in response.headers
    for given in ('"other"', "", tag.strip('"')):
        async with session.get(f"{url}/v1/contests", headers={**ADMIN, "If-None-Match": given}) as response:
            assert response.status == 200
    contests.append(contest("two"))
    async with session.get(f"{url}/v1/contests", headers={**ADMIN, "If-None-Match": tag}) as response:
        assert response.status == 200
        assert response.headers["ETag"] != tag


async def test_a_tag_lets_nobody_in(url: str, session: aiohttp.ClientSession) -> None:
    """A8: who may not see a thing is not told either whether it has changed."""
    async with session.get(f"{url}/v1/contests", headers={"If-None-Match": "*"}) as response:
        assert response.status == 401
        assert "ETag" not in response.headers


@pytest.mark.usefixtures("contests")
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("text/html, application/json;q=0.5", 200),
        ("APPLICATION/JSON", 200),
        ("", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("application/json; q=none", 406),
        ("text/*, image/png", 406),
    ],
)
async def test_what_cannot_be_answered_as_it_is_accepted_is_refused(
    accept: str, status: int, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """15.5.7: and no actor has done anything by then."""
    async with session.get(f"{url}/v1/contests", headers={**ADMIN, "Accept": accept}) as response:
        answer = await response.json()
    assert response.status == status
    if status == 406:
        assert answer["error"]["details"]["offered"] == ["application/json"]
        assert engine.asked == []


async def test_a_query_is_read_strictly(engine: StandIn, url: str, session: aiohttp.ClientSession) -> None:
    """FRZ-024: unknown, repeated and malformed parameters are named by their path."""
    for query, path, fault in (
        ("?contest=one", "query.contest", "extra_forbidden"),
        ("?contest_id=one&contest_id=two", "query.contest_id", "repeated"),
        ("?contest_id=..%2Fledger", "query.contest_id", "string_pattern_mismatch"),
    ):
        async with session.get(f"{url}/v1/payouts/transfers{query}", headers=ADMIN) as response:
            answer = await response.json()
        assert (response.status, answer["error"]["code"]) == (400, "REQUEST_INVALID")
        assert answer["error"]["details"]["faults"] == [{"path": path, "fault": fault}]
    assert engine.asked == []


@pytest.mark.usefixtures("contests")
async def test_a_tester_build_is_refused_in_production_alone(open_doors: Any, session: aiohttp.ClientSession) -> None:
    """ENV-006, ENV-015: and every environment says its name."""
    for environment, status in (("production", 403), ("staging", 200)):
        url = await open_doors(settle_env=environment)
        headers = {**ADMIN, "X-Client-Channel": "TestFlight"}
        async with session.get(f"{url}/v1/contests", headers=headers) as response:
            answer = await response.json()
            assert response.status == status
        if status == 403:
            assert answer["error"]["code"] == "CLIENT_CHANNEL_REFUSED"
        async with session.get(f"{url}/") as response:
            assert (await response.json())["environment"] == environment


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    configure_logs("info")
    yield written
    monkeypatch.undo()
    configure_logs("critical")


async def test_a_request_names_its_lines_and_its_events(tmp_path: Path, lines: io.StringIO) -> None:
    """The caller's id comes back, stands in the log, and is the cause of what is recorded."""
    async with open_town(tmp_path) as town:
        await town.publish()
        headers = {**ADMIN, "Content-Type": "application/json", "X-Correlation-Id": "order-17"}
        body = json.dumps({"contest_id": "small-open-1", "config_id": "small-open"})
        async with town.session.post(f"{town.url}/v1/contests", data=body, headers=headers) as response:
            assert (response.status, response.headers["X-Correlation-Id"]) == (201, "order-17")
        causes = town.rows("governance", "SELECT cause FROM log WHERE type = 'ContestPlanned'")
        causes += town.rows("contest/small-open-1", "SELECT cause FROM log WHERE type = 'ContestCreated'")
    assert causes == [("order-17",), ("order-17",)]
    told = [json.loads(line) for line in lines.getvalue().splitlines() if "order-17" in line]
    assert [line["event"] for line in told if line["event"] == "request"] == ["request"]
    assert {line["correlation_id"] for line in told if "correlation_id" in line} == {"order-17"}


@pytest.mark.parametrize("route", [one for one in ROUTES if one.idempotency == "required"], ids=lambda one: one.name)
async def test_what_needs_a_key_is_refused_without_one(
    route: Any, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    request = sample(route)
    credential = token("anna", "entrant", "admin", "ops")
    headers = {**bearer(credential), **request.headers}
    for key, code in ((None, "IDEMPOTENCY_KEY_REQUIRED"), ("two words", "REQUEST_INVALID")):
        headers.pop("Idempotency-Key", None)
        if key is not None:
            headers["Idempotency-Key"] = key
        async with session.request(route.method, url + request.path, data=request.body, headers=headers) as response:
            assert (await response.json())["error"]["code"] == code
    assert engine.asked == []
