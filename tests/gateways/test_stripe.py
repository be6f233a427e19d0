"""The gateway: committed parameters in, one outcome out, for every answer that Stripe can give."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from freezegun import freeze_time

from cutline.engine.errors import InvariantViolated
from cutline.gateways.stripe import StripeGateway, StripeOutcome, Succeeded
from cutline.gateways.stripe_errors import MEANINGS, UNKNOWN_CODE, Failed, Meaning, describe
from cutline.simulation.emulators.stripe import SECRET_KEY, ApiFault, StripeEmulator, listening

ROOT = Path(__file__).resolve().parents[2]
FEE = {"amount": 2_500, "currency": "usd", "metadata": {"entry_id": "e1"}}
ACCOUNT = {"type": "express", "capabilities": {"transfers": {"requested": True}}}


@dataclass
class Bench:
    gateway: StripeGateway
    emulator: StripeEmulator

    async def account(self) -> str:
        account = done(await self.gateway.create_account(ACCOUNT, "account"))
        self.emulator.set_account(account["id"], transfers="active")
        return str(account["id"])


def done(outcome: StripeOutcome) -> dict[str, Any]:
    assert isinstance(outcome, Succeeded), outcome
    return outcome.object


def refused(outcome: StripeOutcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


@asynccontextmanager
async def bench(timeout_s: float = 5) -> AsyncIterator[Bench]:
    emulator = StripeEmulator()
    async with ClientSession() as session, listening(emulator) as base_url:
        yield Bench(StripeGateway(SECRET_KEY, base_url, session, timeout_s=timeout_s), emulator)


async def test_entry_fee_is_asked_for_looked_up_and_refunded() -> None:
    async with bench() as b:
        intent = done(await b.gateway.create_payment_intent(FEE, "pay:e1:1"))
        assert type(intent) is dict
        assert intent["metadata"] == {"entry_id": "e1"}
        b.emulator.pay_intent(intent["id"])
        assert done(await b.gateway.retrieve_payment_intent(intent["id"]))["status"] == "succeeded"
        refund = done(await b.gateway.create_refund({"payment_intent": intent["id"]}, "refund:e1:1"))
        assert done(await b.gateway.retrieve_refund(refund["id"]))["amount"] == 2_500
        found = await b.gateway.find_refunds(intent["id"])
        assert isinstance(found, Succeeded)
        assert [one["id"] for one in found.objects] == [refund["id"]]
        asked = [event["request"]["idempotency_key"] for event in b.emulator.state.events]
        assert asked[0] == "pay:e1:1"
        assert asked[-1] == "refund:e1:1"


async def test_cancelling_what_is_already_paid_brings_the_paid_intent_back() -> None:
    """Design: "already succeeded" means paid, so the refusal must carry the intent."""
    async with bench() as b:
        intent = done(await b.gateway.create_payment_intent(FEE, "pay:e1:1"))
        b.emulator.pay_intent(intent["id"])
        failed = refused(await b.gateway.cancel_payment_intent(intent["id"], "cancel:e1:1"))
        assert (failed.kind, failed.code) == ("final", "payment_intent_unexpected_state")
        assert (failed.object["id"], failed.object["status"]) == (intent["id"], "succeeded")
        other = done(await b.gateway.create_payment_intent(FEE, "pay:e2:1"))
        reason = {"cancellation_reason": "abandoned"}
        cancelled = done(await b.gateway.cancel_payment_intent(other["id"], "cancel:e2:1", reason))
        assert (cancelled["status"], cancelled["cancellation_reason"]) == ("canceled", "abandoned")


async def test_winner_is_onboarded_and_paid_once_per_key() -> None:
    """POUT-032, POUT-033."""
    async with bench() as b:
        account = await b.account()
        urls = {"refresh_url": "http://127.0.0.1/a", "return_url": "http://127.0.0.1/b"}
        link = done(
            await b.gateway.create_account_link({"account": account, "type": "account_onboarding"} | urls, "link:1")
        )
        assert link["url"].startswith("http://127.0.0.1")
        assert done(await b.gateway.retrieve_account(account))["capabilities"] == {"transfers": "active"}
        b.emulator.top_up(10_000)
        prize = {"amount": 4_000, "currency": "usd", "destination": account, "transfer_group": "c1"}
        first = done(await b.gateway.create_transfer(prize, "payout:transfer:c1:e1:1"))
        assert done(await b.gateway.create_transfer(prize, "payout:transfer:c1:e1:1")) == first
        assert done(await b.gateway.retrieve_transfer(first["id"])) == first
        assert done(await b.gateway.balance())["available"][0]["amount"] == 6_000
        assert done(await b.gateway.balance(account))["available"][0]["amount"] == 4_000


async def test_any_operation_is_callable_by_name_and_nothing_else_leaves() -> None:
    """POUT-052: every write carries a key of ours; one without would get a random one.

    Attempts are committed as (operation, parameters, key).
    """
    async with bench() as b:
        intent = done(await b.gateway.call("create_payment_intent", FEE, "k1"))
        committed = {"id": intent["id"], "cancellation_reason": "abandoned"}
        assert done(await b.gateway.call("cancel_payment_intent", committed, "k2"))["status"] == "canceled"
        assert done(await b.gateway.call("retrieve_payment_intent", {"id": intent["id"]}, None))["id"] == intent["id"]
        account = await b.account()
        own = done(await b.gateway.call("balance", {"stripe_account": account}, None))
        assert own["available"][0]["amount"] == 0
        for operation, key in (("delete_account", "k"), ("create_transfer", None), ("balance", "k")):
            with pytest.raises(InvariantViolated):
                await b.gateway.call(operation, {}, key)
        assert committed == {"id": intent["id"], "cancellation_reason": "abandoned"}


async def test_listings_follow_every_page() -> None:
    async with bench() as b:
        account = await b.account()
        b.emulator.top_up(1_000)
        for number in range(103):
            prize = {"amount": 1, "currency": "usd", "destination": account, "transfer_group": f"c{number // 102}"}
            done(await b.gateway.create_transfer(prize, f"k{number}"))
        found = await b.gateway.find_transfers("c0")
        assert isinstance(found, Succeeded)
        assert len({one["id"] for one in found.objects}) == 102
        everything = done(await b.gateway.list_balance_transactions())["data"]
        assert len(everything) == 104
        assert (
            done(await b.gateway.list_balance_transactions(newer_than=everything[-1]["id"]))["data"] == everything[:-1]
        )
        assert done(await b.gateway.list_balance_transactions(newer_than=everything[0]["id"]))["data"] == []
        unknown = await b.gateway.list_balance_transactions(newer_than="txn_unknown")
        assert isinstance(unknown, Failed)
        assert unknown.code == "resource_missing"
        assert done(await b.gateway.find_transfers("none"))["data"] == []


async def test_events_and_balance_transactions_are_listed_by_time() -> None:
    with freeze_time("2026-04-01T12:00:00Z", real_asyncio=True) as clock:
        async with bench() as b:
            b.emulator.top_up(100)
            clock.tick(timedelta(hours=1))
            b.emulator.top_up(200)
            one_hour_on = datetime(2026, 4, 1, 13, tzinfo=UTC)
            later = done(await b.gateway.list_events(created_after=one_hour_on))["data"]
            assert [event["data"]["object"]["amount"] for event in later] == [200]
            assert done(await b.gateway.list_events(delivery_success=False))["data"] == []
            earlier = done(await b.gateway.list_balance_transactions(created_before=one_hour_on))["data"]
            assert [one["amount"] for one in earlier] == [100]
            since = done(await b.gateway.list_balance_transactions(created_from=one_hour_on))["data"]
            assert [one["amount"] for one in since] == [200]


CHOSEN_STATUS = {
    "authentication_failed": (401, None),
    "permission_denied": (403, None),
    "rate_limit": (429, None),
    "api_key_expired": (401, "api_key_expired"),
    "platform_api_key_expired": (401, "platform_api_key_expired"),
    "invalid_request": (400, None),
    "api_error": (500, None),
    "idempotency_key_in_use": (409, "idempotency_key_in_use"),
    "lock_timeout": (429, "lock_timeout"),
    "resource_missing": (404, "resource_missing"),
    "account_invalid": (403, "account_invalid"),
}
NOT_AN_ANSWER = {"connection_lost", "body_illegible", "idempotency_error"}


@pytest.mark.parametrize("code", sorted(MEANINGS.keys() - NOT_AN_ANSWER))
async def test_every_row_of_the_table_is_what_the_sdk_brings(code: str) -> None:
    """POUT-047: a row per code, each proved against the SDK's own error from a real answer."""
    http_status, sent_code = CHOSEN_STATUS.get(code, (400, code))
    error = {"type": "invalid_request_error", "message": "as chosen"} | ({"code": sent_code} if sent_code else {})
    async with bench() as b:
        b.emulator.faults.add(ApiFault(kind="answer", http_status=http_status, error=error))
        failed = refused(await b.gateway.create_transfer({"amount": 1}, "k"))
    meaning = MEANINGS[code]
    assert (failed.code, failed.http_status, failed.message) == (code, http_status, "as chosen")
    found = Meaning(kind=failed.kind, money_moved=failed.money_moved, alert=failed.alert, runbook=failed.runbook)
    assert found == meaning
    assert failed.request_id


