"""However often Stripe says a thing, and under however many names, it happens once (PAY-010, PAY-016, PAY-017, T10)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from cutline.storage.verify import verify_root
from tests.http.town import CONTEST, FEE_CENTS, Town, body_of

FIRST = {"deduped": False, "forwarded_to_ledger": True, "outcome": "posted"}
AGAIN = {**FIRST, "deduped": True}


async def paid_event(town: Town) -> tuple[str, dict[str, Any]]:
    """An entry and the event of its payment, which nobody has delivered."""
    await town.found()
    entry_id, intent = await town.enter()
    town.stripe.pay_intent(intent)
    [event] = town.events("payment_intent.succeeded")
    return entry_id, event


async def test_five_concurrent_deliveries_are_one_event_and_one_posting(town: Town) -> None:
    """PAY-044, PAY-025: one row, one posting, the same answer, and a status that stands."""
    entry_id, event = await paid_event(town)
    body = body_of(event)
    answers = await asyncio.gather(*(town.deliver(body) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    assert sorted(answer.body["deduped"] for answer in answers) == [False, True, True, True, True]
    assert all({**answer.body, "deduped": False} == FIRST for answer in answers)
    assert town.rows("ledger", "SELECT event_id FROM stripe_events") == [(event["id"],)]
    intent = event["data"]["object"]["id"]
    assert town.rows("ledger", "SELECT effect_key FROM transactions WHERE kind = 'entry_payment'") == [
        (f"pi:{intent}:succeeded",)
    ]
    assert town.rows("ledger", "SELECT key FROM log WHERE type = 'StripeEventRecorded'") == [
        (f"stripe:event:{event['id']}",)  # PAY-014
    ]
    await town.settle()
    assert await town.status(entry_id) == "ACTIVE"
    assert (await town.deliver(body)).body == AGAIN
    await town.settle()
    assert await town.status(entry_id) == "ACTIVE"
    assert (await town.books.trial_balance())[f"pot:{CONTEST}"] == -FEE_CENTS
    assert not verify_root(town.data).problems


async def test_a_replay_is_answered_from_the_file_after_a_restart(town: Town) -> None:
    """PAY-011: another process would answer with the same bytes, for the answer follows from the log."""
    _, event = await paid_event(town)
    body = body_of(event)
    assert (await town.deliver(body)).body == FIRST
    await town.settle()
    await town.restart_ledger()
    assert (await town.deliver(body)).body == AGAIN
    assert town.count("stripe_events WHERE type = 'payment_intent.succeeded'") == 1


async def test_two_events_for_one_transition_of_one_object_have_one_effect(town: Town) -> None:
    """T10, `effect_key`: Stripe may say one thing under two ids; both are kept, one is booked."""
    entry_id, event = await paid_event(town)
    twin = {**event, "id": "evt_twin", "created": event["created"] + 1}
    first, second = await asyncio.gather(*(town.deliver(body_of(one)) for one in (event, twin)))
    assert (first.status, second.status) == (200, 200)
    assert sorted((first.body["outcome"], second.body["outcome"])) == ["duplicate_effect", "posted"]
    assert town.count("stripe_events") == 2
    assert town.count("transactions WHERE kind = 'entry_payment'") == 1
    await town.settle()
    assert await town.status(entry_id) == "ACTIVE"
    assert (await town.books.trial_balance())["stripe:platform"] == FEE_CENTS


@pytest.mark.usefixtures("loud_logs")
async def test_the_same_id_with_another_body_is_quarantined_and_alerts(town: Town) -> None:
    """The first body stands. Each foreign body is kept once, moves nothing, and is logged as an error."""
    entry_id, event = await paid_event(town)
    body = body_of(event)
    assert (await town.deliver(body)).body == FIRST
    await town.settle()
    books = await town.books.trial_balance()
    raised = body_of(event).replace(b"1001", b"9001")
    other = orjson.dumps({**event, "type": "payment_intent.canceled"})
    with capture_logs() as lines:
        answers = [await town.deliver(foreign) for foreign in (raised, raised, other)]
        await town.settle()
    assert [(answer.status, answer.body["outcome"], answer.body["deduped"]) for answer in answers] == [
        (200, "quarantined", False),
        (200, "quarantined", True),
        (200, "quarantined", False),
    ]
    assert not any(answer.body["forwarded_to_ledger"] for answer in answers)
    errors = Counter((line["event"], line["result"]) for line in lines if line["log_level"] == "error")
    assert errors == {("stripe_webhook", "quarantined"): 3, ("stripe_event_for_a_person", "quarantined"): 2}
    assert {line["event_id"] for line in lines if line.get("alert")} == {event["id"]}
    assert town.count("stripe_events_quarantined") == 2
    assert town.count(f"stripe_events WHERE event_id = '{event['id']}'") == 1
    assert await town.books.trial_balance() == books
    assert await town.status(entry_id) == "ACTIVE"
    assert (await town.deliver(body)).body == AGAIN
    assert not verify_root(town.data).problems
