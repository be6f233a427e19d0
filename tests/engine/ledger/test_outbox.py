"""Postings that break are kept, tried again, and in the books once: the outbox as the ledger's machine judges it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.decision import Accepted, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.events import DeadLettered, PostingBroke, StripeEventForwarded, StripeEventRecorded
from cutline.engine.ledger.state import balances, trial_balance
from cutline.engine.messages import (
    CommandBroke,
    PostAgain,
    PostTransaction,
    RaiseAlert,
    ReadForwarding,
    RecordStripeEvent,
    ReopenStripeEvents,
    RetryForwarding,
)
from cutline.engine.retries import DEFAULT
from tests.engine.driver import types
from tests.engine.ledger.books import NOW, Books, paid, stripe_event

TWO_MINUTES = timedelta(minutes=2)
PAYMENT = stripe_event(
    "payment_intent.succeeded",
    {"id": "pi_9", "amount": 1234, "currency": "usd", "metadata": {"user_id": "did:u"}},
    "evt_pay",
)
REFUND = stripe_event(
    "refund.updated",
    {"id": "re_1", "status": "succeeded", "amount": 1234, "currency": "usd", "payment_intent": "pi_9"},
    "evt_refund",
)


@pytest.fixture
def books() -> Books:
    return Books()


def broke(command: Any, code: RejectCode = RejectCode.INTERNAL_FAULT) -> CommandBroke:
    """What the writer says of a command that raised."""
    return CommandBroke(command=command, code=code, reason="ValueError in somewhere (a.py:1)")


def refusal(decision: Accepted | Rejected) -> Rejected:
    said = decision.reply if isinstance(decision, Accepted) else decision
    assert isinstance(said, Rejected)
    assert said.code is RejectCode.LEDGER_INGEST_FAILED
    return said


def retry(books: Books, event: RecordStripeEvent, **asked: Any) -> dict[str, int]:
    """Play the retry as the task does: choose, open the bodies, post again, count."""
    chosen = books.accept(RetryForwarding(limit=10, **asked)).reply["selected"]
    for event_id, attempt in chosen:
        assert event_id == event.event_id
        books.say(PostAgain(event_id=event_id, attempt=attempt, event=event))
    reply: dict[str, int] = books.accept(ReadForwarding(events=tuple(chosen))).reply
    return {name: reply[name] for name in ("attempted", "forwarded", "failed")}


def test_a_broken_posting_leaves_the_event_and_its_first_attempt_in_one_decision(books: Books) -> None:
    """FWD-001, FWD-002, FWD-008, FWD-009, PAY-009, PAY-054: nothing is owed before it is posted."""
    decision = books.accept(broke(PAYMENT))
    recorded, first = decision.events
    assert isinstance(recorded, StripeEventRecorded)
    assert isinstance(first, PostingBroke)
    assert (recorded.outcome, recorded.posting, first.attempt) == ("pending", None, 1)
    assert decision.blobs == {"stripe:event:evt_pay": PAYMENT.body}
    details = refusal(decision).details
    assert details["retry_scheduled"] is True
    assert details["next_retry_at"] == (NOW + TWO_MINUTES).isoformat()
    assert details["ledger_status"] == 500
    assert (trial_balance(books.state), books.owed) == ({}, [])


def test_fail_first_then_retry_then_replay_credits_1234_once(books: Books) -> None:
    """FWD-011, FWD-012, FWD-013, FWD-015, FWD-017: 1/1/0, then 0/0/0, even by force."""
    books.say(broke(PAYMENT))
    assert retry(books, PAYMENT) == {"attempted": 0, "forwarded": 0, "failed": 0}, "it is not due yet"
    books.now = NOW + TWO_MINUTES
    assert retry(books, PAYMENT) == {"attempted": 1, "forwarded": 1, "failed": 0}
    assert retry(books, PAYMENT) == {"attempted": 0, "forwarded": 0, "failed": 0}
    assert retry(books, PAYMENT, force=True) == {"attempted": 0, "forwarded": 0, "failed": 0}
    replay = books.accept(PAYMENT)
    assert (replay.events, replay.reply["deduped"], replay.reply["forwarded_to_ledger"]) == ((), True, True)
    assert balances(books.state, "did:u", "usd") == (1234, 0)
    assert books.state.effects["pi:pi_9:succeeded"] == "stripe:event:evt_pay", "PAY-014"


def test_what_an_event_owes_it_owes_once_it_is_forwarded(books: Books) -> None:
    """FWD-016, PAY-054."""
    event = paid()
    books.say(broke(event))
    assert books.owed == []
    books.now += TWO_MINUTES
    retry(books, event)
    assert [owed.key for owed in books.owed] == ["fee:pi_e1", "intent-report:evt_e1"]
    assert [type(one.event) for one in books.log][-1] is StripeEventForwarded


def test_a_redelivery_is_told_to_wait_until_it_is_due_and_then_posts(books: Books) -> None:
    """G-20: never a second row for one attempt."""
    books.say(broke(PAYMENT))
    early = books.say(PAYMENT)
    assert isinstance(early, Rejected)
    assert refusal(early).details["next_retry_at"] == (NOW + TWO_MINUTES).isoformat()
    books.now += TWO_MINUTES
    assert books.accept(PAYMENT).reply == {"deduped": False, "forwarded_to_ledger": True, "outcome": "posted"}
    assert books.accept(PAYMENT).reply["deduped"]


def test_two_retries_of_one_attempt_post_once(books: Books) -> None:
    """FWD-014: schedule, admin and redelivery race; whoever comes second finds the attempt made."""
    books.say(broke(PAYMENT))
    books.now += TWO_MINUTES
    for _ in range(2):
        books.accept(RetryForwarding(limit=10))
    again = PostAgain(event_id="evt_pay", attempt=2, event=PAYMENT)
    assert books.accept(again).events
    assert books.accept(again).events == ()
    assert balances(books.state, "did:u", "usd") == (1234, 0)


def test_an_attempt_that_breaks_again_counts_once_in_a_race(books: Books) -> None:
    """FWD-014."""
    books.say(broke(PAYMENT))
    again = PostAgain(event_id="evt_pay", attempt=2, event=PAYMENT)
    books.say(broke(again))
    assert books.state.outbox["evt_pay"].attempts == 2
    assert books.accept(again).events == ()


def test_retries_are_chosen_by_time_then_id_and_limited(books: Books) -> None:
    """FWD-007."""
    for minute, name in enumerate(["evt_c", "evt_b", "evt_a"]):
        books.now = NOW + timedelta(minutes=minute // 2)
        books.say(broke(replace(PAYMENT, event_id=name)))
    books.now = NOW + timedelta(minutes=10)
    decision = books.accept(RetryForwarding(limit=2))
    assert decision.reply["selected"] == (("evt_b", 2), ("evt_c", 2))
    assert decision.effects == (ReopenStripeEvents(events=(("evt_b", 2), ("evt_c", 2))),)
    chosen = books.accept(RetryForwarding(limit=9, event_id="evt_a")).reply["selected"]
    assert chosen == (("evt_a", 2),)
    assert books.accept(RetryForwarding(limit=9, event_id="evt_none", force=True)).reply["selected"] == ()


def correction(debit: str, credit: str, key: str) -> PostTransaction:
    return PostTransaction(
        idempotency_key=key,
        effect_key=key,
        kind="correction",
        currency="usd",
        legs=((debit, 1234), (credit, -1234)),
        occurred_at=NOW,
    )


@pytest.fixture
def short(books: Books) -> Books:
    """Books in which a payment lay in suspense and was taken away, so that its refund finds nothing."""
    books.accept(replace(PAYMENT, object={**PAYMENT.object, "metadata": {}}))
    books.accept(correction("suspense", "equity:capital", "away"))
    return books


def test_an_account_that_would_fall_below_zero_breaks_the_posting_until_it_is_mended(short: Books) -> None:
    """FWD-008, FWD-010: the ledger's own refusal is an attempt that failed, not a lost event."""
    details = refusal(short.say(REFUND)).details
    assert (details["ledger_code"], details["ledger_status"]) == ("INSUFFICIENT_FUNDS", 409)
    short.now += TWO_MINUTES
    assert retry(short, REFUND) == {"attempted": 1, "forwarded": 0, "failed": 1}
    short.accept(correction("equity:capital", "suspense", "back"))
    assert retry(short, REFUND) == {"attempted": 0, "forwarded": 0, "failed": 0}, "the delay has doubled"
    assert retry(short, REFUND, force=True) == {"attempted": 1, "forwarded": 1, "failed": 0}
    assert short.balance("stripe:platform") == 0


