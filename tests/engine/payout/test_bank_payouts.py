"""Payouts to the bank: held first, then paid once or given back once, in whatever order Stripe speaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.messages import Look, RaiseAlert
from cutline.engine.messages.bank import (
    AdmitPayout,
    FinalizePayout,
    ListPayouts,
    PayoutBooked,
    PayoutReported,
    ReadFailedPayouts,
    ReadPayout,
    ReadStuckPayouts,
    RetryPayout,
)
from cutline.engine.payout.bank_lifecycle import PAYOUTS, TRANSITIONAL, PayoutFact, PayoutStatus, next_payout
from cutline.engine.stripe_call import KEY_LIFETIME
from tests.engine.payout.bank import ACCOUNT, DID, NOW, READY, Bank, lock, made

ALL = ListPayouts(created_from=NOW - timedelta(days=1), created_before=NOW + timedelta(days=1), limit=100)


@pytest.fixture
def bank() -> Bank:
    """A ready account with 5000 cents in it, which the books know."""
    bank = Bank()
    bank.onboard()
    bank.credit(5000, at_stripe=True)
    return bank


def submitted(bank: Bank) -> Bank:
    """Bring a payout of 1200 to where the bank has it."""
    bank.send("ledger", lock())
    bank.answer("create_payout", made())
    return bank


def status(bank: Bank) -> str:
    return str(bank.payout()["status"])


def test_the_money_is_held_before_stripe_is_called(bank: Bank) -> None:
    """POUT-011, POUT-015: of 5000, 3800 are available and 1200 held after the lock."""
    bank.send("ledger", lock())
    assert bank.funds() == (3800, 1200)
    call = bank.call("create_payout")
    assert call.idempotency_key == "payout:p1"
    head = bank.payouts.state.bank.payouts["p1"].plan.head
    assert call.parameters == {
        "amount": 1200,
        "currency": "usd",
        "metadata": {"payout_id": "p1", "account_did": DID, "ledger_head": head},
        "stripe_account": ACCOUNT,
    }
    assert bank.calls("create_transfer") == []
    assert status(bank) == "submitted"
    bank.assert_replays()


def test_a_key_is_one_payout_and_other_content_under_it_is_refused_by_field(bank: Bank) -> None:
    """POUT-009, POUT-010: no second posting and no second call."""
    bank.send("ledger", lock())
    bank.send("ledger", lock())
    assert bank.ledger.reply["deduped"] is True
    for other, field in (
        (lock(cents=1300), "amount_cents"),
        (lock(account_did="did:b"), "account_did"),
        (lock(currency="eur"), "currency"),
    ):
        refusal = bank.ledger.refuse(other, NOW)
        assert refusal.code is RejectCode.IDEMPOTENCY_KEY_REUSED
        assert refusal.details == {"idempotency_key": "key-p1", "field": field}, "the asker's own key is named"
    assert (bank.postings("payout_locked"), len(bank.calls("create_payout"))) == (1, 1)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (lock(cents=5001), RejectCode.INSUFFICIENT_FUNDS),
        (lock(cents=0), RejectCode.REQUEST_INVALID),
        (lock(cents=-1), RejectCode.REQUEST_INVALID),
        (lock(currency="US"), RejectCode.REQUEST_INVALID),
        (lock(account_did="a b"), RejectCode.REQUEST_INVALID),
        (lock(payout_id="p 1"), RejectCode.REQUEST_INVALID),
        (lock(account_did="did:nobody"), RejectCode.INSUFFICIENT_FUNDS),
    ],
)
def test_what_cannot_be_paid_is_refused_and_nothing_moves(bank: Bank, asked: Any, code: RejectCode) -> None:
    assert bank.ledger.refuse(asked, NOW).code is code
    assert (bank.funds(), bank.payouts.state.bank.payouts) == ((5000, 0), {})


def test_an_account_that_cannot_be_paid_is_told_so_before_anything_is_held() -> None:
    bank = Bank()
    ask = AdmitPayout(payout_id="p1", account_did=DID)
    assert bank.payouts.refuse(ask, NOW).code is RejectCode.PAYOUTS_NOT_ENABLED
    bank.onboard(READY | {"payouts_enabled": False})
    assert bank.payouts.refuse(ask, NOW).code is RejectCode.PAYOUTS_NOT_ENABLED
    bank.report()
    assert bank.payouts.send(ask, NOW) == []
    bank.credit(5000)
    bank.send("ledger", lock())
    bank.report(payouts=False)
    assert bank.payouts.send(ask, NOW) == [], "a payout that is known was admitted before"


def test_paid_drains_the_hold_once_however_often_it_is_said(bank: Bank) -> None:
    """POUT-013, POUT-026, LED-005."""
    submitted(bank)
    for _ in range(3):
        bank.webhook("payout.paid")
    bank.redeliver()
    assert (status(bank), bank.postings("payout_paid"), bank.funds()) == ("paid", 1, (3800, 0))
    assert (bank.balance(f"stripe:connected:{DID}"), bank.balance("clearing:bank")) == (3800, 1200)
    assert bank.balance("clearing:payouts") == -1200
    assert bank.payout()["finalized_at"] == NOW
    bank.assert_replays()


def test_failed_gives_the_hold_back_once_however_often_it_is_said(bank: Bank) -> None:
    """POUT-014, POUT-027, LED-006: back to 5000."""
    submitted(bank)
    for _ in range(3):
        bank.webhook("payout.failed", failure_code="account_closed")
    bank.redeliver()
    assert (status(bank), bank.postings("payout_failed"), bank.funds()) == ("failed", 1, (5000, 0))
    assert bank.payout()["reason"] == "account_closed"
    assert bank.balance(f"stripe:connected:{DID}") == 5000
    alerts = [one for one in bank.payouts.effects if isinstance(one, RaiseAlert)]
    assert [(one.name, one.details["code"]) for one in alerts] == [("payout_failed", "account_closed")]
    bank.assert_replays()


def test_failed_days_after_paid_undoes_it_once(bank: Bank) -> None:
    """POUT-014, T8: the money is in the connected account again and owed again."""
    submitted(bank)
    bank.webhook("payout.paid")
    bank.now += timedelta(days=4)
    for _ in range(3):
        bank.webhook("payout.failed", failure_code="no_account")
    bank.webhook("payout.paid")
    bank.redeliver()
    assert (status(bank), bank.funds()) == ("failed", (5000, 0))
    assert (bank.postings("payout_paid"), bank.postings("payout_failed_after_paid")) == (1, 1)
    assert bank.balance("clearing:bank") == bank.balance("clearing:payouts") == 0
    assert bank.balance(f"stripe:connected:{DID}") == 5000
    audit = [change["status"] for change in bank.payout()["audit_events"]]
    assert audit == [
        "initiated", "submitted", "accepted", "finalizing_paid", "paid", "finalizing_failed", "failed",
    ]  # fmt: skip
    bank.assert_replays()


def test_failed_before_paid_is_heard_ends_the_payout_all_the_same(bank: Bank) -> None:
    """T9: webhooks in the wrong order come to the same books."""
    submitted(bank)
    bank.webhook("payout.failed")
    bank.webhook("payout.paid")
    assert (status(bank), bank.funds()) == ("failed", (5000, 0))
    assert (bank.postings("payout_paid"), bank.postings("payout_failed")) == (0, 1)
    assert bank.payout()["reason"] == "unknown"


def test_a_failure_waits_until_the_books_have_what_it_undoes(bank: Bank) -> None:
    submitted(bank)
    paid = _reported("paid", "evt_a")
    failed = _reported("failed", "evt_b")
    bank.payouts.send(paid, NOW)
    assert bank.payouts.refuse(failed, NOW).code is RejectCode.MESSAGE_TOO_EARLY
    bank.settle()
    bank.payouts.send(failed, NOW)
    bank.settle()
    assert (status(bank), bank.funds()) == ("failed", (5000, 0))


def test_a_webhook_before_our_call_is_answered_links_by_our_metadata(bank: Bank) -> None:
    """T16: and the answer, when it comes, changes nothing."""
    bank.send("ledger", lock())
    bank.webhook("payout.paid")
    assert (status(bank), bank.payout()["stripe_payout_id"]) == ("paid", "po_1")
    bank.answer("create_payout", made())
    assert status(bank) == "paid"


def _reported(outcome: Any, event_id: str, **other: Any) -> PayoutReported:
    fields = {
        "payout_id": "p1",
        "stripe_payout_id": "po_1",
        "stripe_account_id": ACCOUNT,
        "outcome": outcome,
        "reason": None,
        "event_id": event_id,
    }
    return PayoutReported(**(fields | other))


@pytest.mark.parametrize(
    "foreign", [{"stripe_account_id": "acct_2"}, {"stripe_payout_id": "po_2"}, {"amount_cents": 1}]
)
def test_a_report_about_another_payout_under_our_metadata_moves_nothing(bank: Bank, foreign: dict[str, Any]) -> None:
    submitted(bank)
    assert bank.payouts.send(_reported("paid", "evt_x", **foreign), NOW) == []
    assert bank.payouts.effects[-1].name == "foreign_payout_reported"
    assert (status(bank), bank.funds()) == ("submitted", (3800, 1200))


def test_reports_and_bookings_of_unknown_payouts_wait_or_fall_flat(bank: Bank) -> None:
    early = _reported("paid", "evt_1", payout_id="p9")
    assert bank.payouts.refuse(early, NOW).code is RejectCode.MESSAGE_TOO_EARLY
    assert bank.payouts.send(PayoutBooked(payout_id="p9", outcome="paid"), NOW) == []
    finalize = FinalizePayout(payout_id="p9", outcome="paid", stripe_payout_id=None, reason=None)
    assert bank.ledger.refuse(finalize, NOW).code is RejectCode.MESSAGE_TOO_EARLY


def test_the_books_pay_nothing_that_has_failed(bank: Bank) -> None:
    submitted(bank)
    bank.webhook("payout.failed")
    paid = FinalizePayout(payout_id="p1", outcome="paid", stripe_payout_id="po_1", reason=None)
    assert bank.ledger.refuse(paid, NOW).code is RejectCode.INVALID_STATUS_TRANSITION


def test_a_payout_that_nobody_asked_us_for_is_for_a_person(bank: Bank) -> None:
    bank.webhook("payout.paid", payout_id="p9", number=9)
    assert "stripe:event:evt_2" in bank.ledger.state.dead_letters
    bank.webhook("payout.failed", payout_id="p9", number=9)
    assert len(bank.ledger.state.dead_letters) == 1
    assert bank.funds() == (5000, 0)


# What the connected account lacks ----------------------------------------------------------------------------------


def test_only_what_the_account_lacks_is_transferred_first() -> None:
    """After a transfer that failed for good the money is available here, and not in the account."""
    bank = Bank()
    bank.onboard()
    bank.credit(4000)
    bank.credit(1000, at_stripe=True)
    bank.send("ledger", lock(cents=1200))
    call = bank.call("create_transfer")
    assert (call.idempotency_key, call.parameters["amount"]) == ("payout:p1:transfer", 200)
    assert (call.parameters["destination"], call.parameters["transfer_group"]) == (ACCOUNT, "payout:p1")
    assert bank.calls("create_payout") == []
    bank.answer("create_transfer", {"id": "tr_1"})
    assert (bank.balance(f"stripe:connected:{DID}"), bank.balance("stripe:platform")) == (1200, 3800)
    assert bank.funds() == (3800, 1200)
    bank.answer("create_payout", made())
    bank.webhook("payout.paid")
    assert (status(bank), bank.balance(f"stripe:connected:{DID}")) == ("paid", 0)
    assert bank.funds() == (3800, 0)
    bank.assert_replays()


def test_two_payouts_do_not_count_on_the_same_money() -> None:
    bank = Bank()
    bank.onboard()
    bank.credit(4000)
    bank.credit(1000, at_stripe=True)
    for payout_id, lacks_cents in (("p1", 0), ("p2", 600), ("p3", 800)):
        bank.send("ledger", lock(payout_id, 800))
        assert bank.payout(payout_id)["transfer_cents"] == lacks_cents
    bank.webhook("payout.failed", payout_id="p1")
    bank.send("ledger", lock("p4", 800))
    assert bank.payout("p4")["transfer_cents"] == 0, "what came back is free again"


def test_a_transfer_that_fails_for_good_gives_the_payout_back() -> None:
    """It is looked up first, as every final refusal of a call that moves money is."""
    bank = Bank()
    bank.onboard()
    bank.credit(5000)
    bank.send("ledger", lock())
    bank.break_off("create_transfer", "final", code="account_invalid")
    assert bank.call("find_transfers").parameters == {"transfer_group": "payout:p1"}
    bank.answer("find_transfers", {"data": []})
    assert (status(bank), bank.payout()["reason"], bank.funds()) == ("failed", "account_invalid", (5000, 0))
    assert bank.calls("create_payout") == []
    bank.assert_replays()


@pytest.mark.parametrize("said", ["payout.paid", "payout.failed"])
def test_a_report_while_the_transfer_is_under_way_waits_for_it(said: str) -> None:
    """Whoever owns the account can write our metadata: the transfer must not be forgotten over it."""
    bank = Bank()
    bank.onboard()
    bank.credit(5000)
    bank.send("ledger", lock())
    bank.webhook(said)
    assert (status(bank), bank.funds()) == ("submitted", (3800, 1200))
    bank.answer("create_transfer", {"id": "tr_1"})
    assert (bank.balance("stripe:connected:did:a"), bank.postings("payout_transferred")) == (1200, 1)
    assert bank.call("create_payout").parameters["amount"] == 1200


def test_a_report_of_another_amount_ends_nothing(bank: Bank) -> None:
    """T15: before Stripe has answered, the account's owner may pay out a cent under our metadata."""
    bank.send("ledger", lock())
    bank.webhook("payout.paid", number=2, amount=1)
    assert (status(bank), bank.funds(), bank.payouts.effects[-1].name) == (
        "submitted", (3800, 1200), "foreign_payout_reported",
    )  # fmt: skip
    bank.webhook("payout.paid", amount=1200)
    assert (status(bank), bank.funds()) == ("paid", (3800, 0))


