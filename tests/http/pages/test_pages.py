"""What pages send: safe headers, escaped text, one answer a version, streams that end; and what they refuse."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import aiohttp
import pytest

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import ReadContest, ReadDirectory
from cutline.http.pages import assets, watching, words
from cutline.http.pages.ops import COOKIE
from cutline.http.server import serve
from tests.http.standin import ANNA, BERT, StandIn, settings, token
from tests.http.test_standings import picture

UNSAFE = re.compile(r"<script(?![^>]*\ssrc=\"/)|<style|\sstyle=|\son\w+=|(src|href)=\"(https?:)?//")
"""A script or style in the page itself, or anything from another host."""
AT = datetime(2026, 4, 9, 11, 40, tzinfo=UTC)


def listed(contest_id: str) -> dict[str, Any]:
    """A contest's line as governance gives it."""
    line = {"config_id": "small-open", "version": 1, "config_sha256": "0" * 64, "quarantine": None}
    return {**line, "contest_id": contest_id, "planned_at": AT, "created_at": AT}


def described(contest_id: str) -> dict[str, Any]:
    """A contest as its actor gives it."""
    moved = {"at": AT, "from": "LOCKED", "to": "LIVE", "actor": "scheduler", "reason": "the field is complete"}
    return {
        "contest_id": contest_id,
        "config_id": "small-open",
        "config_sha256": "0" * 64,
        "config_version": 0,
        "name": "Small Open",
        "currency": "usd",
        "status": "LIVE",
        "progress": "LIVE",
        "created_at": AT,
        "lock_at": AT,
        "first_tee_at": AT,
        "ends_at": AT + timedelta(days=4),
        "fee_cents": 1001,
        "max_entries": 100,
        "entries": {"active": 3, "expired": 0},
        "pot_cents": 3003,
        "feed": {
            "provider_event_id": "e",
            "event_status": "inprogress",
            "changes": 9,
            "polled_at": AT,
            "field_complete": True,
            "held_regressions": 0,
        },
        "settlement": {"status": "PENDING", "attempts": 0},
        "transitions": [{**moved, "runbook": None}],
    }


async def get(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], str]:
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        return response.status, response.headers, await response.text()


