"""What service keys and the clock ask of the ledger: ingest, look-ups, missed events, funds, refused livemodes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.decision import Accepted, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.events import DeadLettered, Funds
from cutline.engine.ledger.state import balances, trial_balance
from cutline.engine.messages import (
    CommandBroke,
    FetchUndelivered,
    IngestSettlement,
    ListUndelivered,
    Look,
    PlatformBalanceRead,
    RaiseAlert,
    ReadMoneyHealth,
    ReadSettlement,
    RefuseStripeEvent,
    UndeliveredListed,
)
from tests.engine.ledger.books import NOW, Books, fee, paid, stripe_event

INGEST = IngestSettlement(
    idempotency_key="k1",
    provider_reference="till-7",
    account_did="did:u",
    amount_cents=1234,
    currency="usd",
    day_cap_cents=2000,
)
CONFIRMED = {
    "settlement_id": "ingest:till-7",
    "provider_reference": "till-7",
    "status": "confirmed",
    "account_did": "did:u",
    "amount_cents": 1234,
    "currency": "usd",
}


@pytest.fixture
def books() -> Books:
    return Books()


def test_an_outside_settlement_credits_its_holder_once_and_raises_an_alert(books: Books) -> None:
    """LED-001, LED-002, LED-003, LED-008."""
    decision = books.accept(INGEST)
    assert decision.reply == CONFIRMED | {"deduped": False}
    assert [type(effect) for effect in decision.effects] == [RaiseAlert]
    for again in (INGEST, replace(INGEST, idempotency_key="k2")):
        repeated = books.accept(again)
        assert (repeated.events, repeated.effects, repeated.reply) == ((), (), CONFIRMED | {"deduped": True})
    assert balances(books.state, "did:u", "usd") == (1234, 0)
    assert books.balance("clearing:provider") == 1234
    assert books.accept(ReadSettlement(provider_reference="till-7")).reply == CONFIRMED


@pytest.mark.parametrize("change", [{"amount_cents": 1235}, {"account_did": "did:v"}, {"currency": "eur"}])
@pytest.mark.parametrize("key", ["k1", "k2"])
def test_other_content_under_a_key_or_a_reference_is_refused_naming_the_field(
    books: Books, change: dict[str, Any], key: str
) -> None:
    """LED-008."""
    books.accept(INGEST)
    refused = books.refuse(replace(INGEST, idempotency_key=key, **change))
    assert (refused.code, refused.details["field"]) == (RejectCode.IDEMPOTENCY_KEY_REUSED, *change)


def test_a_day_brings_no_more_than_its_cap_and_the_next_day_begins_anew(books: Books) -> None:
    books.accept(INGEST)
    beyond = replace(INGEST, idempotency_key="k2", provider_reference="till-8", amount_cents=767)
    decision = books.accept(beyond)
    assert decision.events == ()
    assert isinstance(decision.reply, Rejected)
    assert decision.reply.code is RejectCode.INGEST_CAP_EXCEEDED
    assert decision.reply.details == {"day_cap_cents": 2000, "ingested_today_cents": 1234}
    assert [effect.name for effect in decision.effects] == ["outside_ingest_refused"]
    assert books.accept(replace(beyond, amount_cents=766)).events, "exactly the cap is within it"
    books.now = NOW + timedelta(days=1)
    later = replace(beyond, idempotency_key="k3", provider_reference="till-9")
    assert books.accept(later).events


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"provider_reference": ""}, "provider_reference"),
        ({"account_did": "not an id"}, "account_did"),
        ({"amount_cents": 0}, "amount_cents"),
        ({"amount_cents": -5}, "amount_cents"),
        ({"currency": "USD"}, "currency"),
    ],
)
def test_a_malformed_ingest_is_refused_and_credits_nobody(books: Books, change: dict[str, Any], field: str) -> None:
    refused = books.refuse(replace(INGEST, **change))
    assert (refused.code, refused.details) == (RejectCode.REQUEST_INVALID, {"field": field})


def test_an_outside_reference_cannot_take_the_place_of_a_payment_of_stripes(books: Books) -> None:
    """An ingest under a payment intent's id is another effect, and the look-up keeps to what Stripe said."""
    books.accept(paid())
    books.accept(replace(INGEST, provider_reference="pi_e1"))
    found = books.accept(ReadSettlement(provider_reference="pi_e1")).reply
    assert (found["settlement_id"], found["amount_cents"]) == ("pi:pi_e1:succeeded", 2500)