def test_a_report_about_a_payout_that_was_never_made_is_for_a_person(bank: Bank) -> None:
    """The money was given back, so a payout that is there all the same must not go unseen."""
    bank.send("ledger", lock())
    bank.break_off("create_payout", "final", code="invalid_request")
    bank.answer("find_payouts", {"data": []})
    assert (status(bank), bank.funds()) == ("failed", (5000, 0))
    bank.webhook("payout.paid")
    assert bank.payouts.effects[-1].name == "foreign_payout_reported"
    assert (status(bank), bank.funds()) == ("failed", (5000, 0))


def test_a_payout_that_fails_leaves_its_transfer_in_the_account_for_the_next() -> None:
    bank = Bank()
    bank.onboard()
    bank.credit(5000)
    bank.send("ledger", lock())
    bank.answer("create_transfer", {"id": "tr_1"})
    bank.answer("create_payout", made())
    bank.webhook("payout.failed")
    bank.send("ledger", lock("p2"))
    assert len(bank.calls("create_transfer")) == 1
    assert bank.payout("p2")["transfer_cents"] == 0


# Calls that go wrong -----------------------------------------------------------------------------------------------


def test_a_payout_refused_for_good_is_looked_up_and_given_back(bank: Bank) -> None:
    bank.send("ledger", lock())
    bank.break_off("create_payout", "final", code="payouts_not_allowed")
    assert bank.call("find_payouts").parameters == {"stripe_account": ACCOUNT}
    bank.answer("find_payouts", {"data": [made(7, "other"), {"id": "po_8", "metadata": {}}]})
    assert (status(bank), bank.payout()["reason"], bank.funds()) == ("failed", "payouts_not_allowed", (5000, 0))
    assert bank.calls("create_payout")[1:] == []


