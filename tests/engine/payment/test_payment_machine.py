"""Intents and refunds: one of each for an entry, whatever the line to Stripe does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.messages import (
    CallStripe,
    CancelIntent,
    IntentReported,
    ReadIntent,
    RefundEntry,
    RefundOutcome,
    RefundReported,
    RequestIntent,
    StripeAnswered,
)
from cutline.engine.payment.lifecycle import (
    INTENTS,
    REFUNDS,
    IntentFact,
    IntentStatus,
    RefundStatus,
    next_intent,
    next_refund,
)
from cutline.engine.payment.machine import PaymentMachine
from cutline.engine.stripe_call import KEY_LIFETIME
from tests.engine.driver import File, types

NOW = datetime(2026, 4, 5, 12, 0, tzinfo=UTC)
REQUEST = RequestIntent(contest_id="c1", entry_id="e1", account_did="did:a", amount_cents=2500, currency="usd")
CANCEL = CancelIntent(contest_id="c1", entry_id="e1", reason="expired")
READ = ReadIntent(contest_id="c1", entry_id="e1")
REFUND = RefundEntry(
    contest_id="c1",
    entry_id="e1",
    account_did="did:a",
    amount_cents=2500,
    currency="usd",
    payment_intent="pi_1",
    reason="late",
)
INTENT = {"id": "pi_1", "client_secret": "pi_1_secret", "status": "requires_payment_method"}


@pytest.fixture
def payments() -> File:
    return File(PaymentMachine())


def call_of(file: File) -> CallStripe:
    """Return the last call that went out."""
    call = file.effects[-1]
    assert isinstance(call, CallStripe)
    return call


def done(file: File, obj: Mapping[str, Any]) -> StripeAnswered:
    call = call_of(file)
    return StripeAnswered(
        subject=call.subject, attempt=call.attempt, operation=call.operation, succeeded=True, object=obj
    )


def broken(file: File, kind: Any, moved: Any = "no", code: str = "some_code") -> StripeAnswered:
    call = call_of(file)
    return StripeAnswered(
        subject=call.subject,
        attempt=call.attempt,
        operation=call.operation,
        succeeded=False,
        kind=kind,
        code=code,
        message="no",
        money_moved=moved,
    )


def report(status: Any, event_id: str = "evt_1") -> IntentReported:
    return IntentReported(payment_intent="pi_1", status=status, event_id=event_id, contest_id="c1", entry_id="e1")


def status_of(file: File) -> Any:
    file.send(READ, NOW)
    return file.reply["status"]


def opened(payments: File) -> File:
    payments.send(REQUEST, NOW)
    payments.send(done(payments, INTENT), NOW)
    return payments


def test_an_intent_is_committed_with_its_key_and_exact_parameters_before_the_call(payments: File) -> None:
    assert types(payments.send(REQUEST, NOW)) == ["IntentPlanned", "AttemptStarted"]
    call = call_of(payments)
    assert (call.operation, call.idempotency_key) == ("create_payment_intent", "payment:intent:c1:e1")
    assert call.parameters["amount"] == 2500
    assert call.parameters["metadata"] == {
        "purpose": "contest_entry_fee",
        "contest_id": "c1",
        "entry_id": "e1",
        "account_did": "did:a",
        "fee_cents": "2500",
        "currency": "usd",
    }
    payments.send(done(payments, INTENT), NOW)
    payments.send(READ, NOW)
    assert (payments.reply["status"], payments.reply["client_secret"]) == ("open", "pi_1_secret")
    assert payments.machine.due_at(payments.state) is None
    payments.assert_replays()


def test_the_same_request_makes_no_second_intent_and_another_is_refused_by_field(payments: File) -> None:
    """PAY-030."""
    opened(payments)
    calls = len(payments.effects)
    assert payments.send(REQUEST, NOW) == []
    assert payments.reply["payment_intent"] == "pi_1"
    refusal = payments.refuse(replace(REQUEST, amount_cents=9), NOW)
    assert (refusal.code, refusal.details["field"]) == (RejectCode.IDEMPOTENCY_KEY_REUSED, "amount_cents")
    assert payments.refuse(replace(REQUEST, entry_id="e2", amount_cents=0), NOW).code is RejectCode.REQUEST_INVALID
    assert len(payments.effects) == calls
    assert payments.refuse(replace(READ, entry_id="e9"), NOW).code is RejectCode.NOT_FOUND


def test_a_lost_line_repeats_the_same_call_with_doubling_delays(payments: File) -> None:
    payments.send(REQUEST, NOW)
    first = call_of(payments)
    now, waits = NOW, []
    for _ in range(12):
        payments.send(broken(payments, "retry_same_key", "unknown"), now)
        due = payments.machine.due_at(payments.state)
        assert due is not None
        waits.append(int((due - now).total_seconds()))
        assert payments.look(due - timedelta(milliseconds=1)) == []
        now = due
        payments.look(now)
        assert call_of(payments) == first
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    payments.send(done(payments, INTENT), now)
    payments.assert_replays()


def test_a_call_without_an_answer_is_made_again_by_the_clock(payments: File) -> None:
    payments.send(REQUEST, NOW)
    payments.look(NOW + timedelta(minutes=10))
    assert payments.effects[0] == payments.effects[1]


def test_a_final_refusal_fails_the_intent(payments: File) -> None:
    payments.send(REQUEST, NOW)
    payments.send(broken(payments, "final", code="amount_too_small"), NOW)
    payments.send(READ, NOW)
    assert (payments.reply["status"], payments.reply["failure"]) == ("failed", "amount_too_small")


def test_an_old_key_of_an_intent_gives_way_to_a_new_attempt(payments: File) -> None:
    """An intent that nobody has the secret of moves no money, so it needs no look-up."""
    payments.send(REQUEST, NOW)
    payments.send(broken(payments, "retry_same_key", "unknown"), NOW)
    payments.look(NOW + KEY_LIFETIME)
    assert call_of(payments).idempotency_key == "payment:intent:c1:e1:2"
    late = replace(done(payments, INTENT), attempt=1)
    assert payments.send(late, NOW + KEY_LIFETIME) == []


def test_an_open_intent_is_cancelled_at_stripe(payments: File) -> None:
    opened(payments)
    assert types(payments.send(CANCEL, NOW)) == ["IntentCancelRequested", "AttemptStarted"]
    call = call_of(payments)
    assert (call.operation, call.parameters) == ("cancel_payment_intent", {"id": "pi_1"})
    assert call.idempotency_key == "payment:cancel:c1:e1"
    assert payments.send(CANCEL, NOW) == []
    payments.send(READ, NOW)
    assert payments.reply["client_secret"] is None, "nobody shall pay any more"
    payments.send(done(payments, INTENT | {"status": "canceled"}), NOW)
    assert status_of(payments) == "canceled"
    payments.assert_replays()


def test_a_cancellation_waits_until_the_intent_exists(payments: File) -> None:
    payments.send(REQUEST, NOW)
    assert types(payments.send(CANCEL, NOW)) == ["IntentCancelRequested"]
    assert types(payments.send(done(payments, INTENT), NOW)) == ["IntentCreated", "AttemptStarted"]
    assert call_of(payments).operation == "cancel_payment_intent"


def test_a_cancellation_that_overtakes_its_request_lets_no_intent_be_made(payments: File) -> None:
    payments.send(CANCEL, NOW)
    assert payments.send(CANCEL, NOW) == []
    payments.send(REQUEST, NOW)
    assert payments.effects == []
    assert status_of(payments) == "canceled"
    payments.assert_replays()


@pytest.mark.parametrize(("found", "ends"), [("succeeded", "succeeded"), ("canceled", "canceled")])
def test_a_refused_cancellation_asks_where_the_intent_stands(payments: File, found: str, ends: str) -> None:
    """Already succeeded means paid: the money comes by webhook, and nothing else is to do."""
    opened(payments)
    payments.send(CANCEL, NOW)
    payments.send(broken(payments, "final", code="payment_intent_unexpected_state"), NOW)
    assert call_of(payments).operation == "retrieve_payment_intent"
    assert call_of(payments).idempotency_key is None
    payments.send(done(payments, INTENT | {"status": found}), NOW)
    assert status_of(payments) == ends
    assert payments.machine.due_at(payments.state) is None


def test_an_intent_that_stays_open_is_cancelled_again(payments: File) -> None:
    opened(payments)
    payments.send(CANCEL, NOW)
    payments.send(broken(payments, "final"), NOW)
    payments.send(done(payments, INTENT | {"status": "processing"}), NOW)
    payments.look(NOW + timedelta(seconds=4))
    payments.send(done(payments, INTENT | {"status": "processing"}), NOW + timedelta(seconds=5))
    assert call_of(payments).operation == "cancel_payment_intent"
    assert call_of(payments).idempotency_key == "payment:cancel:c1:e1:3"
    payments.assert_replays()


def test_asking_where_an_uncancellable_intent_stands_slows_down(payments: File) -> None:
    """A bank debit is `processing` for days: each round must wait longer, or the log grows by the second (I12)."""
    payments.send(REQUEST, NOW)
    payments.send(done(payments, INTENT), NOW)
    payments.send(CANCEL, NOW)
    now, began = NOW, len(payments.log)
    while now < NOW + timedelta(days=1):
        operation = call_of(payments).operation
        if operation == "cancel_payment_intent":
            payments.send(broken(payments, "final", code="payment_intent_unexpected_state"), now)
        else:
            payments.send(done(payments, INTENT | {"status": "processing"}), now)
        now = max(now, payments.machine.due_at(payments.state) or now)
        payments.look(now)
    assert len(payments.log) - began < 600


def test_an_answer_that_comes_twice_is_no_news(payments: File) -> None:
    """I4: the second answer to one question records nothing."""
    payments.send(REQUEST, NOW)
    payments.send(done(payments, INTENT), NOW)
    payments.send(CANCEL, NOW)
    payments.send(broken(payments, "final"), NOW)
    asked = done(payments, INTENT | {"status": "processing"})
    payments.send(asked, NOW)
    before = len(payments.log)
    payments.send(asked, NOW + timedelta(seconds=1))
    assert len(payments.log) == before


def test_a_webhook_that_overtakes_our_own_answer_finds_its_entry(payments: File) -> None:
    """T16."""
    payments.send(REQUEST, NOW)
    payments.send(report("succeeded"), NOW)
    assert payments.send(report("succeeded"), NOW) == []
    payments.send(done(payments, INTENT), NOW)
    assert status_of(payments) == "succeeded"


def test_a_declined_card_leaves_the_intent_open_and_success_is_never_taken_back(payments: File) -> None:
    """PAY-025."""
    opened(payments)
    payments.send(report("failed", "evt_1"), NOW)
    assert status_of(payments) == "open"
    payments.send(report("succeeded", "evt_2"), NOW)
    payments.send(report("failed", "evt_3"), NOW)
    payments.send(report("canceled", "evt_4"), NOW)
    assert status_of(payments) == "succeeded"
    assert payments.send(CANCEL, NOW) == []
    other = IntentReported(payment_intent="pi_other", status="succeeded", event_id="evt_5")
    assert payments.send(other, NOW) == []


def test_a_refund_is_made_once_and_told_to_the_ledger(payments: File) -> None:
    """PAY-042."""
    payments.send(REFUND, NOW)
    call = call_of(payments)
    assert (call.operation, call.idempotency_key) == ("create_refund", "payment:refund:pi_1")
    assert call.parameters["metadata"]["entry_id"] == "e1"
    assert payments.send(REFUND, NOW) == []
    assert payments.refuse(replace(REFUND, amount_cents=1), NOW).code is RejectCode.IDEMPOTENCY_KEY_REUSED
    payments.send(done(payments, {"id": "re_1", "status": "succeeded"}), NOW)
    (outcome,) = payments.messages(RefundOutcome)
    assert (outcome.stripe_refund_id, outcome.succeeded) == ("re_1", True)
    payments.assert_replays()


def test_each_payment_for_an_entry_has_a_refund_of_its_own(payments: File) -> None:
    """I4: an entry that was paid twice gives both back, and what is said of one is not said of the other."""
    payments.send(REFUND, NOW)
    payments.send(done(payments, {"id": "re_1", "status": "pending"}), NOW)
    payments.send(replace(REFUND, payment_intent="pi_2", reason="withdrawn"), NOW)
    call = call_of(payments)
    assert (call.idempotency_key, call.parameters["payment_intent"]) == ("payment:refund:pi_2", "pi_2")
    payments.send(done(payments, {"id": "re_2", "status": "succeeded"}), NOW)
    word = RefundReported(
        contest_id="c1",
        entry_id="e1",
        payment_intent="pi_1",
        stripe_refund_id="re_1",
        status="failed",
        event_id="evt_1",
    )
    payments.send(word, NOW)
    told = [(one.payment_intent, one.stripe_refund_id, one.succeeded) for one in payments.messages(RefundOutcome)]
    assert told == [("pi_2", "re_2", True), ("pi_1", "re_1", False)]
    assert payments.refuse(replace(REFUND, entry_id="e2"), NOW).code is RejectCode.IDEMPOTENCY_KEY_REUSED
    payments.assert_replays()


def test_a_pending_refund_waits_for_its_webhook(payments: File) -> None:
    payments.send(REFUND, NOW)
    payments.send(done(payments, {"id": "re_1", "status": "pending"}), NOW)
    assert payments.messages(RefundOutcome) == []
    word = RefundReported(
        contest_id="c1",
        entry_id="e1",
        payment_intent="pi_1",
        stripe_refund_id="re_1",
        status="succeeded",
        event_id="evt_1",
    )
    payments.send(replace(word, stripe_refund_id="re_outside"), NOW)
    payments.send(word, NOW)
    assert payments.send(word, NOW) == []
    payments.send(replace(word, status="failed", event_id="evt_2"), NOW)
    payments.send(replace(word, event_id="evt_3"), NOW)
    assert [outcome.succeeded for outcome in payments.messages(RefundOutcome)] == [True, False]


def test_a_refund_that_stripe_refuses_is_told_without_an_id(payments: File) -> None:
    payments.send(REFUND, NOW)
    payments.send(broken(payments, "final", code="charge_disputed"), NOW)
    (outcome,) = payments.messages(RefundOutcome)
    assert (outcome.stripe_refund_id, outcome.succeeded, outcome.reason) == (None, False, "charge_disputed")


@pytest.mark.parametrize("found", [True, False])
def test_an_unclear_refund_older_than_its_key_is_looked_up_and_never_blindly_repeated(
    payments: File, found: bool
) -> None:
    """T3."""
    payments.send(REFUND, NOW)
    payments.send(broken(payments, "retry_same_key", "unknown"), NOW)
    later = NOW + KEY_LIFETIME
    assert payments.machine.resume(payments.state, later) == []
    payments.look(later)
    asked = call_of(payments)
    assert (asked.operation, asked.parameters) == ("find_refunds", {"payment_intent": "pi_1"})
    ours = {"id": "re_1", "status": "succeeded", "metadata": {"contest_id": "c1", "entry_id": "e1"}}
    other = {"id": "re_0", "metadata": {"contest_id": "c1", "entry_id": "e0"}}
    payments.send(done(payments, {"data": [other, ours] if found else [other]}), later)
    if found:
        assert [one.stripe_refund_id for one in payments.messages(RefundOutcome)] == ["re_1"]
    else:
        assert call_of(payments).idempotency_key == "payment:refund:pi_1:2"
    payments.assert_replays()


def test_what_was_under_way_is_called_again_after_a_crash_with_the_same_key_and_parameters(payments: File) -> None:
    payments.send(REQUEST, NOW)
    payments.send(REFUND, NOW)
    again = payments.replayed()
    assert again.machine.resume(again.state, NOW) == payments.effects


def test_payments_refuse_to_guess_at_a_foreign_message(payments: File) -> None:
    with pytest.raises(InvariantViolated):
        payments.send("nonsense", NOW)


@pytest.mark.parametrize("status", IntentStatus)
@pytest.mark.parametrize("fact", IntentFact)
def test_every_pair_of_intent_status_and_fact_is_in_the_table_or_a_bug(status: IntentStatus, fact: IntentFact) -> None:
    """PAY-026; and PAY-025: paid stays paid."""
    impossible = {
        (IntentStatus.OPEN, IntentFact.CREATED),
        (IntentStatus.OPEN, IntentFact.REFUSED),
        (IntentStatus.FAILED, IntentFact.CREATED),
        (IntentStatus.FAILED, IntentFact.REFUSED),
        (IntentStatus.CANCELING, IntentFact.CANCEL_REQUESTED),
    }
    if (status, fact) in impossible:
        assert (status, fact) not in INTENTS
        with pytest.raises(InvariantViolated):
            next_intent(status, fact)
        return
    after = next_intent(status, fact)
    if status is IntentStatus.SUCCEEDED or fact is IntentFact.SUCCEEDED:
        assert after is IntentStatus.SUCCEEDED
    order = list(IntentStatus)
    assert after is IntentStatus.SUCCEEDED or order.index(after) >= order.index(status)


@pytest.mark.parametrize("status", RefundStatus)
@pytest.mark.parametrize("said", RefundStatus)
def test_every_pair_of_refund_status_and_word_is_in_the_table_or_a_bug(
    status: RefundStatus, said: RefundStatus
) -> None:
    legal = said is not RefundStatus.PLANNED and (said is not RefundStatus.REFUSED or status is RefundStatus.PLANNED)
    assert ((status, said) in REFUNDS) == legal
    if not legal:
        with pytest.raises(InvariantViolated):
            next_refund(status, said)
    elif status is RefundStatus.CONFIRMED:
        assert next_refund(status, said) in (RefundStatus.CONFIRMED, RefundStatus.FAILED)