@pytest.mark.parametrize(
    ("code", "kind", "money_moved"),
    [
        ("connection_lost", "retry_same_key", "unknown"),
        ("api_error", "retry_same_key", "unknown"),
        ("idempotency_key_in_use", "retry_same_key", "unknown"),
        ("rate_limit", "retry_same_key", "no"),
        ("lock_timeout", "retry_same_key", "no"),
        ("balance_insufficient", "later_new_attempt", "no"),
        ("account_closed", "final", "no"),
        ("invalid_request", "final", "no"),
        ("idempotency_error", "final", "unknown"),
        ("charge_already_refunded", "final", "yes"),
    ],
)
def test_classes_that_money_depends_on(code: str, kind: str, money_moved: str) -> None:
    """The table's decisive rows, written out a second time so that no edit passes unnoticed."""
    assert (MEANINGS[code].kind, MEANINGS[code].money_moved) == (kind, money_moved)


def test_every_row_that_alerts_leads_somewhere_and_the_page_is_the_table() -> None:
    """POUT-047: the classification is documented, and what it says is what the code does."""
    rows = [*MEANINGS.values(), UNKNOWN_CODE]
    assert all(row.runbook is not None for row in rows if row.alert)
    assert all((ROOT / row.runbook).is_file() for row in rows if row.runbook is not None)
    page = (ROOT / "docs/stripe-errors.md").read_text("utf-8")
    assert page.endswith("\n\n" + describe())


