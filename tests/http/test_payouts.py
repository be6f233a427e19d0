"""Payouts to the bank over the doors, with the real Stripe client against the emulated Stripe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from cutline.http.client import ApiRefused, CutlineClient
from cutline.simulation.emulators.stripe.faults import ApiFault, WebhookFault
from cutline.storage.reports.payout_days import payouts_of_day
from cutline.storage.verify import verify_root
from tests.http.bank import bank_with_stripe, payment
from tests.http.standin import ANNA, BERT, bearer, settings, token
from tests.http.town import Town, open_town, until

RANGE = {"from_": "2020-01-01", "to": "2100-01-01T00:00:00Z"}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Anna has 5000 cents here and a ready account at Stripe; what ends well is verified."""
    async with open_town(tmp_path) as opened:
        opened.stripe.top_up(50_000)
        await opened.deliver(payment("evt_anna", cents=5000, holder=ANNA))
        await onboarded(opened, ANNA)
        yield opened
    assert verify_root(tmp_path).problems == ()


async def onboarded(town: Town, did: str) -> str:
    opened = await town.client(token(did)).onboard()
    town.stripe.set_account(opened["stripe_account_id"], transfers="active")
    await town.settle()
    return str(opened["stripe_account_id"])


async def refusal(asking: Awaitable[Any]) -> ApiRefused:
    with pytest.raises(ApiRefused) as refused:
        await asking
    return refused.value


async def funds(town: Town, did: str = ANNA) -> tuple[int, int]:
    account = await town.client(token(did)).account(did)
    return account["available_cents"], account["held_cents"]


async def stands(client: CutlineClient, payout_id: str, status: str) -> dict[str, Any]:
    return await until(lambda: client.payout(payout_id), lambda payout: payout["status"] == status)


def sent(town: Town) -> list[dict[str, Any]]:
    return list(town.stripe.state.payouts)


async def pass_days(town: Town, days: float) -> None:
    town.stripe.set_clock_forward(timedelta(days=days))
    await town.settle()


async def test_a_payout_is_created_once_and_paid_by_its_webhook(town: Town) -> None:
    """POUT-002, POUT-009, POUT-013, POUT-015, POUT-019, POUT-025: 201, then 200; 3800 and 1200.

    It is paid once however often it is said.
    """
    anna = town.client(token(ANNA))
    body = {"amount_cents": 1200, "currency": "usd"}
    headers = {**bearer(token(ANNA)), "Idempotency-Key": "one"}
    answers = []
    for _ in range(2):
        async with town.session.post(f"{town.url}/v1/payouts", json=body, headers=headers) as response:
            answers.append((response.status, await response.json()))
    assert [status for status, _ in answers] == [201, 200]
    assert [answer["deduped"] for _, answer in answers] == [False, True]
    payout_id = answers[0][1]["payout_id"]
    assert answers[1][1]["payout_id"] == payout_id
    assert await funds(town) == (3800, 1200)

    await town.settle()
    given = await stands(anna, payout_id, "submitted")
    assert (given["waits_for"], given["transfer_cents"]) == ("bank", 1200)
    assert [one["amount"] for one in sent(town)] == [1200]
    town.stripe.faults.add(WebhookFault(kind="duplicate", event_type="payout.paid", copies=2))
    await pass_days(town, 2)
    paid = await stands(anna, payout_id, "paid")
    assert paid["finalized_at"] is not None
    assert await funds(town) == (3800, 0)
    assert town.rows("ledger", "SELECT count(*) FROM transactions WHERE kind = 'payout_paid'") == [(1,)]
    states = town.rows("payouts", "SELECT payout_id, status, stripe_payout_id, finalized_at FROM payout_states")
    assert [row[:3] for row in states] == [(payout_id, "paid", sent(town)[0]["id"])]
    assert states[0][3] is not None
    actors = [(change["status"], change["actor"]) for change in paid["audit_events"]]
    assert actors[0] == ("initiated", ANNA)
    assert actors[-2:] == [("finalizing_paid", "stripe"), ("paid", "ledger")]


