"""What was paid and cannot play goes back, once, whatever Stripe's line does (PAY-042, T1, T3, T6, T11, I4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from cutline.http.client import ApiRefused
from cutline.simulation.emulators.stripe import refunds
from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.faults import ApiFault, ApiFaultKind, WebhookFault
from cutline.simulation.emulators.stripe.payment_intents import create
from tests.api.village import CONTEST, FEE_CENTS, LOCK_AT, Village, live
from tests.http.standin import ANNA, BERT

SOON = timedelta(minutes=2)
A_DAY = timedelta(hours=26)
"""Longer than Stripe keeps an idempotency key."""


async def paid_entries(village: Village, number: int) -> list[tuple[str, str]]:
    """So many entries that play, each of somebody else, with their intents."""
    await village.found()
    entries = [await village.enter(f"did:player:{one}") for one in range(number)]
    for _, intent in entries:
        village.stripe.pay_intent(intent)
    await village.wait(SOON)
    assert {await village.entry(entry) for entry, _ in entries} == {"ACTIVE"}
    return entries


async def nothing_left(village: Village) -> None:
    """Only the owner's capital is left in the books."""
    book = await village.balances()
    assert book.pop("stripe:platform", 0) == -book.pop("equity:capital", 0)
    assert book == {}


@pytest.mark.parametrize("locked", [False, True])
def test_a_cancelled_contest_refunds_everyone_once(tmp_path: Path, locked: bool) -> None:
    """Before the lock and after it; whoever has not paid is let go, and to cancel again is refused."""

    async def story(village: Village) -> None:
        entries = await paid_entries(village, 5)
        if locked:
            await village.wait_until(LOCK_AT + SOON)
        else:
            unpaid, open_intent = await village.enter(BERT)
        await village.admin.cancel_contest(CONTEST, "a rehearsal")
        with pytest.raises(ApiRefused, match="409 INVALID_STATUS_TRANSITION"):
            await village.admin.cancel_contest(CONTEST, "a rehearsal")
        await village.wait(SOON)
        assert {await village.entry(entry) for entry, _ in entries} == {"CANCELLED"}
        assert village.refunds() == {intent: 1 for _, intent in entries}
        assert {refund["amount"] for refund in village.stripe.state.refunds} == {FEE_CENTS}
        if not locked:
            assert await village.entry(unpaid) == "CANCELLED"
            assert village.intent(open_intent)["status"] == "canceled"
        await village.wait(timedelta(hours=2))
        assert len(village.stripe.state.refunds) == 5
        await nothing_left(village)

    live(tmp_path, story)


@pytest.mark.parametrize("kind", ["drop_before_commit", "drop_after_commit", "error_500", "error_500_after_commit"])
def test_a_cancelled_contest_refunds_everyone_once_though_stripe_is_down_for_a_day(
    tmp_path: Path, kind: ApiFaultKind
) -> None:
    """T1 to T3, T6: no call works for 26 hours, nor does a webhook come; what was made in spite of it is found."""

    async def story(village: Village) -> None:
        entries = await paid_entries(village, 3)
        faults = village.stripe.faults
        faults.add(WebhookFault(kind="drop", times=1_000_000))
        faults.add(ApiFault(kind=kind, operation="refunds.create", times=len(entries)))
        faults.add(ApiFault(kind="drop_before_commit", times=1_000_000))
        await village.admin.cancel_contest(CONTEST, "the course is under water")
        await village.wait(A_DAY / 2)
        await village.box.crash()
        await village.wait(timedelta(minutes=5))
        await village.box.boot()
        await village.wait(A_DAY / 2)
        book = await village.balances()
        assert book[f"refunds:{CONTEST}"] == -len(entries) * FEE_CENTS  # it stays owed, and visible
        faults.clear()
        await village.wait(timedelta(hours=14))
        assert village.refunds() == {intent: 1 for _, intent in entries}
        assert {await village.entry(entry) for entry, _ in entries} == {"CANCELLED"}
        await nothing_left(village)

    live(tmp_path, story, look_every_s=600)


