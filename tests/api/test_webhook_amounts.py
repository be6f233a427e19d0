"""A payment that is not exactly the fee that was asked for buys no seat, and waits for a person (PAY-032, T15)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from structlog.testing import capture_logs

from cutline.storage.verify import verify_root
from tests.http.town import FEE_CENTS, Town, body_of

DIFFERENT: dict[str, dict[str, Any]] = {
    "a cent less": {"amount_received": FEE_CENTS - 1},
    "a cent more": {"amount_received": FEE_CENTS + 1, "amount": FEE_CENTS + 1},
    "a part of it": {"amount_received": 1},
    "a hundred times as much": {"amount_received": FEE_CENTS * 100},
    "another currency": {"currency": "eur"},
    "a currency without cents": {"currency": "jpy"},
}


@pytest.mark.usefixtures("loud_logs")
@pytest.mark.parametrize("difference", list(DIFFERENT))
async def test_an_amount_or_currency_that_differs_is_held_in_suspense(town: Town, difference: str) -> None:
    """No credit, a dead letter AMOUNT_MISMATCH and an error in the log; the entry waits on, and a refund clears it."""
    await town.found()
    entry_id, intent = await town.enter()
    await town.settle()
    town.stripe.webhooks.endpoints.clear()
    town.stripe.pay_intent(intent)
    [paid] = town.events("payment_intent.succeeded")
    event = copy.deepcopy(paid)
    event["data"]["object"] |= DIFFERENT[difference]
    said = event["data"]["object"]
    with capture_logs() as lines:
        answer = await town.deliver(body_of(event))
        await town.settle()
    assert (answer.status, answer.body["outcome"]) == (200, "suspense")
    cents, currency = said["amount_received"], said["currency"]
    assert await town.books.trial_balance(currency) == {"stripe:platform": cents, "suspense": -cents}
    letters = town.rows("ledger", "SELECT stripe_event_id, failure_class FROM stripe_webhook_dead_letters")
    assert letters == [(paid["id"], "AMOUNT_MISMATCH")]
    assert [line["log_level"] for line in lines if line["event"] == "stripe_webhook"] == ["error"]
    [alert] = [line for line in lines if line.get("alert")]
    assert (alert["event"], alert["event_id"], alert["result"], alert["reason"], alert["runbook"]) == (
        "stripe_event_for_a_person",
        paid["id"],
        "suspense",
        "AMOUNT_MISMATCH",
        "runbooks/stripe-event-for-a-person.md",
    )
    assert await town.status(entry_id) == "PENDING_PAYMENT"
    refund = {"id": "re_1", "object": "refund", "status": "succeeded", "amount": cents, "currency": currency}
    gone = {
        **paid,
        "id": "evt_refund",
        "type": "refund.updated",
        "data": {"object": {**refund, "payment_intent": intent}},
    }
    assert (await town.deliver(body_of(gone))).body["outcome"] == "posted"
    assert set((await town.books.trial_balance(currency)).values()) == {0}
    assert not verify_root(town.data).problems


async def test_a_payment_under_another_owners_name_buys_nothing(town: Town) -> None:
    """The entry is Anna's: a fee whose metadata names somebody else is refused by the contest and goes back."""
    await town.found()
    entry_id, intent = await town.enter()
    await town.settle()
    town.stripe.webhooks.endpoints.clear()
    town.stripe.pay_intent(intent)
    [paid] = town.events("payment_intent.succeeded")
    event = copy.deepcopy(paid)
    event["data"]["object"]["metadata"]["account_did"] = "did:player:mallory"
    assert (await town.deliver(body_of(event))).body["outcome"] == "posted"
    await town.settle()
    assert await town.status(entry_id) == "PENDING_PAYMENT"
    assert [one["payment_intent"] for one in town.stripe.state.refunds] == [intent]
