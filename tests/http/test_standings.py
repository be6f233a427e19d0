"""Standings, contests and entries as clients read them: page by page, live, and each owner's to that owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.engine.messages import ReadDirectory, ReadEntries
from cutline.engine.tournament import load
from cutline.http.client import ApiRefused
from cutline.simulation.stage import masters_toml
from cutline.storage.boards import Picture, Ranking
from cutline.storage.errors import DiskFull
from tests.http.standin import ANNA, BERT, StandIn, bearer, token
from tests.http.town import CONTEST, PICKS, Town, open_town

ROSTER = load(masters_toml()).roster
LOCK_AT = datetime(2026, 4, 9, 11, 40, tzinfo=UTC)


def picture(*owners: str, version: str = "1", **different: Any) -> Picture:
    """Some owners' entries, each a stroke behind the one before."""
    count = len(owners)
    ranking = Ranking(
        entry_ids=tuple(f"e{number}/{owner}" for number, owner in enumerate(owners)),
        ranks=tuple(range(1, count + 1)),
        cut=(False,) * count,
        scores=tuple(range(-9, count - 9)),
    )
    shown = Picture(
        version=version,
        contest_id="c",
        name="Small Open",
        currency="usd",
        metric="to_par",
        status="LIVE",
        lock_at=LOCK_AT,
        closed=True,
        settled=False,
        event_status="inprogress",
        changes=12,
        polled_at=LOCK_AT,
        round_number=2,
        golfers={"A": "Adam Ace", "B": "Bo Birdie"},
        roster=ROSTER,
        ranking=ranking,
        paid=frozenset(),
    )
    return replace(shown, **different)


async def ask(session: aiohttp.ClientSession, url: str, credential: str = "") -> tuple[int, dict[str, Any]]:
    async with session.get(url, headers=bearer(credential or token())) as response:
        return response.status, await response.json()


async def test_standings_name_owners_to_themselves_and_to_staff_only(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A8."""
    engine.pictures["c"] = picture(ANNA, BERT)
    for credential, seen in [(token(ANNA), [ANNA, None]), (token("oscar", "ops"), [ANNA, BERT])]:
        _, answer = await ask(session, f"{url}/v1/contests/c/standings", credential)
        assert [row["account_did"] for row in answer["standings"]] == seen
        assert (answer["final"], answer["round"], answer["entries"]) == (False, 2, 2)
        assert answer["standings"][0] | {"account_did": None} == {
            "rank": 1,
            "entry_id": f"e0/{ANNA}",
            "account_did": None,
            "status": "ranked",
            "score": -9,
            "prize_cents": None,
            "paid": False,
            "picks": ["A", "B"],
        }


async def test_standings_come_page_by_page_to_the_last(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.pictures["c"] = picture(*(f"did:{number}" for number in range(5)))
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        status, answer = await ask(session, f"{url}/v1/contests/c/standings?limit=2{cursor and f'&cursor={cursor}'}")
        assert status == 200
        assert len(answer["standings"]) <= 2
        seen += [row["rank"] for row in answer["standings"]]
        cursor = answer["next_cursor"]
    assert seen == [1, 2, 3, 4, 5]


async def test_a_page_that_has_not_changed_is_not_sent_again(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.pictures["c"] = picture(ANNA)
    async with session.get(f"{url}/v1/contests/c/standings", headers=bearer(token())) as response:
        tag = response.headers["ETag"]
    for version, expected in [("1", 304), ("2", 200)]:
        engine.pictures["c"] = picture(ANNA, version=version)
        headers = {**bearer(token()), "If-None-Match": tag}
        async with session.get(f"{url}/v1/contests/c/standings", headers=headers) as response:
            assert response.status == expected


async def test_a_page_is_made_anew_when_anything_has_changed(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.pictures["c"] = picture(ANNA)
    _, first = await ask(session, f"{url}/v1/contests/c/standings")
    engine.pictures["c"] = picture(BERT, version="2")
    _, second = await ask(session, f"{url}/v1/contests/c/standings")
    assert (first["version"], second["version"]) == ("1", "2")
    assert [row["entry_id"] for row in second["standings"]] == [f"e0/{BERT}"]


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=201", "limit=-1", "limit=ten", "limit=%D9%A3"),
        *("cursor=x", "cursor=", "cursor=LTE=", "cursor=-1", "cursor=1_", "cursor=1_a%0A"),
    ],
)
async def test_a_page_that_cannot_be_is_refused_by_name(
    query: str, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.pictures["c"] = picture(ANNA)
    status, answer = await ask(session, f"{url}/v1/contests/c/standings?{query}")
    assert (status, answer["error"]["code"]) == (400, "REQUEST_INVALID")


async def test_contests_that_are_not_or_cannot_be_read_are_refused_by_name(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.closed["contest/broken"] = "its file is missing"
    for contest_id, expected in [("none", (404, "NOT_FOUND")), ("broken", (503, "CONTEST_QUARANTINED"))]:
        status, answer = await ask(session, f"{url}/v1/contests/{contest_id}/standings")
        assert (status, answer["error"]["code"]) == expected
    engine.broken = DiskFull("no room")
    status, answer = await ask(session, f"{url}/v1/contests/c/standings")
    assert (status, answer["error"]["code"]) == (503, "STORAGE_UNAVAILABLE")


async def test_an_app_learns_whom_its_people_can_pick(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """The tiers are the contest's, the names are the provider's; who plays and is in no tier is shown all the same."""
    engine.pictures["c"] = picture()
    _, answer = await ask(session, f"{url}/v1/contests/c/golfers")
    assert (answer["roster_size"], [tier["pick"] for tier in answer["tiers"]], answer["published"]) == (
        6,
        [2, 2, 2],
        True,
    )
    names = {golfer["player_id"]: golfer["name"] for golfer in answer["golfers"]}
    assert len(names) == 91 + 2
    assert (names["A"], names["40000001"]) == ("Adam Ace", None)
    engine.pictures["c"] = picture(version="2", golfers={})
    _, answer = await ask(session, f"{url}/v1/contests/c/golfers")
    assert (answer["published"], len(answer["golfers"])) == (False, 91)


async def test_contests_are_listed_page_by_page(engine: StandIn, url: str, session: aiohttp.ClientSession) -> None:
    line = {"config_id": "open", "version": 1, "config_sha256": "0", "planned_at": LOCK_AT}
    names = ["d", "b", "a", "c"]
    engine.answers[ReadDirectory] = lambda _: {"contests": [{**line, "contest_id": name} for name in names]}
    _, first = await ask(session, f"{url}/v1/contests?limit=3")
    _, second = await ask(session, f"{url}/v1/contests?limit=3&cursor={first['next_cursor']}")
    assert [one["contest_id"] for one in first["contests"]] == ["a", "b", "c"]
    assert ([one["contest_id"] for one in second["contests"]], second["next_cursor"]) == (["d"], None)


async def test_an_entrant_lists_only_what_is_theirs_and_staff_everything(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A8: a query that names another changes nothing for an entrant."""
    engine.pictures["c"] = picture()
    engine.entered = [f"e1/{ANNA}", f"e2/{BERT}", f"e3/{ANNA}"]
    engine.answers[ReadEntries] = lambda asked: {"entries": [_entry(one) for one in asked.entry_ids]}
    for credential, query, seen in [
        (token(ANNA), "", ["e1", "e3"]),
        (token(ANNA), f"?account_did={BERT}", ["e1", "e3"]),
        (token("oscar", "ops"), "", ["e1", "e2", "e3"]),
        (token("oscar", "ops"), f"?account_did={BERT}", ["e2"]),
    ]:
        _, answer = await ask(session, f"{url}/v1/contests/c/entries{query}", credential)
        assert [entry["entry_id"][:2] for entry in answer["entries"]] == seen
    _, first = await ask(session, f"{url}/v1/contests/c/entries?limit=1", token(ANNA))
    _, second = await ask(session, f"{url}/v1/contests/c/entries?limit=1&cursor={first['next_cursor']}", token(ANNA))
    assert [second["entries"][0]["entry_id"], second["next_cursor"]] == [f"e3/{ANNA}", None]
    status, answer = await ask(session, f"{url}/v1/contests/none/entries")
    assert (status, answer["error"]["code"]) == (404, "NOT_FOUND")


def _entry(name: str) -> dict[str, Any]:
    account_did = name.partition("/")[2]
    return {
        "contest_id": "c",
        "entry_id": name,
        "account_did": account_did,
        "status": "ACTIVE",
        "picks": PICKS,
        "tiebreak": None,
        "fee_cents": 1000,
        "currency": "usd",
        "entered_at": LOCK_AT,
        "expires_at": None,
    }


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path / "data") as opened:
        yield opened


