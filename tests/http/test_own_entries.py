"""A holder's entries over all contests: only theirs, page by page, and no other contest is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import ListIntents, ReadEntries
from cutline.http.client import ApiRefused, CutlineClient
from tests.http.standin import ANNA, BERT, StandIn, bearer, token
from tests.http.town import Town, open_town, until


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path / "data") as opened:
        yield opened


async def contests(town: Town, count: int) -> list[str]:
    """Found so many contests, all on one configuration; return their ids."""
    ids = [f"open-{number:03}" for number in range(count)]
    await town.found(ids[0], max_entries_per_user=3)
    for contest_id in ids[1:]:
        await town.admin.create_contest(contest_id, "small-open")
    return ids


async def listing(client: CutlineClient, count: int) -> list[dict[str, Any]]:
    """Return all of a holder's entries as soon as payments has heard of so many."""
    return await until(client.own_entries, lambda found: len(found) == count)


async def page(town: Town, query: str, credential: str) -> dict[str, Any]:
    async with town.session.get(f"{town.url}/v1/entries{query}", headers=bearer(credential)) as response:
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer


async def test_a_holder_sees_their_entries_of_all_contests_and_nobody_else_s(town: Town) -> None:
    """A8: a query that names another changes nothing for an entrant; staff may look for one holder's."""
    first, second, _ = await contests(town, 3)
    made = [(await town.enter(ANNA, key, contest_id))[0] for contest_id, key in [(first, "1"), (second, "1")]]
    made.append((await town.enter(ANNA, "2", first))[0])
    berts, _ = await town.enter(BERT, "1", second)
    anna, bert = town.client(token(ANNA)), town.client(token(BERT))
    found = await listing(anna, 3)
    assert [one["entry_id"] for one in found] == made[::-1]
    assert [one["contest_id"] for one in found] == [first, second, first]
    assert [one["entry"] for one in found] == [await anna.entry(one["contest_id"], one["entry_id"]) for one in found]
    assert {one["payment_status"] for one in found} == {"open"}
    assert [one["entry_id"] for one in await listing(bert, 1)] == [berts]
    assert [one["entry_id"] for one in (await page(town, f"?account_did={BERT}", token(ANNA)))["entries"]] == made[::-1]
    staff = token("oscar", "ops")
    assert [one["entry_id"] for one in (await page(town, f"?account_did={BERT}", staff))["entries"]] == [berts]
    assert (await page(town, "", staff)) == {"entries": [], "next_cursor": None}


async def test_it_is_told_page_by_page_and_unchanged_pages_are_not_sent_again(town: Town) -> None:
    ids = await contests(town, 5)
    for contest_id in ids:
        await town.enter(ANNA, "1", contest_id)
    await listing(town.client(token(ANNA)), 5)
    seen, query = [], "?limit=2"
    while True:
        answer = await page(town, query, token(ANNA))
        seen.append([one["contest_id"] for one in answer["entries"]])
        if answer["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={answer['next_cursor']}"
    assert seen == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    assert (await page(town, "?cursor=0", token(ANNA)))["entries"] == []
    address, headers = f"{town.url}/v1/entries?limit=2", bearer(token(ANNA))
    async with town.session.get(address, headers=headers) as response:
        tag = response.headers["ETag"]
    async with town.session.get(address, headers={**headers, "If-None-Match": tag}) as response:
        assert response.status == 304
    async with town.session.get(f"{town.url}/v1/entries?limit=51", headers=headers) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "REQUEST_INVALID")


async def test_only_the_contests_of_the_page_are_asked(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """There may be ten thousand; each of the page is asked once, and one that cannot be found yet is a line as well."""
    lines = [{"place": 9 - at, "contest_id": f"c{at % 2}", "entry_id": f"e{at}", "status": "open"} for at in range(4)]
    engine.answers[ListIntents] = lambda asked: {"intents": lines[: asked.limit]}
    async with session.get(f"{url}/v1/entries?limit=3&cursor=10", headers=bearer(token(ANNA))) as response:
        answer = await response.json()
    assert [(one["entry_id"], one["entry"]) for one in answer["entries"]] == [("e0", None), ("e1", None), ("e2", None)]
    assert answer["next_cursor"] == "7"
    assert [(to, message) for to, message, _ in engine.asked] == [
        ("payments", ListIntents(account_did=ANNA, before=10, limit=4)),
        ("contest/c0", ReadEntries(entry_ids=("e0", "e2"))),
        ("contest/c1", ReadEntries(entry_ids=("e1",))),
    ]


async def test_what_cannot_be_told_now_is_asked_for_again(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A busy contest is no reason to tell half of it: 503 with Retry-After, as everywhere."""
    line = {"place": 1, "contest_id": "c", "entry_id": "e", "status": "open"}
    engine.answers |= {ListIntents: lambda _: {"intents": [line]}, ReadEntries: Rejected(code=RejectCode.MAILBOX_FULL)}
    async with session.get(f"{url}/v1/entries", headers=bearer(token(ANNA))) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (503, "MAILBOX_FULL")
        assert "Retry-After" in response.headers


async def test_a_contest_that_is_kept_closed_hides_no_other(town: Town) -> None:
    """A broken file is one line without its entry; reading that contest itself says why."""
    broken, whole = await contests(town, 2)
    for contest_id in (broken, whole):
        await town.enter(ANNA, "1", contest_id)
    anna = town.client(token(ANNA))
    await listing(anna, 2)
    town.engine.system.directory.quarantine(f"contest/{broken}", "a test says so")
    found = {one["contest_id"]: one for one in await anna.own_entries()}
    assert found[broken]["entry"] is None
    assert found[broken]["payment_status"] == "open"
    assert found[whole]["entry"]["status"] == "PENDING_PAYMENT"
    with pytest.raises(ApiRefused, match="CONTEST_QUARANTINED"):
        await anna.entry(broken, found[broken]["entry_id"])


async def test_the_list_outlives_a_restart(tmp_path: Path) -> None:
    async with open_town(tmp_path / "data") as town:
        for contest_id in await contests(town, 2):
            await town.enter(ANNA, "1", contest_id)
        before = await listing(town.client(token(ANNA)), 2)
        await town.settle()
    async with open_town(tmp_path / "data") as town:
        assert await town.client(token(ANNA)).own_entries() == before
