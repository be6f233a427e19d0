"""What Stripe says to the ledger: recorded, posted once, suspended, quarantined or ignored."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.ledger.events import EventQuarantined, StripeEventRecorded
from cutline.engine.ledger.state import balances, trial_balance
from cutline.engine.messages import (
    RecordStripeEvent,
    RefundOutcome,
)
from tests.engine.ledger.books import Books, fee, intent, paid, stripe_event


@pytest.fixture
def books() -> Books:
    return Books()


def test_a_webhook_of_1234_cents_credits_its_holder_once(books: Books) -> None:
    """LED-003, FWD-015, PAY-015, PAY-016."""
    event = stripe_event(
        "payment_intent.succeeded",
        {"id": "pi_9", "amount": 1234, "currency": "usd", "metadata": {"user_id": "did:u"}},
    )
    assert books.accept(event).reply == {"deduped": False, "forwarded_to_ledger": True, "outcome": "posted"}
    again = books.accept(event)
    assert (again.events, again.reply["deduped"]) == ((), True)
    assert balances(books.state, "did:u", "usd") == (1234, 0)


def test_a_payment_for_an_entry_goes_to_escrow_in_one_event_and_tells_the_contest(books: Books) -> None:
    books.accept(paid())
    recorded = [one.event for one in books.log if isinstance(one.event, StripeEventRecorded)]
    assert len(recorded) == 1
    assert recorded[0].posting is not None
    assert recorded[0].posting.legs == (
        ("stripe:platform", 2500, 2500),
        ("user:did:e1:available", -2500, -2500),
        ("user:did:e1:available", 2500, 0),
        ("escrow:c1", -2500, -2500),
    )
    assert [(owed.key, owed.to) for owed in books.owed] == [
        ("fee:pi_e1", "contest/c1"),
        ("intent-report:evt_e1", "payments"),
    ]


def test_accounts_are_opened_before_they_are_used_and_once(books: Books) -> None:
    """LED-010, LED-012."""
    books.accept(paid("e1"))
    names = [one.event.key for one in books.log]
    assert names == [
        "account:stripe:platform",
        "account:user:did:e1:available",
        "account:escrow:c1",
        "stripe:event:evt_e1",
    ]
    assert len(books.accept(paid("e1", "evt_x", id="pi_x")).events) == 1


def test_two_stripe_events_about_one_effect_post_once(books: Books) -> None:
    books.accept(paid())
    reply = books.accept(paid(event_id="evt_other")).reply
    assert reply["outcome"] == "duplicate_effect"
    assert books.balance("escrow:c1") == -2500
    assert books.owed_types().count("FeePaid") == 1


def test_the_same_event_id_with_another_body_is_quarantined_once_and_moves_nothing(books: Books) -> None:
    books.accept(paid())
    foreign = replace(paid(cents=9900), sha256="9" * 64)
    decision = books.accept(foreign)
    assert decision.reply["outcome"] == "quarantined"
    assert isinstance(decision.events[0], EventQuarantined)
    assert decision.blobs == {decision.events[0].key: foreign.body}
    assert books.accept(foreign).events == ()
    assert books.balance("stripe:platform") == 2500


@pytest.mark.parametrize(
    "broken",
    [
        {"id": None},
        {"amount_received": "2500"},
        {"amount_received": True},
        {"amount_received": -1},
        {"amount_received": 0},
        {"currency": "USD"},
        {"currency": None},
    ],
)
def test_an_event_that_cannot_be_read_is_kept_and_dead_lettered(books: Books, broken: dict[str, Any]) -> None:
    decision = books.accept(paid(**broken))
    assert decision.reply == {"deduped": False, "forwarded_to_ledger": False, "outcome": "dead_letter"}
    assert list(decision.blobs) == ["stripe:event:evt_e1"]
    assert trial_balance(books.state) == {}


def test_unknown_types_old_versions_and_other_peoples_sales_are_stored_and_ignored(books: Books) -> None:
    for number, event in enumerate(
        [
            stripe_event("transfer.paid", {"id": "tr_1"}, "evt_a", api_version="2014-01-31"),
            stripe_event("something.new", {}, "evt_b", api_version=None),
            replace(paid(), event_id="evt_c", account="acct_1"),
            stripe_event("charge.refunded", {"id": "ch_1"}, "evt_d"),
        ]
    ):
        assert books.accept(event).reply["outcome"] == "ignored", number
    assert books.owed == []


def test_a_failed_payment_and_an_account_update_are_told_to_their_actors(books: Books) -> None:
    failed = intent(last_payment_error={"decline_code": "insufficient_funds"})
    books.accept(stripe_event("payment_intent.payment_failed", failed, "evt_f"))
    account = {"id": "acct_1", "capabilities": {"transfers": "active"}}
    books.accept(stripe_event("account.updated", account, "evt_g", account="acct_1"))
    intent_report, account_report = (owed.message for owed in books.owed)
    assert (intent_report.status, intent_report.reason) == ("failed", "insufficient_funds")
    assert (account_report.transfers_active, account_report.payouts_enabled) == (True, False)


def refund(status: str, event_id: str, **other: Any) -> RecordStripeEvent:
    obj = {
        "id": "re_1",
        "status": status,
        "amount": 2500,
        "currency": "usd",
        "payment_intent": "pi_e1",
        "metadata": {"contest_id": "c1", "entry_id": "e1"},
    }
    return stripe_event("refund.updated", obj | other, event_id)


REFUNDED = RefundOutcome(
    contest_id="c1",
    entry_id="e1",
    account_did="did:e1",
    amount_cents=2500,
    currency="usd",
    payment_intent="pi_e1",
    stripe_refund_id="re_1",
    succeeded=True,
)


@pytest.mark.parametrize("webhook_first", [True, False])
def test_a_refund_is_booked_once_whoever_says_so_first(books: Books, webhook_first: bool) -> None:
    books.accept(paid())
    books.accept(fee("refused"))
    said = [refund("succeeded", "evt_r"), REFUNDED]
    for command in said if webhook_first else reversed(said):
        books.accept(command)
    assert (books.balance("refunds:c1"), books.balance("stripe:platform")) == (0, 0)
    books.accept(refund("failed", "evt_s"))
    assert balances(books.state, "did:e1", "usd") == (2500, 0)


def test_a_refund_that_failed_before_it_was_said_to_succeed_ends_with_its_holder(books: Books) -> None:
    books.accept(paid())
    books.accept(fee("refused"))
    assert books.accept(refund("failed", "evt_s")).reply["outcome"] == "recorded"
    books.accept(refund("succeeded", "evt_r"))
    assert balances(books.state, "did:e1", "usd") == (2500, 0)
    assert (books.balance("refunds:c1"), books.balance("stripe:platform")) == (0, 2500)


def test_a_refund_made_outside_is_its_holders_debt(books: Books) -> None:
    books.accept(paid())
    books.accept(fee("activated"))
    books.accept(refund("succeeded", "evt_r", metadata={}))
    assert (books.balance("receivable:did:e1"), books.balance("pot:c1")) == (2500, -2500)


def test_a_refund_out_of_suspense_empties_it(books: Books) -> None:
    books.accept(paid(metadata={}))
    books.accept(refund("succeeded", "evt_r", metadata={}))
    assert (books.balance("suspense"), books.balance("stripe:platform")) == (0, 0)
    reply = books.accept(refund("succeeded", "evt_q", id="re_2", payment_intent="pi_never")).reply
    assert reply["outcome"] == "dead_letter"


def test_older_versions_embed_refunds_in_their_charge(books: Books) -> None:
    books.accept(paid())
    books.accept(fee("refused"))
    charge = {"id": "ch_1", "refunds": {"data": [refund("succeeded", "x").object]}}
    books.accept(stripe_event("charge.refunded", charge, "evt_c"))
    assert books.balance("refunds:c1") == 0
