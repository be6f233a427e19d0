"""Real events, bent at random and signed all the same: never a 5xx, and the books stand (T14, A1, I1, I9)."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.storage.verify import verify_root
from tests.http.standin import ANNA, BERT, token
from tests.http.town import Town, body_of, open_town

Event = dict[str, Any]
Place = tuple[str | int, ...]

ANSWERS = frozenset({(200, None), (400, "WEBHOOK_INVALID"), (422, "LIVEMODE_MISMATCH")})
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0.5, 1e308, "", " ", "0", "1001",
    "usd", "eur", "USD", "succeeded", "failed", "canceled", "pending", "requires_action", "\x00", "\N{SNOWMAN}" * 40,
    "a" * 5000, "../../etc", "stripe:event:evt", "did:x", "\n", "\"'; --", [], [None], [[]], {}, {"id": "x"},
    {"data": [{}]}, {"data": [None]}, {"data": "x"}, "payment_intent.succeeded", "refund.updated", "charge.refunded",
    "account.updated", "refund.failed",
)  # fmt: skip
BENT = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(("set", "drop")), st.sampled_from(ODD)), max_size=4)
SETTINGS = settings(
    max_examples=250,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one town takes every example, as it would live
)


@dataclass(frozen=True, slots=True)
class Bench:
    """A town, and one real event of every type that its people can cause."""

    town: Town
    events: list[Event]
    numbers: Iterator[int]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_town(tmp_path / "data") as town:
        await town.found()
        _, paid = await town.enter(ANNA, "paid")
        _, declined = await town.enter(BERT, "declined")
        withdrawn, returned = await town.enter(ANNA, "withdrawn")
        town.stripe.pay_intent(paid)
        town.stripe.pay_intent(returned)
        with pytest.raises(ApiError):
            town.stripe.pay_intent(declined, "pm_card_chargeDeclined")
        await town.settle()
        await town.client(token(ANNA)).withdraw("small-open-1", withdrawn)
        account = await town.client(token(BERT)).onboard(BERT)
        town.stripe.set_account(account["stripe_account_id"], transfers="active")
        await town.settle()
        kinds = {event["type"]: event for event in town.events()}
        assert {"payment_intent.succeeded", "payment_intent.payment_failed", "refund.updated"} <= kinds.keys()
        assert {"charge.refunded", "account.updated", "payment_intent.created"} <= kinds.keys()
        yield Bench(town, list(kinds.values()), count())
        await town.settle()
        await town.restart_ledger()
        balances = await town.books.trial_balance()
        assert sum(balances.values()) == 0
        await town.settle()
        assert not verify_root(town.data).problems


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place in an event, the outermost first."""
    if place:
        yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*place, step))


def bend(event: Event, bent: list[tuple[int, str, Any]]) -> Event:
    """Set or drop what stands at some places of an event."""
    for number, how, odd in bent:
        found = list(places(event))
        if not found:
            break
        *way, last = found[number % len(found)]
        inner: Any = event
        for step in way:
            inner = inner[step]
        if how == "drop":
            del inner[last]
        else:
            inner[last] = copy.deepcopy(odd)
    return event


@SETTINGS
@given(which=st.integers(0, 1000), bent=BENT)
async def test_a_bent_event_is_never_answered_by_a_5xx(
    bench: Bench, which: int, bent: list[tuple[int, str, Any]]
) -> None:
    event = copy.deepcopy(bench.events[which % len(bench.events)])
    event["id"] = f"evt_bent_{next(bench.numbers)}"
    answer = await bench.town.deliver(body_of(bend(event, bent)))
    assert (answer.status, answer.code) in ANSWERS


@SETTINGS
@given(
    which=st.integers(0, 1000), cuts=st.lists(st.tuples(st.integers(0, 1_000_000), st.binary(max_size=3)), max_size=3)
)
async def test_bent_bytes_are_never_answered_by_a_5xx(bench: Bench, which: int, cuts: list[tuple[int, bytes]]) -> None:
    """Bytes overwritten anywhere; the id is often that of an event which is recorded already."""
    body = bytearray(body_of(bench.events[which % len(bench.events)]))
    for at, put in cuts:
        start = at % len(body)
        body[start : start + len(put)] = put
    answer = await bench.town.deliver(bytes(body))
    assert (answer.status, answer.code) in ANSWERS