def test_a_payout_that_was_made_although_its_answer_was_lost_is_found(bank: Bank) -> None:
    """I4: one payout at Stripe."""
    bank.send("ledger", lock())
    bank.break_off("create_payout", "retry_same_key", "unknown")
    bank.now += KEY_LIFETIME
    bank.send("payouts", Look())
    assert len(bank.calls("create_payout")) == 1, "an old key is not repeated"
    bank.answer("find_payouts", {"data": [made(status="paid")]})
    assert (status(bank), bank.payout()["stripe_payout_id"], bank.funds()) == ("paid", "po_1", (3800, 0))


def test_a_time_out_repeats_the_same_call(bank: Bank) -> None:
    bank.send("ledger", lock())
    bank.break_off("create_payout", "retry_same_key", "unknown")
    assert bank.payout()["next_attempt_at"] == NOW + timedelta(seconds=2)
    bank.now += timedelta(seconds=2)
    bank.payouts.look(bank.now)
    first, second = bank.calls("create_payout")
    assert first == second


def test_too_little_in_the_account_waits_for_a_new_attempt(bank: Bank) -> None:
    bank.send("ledger", lock())
    bank.break_off("create_payout", "later_new_attempt", code="balance_insufficient")
    assert (status(bank), bank.payout()["reason"], bank.funds()) == ("submitted", "balance_insufficient", (3800, 1200))
    bank.now += timedelta(minutes=15)
    bank.payouts.look(bank.now)
    assert bank.call("create_payout").idempotency_key == "payout:p1:2"