async def test_every_page_is_safe_and_loads_nothing_from_elsewhere(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.pictures["c"] = picture(ANNA)
    for path in ("/contests/c", "/contests/none", "/ops/sign-in", "/docs"):
        _, headers, text = await get(session, url + path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert not re.search(r"<script(?![^>]*\ssrc=\"/)|<style|\sstyle=|\son\w+=|(src|href)=\"(https?:)?//", text), (
            path
        )
        for loaded in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", text):
            status, asset_headers, _ = await get(session, url + loaded)
            assert (status, asset_headers["Cache-Control"]) == (200, assets.FOREVER), loaded


async def test_a_leaderboard_is_public_shows_no_owner_and_is_not_sent_twice(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.pictures["c"] = shown = picture("x", "y")
    status, headers, text = await get(session, f"{url}/contests/c")
    assert (status, ANNA in text, "Adam Ace, Bo Birdie" in text) == (200, False, True)
    again = {"If-None-Match": headers["ETag"]}
    assert (await get(session, f"{url}/contests/c", again))[0] == 304
    engine.pictures["c"] = picture("x", "y", version="2", ranking=shown.ranking, round_number=4)
    status, headers, text = await get(session, f"{url}/contests/c", again)
    assert (status, "Round 4" in text) == (200, True)


async def test_places_prizes_and_scores_are_written_as_golfers_do(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    base = picture("a", "b", "c", "d").ranking
    ranking = type(base)(
        entry_ids=base.entry_ids,
        ranks=(1, 2, 2, 4),
        cut=(False, False, False, True),
        scores=(-12, 0, 0, 7),
        prizes_cents=(123450, 500, 500, 0),
    )
    paid = frozenset(ranking.entry_ids[:1])
    engine.pictures["c"] = picture(version="9", ranking=ranking, settled=True, status="COMPLETE", paid=paid)
    _, _, text = await get(session, f"{url}/contests/c")
    cells = re.findall(r"<td class=\"(rank|number)\">([^<]*)</td>", text)
    assert [said for _, said in cells] == [
        *("1", "-12", "1,234.50 USD, paid"),
        *("T2", "E", "5.00 USD"),
        *("T2", "E", "5.00 USD"),
        *("4", "+7", ""),
    ]
    assert "FINAL" in text
    assert words.money(-5, "usd") == "-0.05 USD"
    assert words.score(70, "strokes") == "70"


async def test_names_from_configs_and_feeds_are_text_and_never_markup(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    evil = '<img src=x onerror="alert(1)">'
    engine.pictures["c"] = picture("a", name=evil, golfers={"A": evil})
    _, _, text = await get(session, f"{url}/contests/c")
    assert evil not in text
    assert text.count("&lt;img src=x") == 3


async def test_a_stream_tells_of_each_version_once_and_ends_with_the_doors(
    engine: StandIn, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P2: a reader who would never leave does not hold up the stop."""
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.01)
    engine.pictures["c"] = picture(ANNA)
    runner, (host, port) = await serve(engine, settings())
    url = f"http://{host}:{port}/contests/c/events"
    async with session.get(f"{url}?version=1") as known, session.get(url, headers={"Last-Event-ID": "0"}) as late:
        assert known.content_type == "text/event-stream"
        assert (await late.content.readuntil(b"\r\n\r\n")).split() == [
            b"id:",
            b"1",
            b"event:",
            b"standings",
            b"data:",
            b"1",
        ]
        engine.pictures["c"] = picture(BERT, version="2")
        for stream in (known, late):
            assert b"id: 2" in await stream.content.readuntil(b"\r\n\r\n")
        began = asyncio.get_running_loop().time()
        await runner.cleanup()
        assert asyncio.get_running_loop().time() - began < 2
        assert await known.content.read() == b""


async def test_who_follows_a_contest_that_is_not_or_is_one_too_many_is_refused(
    engine: StandIn, url: str, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await get(session, f"{url}/contests/none/events"))[0] == 404
    engine.pictures["c"] = picture(ANNA)
    monkeypatch.setattr(watching, "FOLLOWERS_MAX", 1)
    async with session.get(f"{url}/contests/c/events"):
        status, _, text = await get(session, f"{url}/contests/c/events")
        assert (status, "MAILBOX_FULL" in text) == (503, True)


async def sign_in(session: aiohttp.ClientSession, url: str, credential: str, **headers: str) -> tuple[int, str]:
    given = {"token": credential}
    async with session.post(f"{url}/ops/sign-in", data=given, headers=headers, allow_redirects=False) as response:
        return response.status, response.headers.get("Set-Cookie", "")


async def test_only_staff_signs_in_and_the_cookie_is_out_of_reach(url: str, session: aiohttp.ClientSession) -> None:
    """A8."""
    for credential, expected in [("nonsense", 401), ("", 401), ("ü", 401), ("x" * 5000, 401), (token(ANNA), 403)]:
        assert await sign_in(session, url, credential) == (expected, "")
    status, cookie = await sign_in(session, url, token("oscar", "ops"))
    assert status == 303
    assert {part.strip() for part in cookie.split(";")} >= {"HttpOnly", "SameSite=Strict", "Path=/ops"}
    assert "Secure" not in cookie, "on this machine alone there is no TLS"
    _, cookie = await sign_in(session, url, token("oscar", "ops"), Host="cutline.example")
    assert "Secure" in cookie
    status, cookie = await sign_in(session, url, token("oscar", "ops"), Origin="https://evil.example")
    assert (status, cookie) == (403, "")


async def test_who_guesses_tokens_is_soon_made_to_wait(open_doors: Any, session: aiohttp.ClientSession) -> None:
    """A7: the sign-in counts like any other door, by the address that the proxy saw."""
    url = await open_doors(cutline_failed_logins_per_minute=3)
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    tried = [(await sign_in(session, url, "nonsense", **stranger))[0] for _ in range(5)]
    assert tried == [401, 401, 401, 429, 429]
    assert (await sign_in(session, url, token("oscar", "ops"), **{"X-Forwarded-For": "203.0.113.10"}))[0] == 303
    assert (await get(session, f"{url}/ops/sign-in", stranger))[0] == 429


async def test_ops_pages_are_for_who_has_signed_in_and_has_not_run_out(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    engine.answers[ReadContest] = lambda _: described("c")
    late = token("oscar", "ops", lifetime=timedelta(seconds=-1))
    assert (await get(session, f"{url}/ops/docs/admin-api.json"))[0] == 401
    for path in ("/ops", "/ops/contests/c", "/ops/docs"):
        for credential in ("", "nonsense", token(ANNA), late):
            status, headers, _ = await get(session, url + path, {"Cookie": f"{COOKIE}={credential}"})
            assert (status, headers["Location"]) == (303, "/ops/sign-in")
        status, headers, _ = await get(session, url + path, {"Cookie": f"{COOKIE}={token('oscar', 'ops')}"})
        assert (status, headers["Cache-Control"]) == (200, "no-store")
    engine.answers[ReadContest] = Rejected(code=RejectCode.CONTEST_QUARANTINED)
    status, _, text = await get(session, f"{url}/ops/contests/c", {"Cookie": f"{COOKIE}={token('ada', 'admin')}"})
    assert (status, "CONTEST_QUARANTINED" in text) == (503, True)


async def test_the_list_of_contests_goes_on_and_shows_what_is_closed(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    lines = [listed(f"c{number:02}") for number in range(30)]
    lines[0] = {**lines[0], "quarantine": "its file is missing"}
    engine.closed["contest/c01"] = "another reason"
    engine.answers[ReadDirectory] = lambda _: {"contests": lines, "configs": []}
    signed_in = {"Cookie": f"{COOKIE}={token('oscar', 'ops')}"}
    _, _, text = await get(session, f"{url}/ops", signed_in)
    assert ("its file is missing" in text, "CONTEST_QUARANTINED" in text) == (True, True)
    following = re.search(r"/ops\?cursor=[^\"]+", text)
    assert following is not None
    _, _, text = await get(session, url + following[0], signed_in)
    assert re.findall(r"/ops/contests/(c\d+)", text) == [f"c{number}" for number in range(25, 30)]


def test_files_of_others_are_what_their_list_says() -> None:
    folder = files("cutline.http.pages") / "static" / "vendor"
    told = dict(
        re.findall(r"^\| ([\w.-]+) \|.*\| ([0-9a-f]{64}) \|$", (folder / "README.md").read_text(), re.MULTILINE)
    )
    served = {name.partition("/")[2] for name in assets.assets() if name.startswith("vendor/")}
    assert set(told) == served
    for name, sha256 in told.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256, name