def test_after_the_last_attempt_a_person_is_told_once_and_stripe_may_stop(short: Books) -> None:
    """FWD-002, FRZ-012: a dead letter with its reason and runbook; the delays grow to an hour and no further."""
    short.say(REFUND)
    waits = []
    decision = None
    while (row := short.state.outbox["evt_refund"]).next_retry_at is not None:
        waits.append((row.next_retry_at - short.now).total_seconds() / 60)
        short.now = row.next_retry_at
        decision = short.say(PostAgain(event_id="evt_refund", attempt=row.attempts + 1, event=REFUND))
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    assert row.attempts == DEFAULT.outbox_attempts_max
    assert isinstance(decision, Accepted)
    _, letter = decision.events
    assert isinstance(letter, DeadLettered)
    assert (letter.failure_class, letter.details["runbook"]) == ("INSUFFICIENT_FUNDS", "runbooks/posting-broken.md")
    assert isinstance(decision.effects[0], RaiseAlert)
    assert short.accept(REFUND).reply == {"deduped": True, "forwarded_to_ledger": False, "outcome": "dead_letter"}
    assert retry(short, REFUND) == {"attempted": 0, "forwarded": 0, "failed": 0}
    assert retry(short, REFUND, force=True) == {"attempted": 1, "forwarded": 0, "failed": 1}
    short.accept(correction("equity:capital", "suspense", "back"))
    assert retry(short, REFUND, force=True, event_id="evt_refund")["forwarded"] == 1
    assert sum(isinstance(one.event, DeadLettered) for one in short.log if "refund" in one.event.key) == 1