async def test_what_an_entrant_has_written_is_what_he_reads_next(town: Town) -> None:
    """The lists and the standings are as fresh as the last answer, though no actor is asked for them."""
    await town.found()
    anna, bert = town.client(token(ANNA)), town.client(token(BERT))
    assert (await anna.entries(CONTEST), await anna.standings(CONTEST)) == ([], [])
    entry_id, _ = await town.enter()
    assert [entry["entry_id"] for entry in await anna.entries(CONTEST)] == [entry_id]
    assert await bert.entries(CONTEST) == []
    changed = await anna.change_picks(CONTEST, entry_id, ["D", "E", "F"], -3)
    assert (changed["picks"], changed["tiebreak"], changed["deduped"]) == (["D", "E", "F"], -3, False)
    [listed] = await town.admin.entries(CONTEST)
    assert (listed["picks"], listed["account_did"]) == (["D", "E", "F"], ANNA)
    assert [one["contest_id"] for one in await anna.contests()] == [CONTEST]
    page = await anna.standings_page(CONTEST)
    assert (page["status"], page["entries"], page["final"]) == ("SCHEDULED", 0, False)
    await town.admin.cancel_contest(CONTEST, "a rehearsal")
    assert (await anna.standings_page(CONTEST))["status"] == "CANCELLED"


async def test_another_s_picks_cannot_be_changed_nor_found(town: Town) -> None:
    """A8."""
    await town.found()
    entry_id, _ = await town.enter()
    for theirs in (entry_id, "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(ApiRefused) as refused:
            await town.client(token(BERT)).change_picks(CONTEST, theirs, PICKS)
        assert (refused.value.status, refused.value.code) == (404, "NOT_FOUND")
        assert refused.value.details == {"entry_id": theirs}
    with pytest.raises(ApiRefused) as refused:
        await town.client(token(ANNA)).change_picks(CONTEST, entry_id, ["A"])
    assert refused.value.code == "ROSTER_INVALID"