def test_a_settlement_is_found_by_its_payment_intent(books: Books) -> None:
    """LED-002: one, confirmed; what lies in suspense is nobody's yet; what is unknown is not found."""
    books.accept(paid())
    books.accept(paid("e2", metadata={}))
    found = books.accept(ReadSettlement(provider_reference="pi_e1")).reply
    assert (found["status"], found["account_did"], found["amount_cents"]) == ("confirmed", "did:e1", 2500)
    assert books.accept(ReadSettlement(provider_reference="pi_e2")).reply["status"] == "suspended"
    assert books.refuse(ReadSettlement(provider_reference="pi_none")).code is RejectCode.NOT_FOUND


def test_missed_events_are_listed_at_every_start_and_once_a_day(books: Books) -> None:
    """While Stripe does not answer, every look asks again."""
    assert ListUndelivered() in books.machine.resume(books.state, NOW)
    for _ in range(2):
        assert books.accept(FetchUndelivered()).effects == (ListUndelivered(),)
    books.accept(UndeliveredListed(found=3))
    assert books.accept(UndeliveredListed(found=0)).events == ()
    books.now = NOW + timedelta(hours=22)
    assert books.accept(FetchUndelivered()).effects == ()
    books.now = NOW + timedelta(hours=23)
    assert books.accept(FetchUndelivered()).effects == (ListUndelivered(),)


def test_a_wrong_livemode_leaves_one_dead_letter_and_nothing_else(books: Books) -> None:
    """PAY-018, PAY-019 (C-11)."""
    refuse = RefuseStripeEvent(event_id="evt_live", type="payout.paid", livemode=True, expected_livemode=False)
    decision = books.accept(refuse)
    [letter] = decision.events
    assert isinstance(letter, DeadLettered)
    assert (letter.event_id, letter.failure_class) == ("evt_live", "LIVEMODE_MISMATCH")
    for said in (decision, books.accept(refuse)):
        assert isinstance(said.reply, Rejected)
        assert (said.reply.code, said.reply.details) == (RejectCode.LIVEMODE_MISMATCH, {"expected_livemode": False})
    assert len(books.log) == 1
    assert books.state.stripe_events == {}
    assert trial_balance(books.state) == {}


def test_the_platforms_funds_are_compared_with_what_could_be_asked_for_today(books: Books) -> None:
    """Escrow and pots are not due yet; only what is available counts."""
    books.accept(paid("e1"))
    books.accept(fee("activated", "e1"))
    books.accept(paid("e2"))
    books.accept(fee("refused", "e2"))
    books.accept(INGEST)
    decision = books.accept(PlatformBalanceRead(balances=(("usd", 3733, 9000), ("eur", 5, 0))))
    [alert] = decision.effects
    assert (alert.name, alert.details["owed_cents"]) == ("platform_funds_short", 3734)
    health = books.accept(ReadMoneyHealth()).reply
    assert health["funds"] == (
        Funds(currency="eur", available_cents=5, pending_cents=0, owed_cents=0),
        Funds(currency="usd", available_cents=3733, pending_cents=9000, owed_cents=3734),
    )
    assert books.accept(Look()).effects == ()
    books.now += timedelta(hours=1)
    assert books.accept(PlatformBalanceRead(balances=(("usd", 3734, 0),))).effects == ()


def test_the_outboxes_depth_and_oldest_age_can_be_watched(books: Books) -> None:
    """FWD-020."""
    assert books.accept(ReadMoneyHealth()).reply["outbox_oldest_at"] is None
    for minute in range(2):
        books.now = NOW + timedelta(minutes=minute)
        event = stripe_event("payout.paid", {"id": "po_1"}, f"evt_{minute}")
        said = books.say(CommandBroke(command=event, code=RejectCode.INTERNAL_FAULT, reason="KeyError"))
        assert isinstance(said, Accepted)
    health = books.accept(ReadMoneyHealth()).reply
    assert (health["outbox_pending"], health["outbox_failed"], health["outbox_oldest_at"]) == (2, 0, NOW)