def test_an_event_whose_body_is_forgotten_is_given_up_at_once(books: Books) -> None:
    books.say(broke(PAYMENT))
    decision = books.accept(PostAgain(event_id="evt_pay", attempt=2, event=None))
    assert types(decision.events) == ["PostingBroke", "DeadLettered"]
    assert books.state.outbox["evt_pay"].next_retry_at is None


def test_another_body_under_the_id_of_a_pending_event_is_quarantined_and_posts_nothing(books: Books) -> None:
    """FAULTS T: the outbox is no way round the quarantine."""
    books.say(broke(PAYMENT))
    books.now += TWO_MINUTES
    foreign = replace(PAYMENT, sha256="9" * 64)
    assert books.accept(foreign).reply["outcome"] == "quarantined"
    assert trial_balance(books.state) == {}


def test_a_listed_event_and_its_delivery_are_one_event_though_their_bytes_differ(books: Books) -> None:
    """PAY-017: whichever comes first; other content under the id of a listed event is still foreign."""
    listed = replace(PAYMENT, fetched=True, sha256="1" * 64)
    books.accept(listed)
    assert books.accept(PAYMENT).reply["deduped"]
    assert books.accept(replace(PAYMENT, created=PAYMENT.created + 1)).reply["outcome"] == "quarantined"
    other = Books()
    other.accept(PAYMENT)
    assert other.accept(listed).reply["deduped"]
    assert balances(other.state, "did:u", "usd") == balances(books.state, "did:u", "usd") == (1234, 0)