@pytest.mark.parametrize(("said", "ends"), [("paid", "paid"), ("failed", "failed"), ("canceled", "failed")])
def test_a_lost_webhook_delays_the_end_and_no_more(bank: Bank, said: str, ends: str) -> None:
    """T11: a payout is asked after a day after it should have arrived, and again until it has ended."""
    submitted(bank)
    bank.payouts.look(NOW + timedelta(days=2, hours=23))
    assert bank.calls("retrieve_payout") == []
    bank.now = NOW + timedelta(days=3)
    bank.payouts.look(bank.now)
    assert bank.call("retrieve_payout").parameters == {"id": "po_1", "stripe_account": ACCOUNT}
    bank.answer("retrieve_payout", made(status="in_transit"))
    assert status(bank) == "submitted"
    bank.now += timedelta(minutes=15)
    bank.payouts.look(bank.now)
    bank.answer("retrieve_payout", made(status=said))
    assert status(bank) == ends
    bank.payouts.look(bank.now + timedelta(days=30))
    assert bank.payouts.machine.due_at(bank.payouts.state) is None
    bank.assert_replays()


def test_an_answer_that_says_the_end_already_is_believed(bank: Bank) -> None:
    bank.send("ledger", lock())
    bank.answer("create_payout", made(status="failed", failure_code="no_account", arrival_date=None))
    assert (status(bank), bank.payout()["reason"], bank.funds()) == ("failed", "no_account", (5000, 0))


