"""Only a payment that succeeded plays, and whoever cannot play gets the money back (LIFE-017, PAY-032, PAY-040, A9)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from cutline.http.client import ApiRefused
from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.simulation.emulators.stripe.faults import WebhookFault
from tests.api.village import CONTEST, FEE_CENTS, LOCK_AT, SEAT_FREED_AFTER, Village, live
from tests.http.standin import ANNA, BERT

CARLA = "did:player:carla"
DECLINED = "pm_card_chargeDeclined"
PAID = "payment_intent.succeeded"
SOON = timedelta(minutes=2)


async def in_pot(village: Village, entries: int) -> None:
    """The books hold so many fees in the pot and nothing of anybody else's."""
    book = await village.balances()
    capital = -book.pop("equity:capital", 0)
    assert book.pop("stripe:platform", 0) == capital + entries * FEE_CENTS
    assert book == ({f"pot:{CONTEST}": -entries * FEE_CENTS} if entries else {})


def test_an_abandoned_payment_frees_the_seat_and_its_intent_is_cancelled_at_stripe(tmp_path: Path) -> None:
    """The next in line gets the seat after `payment_minutes`, and the old intent cannot be paid any more."""

    async def story(village: Village) -> None:
        await village.found(max_entries=1)
        abandoned, intent = await village.enter(ANNA)
        with pytest.raises(ApiRefused, match="CONTEST_FULL"):
            await village.enter(BERT)
        await village.wait(SEAT_FREED_AFTER - timedelta(minutes=3))
        assert await village.entry(abandoned) == "PENDING_PAYMENT"
        with pytest.raises(ApiRefused, match="CONTEST_FULL"):
            await village.enter(BERT)
        await village.wait(timedelta(minutes=4))
        assert await village.entry(abandoned) == "EXPIRED"
        assert village.intent(intent)["status"] == "canceled"
        with pytest.raises(ApiError):
            village.stripe.pay_intent(intent)
        entry_id, intent = await village.enter(BERT)
        village.stripe.pay_intent(intent)
        await village.wait(SOON)
        assert await village.entry(entry_id) == "ACTIVE"
        await in_pot(village, 1)

    live(tmp_path, story)


def test_a_declined_card_plays_nothing_and_frees_the_seat_unless_another_card_pays(tmp_path: Path) -> None:
    """A failed try leaves the intent open until the seat's time is over."""

    async def story(village: Village) -> None:
        await village.found()
        gives_up, one = await village.enter(ANNA)
        tries_again, other = await village.enter(BERT)
        for intent in (one, other):
            with pytest.raises(ApiError):
                village.stripe.pay_intent(intent, DECLINED)
        await village.wait(SOON)
        assert [await village.entry(entry) for entry in (gives_up, tries_again)] == ["PENDING_PAYMENT"] * 2
        village.stripe.pay_intent(other)
        await village.wait(SEAT_FREED_AFTER)
        assert [await village.entry(entry) for entry in (gives_up, tries_again)] == ["EXPIRED", "ACTIVE"]
        assert [village.intent(intent)["status"] for intent in (one, other)] == ["canceled", "succeeded"]
        await in_pot(village, 1)

    live(tmp_path, story)


@pytest.mark.parametrize("rivals", [2, 20])
def test_the_last_seat_goes_to_exactly_one(tmp_path: Path, rivals: int) -> None:
    """A9: whoever asks at the same moment, in whatever order the seed lets them."""

    async def story(village: Village) -> None:
        await village.found(max_entries=1)
        names = [f"did:player:{number}" for number in range(rivals)]
        outcomes = await asyncio.gather(*(village.enter(name) for name in names), return_exceptions=True)
        seated = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
        refused = [outcome for outcome in outcomes if isinstance(outcome, ApiRefused)]
        assert (len(seated), {one.code for one in refused}, len(refused)) == (1, {"CONTEST_FULL"}, rivals - 1)
        village.stripe.pay_intent(seated[0][1])
        await village.wait(SEAT_FREED_AFTER)
        assert await village.entry(seated[0][0]) == "ACTIVE"
        await in_pot(village, 1)

    for seed in range(3):
        live(tmp_path / str(seed), story, seed=seed)


