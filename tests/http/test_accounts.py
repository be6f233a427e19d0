"""Statements, debts, write-offs, closures and yearly totals over the doors, from what really happened at Stripe."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from cutline.storage.verify import verify_root
from tests.http.standin import ANNA, BERT, LEDGER_KEY, bearer, token
from tests.http.town import FEE_CENTS, Town, open_town

ADA = bearer(token("ada", "admin"))
OLGA = bearer(token("olga", "ops"))


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path) as opened:
        yield opened


async def get(town: Town, path: str, headers: dict[str, str] = ADA) -> tuple[int, Any]:
    async with town.session.get(f"{town.url}{path}", headers=headers) as response:
        return response.status, await response.json()


async def post(town: Town, path: str, body: dict[str, Any], headers: dict[str, str] = ADA) -> tuple[int, Any]:
    async with town.session.post(f"{town.url}{path}", json=body, headers=headers) as response:
        return response.status, await response.json()


async def pay(town: Town, did: str, key: str = "one") -> tuple[str, str]:
    """Enter and pay; return the entry and its charge."""
    entry, intent = await town.enter(did, key)
    charge = town.stripe.pay_intent(intent)["latest_charge"]
    await town.settle()
    return entry, charge


def kinds(statement: Any) -> list[str]:
    return [line["kind"] for line in statement["lines"]]


async def test_a_statement_shows_fees_and_refunds_to_its_holder_and_to_staff_alone(town: Town) -> None:
    """A fee that plays, a fee that went back; somebody else's account is as unknown as one that is not."""
    await town.found()
    first, _ = await pay(town, ANNA)
    second, _ = await pay(town, ANNA, "two")
    await pay(town, BERT)
    await town.client(token(ANNA)).refund("small-open-1", second)
    await town.settle()

    path = f"/v1/accounts/{ANNA}/statement"
    status, own = await get(town, path, bearer(token(ANNA)))
    assert (status, kinds(own)) == (200, ["fee", "fee", "refund_due", "refund"])
    assert [line["entry_id"] for line in own["lines"]] == [first, second, second, second]
    assert {line["amount_cents"] for line in own["lines"]} == {FEE_CENTS}
    sums = own["totals"]["usd"]
    assert (sums["fee"], sums["refund"], sums["winnings"]) == (2 * FEE_CENTS, FEE_CENTS, 0)
    assert (await get(town, path, OLGA))[1] == own

    foreign = await get(town, path, bearer(token(BERT)))
    nobody = await get(town, "/v1/accounts/did:nobody/statement", bearer(token("did:nobody")))
    assert (foreign[0], foreign[1]["error"]["code"]) == (nobody[0], nobody[1]["error"]["code"])
    assert foreign[0] == 404

    async with town.session.get(f"{town.url}{path}?format=csv", headers=ADA) as response:
        assert response.content_type == "text/csv"
        rows = list(csv.DictReader(io.StringIO(await response.text())))
    assert [row["kind"] for row in rows] == kinds(own)

    today, day = datetime.now(UTC).date(), timedelta(days=1)
    _, before = await get(town, f"{path}?to={today - 2 * day}")
    assert before["lines"] == []
    _, during = await get(town, f"{path}?from={today - day}&to={today + day}")
    assert kinds(during) == kinds(own)
    for wrong in ("from=today", "to=2026-13-01", "format=xml"):
        assert (await get(town, f"{path}?{wrong}"))[0] == 400


async def test_a_lost_dispute_is_a_debt_that_an_admin_writes_off(town: Town) -> None:
    """DISP-002, DISP-004: driven by Stripe's own webhooks; the entry plays on."""
    await town.found()
    entry, charge = await pay(town, ANNA)
    dispute = town.stripe.open_dispute(charge, names_intent=False)
    await town.settle()
    _, open_ones = await get(town, "/v1/debts", OLGA)
    assert [(one["loss_event_id"], one["status"]) for one in open_ones["disputes"]] == [(dispute["id"], "open")]
    town.stripe.decide_dispute(dispute["id"], "lost")
    await town.settle()
    assert await town.status(entry) == "ACTIVE"

    own = f"/v1/accounts/{ANNA}/debts"
    _, debts = await get(town, own, bearer(token(ANNA)))
    assert [(debt["status"], debt["amount_cents"]) for debt in debts["debts"]] == [("owed", FEE_CENTS)]
    assert (await get(town, own, bearer(token(BERT))))[0] == 404
    _, statement = await get(town, f"/v1/accounts/{ANNA}/statement")
    assert kinds(statement) == ["fee", "dispute_lost"]
    assert statement["lines"][-1]["debt_cents"] == FEE_CENTS
    async with town.session.get(f"{town.url}/metrics") as response:
        assert f'cutline_receivable_cents{{currency="usd"}} {FEE_CENTS}.0' in await response.text()

    asked = {"loss_event_id": dispute["id"], "reason": "gone"}
    assert (await post(town, "/v1/debts/write-off", asked, OLGA))[0] == 403
    given = {"loss_event_id": dispute["id"], "deduped": False}
    assert await post(town, "/v1/debts/write-off", asked) == (201, given)
    assert (await post(town, "/v1/debts/write-off", asked))[0] == 200
    assert (await post(town, "/v1/debts/write-off", asked | {"reason": "other"}))[0] == 409
    assert (await post(town, "/v1/debts/write-off", asked | {"loss_event_id": "dp_never"}))[0] == 404
    balances = await town.books.trial_balance()
    assert (balances[f"receivable:{ANNA}"], balances["expense:bad_debt"]) == (0, FEE_CENTS)
    assert not verify_root(town.data).problems


