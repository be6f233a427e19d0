"""Money that comes back through the emulator: disputes, reversals, and refunds and payouts that fail after success."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import stripe
from aiohttp import ClientSession
from freezegun import freeze_time

from cutline.gateways.stripe import API_VERSION, SessionClient
from cutline.simulation.emulators.stripe import SECRET_KEY, ApiError, StripeEmulator, listening

START = "2026-04-01T12:00:00Z"  # a Wednesday
FEE_CENTS, CHARGE_FEE_CENTS, DISPUTE_FEE_CENTS = 2_500, 103, 1_500


@asynccontextmanager
async def connected(emulator: StripeEmulator) -> AsyncIterator[Any]:
    stripe.enable_telemetry = False
    async with ClientSession() as session, listening(emulator) as base_url:
        client = stripe.StripeClient(
            SECRET_KEY,
            http_client=SessionClient(session, timeout_s=5),
            stripe_version=API_VERSION,
            base_addresses={"api": base_url},
        )
        yield client.v1


async def paid(v1: Any, method: str = "pm_card_bypassPending") -> Any:
    wish = {"amount": FEE_CENTS, "currency": "usd", "payment_method": method, "confirm": True}
    return await v1.payment_intents.create_async(wish)


async def winner(v1: Any, emulator: StripeEmulator, cents: int = 5_000) -> tuple[str, Any]:
    """Return a connected account and a transfer to it."""
    account = await v1.accounts.create_async({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    emulator.set_account(account.id, transfers="active")
    emulator.top_up(cents)
    wish = {"amount": cents, "currency": "usd", "destination": account.id}
    return account.id, await v1.transfers.create_async(wish)


def available(emulator: StripeEmulator, account: str | None = None) -> int:
    state = emulator.state
    balance = state.balance if account is None else state.connected_balances[account]
    return int(balance["available"][0]["amount"])


def event_types(emulator: StripeEmulator, prefix: str) -> list[str]:
    return [event["type"] for event in emulator.state.events if event["type"].startswith(prefix)]


async def test_dispute_takes_amount_and_fee_and_a_won_one_gives_the_amount_back() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await paid(v1)
        dispute = emulator.open_dispute(intent.latest_charge)
        assert available(emulator) == -CHARGE_FEE_CENTS - DISPUTE_FEE_CENTS
        taken = dispute["balance_transactions"][0]
        assert (taken["amount"], taken["fee"], taken["type"], taken["reporting_category"], taken["source"]) == (
            -FEE_CENTS, DISPUTE_FEE_CENTS, "adjustment", "dispute", dispute["id"],
        )  # fmt: skip
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await v1.refunds.create_async({"payment_intent": intent.id})
        assert caught.value.code == "charge_disputed"
        with pytest.raises(ApiError, match="charged back"):
            emulator.open_dispute(intent.latest_charge)
        answered = await v1.disputes.update_async(dispute["id"], {"evidence": {"uncategorized_text": "They played."}})
        assert (answered.status, answered.evidence_details.submission_count) == ("under_review", 1)
        won = emulator.decide_dispute(dispute["id"], "won")
        assert [one["net"] for one in won["balance_transactions"]] == [-FEE_CENTS - DISPUTE_FEE_CENTS, FEE_CENTS]
        with pytest.raises(ApiError, match="status of won"):
            emulator.decide_dispute(dispute["id"], "lost")
        assert (await v1.charges.retrieve_async(intent.latest_charge)).disputed is True
    assert available(emulator) == FEE_CENTS - CHARGE_FEE_CENTS - DISPUTE_FEE_CENTS
    assert event_types(emulator, "charge.dispute") == [
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated",
        "charge.dispute.funds_reinstated", "charge.dispute.closed",
    ]  # fmt: skip


@pytest.mark.parametrize(("evidence", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
async def test_disputed_card_and_stripes_own_test_evidence_decide_without_levers(evidence: str, status: str) -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await paid(v1, "pm_card_createDispute")
        dispute = (await v1.disputes.list_async({"payment_intent": intent.id})).data[0]
        kept = await v1.disputes.update_async(dispute.id, {"evidence": {"customer_name": "A"}, "submit": False})
        assert (kept.status, kept.evidence.customer_name) == ("needs_response", "A")
        decided = await v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": evidence}})
        assert decided.status == status
        with pytest.raises(stripe.InvalidRequestError, match=f"status of {status}"):
            await v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "more"}})
        with pytest.raises(stripe.InvalidRequestError, match="Unknown evidence"):
            await v1.disputes.update_async(dispute.id, {"evidence": {"horoscope": "bad"}})


async def test_dispute_that_nobody_answers_is_lost_after_nine_days() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            dispute = emulator.open_dispute((await paid(v1)).latest_charge, names_intent=False)
            assert dispute["payment_intent"] is None
            clock.tick(timedelta(days=9))
            assert (await v1.disputes.retrieve_async(dispute["id"])).status == "lost"
            with pytest.raises(stripe.InvalidRequestError, match="status of lost"):
                await v1.disputes.close_async(dispute["id"])
    assert event_types(emulator, "charge.dispute")[-1] == "charge.dispute.closed"


async def test_dispute_is_never_about_more_than_is_left_of_a_good_charge() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await paid(v1)
        await v1.refunds.create_async({"payment_intent": intent.id, "amount": 1_000})
        for cents in (0, 1_501):
            with pytest.raises(ApiError, match="greater than"):
                emulator.open_dispute(intent.latest_charge, amount_cents=cents)
        assert emulator.open_dispute(intent.latest_charge)["amount"] == 1_500
        with pytest.raises(stripe.CardError):
            await paid(v1, "pm_card_chargeDeclined")
        with pytest.raises(ApiError, match="not successful"):
            emulator.open_dispute(emulator.state.charges[-1]["id"])
        with pytest.raises(ApiError, match="No such charge"):
            emulator.open_dispute("ch_x")


async def test_refund_can_fail_after_it_succeeded_and_its_money_is_there_again() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        intent = await paid(v1)
        refund = await v1.refunds.create_async({"payment_intent": intent.id})
        assert available(emulator) == -CHARGE_FEE_CENTS
        failed = emulator.fail_refund(refund.id)
        assert (failed["status"], failed["failure_reason"]) == ("failed", "lost_or_stolen_card")
        back = await v1.balance_transactions.retrieve_async(failed["failure_balance_transaction"])
        assert (back.type, back.amount, back.source) == ("refund_failure", FEE_CENTS, refund.id)
        charge = await v1.charges.retrieve_async(intent.latest_charge)
        assert (charge.refunded, charge.amount_refunded) == (False, 0)
        with pytest.raises(ApiError, match="status of failed"):
            emulator.fail_refund(refund.id)
    assert available(emulator) == FEE_CENTS - CHARGE_FEE_CENTS
    assert event_types(emulator, "refund.")[-2:] == ["refund.failed", "refund.updated"]


async def test_reversal_needs_what_the_destination_still_has() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        account, transfer = await winner(v1, emulator)
        part = await v1.transfers.reversals.create_async(transfer.id, {"amount": 1_000, "metadata": {"a": "b"}})
        assert (part.object, part.amount, part.transfer) == ("transfer_reversal", 1_000, transfer.id)
        with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed"):
            await v1.transfers.reversals.create_async(transfer.id, {"amount": 4_001})
        payout = await v1.payouts.create_async({"amount": 4_000, "currency": "usd"}, {"stripe_account": account})
        with pytest.raises(stripe.InvalidRequestError) as short:
            await v1.transfers.reversals.create_async(transfer.id)
        assert short.value.code == "balance_insufficient"
        emulator.fail_payout(payout.id)
        rest = await v1.transfers.reversals.create_async(transfer.id)
        reversed_transfer = await v1.transfers.retrieve_async(transfer.id)
        assert (reversed_transfer.reversed, reversed_transfer.amount_reversed) == (True, 5_000)
        listed = await v1.transfers.reversals.list_async(transfer.id)
        assert [one.id for one in listed.data] == [rest.id, part.id]
        with pytest.raises(stripe.InvalidRequestError, match="already fully reversed"):
            await v1.transfers.reversals.create_async(transfer.id)
        with pytest.raises(stripe.InvalidRequestError, match="No such transfer reversal"):
            await v1.transfers.reversals.retrieve_async(transfer.id, "trr_x")
    assert (available(emulator), available(emulator, account)) == (5_000, 0)
    assert event_types(emulator, "transfer.") == ["transfer.created", "transfer.reversed", "transfer.reversed"]


async def test_reversal_of_pending_money_takes_pending_money() -> None:
    emulator = StripeEmulator()
    async with connected(emulator) as v1:
        account, _ = await winner(v1, emulator)
        charge = (await paid(v1, "pm_card_visa")).latest_charge
        wish = {"amount": 2_000, "currency": "usd", "destination": account, "source_transaction": charge}
        transfer = await v1.transfers.create_async(wish)
        await v1.transfers.reversals.create_async(transfer.id)
    balance = emulator.state.connected_balances[account]
    assert (balance["available"][0]["amount"], balance["pending"][0]["amount"]) == (5_000, 0)


async def test_payout_goes_its_way_and_may_fail_until_five_business_days_after() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            account, _ = await winner(v1, emulator)
            own = {"stripe_account": account}
            made = [await v1.payouts.create_async({"amount": 2_000, "currency": "usd"}, own) for _ in range(2)]
            for day, status in (("2026-04-02", "in_transit"), ("2026-04-03", "paid")):
                clock.move_to(datetime.fromisoformat(f"{day}T12:00:00+00:00"))
                assert (await v1.payouts.retrieve_async(made[0].id, options=own)).status == status
            clock.move_to(datetime.fromisoformat("2026-04-10T23:00:00+00:00"))  # a week of business days later
            failed = emulator.fail_payout(made[0].id, "no_account")
            assert (failed["status"], failed["failure_code"]) == ("failed", "no_account")
            assert available(emulator, account) == 3_000
            clock.move_to(datetime.fromisoformat("2026-04-11T00:00:00+00:00"))
            for payout in made:
                with pytest.raises(ApiError, match="cannot become failed"):
                    emulator.fail_payout(payout.id)
            assert [one.id for one in (await v1.payouts.list_async({"status": "failed"}, own)).data] == [made[0].id]
            assert (await v1.payouts.list_async()).data == []
    events = [event for event in emulator.state.events if event["type"].startswith("payout.")]
    assert {event["account"] for event in events} == {account}
    of_one = [event["type"] for event in events if event["data"]["object"]["id"] == made[0].id]
    assert of_one == ["payout.created", "payout.updated", "payout.paid", "payout.failed"]


async def test_payout_is_cancelled_while_pending_and_needs_an_account_that_may() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            account, _ = await winner(v1, emulator)
            wish, own = {"amount": 2_000, "currency": "usd"}, {"stripe_account": account}
            first, second = [await v1.payouts.create_async(wish, own) for _ in range(2)]
            assert (await v1.payouts.cancel_async(first.id, options=own)).status == "canceled"
            clock.tick(timedelta(days=1))
            with pytest.raises(stripe.InvalidRequestError, match="status of in_transit"):
                await v1.payouts.cancel_async(second.id, options=own)
            emulator.set_account(account, transfers="active", payouts_enabled=False)
            with pytest.raises(stripe.InvalidRequestError) as caught:
                await v1.payouts.create_async(wish, own)
            assert caught.value.code == "payouts_not_allowed"
            clock.tick(timedelta(days=5))
            assert (await v1.payouts.retrieve_async(first.id, options=own)).status == "canceled"
    assert available(emulator, account) == 3_000


async def test_automatic_payouts_drain_what_transfers_need() -> None:
    with freeze_time(START, real_asyncio=True) as clock:
        emulator = StripeEmulator()
        async with connected(emulator) as v1:
            emulator.top_up(5_000)
            intent = await paid(v1)
            emulator.pay_out_automatically(enabled=True)
            clock.move_to(datetime.fromisoformat("2026-04-02T00:00:00+00:00"))
            drained = (await v1.payouts.list_async()).data[0]
            taken_cents = 5_000 + FEE_CENTS - CHARGE_FEE_CENTS
            assert (drained.amount, drained.automatic, drained.reconciliation_status) == (
                taken_cents,
                True,
                "completed",
            )
            assert available(emulator) == 0
            inside = await v1.balance_transactions.list_async({"payout": drained.id})
            assert sorted(one.type for one in inside.data) == ["charge", "payout", "topup"]
            await v1.refunds.create_async({"payment_intent": intent.id})
            clock.tick(timedelta(days=3))
            assert len((await v1.payouts.list_async()).data) == 1  # nothing is paid out of a debt
            emulator.pay_out_automatically(enabled=False)
            emulator.top_up(9_000)
            clock.tick(timedelta(days=3))
            assert available(emulator) == 9_000 - FEE_CENTS