def test_a_late_word_of_a_payment_in_time_seats_again_or_gives_back(tmp_path: Path) -> None:
    """PAY-040: paid in time, reported hours later. A seat that is free is theirs; where none is, the fee goes back."""

    async def story(village: Village) -> None:
        await village.found(max_entries=2)
        village.stripe.faults.add(WebhookFault(kind="delay", event_type=PAID, seconds=7200, times=2))
        first, first_intent = await village.enter(ANNA)
        second, second_intent = await village.enter(BERT)
        village.stripe.pay_intent(first_intent)
        village.stripe.pay_intent(second_intent)
        await village.wait(SEAT_FREED_AFTER)
        assert [await village.entry(entry) for entry in (first, second)] == ["EXPIRED"] * 2
        assert village.intent(first_intent)["status"] == "succeeded"  # to cancel it came too late
        third, third_intent = await village.enter(CARLA)
        village.stripe.pay_intent(third_intent)
        await village.wait(timedelta(hours=3))
        stands = [await village.entry(entry) for entry in (first, second, third)]
        assert stands[2] == "ACTIVE"
        assert sorted(stands[:2]) == ["ACTIVE", "REFUSED"]
        loser = (first_intent, second_intent)[stands.index("REFUSED")]
        assert village.refunds() == {loser: 1}
        await in_pot(village, 2)

    live(tmp_path, story)


def test_at_the_lock_open_intents_are_cancelled_and_what_was_paid_too_late_is_refunded_once(tmp_path: Path) -> None:
    """The lock is judged by our commit of the fee: paid a second before and reported after it is too late."""

    async def story(village: Village) -> None:
        await village.found()
        plays, early = await village.enter(ANNA)
        village.stripe.pay_intent(early)
        await village.wait_until(LOCK_AT - timedelta(minutes=5))
        open_one, unpaid = await village.enter(BERT)
        late, paid_late = await village.enter(CARLA)
        village.stripe.faults.add(WebhookFault(kind="delay", event_type=PAID, seconds=900))
        village.stripe.faults.add(WebhookFault(kind="duplicate", event_type="refund.updated", copies=2, seconds=60))
        village.stripe.pay_intent(paid_late)
        await village.wait_until(LOCK_AT + SOON)
        assert village.intent(unpaid)["status"] == "canceled"
        with pytest.raises(ApiError):
            village.stripe.pay_intent(unpaid)
        await village.wait(timedelta(minutes=30))
        assert [await village.entry(entry) for entry in (plays, open_one, late)] == ["ACTIVE", "EXPIRED", "REFUSED"]
        assert village.refunds() == {paid_late: 1}
        await in_pot(village, 1)
        with pytest.raises(ApiRefused, match="409 REFUND_AFTER_LOCK"):
            await village.client(ANNA).withdraw(CONTEST, plays)
        with pytest.raises(ApiRefused, match="409 CONTEST_LOCKED"):
            await village.enter(ANNA, "another")

    live(tmp_path, story)


def test_a_webhook_that_is_delivered_hours_later_activates_before_the_lock(tmp_path: Path) -> None:
    """PAY-040, T11."""

    async def story(village: Village) -> None:
        await village.found(payment_minutes=600)
        village.stripe.faults.add(WebhookFault(kind="delay", event_type=PAID, seconds=4 * 3600))
        entry_id, intent = await village.enter(ANNA)
        village.stripe.pay_intent(intent)
        await village.wait(timedelta(hours=3))
        assert await village.entry(entry_id) == "PENDING_PAYMENT"
        await village.wait(timedelta(hours=2))
        assert await village.entry(entry_id) == "ACTIVE"

    live(tmp_path, story)