async def test_a_won_dispute_a_refund_from_outside_and_one_that_came_back_are_all_on_the_statement(town: Town) -> None:
    await town.found()
    _, charge = await pay(town, ANNA)
    dispute = town.stripe.open_dispute(charge)
    await town.settle()
    town.stripe.decide_dispute(dispute["id"], "won")
    await town.settle()
    _, intent = await town.enter(BERT)
    town.stripe.pay_intent(intent)
    await town.settle()
    refund = town.refund(intent)
    await town.settle()
    town.stripe.fail_refund(refund["id"])
    await town.settle()
    _, anna = await get(town, f"/v1/accounts/{ANNA}/statement")
    _, bert = await get(town, f"/v1/accounts/{BERT}/statement")
    assert kinds(anna) == ["fee"], "a dispute that was won has moved nothing of the payer's"
    assert kinds(bert) == ["fee", "refund_made_outside", "refund_came_back"]
    assert (bert["lines"][-1]["available_cents"], bert["lines"][-1]["debt_cents"]) == (FEE_CENTS, FEE_CENTS)
    balances = await town.books.trial_balance()
    assert balances[f"disputes:{dispute['id']}"] == 0
    assert balances["expense:dispute_fees"] == 1500
    assert not verify_root(town.data).problems


async def test_an_account_is_closed_once_and_its_money_goes_to_suspense(town: Town) -> None:
    """POUT-043."""
    key = {"x-admin-key": LEDGER_KEY}
    credit = {
        "provider_reference": "till-1", "account_did": ANNA, "amount_cents": 700, "currency": "usd",
        "idempotency_key": "k1",
    }  # fmt: skip
    assert (await post(town, "/v1/payments/settlements/ingest", credit, key))[0] == 201
    path = f"/v1/accounts/{ANNA}/close"
    assert (await post(town, path, {"reason": "deleted"}, OLGA))[0] == 403
    assert (await post(town, "/v1/accounts/did:nobody/close", {"reason": "deleted"}))[0] == 404
    assert await post(town, path, {"reason": "deleted"}) == (200, {"account_did": ANNA, "deduped": False})
    assert (await post(town, path, {"reason": "deleted"}))[1]["deduped"]
    again = credit | {"provider_reference": "till-2", "idempotency_key": "k2"}
    assert (await post(town, "/v1/payments/settlements/ingest", again, key))[0] == 201
    balances = await town.books.trial_balance()
    assert (balances[f"user:{ANNA}:available"], balances["suspense"]) == (0, -1400)
    _, statement = await get(town, f"/v1/accounts/{ANNA}/statement")
    assert kinds(statement) == ["credit", "account_closed", "credit", "account_closed"]
    assert not verify_root(town.data).problems


async def test_yearly_totals_are_for_admins_and_need_a_year(town: Town) -> None:
    year = datetime.now(UTC).year
    assert (await get(town, f"/v1/accounts/yearly-totals?year={year}", OLGA))[0] == 403
    assert (await get(town, "/v1/accounts/yearly-totals"))[0] == 400
    assert (await get(town, "/v1/accounts/yearly-totals?year=20x6"))[0] == 400
    await town.found()
    await pay(town, ANNA)
    assert await get(town, f"/v1/accounts/yearly-totals?year={year}") == (200, {"year": year, "totals": []})


@pytest.mark.parametrize("did", ["a%26b", "%C3%9A", "did:x%0A", "x" * 201])
@pytest.mark.parametrize("path", ["", "/debts", "/statement"])
async def test_a_name_that_nobody_can_have_is_an_unknown_account(town: Town, did: str, path: str) -> None:
    """FRZ-024: the documents say what a name looks like, and staff is not told that such a one owes nothing."""
    headers = bearer(LEDGER_KEY) if not path else OLGA
    async with town.session.get(URL(f"{town.url}/v1/accounts/{did}{path}", encoded=True), headers=headers) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "ACCOUNT_UNKNOWN")