async def test_a_payout_that_fails_rolls_back_to_what_was_there(town: Town) -> None:
    """POUT-014, POUT-027: 5000 again; and failing days after it was paid comes to the same."""
    anna = town.client(token(ANNA))
    first = await anna.pay_out(1200, "usd", idempotency_key="one")
    await town.settle()
    town.stripe.faults.add(WebhookFault(kind="duplicate", event_type="payout.failed", copies=2, times=9))
    town.stripe.fail_payout(sent(town)[0]["id"], "account_closed")
    await town.settle()
    assert (await stands(anna, first["payout_id"], "failed"))["reason"] == "account_closed"
    assert await funds(town) == (5000, 0)

    second = await anna.pay_out(1200, "usd", idempotency_key="two")
    assert second["transfer_cents"] == 0, "the money lies in the account already"
    await town.settle()
    await pass_days(town, 2)
    await stands(anna, second["payout_id"], "paid")
    assert await funds(town) == (3800, 0)
    town.stripe.fail_payout(sent(town)[1]["id"], "no_account")
    await town.settle()
    await stands(anna, second["payout_id"], "failed")
    assert await funds(town) == (5000, 0)
    failed = await town.admin.failed_payouts()
    assert [(one["payout_id"], one["reason"]) for one in failed] == [
        (second["payout_id"], "no_account"),
        (first["payout_id"], "account_closed"),
    ]
    books = await town.books.trial_balance()
    assert books["clearing:bank"] == books["clearing:payouts"] == 0
    assert books[f"stripe:connected:{ANNA}"] == 1200


async def test_twenty_at_once_under_one_key_are_one_payout(town: Town) -> None:
    """A4."""
    anna = town.client(token(ANNA))
    given = await asyncio.gather(*(anna.pay_out(1200, "usd", idempotency_key="one") for _ in range(20)))
    await town.settle()
    assert len({one["payout_id"] for one in given}) == 1
    assert sorted(one["deduped"] for one in given) == [False, *[True] * 19]
    assert (len(sent(town)), await funds(town)) == (1, (3800, 1200))


async def test_what_cannot_be_paid_is_refused_with_nothing_held_and_nothing_called(town: Town) -> None:
    """POUT-010, A5, A8."""
    anna, bert = town.client(token(ANNA)), town.client(token(BERT))
    await anna.pay_out(1200, "usd", idempotency_key="one")
    await town.settle()
    made = len(sent(town))
    reused = await refusal(anna.pay_out(1300, "usd", idempotency_key="one"))
    assert (reused.status, reused.code) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert reused.details["field"] == "amount_cents"
    short = await refusal(anna.pay_out(3801, "usd", idempotency_key="two"))
    assert (short.status, short.code, short.details["missing_cents"]) == (409, "INSUFFICIENT_FUNDS", 1)
    assert (await refusal(anna.pay_out(100, "eur", idempotency_key="three"))).code == "INSUFFICIENT_FUNDS"
    unready = await refusal(bert.pay_out(1, "usd", idempotency_key="one"))
    assert (unready.status, unready.code) == (409, "PAYOUTS_NOT_ENABLED")
    another = await refusal(bert.pay_out(1, "usd", idempotency_key="two", account_did=ANNA))
    assert (another.status, another.code) == (404, "NOT_FOUND")
    ops = town.client(token("olga", "ops"))
    assert (await refusal(ops.pay_out(1, "usd", idempotency_key="one", account_did=ANNA))).code == "FORBIDDEN"
    for body, code in (
        ({"amount_cents": 0, "currency": "usd"}, "REQUEST_INVALID"),
        ({"amount_cents": 1, "currency": "USD"}, "REQUEST_INVALID"),
        ({"amount_cents": 1, "currency": "usd", "to": "me"}, "REQUEST_INVALID"),
        ({"amount_cents": 1.0, "currency": "usd"}, "REQUEST_INVALID"),
    ):
        assert (await refusal(anna._post("/v1/payouts", body, idempotency_key="five"))).code == code
    no_key = await refusal(anna._post("/v1/payouts", {"amount_cents": 1, "currency": "usd"}))
    assert (no_key.status, no_key.code) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    await town.settle()
    assert (await funds(town), len(sent(town))) == ((3800, 1200), made)


async def test_an_admin_pays_for_an_account_holder_and_others_see_nothing_of_it(town: Town) -> None:
    """POUT-003, POUT-048, A8."""
    given = await town.admin.pay_out(1200, "usd", idempotency_key="one", account_did=ANNA)
    assert given["account_did"] == ANNA
    assert (await town.client(token(ANNA)).payout(given["payout_id"]))["amount_cents"] == 1200
    bert = town.client(token(BERT))
    theirs, none = await refusal(bert.payout(given["payout_id"])), await refusal(bert.payout("p9"))
    assert (theirs.status, theirs.code) == (none.status, none.code) == (404, "NOT_FOUND")
    assert theirs.details.keys() == none.details.keys()
    for asking in (
        bert.payouts(**RANGE),
        bert.stuck_payouts(),
        bert.failed_payouts(),
        bert.untriggered_payouts(),
        bert.retry_payout("p9"),
    ):
        assert (await refusal(asking)).code == "FORBIDDEN"
    await town.settle()