# Accounts ----------------------------------------------------------------------------------------------------------


def test_a_payout_waits_for_an_account_that_became_unable_and_goes_on_when_it_is_able(bank: Bank) -> None:
    bank.report(payouts=False)
    bank.send("ledger", lock())
    assert (status(bank), bank.payout()["waits_for"], bank.calls("create_payout")) == ("initiated", "account", [])
    bank.answer("retrieve_account", READY | {"payouts_enabled": False})
    bank.report()
    assert status(bank) == "submitted"
    assert "payout:account-check:did:a" not in bank.payouts.state.calls.calls
    bank.assert_replays()


def test_an_account_is_polled_while_a_payout_waits_for_it(bank: Bank) -> None:
    """A lost webhook about the account delays the payout and no more."""
    bank.report(transfers=False, payouts=False)
    bank.send("ledger", lock())
    bank.answer("retrieve_account", READY | {"payouts_enabled": False})
    assert status(bank) == "initiated"
    bank.now += timedelta(minutes=15)
    bank.payouts.look(bank.now)
    bank.answer("retrieve_account", READY)
    assert status(bank) == "submitted"
    bank.assert_replays()


def test_a_payout_goes_on_when_the_account_it_waits_for_is_made() -> None:
    """Stripe may have said that the account is able before it said that it is there."""
    bank = Bank()
    bank.credit(5000)
    bank.send("ledger", lock())
    assert (status(bank), bank.payouts.effects) == ("initiated", [])
    bank.report()
    bank.onboard(READY | {"payouts_enabled": False})
    assert len(bank.calls("create_transfer")) == 1
    bank.assert_replays()


def test_a_payout_that_needs_a_transfer_waits_for_both_abilities() -> None:
    bank = Bank()
    bank.onboard()
    bank.credit(5000)
    bank.report(transfers=False, payouts=True)
    bank.send("ledger", lock())
    assert status(bank) == "initiated"
    bank.report()
    assert len(bank.calls("create_transfer")) == 1


