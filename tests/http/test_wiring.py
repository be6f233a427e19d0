"""The doors in front of the real engine and the emulated Stripe: what one contest needs, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from cutline.http.client import ApiRefused
from tests.engine.golf import CONFIG
from tests.http.standin import ANNA, BERT, LEDGER_KEY, token
from tests.http.town import CONTEST, Town, open_town, until


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path) as opened:
        yield opened


async def test_a_contest_is_entered_and_paid_over_the_doors(town: Town) -> None:
    """From the published config to an entry that plays, and books that balance (PAY-015, PAY-016, LED-003, A8)."""
    published = await town.publish()
    assert (published["status"], published["version"]) == (201, 1)
    assert ((await town.publish())["status"], (await town.publish())["deduped"]) == (200, True)

    created = await town.admin.create_contest(CONTEST, "small-open")
    assert (created["contest_id"], created["deduped"]) == (CONTEST, False)
    assert (await town.admin.create_contest(CONTEST, "small-open"))["deduped"]
    assert [line["contest_id"] for line in await town.admin.contests()] == [CONTEST]

    anna, bert = town.client(token(ANNA)), town.client(token(BERT))
    entered = await anna.enter(CONTEST, ["A", "B", "C"], -12, idempotency_key="one")
    assert (entered["status"], entered["account_did"]) == ("PENDING_PAYMENT", ANNA)
    again = await asyncio.gather(*(anna.enter(CONTEST, ["A", "B", "C"], -12, idempotency_key="one") for _ in range(20)))
    assert {one["entry_id"] for one in again} == {entered["entry_id"]}
    assert all(one["deduped"] for one in again)
    with pytest.raises(ApiRefused, match="IDEMPOTENCY_KEY_REUSED"):
        await anna.enter(CONTEST, ["A", "B", "D"], -12, idempotency_key="one")
    assert (await bert.enter(CONTEST, ["A", "B", "C"], -12, idempotency_key="one"))["entry_id"] != entered["entry_id"]

    intent = await anna.intent(CONTEST, entered["entry_id"])
    assert (intent["amount_cents"], intent["currency"], bool(intent["client_secret"])) == (1001, "usd", True)
    with pytest.raises(ApiRefused, match="404 NOT_FOUND"):
        await bert.intent(CONTEST, entered["entry_id"])

    town.stripe.pay_intent(intent["payment_intent"], "pm_card_visa")
    await town.stripe.deliver_due()
    paid = await until(lambda: anna.entry(CONTEST, entered["entry_id"]), lambda entry: entry["status"] == "ACTIVE")
    assert (paid["prize_cents"], paid["paid"]) == (None, False)
    contest = await anna.contest(CONTEST)
    assert (contest["status"], contest["pot_cents"], contest["transitions"]) == ("SCHEDULED", 1001, None)
    assert (await town.admin.contest(CONTEST))["transitions"] == []

    books = town.client(LEDGER_KEY)
    balance = await until(books.trial_balance, lambda book: f"pot:{CONTEST}" in book)
    assert (sum(balance.values()), balance[f"pot:{CONTEST}"]) == (0, -1001)
    account = await anna.account(ANNA)
    assert (account["available_cents"], account["held_cents"]) == (0, 0)
    unknown, another = [await _refusal(bert.account(did)) for did in ("did:player:nobody", ANNA)]
    assert (unknown.status, unknown.code) == (another.status, another.code) == (404, "ACCOUNT_UNKNOWN")


async def _refusal(asking: Awaitable[Any]) -> ApiRefused:
    with pytest.raises(ApiRefused) as refused:
        await asking
    return refused.value


async def test_what_is_anothers_answers_like_what_is_not(town: Town) -> None:
    """A8: the same status, code and details."""
    await town.publish()
    await town.admin.create_contest(CONTEST, "small-open")
    entered = await town.client(token(ANNA)).enter(CONTEST, ["A", "B", "C"], None, idempotency_key="one")
    bert = town.client(token(BERT))
    theirs, none = entered["entry_id"], "00000000-0000-0000-0000-000000000000"
    for ask in (bert.entry, bert.intent, bert.withdraw):
        one, other = [await _refusal(ask(CONTEST, entry_id)) for entry_id in (theirs, none)]
        assert (one.status, one.code) == (other.status, other.code) == (404, "NOT_FOUND")
        assert one.details == {"entry_id": theirs}
        assert other.details == {"entry_id": none}
    assert (await _refusal(bert.onboard(ANNA))).code == "NOT_FOUND"
    assert (await town.admin.entry(CONTEST, theirs))["account_did"] == ANNA


async def test_an_account_is_opened_and_its_link_given(town: Town) -> None:
    """POUT-001; asked again, it is the same account."""
    anna = town.client(token(ANNA))
    opened = await anna.onboard(email="anna@example.com")
    assert (opened["account_did"], opened["transfers_active"]) == (ANNA, False)
    assert opened["url"]
    assert (await anna.onboard(ANNA))["stripe_account_id"] == opened["stripe_account_id"]
    assert await town.admin.transfers() == []
    assert await town.admin.transfers(CONTEST) == []


async def test_refusals_of_the_engine_reach_the_caller(town: Town) -> None:
    assert (await _refusal(town.admin.create_contest(CONTEST, "small-open"))).code == "NOT_FOUND"
    refused = await town.publish(scoring={**CONFIG["scoring"], "count_best": 99})
    assert (refused["status"], refused["error"]["code"]) == (422, "CONFIG_INVALID")
    assert refused["error"]["details"]["faults"][0]["path"].startswith("scoring.")
    assert (await _refusal(town.admin.publish_config("not = [toml"))).code == "CONFIG_INVALID"
    anna = town.client(token(ANNA))
    assert (await _refusal(anna.enter("nowhere", ["A"], None, idempotency_key="k"))).code == "NOT_FOUND"
    await town.publish()
    await town.admin.create_contest(CONTEST, "small-open")
    assert (await _refusal(anna.enter(CONTEST, ["A"], None, idempotency_key="k"))).code == "ROSTER_INVALID"
    assert (await town.admin.cancel_contest(CONTEST, "a rehearsal"))["status"] == "CANCELLED"
    again = await _refusal(town.admin.cancel_contest(CONTEST, "a rehearsal"))
    assert (again.status, again.code) == (409, "INVALID_STATUS_TRANSITION")


async def test_the_engine_is_ready(town: Town) -> None:
    async with town.session.get(f"{town.url}/readyz") as response:
        assert (response.status, (await response.json())["status"]) == (200, "ready")