async def test_payouts_are_listed_page_by_page(town: Town) -> None:
    """POUT-007, POUT-008."""
    anna = town.client(token(ANNA))
    made = [(await anna.pay_out(100, "usd", idempotency_key=f"key-{n}"))["payout_id"] for n in range(5)]
    await town.settle()
    seen: list[str] = []
    query: dict[str, Any] = {**RANGE, "limit": 2}
    while True:
        page = await town.admin.payouts(**query)
        seen += [one["payout_id"] for one in page["payouts"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(made)
    assert seen == [one["payout_id"] for one in (await town.admin.payouts(**RANGE))["payouts"]]
    assert len((await town.admin.payouts(**RANGE, status="submitted", account_did=ANNA))["payouts"]) == 5
    assert (await town.admin.payouts(**RANGE, account_did=BERT))["payouts"] == []
    assert (await town.admin.payouts(from_="2100-01-01", to="2100-01-02"))["payouts"] == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"to": "2100-01-01"}, "query.from"),
        ({"from": "2020-01-01"}, "query.to"),
        ({"from": "yesterday", "to": "2100-01-01"}, "query.from"),
        ({"from": "2020-01-01", "to": "2100-01-01", "status": "PAID"}, "query.status"),
        ({"from": "2020-01-01", "to": "2100-01-01", "limit": "0"}, "query.limit"),
        ({"from": "2020-01-01", "to": "2100-01-01", "limit": "201"}, "query.limit"),
        ({"from": "2020-01-01", "to": "2100-01-01", "colour": "red"}, "query.colour"),
    ],
)
async def test_a_list_that_is_asked_for_wrongly_is_refused_by_name(
    town: Town, query: dict[str, str], path: str
) -> None:
    """POUT-007."""
    async with town.session.get(
        f"{town.url}/v1/payouts", params=query, headers=bearer(token("ada", "admin"))
    ) as response:
        answer = await response.json()
        assert (response.status, answer["error"]["code"]) == (400, "REQUEST_INVALID")
        assert [fault["path"] for fault in answer["error"]["details"]["faults"]] == [path]


@pytest.mark.parametrize("cursor", ["%%", "p1", "_p1", "12_", "-1_p1", "12345678901234567_p1"])
async def test_a_cursor_that_no_page_gave_is_refused(town: Town, cursor: str) -> None:
    refused = await refusal(town.admin.payouts(**RANGE, cursor=cursor))
    assert (refused.status, refused.code) == (400, "REQUEST_INVALID")
    assert [fault["path"] for fault in refused.details["faults"]] == ["query.cursor"]


async def test_a_name_that_comes_twice_in_a_query_is_refused(town: Town) -> None:
    twice = "from=2020-01-01&from=2021-01-01&to=2100-01-01"
    assert (await refusal(town.admin._get(f"/v1/payouts?{twice}"))).code == "REQUEST_INVALID"


async def test_a_stuck_payout_is_listed_and_a_retry_pays_it(town: Town) -> None:
    """POUT-004, POUT-005, POUT-016, POUT-017: a payout whose calls break waits with its money held."""
    anna = town.client(token(ANNA))
    town.stripe.faults.add(ApiFault(kind="lock_timeout", operation="payouts.create", times=1))
    given = await anna.pay_out(1200, "usd", idempotency_key="one")
    await town.settle()
    waiting = await stands(anna, given["payout_id"], "submitted")
    assert (waiting["waits_for"], waiting["reason"]) == ("stripe", "lock_timeout")
    assert (await town.admin.stuck_payouts(), await town.admin.stuck_payouts(1)) == ([], [])
    assert await town.admin.untriggered_payouts() == []
    retried = await town.admin.retry_payout(given["payout_id"])
    assert [one["actor"] for one in retried["audit_events"] if one["status"] == "retried"] == ["admin:ada"]
    await town.settle()
    assert (await anna.payout(given["payout_id"]))["waits_for"] == "bank"
    await pass_days(town, 2)
    await stands(anna, given["payout_id"], "paid")
    ended = await refusal(town.admin.retry_payout(given["payout_id"]))
    assert (ended.status, ended.code) == (409, "INVALID_STATUS_TRANSITION")
    assert (await refusal(town.admin.retry_payout("p9"))).code == "NOT_FOUND"
    assert len(sent(town)) == 1