# Retries and lists -------------------------------------------------------------------------------------------------


def stuck_at_account(bank: Bank) -> None:
    bank.report(payouts=False)
    bank.send("ledger", lock())
    bank.answer("retrieve_account", READY | {"payouts_enabled": False})


def stuck_at_stripe(bank: Bank) -> None:
    bank.send("ledger", lock())
    bank.break_off("create_payout", "retry_same_key", "unknown")


def stuck_at_bank(bank: Bank) -> None:
    submitted(bank)


@pytest.mark.parametrize(
    ("stuck", "operation"),
    [
        (stuck_at_account, "retrieve_account"),
        (stuck_at_stripe, "create_payout"),
        (stuck_at_bank, "retrieve_payout"),
    ],
)
def test_a_retry_takes_the_next_step_at_once(bank: Bank, stuck: Callable[[Bank], None], operation: str) -> None:
    """POUT-004, POUT-016."""
    stuck(bank)
    calls = len(bank.calls(operation))
    bank.send("payouts", RetryPayout(payout_id="p1", actor="admin:ada"))
    assert len(bank.calls(operation)) == calls + 1
    bank.send("payouts", RetryPayout(payout_id="p1", actor="admin:ada"))
    assert len(bank.calls(operation)) == calls + 1, "a call under way is not made again"
    retries = [one for one in bank.payout()["audit_events"] if one["status"] == "retried"]
    assert [one["actor"] for one in retries] == ["admin:ada", "admin:ada"]
    bank.assert_replays()


@pytest.mark.parametrize(("outcome", "held_cents"), [("failed", 0), ("paid", 0)])
def test_a_retry_of_a_payout_stuck_at_the_books_ends_it_with_one_posting(
    bank: Bank, outcome: Any, held_cents: int
) -> None:
    """POUT-016: the message to the ledger was lost; told again it is posted, told thrice it is posted once."""
    submitted(bank)
    bank.payouts.send(_reported(outcome, "evt_1"), NOW)
    bank._told["payouts"] = len(bank.payouts.owed)
    assert status(bank) == f"finalizing_{outcome}"
    for _ in range(2):
        bank.payouts.send(RetryPayout(payout_id="p1", actor="admin:ada"), NOW)
    bank.settle()
    bank.redeliver()
    assert (status(bank), bank.funds()[1]) == (outcome, held_cents)
    assert bank.postings(f"payout_{outcome}") == 1
    bank.assert_replays()


@pytest.mark.parametrize("ended", ["payout.paid", "payout.failed"])
def test_a_payout_that_has_ended_is_not_retried(bank: Bank, ended: str) -> None:
    """POUT-004."""
    submitted(bank)
    bank.webhook(ended)
    refusal = bank.payouts.refuse(RetryPayout(payout_id="p1", actor="admin:ada"), NOW)
    assert refusal.code is RejectCode.INVALID_STATUS_TRANSITION
    assert refusal.details["from"] == ended.removeprefix("payout.")
    unknown = RetryPayout(payout_id="p9", actor="admin:ada")
    assert bank.payouts.refuse(unknown, NOW).code is RejectCode.NOT_FOUND


def test_payouts_are_walked_in_one_order_while_others_are_added(bank: Bank) -> None:
    """POUT-008: what is added, be it in the same moment, comes behind; everything is seen once, in one order twice."""
    names = [f"p{number}" for number in (3, 1, 4, 2)]
    for name in names:
        bank.send("ledger", lock(name, 10))
    walked: list[str] = []
    after = None
    while True:
        bank.payouts.send(replace(ALL, limit=1, after=after), NOW)
        page, after = bank.payouts.reply["payouts"], bank.payouts.reply["after"]
        walked += [one["payout_id"] for one in page]
        if after is None:
            break
        if len(walked) == 2:
            bank.send("ledger", lock("p0", 10))
    assert walked == [*names, "p0"]
    bank.payouts.send(ALL, NOW)
    payouts = bank.payouts.reply["payouts"]
    assert [one["payout_id"] for one in payouts] == walked
    assert payouts[-1]["created_at"] - NOW == timedelta(microseconds=4)
    bank.assert_replays()