@pytest.mark.parametrize("http_status", [400, 402, 403, 404, 409, 418, 429])
async def test_unknown_code_is_retried_with_an_alert_and_never_terminal(http_status: int) -> None:
    """POUT-047."""
    async with bench() as b:
        error = {"type": "invalid_request_error", "code": "never_heard_of"}
        b.emulator.faults.add(ApiFault(kind="answer", http_status=http_status, error=error))
        failed = refused(await b.gateway.create_transfer({"amount": 1}, "k"))
    assert (failed.kind, failed.alert, failed.code) == ("retry_same_key", True, "never_heard_of")
    assert failed.money_moved == "unknown"


@pytest.mark.parametrize(("http_status", "code"), [(402, "card_declined"), (409, "idempotency_key_in_use")])
async def test_answer_without_a_code_is_named_by_its_status(http_status: int, code: str) -> None:
    async with bench() as b:
        b.emulator.faults.add(ApiFault(kind="answer", http_status=http_status))
        assert refused(await b.gateway.create_transfer({"amount": 1}, "k")).code == code


async def test_unknown_status_without_a_code_is_retried_with_an_alert() -> None:
    async with bench() as b:
        b.emulator.faults.add(ApiFault(kind="answer", http_status=418))
        failed = refused(await b.gateway.create_transfer({"amount": 1}, "k"))
    assert (failed.kind, failed.alert, failed.code) == ("retry_same_key", True, "http_418")