@pytest.mark.parametrize("kind", ["drop_after_commit", "drop_before_commit", "error_500_after_commit"])
async def test_a_payout_whose_answer_is_lost_is_made_once(town: Town, kind: Any) -> None:
    """T1, T2, T6."""
    anna = town.client(token(ANNA))
    town.stripe.faults.add(ApiFault(kind=kind, operation="payouts.create"))
    given = await anna.pay_out(1200, "usd", idempotency_key="one")
    await town.settle()
    await town.admin.retry_payout(given["payout_id"])
    await town.settle()
    await pass_days(town, 2)
    await stands(anna, given["payout_id"], "paid")
    assert ([one["amount"] for one in sent(town)], await funds(town)) == ([1200], (3800, 0))


async def test_the_daily_report_counts_a_payout_whose_transfer_is_under_way_as_submitted(town: Town) -> None:
    """REC-006: as it is answered when asked; the transfer that it needs is a step of the payout."""
    town.stripe.faults.add(ApiFault(kind="error_500", operation="transfers.create", times=1_000_000))
    anna = town.client(token(ANNA))
    paid = await anna.pay_out(1200, "usd", idempotency_key="one")
    await town.settle()
    assert (await anna.payout(paid["payout_id"]))["status"] == "submitted"
    rows = payouts_of_day(town.data, paid["created_at"][:10])["rows"]
    assert [(row["id"], row["account_did"], row["amount_cents"], row["status"]) for row in rows] == [
        (paid["payout_id"], ANNA, 1200, "submitted")
    ]


async def test_what_stripe_refuses_for_good_is_given_back(town: Town) -> None:
    """POUT-039."""
    anna = town.client(token(ANNA))
    error = {"type": "invalid_request_error", "code": "payouts_not_allowed", "message": "no"}
    town.stripe.faults.add(ApiFault(kind="answer", operation="payouts.create", http_status=400, error=error))
    given = await anna.pay_out(1200, "usd", idempotency_key="one")
    await town.settle()
    assert (await stands(anna, given["payout_id"], "failed"))["reason"] == "payouts_not_allowed"
    assert (sent(town), await funds(town)) == ([], (5000, 0))


async def test_the_address_of_onboarding_is_checked_at_the_start() -> None:
    """POUT-024."""
    for wrong in ("cutline.example", "ftp://cutline.example", "https://"):
        with pytest.raises(ValidationError, match="stripe_connect_onboard_base_url"):
            settings(stripe_connect_onboard_base_url=wrong)
    right = settings(stripe_connect_onboard_base_url="https://example.test/a")
    assert right.stripe_connect_onboard_base_url == "https://example.test/a"


async def test_times_in_a_query_are_read_as_utc(town: Town) -> None:
    await town.client(token(ANNA)).pay_out(100, "usd", idempotency_key="one")
    now = datetime.now(UTC)
    earlier, later = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    assert len((await town.admin.payouts(from_=earlier, to=later))["payouts"]) == 1
    assert (await town.admin.payouts(from_=later, to=earlier))["payouts"] == []
    await town.settle()


async def test_a_webhook_whose_mapping_breaks_is_tried_again_and_pays_once(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """POUT-028, FWD-016: the event waits in the outbox, and neither its retry nor Stripe's own finalises twice."""
    async with bank_with_stripe(tmp_path, session) as bank, bank.open():
        bank.stripe.top_up(50_000)
        await bank.deliver(payment("evt_anna", cents=5000, holder=ANNA))
        anna = bank.client(token(ANNA))
        account = await anna.onboard()
        bank.stripe.set_account(account["stripe_account_id"], transfers="active")
        await bank.stripe.deliver_due()
        await until(anna.onboard, lambda opened: opened["transfers_active"])
        given = await anna.pay_out(1200, "usd", idempotency_key="one")
        await until(lambda: anna.payout(given["payout_id"]), lambda payout: payout["waits_for"] == "bank")
        bank.stripe.set_clock_forward(timedelta(days=2))
        [paid] = [event for event in bank.stripe.state.events if event["type"] == "payout.paid"]
        bank.ledger.breaks_deciding.add(paid["id"])
        await bank.stripe.deliver_due()
        assert (await anna.payout(given["payout_id"]))["status"] == "submitted"
        bank.ledger.breaks_deciding.clear()
        retried = await bank.service.retry_forwarding(force=True)
        assert (retried["attempted"], retried["forwarded"]) == (1, 1)
        await stands(anna, given["payout_id"], "paid")
        bank.stripe.set_clock_forward(timedelta(hours=1))
        await bank.stripe.deliver_due()
        assert bank.rows("SELECT count(*) FROM transactions WHERE kind = 'payout_paid'") == [(1,)]
        assert (await anna.account(ANNA))["held_cents"] == 0
    assert verify_root(bank.root).problems == ()
