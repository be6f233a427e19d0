"""What a settled contest says of itself, to its entrants and to staff, over the doors of a real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.standin import bearer, token
from tests.http.town import Town, open_town
from tests.storage.verify.staging import box

CONTEST = "open-1"
WINNER = "did:e3"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    path = tmp_path / "data"
    with box(path) as made:
        made.play(CONTEST)
    async with open_town(path) as opened:
        yield opened


async def test_a_winner_reads_rank_prize_and_money(town: Town) -> None:
    """LIFE-008, A8: from the list of all their contests down to the statement."""
    winner = town.client(token(WINNER))
    [own] = await winner.own_entries()
    assert (own["contest_id"], own["payment_status"]) == (CONTEST, "succeeded")
    entry = await winner.entry(CONTEST, own["entry_id"])
    assert own["entry"] == entry
    assert await winner.entries(CONTEST) == [entry]
    page = await winner.standings_page(CONTEST, limit=3)
    assert (page["final"], len(page["standings"])) == (True, 3)
    [row] = [one for one in await winner.standings(CONTEST) if one["account_did"] is not None]
    assert (row["rank"], row["prize_cents"]) == (entry["rank"], entry["prize_cents"])
    field = await winner.golfers(CONTEST)
    assert field["published"]
    assert {one["player_id"] for one in field["golfers"]} >= set(entry["picks"])
    contest = await winner.contest(CONTEST)
    assert (contest["progress"], contest["settlement"]["status"]) == ("PAID_OUT", "COMPLETE")
    steps = [one["step"] for one in await winner.progress(CONTEST)]
    assert steps == ["SCHEDULED", "LOCKED", "LIVE", "COMPLETE", "SETTLED", "PAID_OUT"]
    lines = (await winner.statement(WINNER))["lines"]
    assert entry["prize_cents"] in [line["available_cents"] for line in lines]


async def test_staff_reads_transfers_and_the_year(town: Town) -> None:
    """POUT-002: each prize is one transfer, and the year's totals are their sums."""
    ops = town.client(token("olga", "ops"))
    transfers = await ops.transfers(CONTEST)
    prizes = {one["account_did"]: one["prize_cents"] for one in await ops.entries(CONTEST) if one["prize_cents"]}
    assert {one["account_did"]: one["amount_cents"] for one in transfers} == prizes
    [year] = {one["at"][:4] for one in await ops.progress(CONTEST) if one["step"] == "SETTLED"}
    totals = await town.admin.yearly_totals(int(year))
    assert {one["account_did"]: one["winnings_cents"] for one in totals if one["prizes"]} == prizes
    csv = await town.admin.yearly_totals_csv(int(year))
    assert len(csv.splitlines()) == 1 + len(totals)


async def test_everybody_reads_whether_the_engine_lives_and_what_it_can_do(town: Town) -> None:
    anybody, staff = town.client(token()), town.client(token("olga", "ops"))
    assert await anybody.health() == {"status": "ok"}
    assert (await anybody.readiness())["status"] == "ready"
    assert "/v1/entries" in (await anybody.public_document())["paths"]
    assert "/v1/configs" in (await staff.admin_document())["paths"]
    assert "cutline_webhooks_total" in await staff.metrics()


async def test_a_token_is_taken_back_by_its_id(town: Town) -> None:
    """Whoever has lost a token has seldom kept it: its id, as logs and lists show it, is enough."""
    asked = {"jti": "a-lost-token", "reason": "it lay in a chat"}
    headers = bearer(token("ada", "admin"))
    for deduped in (False, True):
        async with town.session.post(f"{town.url}/v1/tokens/revoke", json=asked, headers=headers) as response:
            answer = await response.json()
            assert (response.status, answer["deduped"]) == (200, deduped)
