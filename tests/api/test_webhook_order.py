"""Stripe promises no order: whatever comes first, the books and the entry end the same (PAY-025, T9, T10, T16)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.simulation.emulators.stripe.faults import ApiFault, ApiFaultKind
from cutline.storage.verify import verify_root
from tests.http.standin import ANNA, token
from tests.http.town import CONTEST, FEE_CENTS, PICKS, Town, body_of, open_town, until

Event = dict[str, Any]
SETTINGS = settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one town takes every example, as it would live
)


@dataclass
class Shuffle:
    """A town whose Stripe delivers nothing by itself, and what the books showed before the present example."""

    town: Town
    numbers: Any = field(default_factory=count)

    async def play(self, events: list[Event], *, at_once: bool) -> None:
        """Deliver events in this order, each when the one before has had all its effects, or all in one go."""
        if at_once:
            answers = await asyncio.gather(*(self.town.deliver(body_of(event)) for event in events))
        else:
            answers = []
            for event in events:
                answers.append(await self.town.deliver(body_of(event)))
                await self.town.settle()
        assert {answer.status for answer in answers} <= {200}
        await self.town.settle()

    async def entry(self) -> tuple[str, str, list[Event]]:
        """An entry whose card was declined, then paid, then refunded by a person at Stripe; nothing delivered yet."""
        stripe = self.town.stripe
        entry_id, intent = await self.town.enter(ANNA, f"key-{next(self.numbers)}")
        with pytest.raises(ApiError):
            stripe.pay_intent(intent, "pm_card_chargeDeclined")
        stripe.pay_intent(intent)
        self.town.refund(intent)
        return entry_id, intent, self.about(intent)

    def about(self, intent: str) -> list[Event]:
        """Every event about an intent, its charge and its refunds."""
        found = [event for event in self.town.events() if intent in str(event["data"]["object"])]
        return [event for event in found if event["type"] != "payment_intent.created"]


@pytest.fixture
async def shuffle(tmp_path: Path) -> AsyncIterator[Shuffle]:
    async with open_town(tmp_path / "data") as town:
        await town.found(max_entries=10_000, max_entries_per_user=10_000)
        await town.settle()
        town.stripe.webhooks.endpoints.clear()
        yield Shuffle(town)
        await town.settle()
        assert not verify_root(town.data).problems


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    moved = {account: after[account] - before.get(account, 0) for account in after}
    return {account: cents for account, cents in moved.items() if cents}


@SETTINGS
@given(data=st.data(), at_once=st.booleans())
async def test_any_order_of_declined_succeeded_and_refunded_ends_the_same(
    shuffle: Shuffle, data: st.DataObject, at_once: bool
) -> None:
    """The refund was not ours: the entry plays on, and its holder owes the fee (design: refund made outside)."""
    town = shuffle.town
    before = await town.books.trial_balance()
    entry_id, intent, events = await shuffle.entry()
    assert {event["type"] for event in events} == {
        "charge.failed", "payment_intent.payment_failed", "charge.succeeded", "payment_intent.succeeded",
        "refund.created", "charge.refunded", "refund.updated",
    }  # fmt: skip
    again = data.draw(st.lists(st.sampled_from(events), max_size=3), label="repeated")
    await shuffle.play(data.draw(st.permutations([*events, *again]), label="order"), at_once=at_once)
    moved = difference(before, await town.books.trial_balance())
    assert moved == {f"pot:{CONTEST}": -FEE_CENTS, f"receivable:{ANNA}": FEE_CENTS}
    assert await town.status(entry_id) == "ACTIVE"
    assert (await town.client(token(ANNA)).intent(CONTEST, entry_id))["status"] == "succeeded"
    assert town.count(f"transactions WHERE effect_key = 'pi:{intent}:succeeded'") == 1


def refund_words(events: list[Event]) -> list[Event]:
    """What Stripe says of one refund that succeeds and comes back days later: made, done, failed."""
    done = next(event for event in events if event["type"] == "refund.updated")
    failed = {**done["data"]["object"], "status": "failed", "failure_reason": "expired_or_canceled_card"}
    return [done, {**done, "id": f"{done['id']}_failed", "type": "refund.failed", "data": {"object": failed}}]


async def test_every_order_of_paid_refunded_and_refund_failed_ends_the_same(shuffle: Shuffle) -> None:
    """All six orders: what came back is the holder's, who owes what went out."""
    town = shuffle.town
    for order in permutations(range(3)):
        before = await town.books.trial_balance()
        entry_id, _, events = await shuffle.entry()
        paid = next(event for event in events if event["type"] == "payment_intent.succeeded")
        said = [paid, *refund_words(events)]
        await shuffle.play([said[number] for number in order], at_once=False)
        moved = difference(before, await town.books.trial_balance())
        assert moved == {
            "stripe:platform": FEE_CENTS,
            f"pot:{CONTEST}": -FEE_CENTS,
            f"receivable:{ANNA}": FEE_CENTS,
            f"user:{ANNA}:available": -FEE_CENTS,
        }, order
        assert await town.status(entry_id) == "ACTIVE"


async def test_every_order_of_our_own_refunds_events_ends_the_same(shuffle: Shuffle) -> None:
    """An entry withdrawn before the lock: Stripe's three events about its refund, and our call's answer before them."""
    town = shuffle.town
    for order in permutations(range(3)):
        before = await town.books.trial_balance()
        entry_id, intent = await town.enter(ANNA, f"key-{next(shuffle.numbers)}")
        town.stripe.pay_intent(intent)
        await shuffle.play(shuffle.about(intent), at_once=False)
        await town.client(token(ANNA)).withdraw(CONTEST, entry_id)
        await town.settle()
        words = [event for event in shuffle.about(intent) if "refund" in event["type"]]
        assert len(words) == 3
        await shuffle.play([words[number] for number in order], at_once=False)
        assert difference(before, await town.books.trial_balance()) == {}, order
        assert await town.status(entry_id) == "WITHDRAWN"
        assert len([one for one in town.stripe.state.refunds if one["payment_intent"] == intent]) == 1


@pytest.mark.parametrize("kind", ["slow", "drop_after_commit"])
async def test_a_webhook_that_overtakes_the_answer_to_our_own_call_is_linked(
    shuffle: Shuffle, kind: ApiFaultKind
) -> None:
    """T16, T1: the intent is paid and reported while our call for it still hangs; our answer comes, or never does."""
    town = shuffle.town
    town.stripe.faults.add(ApiFault(kind=kind, operation="payment_intents.create", seconds=0.3))
    entered = await town.client(token(ANNA)).enter(CONTEST, PICKS, None, idempotency_key="key")
    [made] = await until(lambda: made_intents(town), bool)
    town.stripe.pay_intent(made)
    for event in shuffle.about(made):
        assert (await town.deliver(body_of(event))).status == 200
    await town.settle()
    assert await town.status(entered["entry_id"]) == "ACTIVE"
    answer = await town.client(token(ANNA)).intent(CONTEST, entered["entry_id"])
    assert (answer["payment_intent"], answer["status"]) == (made, "succeeded")


async def made_intents(town: Town) -> list[str]:
    return [intent["id"] for intent in town.stripe.state.payment_intents]