def test_payouts_are_filtered_by_time_account_and_status(bank: Bank) -> None:
    """POUT-007: the end of the range is not in it."""
    submitted(bank)
    bank.webhook("payout.paid")
    bank.now += timedelta(hours=1)
    bank.send("ledger", lock("p2"))

    def ids(**asked: Any) -> list[str]:
        bank.payouts.send(replace(ALL, **asked), NOW)
        return [one["payout_id"] for one in bank.payouts.reply["payouts"]]

    assert ids() == ["p1", "p2"]
    assert ids(status="paid") == ["p1"]
    assert ids(status="failed") == ids(account_did="did:b") == []
    assert ids(created_before=bank.now) == ids(created_before=NOW + timedelta(minutes=1)) == ["p1"]
    assert ids(created_from=bank.now) == ["p2"]
    assert ids(created_from=NOW, created_before=NOW) == []


def test_stuck_payouts_are_listed_by_how_long_they_wait(bank: Bank) -> None:
    """POUT-005: what the bank has is not stuck before it should have arrived."""
    submitted(bank)
    bank.now += timedelta(minutes=10)
    bank.send("ledger", lock("p2"))

    def stuck(minutes: int, at: Any) -> list[str]:
        bank.payouts.send(ReadStuckPayouts(minutes=minutes, limit=10), at)
        return [one["payout_id"] for one in bank.payouts.reply["payouts"]]

    assert stuck(60, bank.now) == []
    assert stuck(60, bank.now + timedelta(minutes=60)) == ["p2"]
    assert stuck(60, NOW + timedelta(days=2, minutes=60)) == ["p2", "p1"]
    bank.webhook("payout.paid")
    assert stuck(60, NOW + timedelta(days=9)) == ["p2"]


def test_failed_payouts_are_listed_the_latest_first(bank: Bank) -> None:
    """POUT-006."""
    for number in (1, 2, 3):
        bank.now += timedelta(minutes=1)
        bank.send("ledger", lock(f"p{number}", 10))
        bank.webhook("payout.paid" if number == 2 else "payout.failed", payout_id=f"p{number}", number=number)
    bank.payouts.send(ReadFailedPayouts(limit=1), NOW)
    assert bank.payouts.reply["count"] == 2
    assert [one["payout_id"] for one in bank.payouts.reply["payouts"]] == ["p3"]
    assert bank.payouts.refuse(ReadPayout(payout_id="p9"), NOW).code is RejectCode.NOT_FOUND


# The table ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", PayoutStatus)
@pytest.mark.parametrize("fact", PayoutFact)
def test_every_pair_of_payout_status_and_fact_is_in_the_table_or_a_bug(status: PayoutStatus, fact: PayoutFact) -> None:
    """POUT-012."""
    s, f = PayoutStatus, PayoutFact
    stays = {
        s.INITIATED: {f.RETRIED},
        s.SUBMITTED: {f.CALLED, f.DEFERRED, f.FUNDED, f.ACCEPTED, f.RETRIED},
        s.FINALIZING_PAID: {f.RETRIED},
        s.FINALIZING_FAILED: {f.RETRIED},
    }
    moves = {
        (s.INITIATED, f.CALLED): s.SUBMITTED,
        (s.INITIATED, f.ACCEPTED): s.SUBMITTED,
        (s.SUBMITTED, f.REPORTED_PAID): s.FINALIZING_PAID,
        (s.SUBMITTED, f.REPORTED_FAILED): s.FINALIZING_FAILED,
        (s.FINALIZING_PAID, f.BOOKED_PAID): s.PAID,
        (s.FINALIZING_FAILED, f.BOOKED_FAILED): s.FAILED,
        (s.PAID, f.REPORTED_FAILED): s.FINALIZING_FAILED,
    }
    wanted = status if fact in stays.get(status, set()) else moves.get((status, fact))
    assert PAYOUTS.get((status, fact)) == wanted
    if wanted is None:
        with pytest.raises(InvariantViolated):
            next_payout(status, fact)


def test_the_six_states_are_the_documented_ones() -> None:
    """POUT-012."""
    names = ["initiated", "submitted", "finalizing_paid", "finalizing_failed", "paid", "failed"]
    assert [status.value for status in PayoutStatus] == names
    assert set(PayoutStatus) - TRANSITIONAL == {PayoutStatus.PAID, PayoutStatus.FAILED}