@pytest.mark.parametrize("kind", ["drop_before_commit", "drop_after_commit", "truncated_body", "slow"])
async def test_answer_that_does_not_come_is_unknown_and_the_same_key_settles_it(kind: Any) -> None:
    """Faults T1 and T2, POUT-033, POUT-038."""
    async with bench(timeout_s=0.1) as b:
        b.emulator.faults.add(ApiFault(kind=kind, seconds=0.15))
        failed = refused(await b.gateway.create_payment_intent(FEE, "k"))
        assert (failed.kind, failed.code, failed.money_moved) == ("retry_same_key", "connection_lost", "unknown")
        outcome = await b.gateway.create_payment_intent(FEE, "k")
        if kind == "slow":
            assert refused(outcome).code == "idempotency_key_in_use"
            return
        assert done(outcome)["id"] == b.emulator.state.payment_intents[0]["id"]
        assert len(b.emulator.state.payment_intents) == 1


async def test_key_with_other_parameters_is_final_and_alerts() -> None:
    """POUT-044, fault T5: stop and alert, never a new key."""
    async with bench() as b:
        done(await b.gateway.create_payment_intent(FEE, "k"))
        failed = refused(await b.gateway.create_payment_intent(FEE | {"amount": 2_600}, "k"))
    assert (failed.kind, failed.code, failed.money_moved, failed.alert) == (
        "final", "idempotency_error", "unknown", True,
    )  # fmt: skip


async def test_declined_card_names_the_decline_and_carries_the_intent() -> None:
    async with bench() as b:
        declined = FEE | {"payment_method": "pm_card_chargeDeclined", "confirm": True}
        failed = refused(await b.gateway.create_payment_intent(declined, "k"))
    assert (failed.kind, failed.code, failed.http_status) == ("final", "card_declined", 402)
    assert failed.object["status"] == "requires_payment_method"


async def test_read_that_fails_moved_no_money() -> None:
    async with bench() as b:
        # The transport itself repeats a read once where a kept connection turns out to be dead.
        for fault in (ApiFault(kind="drop_before_commit", times=2), ApiFault(kind="error_500")):
            b.emulator.faults.add(fault)
            failed = refused(await b.gateway.balance())
            assert (failed.kind, failed.money_moved) == ("retry_same_key", "no")
        b.emulator.faults.add(ApiFault(kind="error_500", operation="transfers.list"))
        assert refused(await b.gateway.find_transfers("c1")).code == "api_error"


@pytest.mark.parametrize(
    ("http_status", "body", "code"),
    [
        (200, b'{"id": "pi_1", "obj', "body_illegible"),
        (400, b"<html>", "body_illegible"),
        (400, b"[]", "body_illegible"),
        (200, b"\xff\xfe", "connection_lost"),
        (502, b"<html>", "api_error"),
    ],
)
async def test_illegible_answer_is_unknown(http_status: int, body: bytes, code: str) -> None:
    """A proxy in between may answer anything; what cannot be read decides nothing."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=http_status, body=body)

    app = web.Application()
    app.router.add_post("/v1/transfers", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        gateway = StripeGateway(SECRET_KEY, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
        failed = refused(await gateway.create_transfer({"amount": 1}, "k"))
    await runner.cleanup()
    assert (failed.kind, failed.code, failed.money_moved) == ("retry_same_key", code, "unknown")


async def test_stripe_that_is_down_is_a_retry() -> None:
    """POUT-041."""
    async with ClientSession() as session:
        gateway = StripeGateway(SECRET_KEY, "http://127.0.0.1:1", session)
        failed = refused(await gateway.create_transfer({"amount": 1}, "k"))
    assert (failed.kind, failed.code, failed.http_status) == ("retry_same_key", "connection_lost", None)