def test_a_withdrawal_before_the_lock_is_refunded_once_however_often_it_is_asked(tmp_path: Path) -> None:
    """PAY-042: the same answer, and one refund; the seat is free again."""

    async def story(village: Village) -> None:
        [(entry_id, intent)] = await paid_entries(village, 1)
        client = village.client("did:player:0")
        answers = await asyncio.gather(*(client.withdraw(CONTEST, entry_id) for _ in range(5)))
        assert sorted(answer["deduped"] for answer in answers) == [False, True, True, True, True]
        await village.wait(SOON)
        assert await village.entry(entry_id) == "WITHDRAWN"
        assert village.refunds() == {intent: 1}
        await nothing_left(village)
        again, intent = await village.enter("did:player:0", "two")
        village.stripe.pay_intent(intent)
        await village.wait(SOON)
        assert await village.entry(again) == "ACTIVE"

    live(tmp_path, story)


@pytest.mark.parametrize("then", ["plays", "withdraws", "is cancelled"])
def test_two_payments_for_one_entry_play_once_and_the_other_goes_back(
    tmp_path: Path, then: Literal["plays", "withdraws", "is cancelled"]
) -> None:
    """I4: a second intent with our metadata is paid too; each payment has one fate, whatever becomes of the entry."""

    async def story(village: Village) -> None:
        await village.found()
        entry_id, first = await village.enter(ANNA)
        metadata = village.intent(first)["metadata"]
        others = []
        for _ in range(2):
            platform = village.stripe.platform
            platform.begin()
            made = create(
                platform, Call(parameters={"amount": str(FEE_CENTS), "currency": "usd", "metadata": metadata})
            )
            others.append(made["id"])
        for intent in (first, *others):
            village.stripe.pay_intent(intent)
            await village.wait(SOON)
        assert await village.entry(entry_id) == "ACTIVE"
        await village.wait(timedelta(minutes=10))
        assert village.refunds() == dict.fromkeys(others, 1)
        if then == "plays":
            book = await village.balances()
            assert book[f"pot:{CONTEST}"] == -FEE_CENTS
            assert book.keys() == {f"pot:{CONTEST}", "stripe:platform", "equity:capital"} & book.keys()
            return
        if then == "withdraws":
            await village.client(ANNA).withdraw(CONTEST, entry_id)
        else:
            await village.admin.cancel_contest(CONTEST, "a rehearsal")
        await village.wait(timedelta(minutes=10))
        assert village.refunds() == dict.fromkeys((first, *others), 1)
        await nothing_left(village)

    live(tmp_path, story)


def refund_by_hand(village: Village, intent: str) -> None:
    """Refund a payment as a person does in Stripe's dashboard."""
    platform = village.stripe.platform
    platform.begin()
    refunds.create(platform, Call(parameters={"payment_intent": intent, "metadata": {}}))


@pytest.mark.parametrize("before", ["refunded by hand", "disputed and won", "disputed and lost"])
def test_a_cancelled_contest_leaves_no_fee_behind_that_stripe_would_not_refund(
    tmp_path: Path, before: Literal["refunded by hand", "disputed and won", "disputed and lost"]
) -> None:
    """PAY-042, PAY-043: a payment that has gone back already is not given back twice, and not to nobody either."""

    async def story(village: Village) -> None:
        [(_, odd), (_, plain)] = await paid_entries(village, 2)
        available, held = "user:did:player:0:available", "user:did:player:0:held"
        dispute_id = None
        if before == "refunded by hand":
            refund_by_hand(village, odd)
        else:
            dispute_id = village.stripe.open_dispute(village.intent(odd)["latest_charge"])["id"]
        await village.wait(SOON)
        await village.admin.cancel_contest(CONTEST, "a rehearsal")
        await village.wait(timedelta(hours=2))
        book = await village.balances()
        assert f"refunds:{CONTEST}" not in book, "the other one has it, and this one is no open question"
        if dispute_id is None:
            await nothing_left(village)
            assert village.refunds() == {odd: 1, plain: 1}
            return
        assert village.refunds() == {plain: 1}
        assert book[held] == -FEE_CENTS, "it waits for the verdict"
        village.stripe.decide_dispute(dispute_id, "won" if before == "disputed and won" else "lost")
        await village.wait(SOON)
        book = await village.balances()
        if before == "disputed and won":
            assert (book.get(available), book.get(held)) == (-FEE_CENTS, None)
        else:
            assert (book.get(available), book.get(held)) == (None, -FEE_CENTS)
            assert book["receivable:did:player:0"] == FEE_CENTS, "what is frozen pays it once an admin says so"

    live(tmp_path, story)
