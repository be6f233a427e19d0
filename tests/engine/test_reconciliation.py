"""Stripe's day against the books, difference by difference, and which day is compared when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.errors import RejectCode
from cutline.engine.messages import RaiseAlert
from cutline.engine.messages.reconciliation import (
    CompareWithStripe,
    DayCompared,
    ReadReconciliation,
    ReconcileWithStripe,
)
from cutline.engine.payout.machine import PayoutMachine
from cutline.engine.reconciliation import DIFFERENCES_MAX, Comparison, DayTotals, Difference, Line, compare
from tests.engine.driver import File, at

CLEAN = Comparison(stripe_items=0, ledger_lines=0, totals=(), differences=(), differences_found=0)
ODD = Difference(kind="missing_at_stripe", subject="x", currency="usd", stripe_cents=None, ledger_cents=5)
DIFFERENT = Comparison(stripe_items=0, ledger_lines=1, totals=(), differences=(ODD,), differences_found=1)


def item(kind: str, source: str | None, cents: int, fee: int = 0, **other: Any) -> dict[str, Any]:
    row = {"id": f"txn_{source}", "type": kind, "source": source, "amount": cents, "fee": fee, "currency": "usd"}
    return row | {"net": cents - fee} | other


def line(effect: str, cents: int, source: str | None = None, *, is_of_day: bool = True, currency: str = "usd") -> Line:
    return Line(effect_key=effect, source=source, currency=currency, cents=cents, is_of_day=is_of_day)


SIDES: list[tuple[dict[str, Any], list[Line]]] = [
    (item("charge", "ch_1", 2500, 30), [line("pi:a:succeeded", 2500, "ch_1"), line("btxn:txn_ch_1:fee", -30)]),
    (item("payment", "py_1", 2500), [line("pi:a:succeeded", 2500, "py_1")]),
    (item("refund", "re_1", -2500), [line("refund:re_1:succeeded", -2500)]),
    (item("refund_failure", "re_1", 2500), [line("refund:re_1:failed", 2500)]),
    (item("transfer", "tr_1", -900), [line("payout:transfer:c:e:completed", -900, "tr_1")]),
    (item("transfer_refund", "trr_1", 900), [line("reversal:trr_1", 900)]),
    (item("adjustment", "dp_1", -2500, 1500), [line("dispute:dp_1:withdrawn", -4000)]),
    (item("adjustment", "dp_1", 2500), [line("dispute:dp_1:won", 2500)]),
    (item("topup", "tu_1", 800), [line("btxn:txn_tu_1", 800)]),
    (item("stripe_fee", None, -200), [line("btxn:txn_None:fee", -200)]),
]


@pytest.mark.parametrize(("stripe", "books"), SIDES, ids=[side[0]["type"] for side in SIDES])
def test_each_type_of_balance_transaction_is_found_in_the_books_by_name(
    stripe: dict[str, Any], books: list[Line]
) -> None:
    """REC-008: and its absence on either side is named."""
    agreed = compare([stripe], [], books)
    assert agreed.differences == ()
    assert agreed.totals == (DayTotals(currency="usd", stripe_cents=stripe["net"], ledger_cents=stripe["net"]),)
    lacking = compare([stripe], [], books[1:])
    assert lacking.by_kind == {"missing_in_ledger": 1}
    alone = compare([], [], books)
    assert alone.by_kind == {"missing_at_stripe": len(books)}
    assert compare([], [stripe], books).differences == (), "dated on another day, it is there all the same"
    other = [line(one.effect_key, one.cents + 1, one.source) for one in books]
    assert compare([stripe], [], other).by_kind == {"amount_differs": len(books)}
    foreign = [line(one.effect_key, one.cents, one.source, currency="eur") for one in books]
    assert compare([stripe], [], foreign).by_kind == {"currency_differs": len(books)}


def test_lines_of_other_days_confirm_and_are_not_missed() -> None:
    late = line("refund:re_1:succeeded", -5, is_of_day=False)
    assert compare([item("refund", "re_1", -5)], [], [late]).differences == ()
    assert compare([], [], [late]) == CLEAN


def test_what_stripe_lists_twice_is_one_item_but_what_it_did_twice_is_a_difference() -> None:
    one = item("charge", "ch_1", 5)
    books = [line("pi:a:succeeded", 5, "ch_1")]
    assert compare([one, one], [], books).differences == ()
    twice = compare([one, item("charge", "ch_1", 5, id="txn_other")], [], books)
    assert [(odd.kind, odd.subject, odd.detail) for odd in twice.differences] == [
        ("twice_at_stripe", "pi:a:succeeded", "txn_other")
    ]


@pytest.mark.parametrize("broken", [{"amount": "5"}, {"currency": None}, {"id": None}, {"fee": 1.5}])
def test_what_cannot_be_read_or_is_not_known_is_a_difference_too(broken: dict[str, Any]) -> None:
    assert compare([item("charge", "ch_1", 5, **broken)], [], []).by_kind == {"unreadable": 1}
    for kind in ("payout", "advance", "issuing_transaction"):
        assert compare([item(kind, "po_1", -5)], [], []).by_kind == {"type_unknown": 1}


def test_very_many_differences_are_counted_and_the_first_named() -> None:
    books = [line(f"pi:{number}:succeeded", 1) for number in range(DIFFERENCES_MAX + 5)]
    found = compare([], [], books)
    assert (len(found.differences), found.differences_found) == (DIFFERENCES_MAX, DIFFERENCES_MAX + 5)


# When a day is compared ---------------------------------------------------------------------------------


@pytest.fixture
def payouts() -> File:
    return File(PayoutMachine(onboarding_url="https://example.test/onboarding/"))


def asked(file: File) -> list[str]:
    return [f"{effect.day}#{effect.run}" for effect in file.effects if isinstance(effect, CompareWithStripe)]


def answer(file: File, now: str, comparison: Comparison = CLEAN) -> list[Any]:
    last = [effect for effect in file.effects if isinstance(effect, CompareWithStripe)][-1]
    return file.send(DayCompared(day=last.day, run=last.run, comparison=comparison), at(now))


def test_yesterday_is_compared_once_it_has_been_over_for_some_hours(payouts: File) -> None:
    payouts.send(ReconcileWithStripe(), at("2026-04-10 02:59"))
    assert asked(payouts) == ["2026-04-08#1"]
    answer(payouts, "2026-04-10 02:59")
    payouts.send(ReconcileWithStripe(), at("2026-04-10 03:00"))
    payouts.send(ReconcileWithStripe(), at("2026-04-10 03:30"))
    assert asked(payouts)[1:] == ["2026-04-09#1"], "under way, it is not started again"
    answer(payouts, "2026-04-10 03:31")
    payouts.send(ReconcileWithStripe(), at("2026-04-10 23:00"))
    assert len(asked(payouts)) == 2
    payouts.assert_replays()


def test_days_that_were_slept_through_are_compared_in_order(payouts: File) -> None:
    payouts.send(ReconcileWithStripe(), at("2026-04-02 12:00"))
    answer(payouts, "2026-04-02 12:01")
    payouts.send(ReconcileWithStripe(), at("2026-04-06 12:00"))
    for minute in range(4):
        answer(payouts, f"2026-04-06 12:0{minute + 1}")
    assert asked(payouts) == [f"2026-04-0{day}#1" for day in (1, 2, 3, 4, 5)]
    payouts.send(ReconcileWithStripe(), at("2026-09-06 12:00"))
    assert asked(payouts)[-1] == "2026-08-07#1", "no more than thirty days back"


def test_a_run_without_an_answer_is_started_anew_and_its_late_answer_changes_nothing(payouts: File) -> None:
    payouts.send(ReconcileWithStripe(), at("2026-04-10 12:00"))
    assert payouts.machine.resume(payouts.state, at("2026-04-10 12:01")) == [CompareWithStripe(day="2026-04-09", run=1)]
    payouts.send(ReconcileWithStripe(), at("2026-04-10 13:00"))
    assert asked(payouts) == ["2026-04-09#1", "2026-04-09#2"]
    assert payouts.send(DayCompared(day="2026-04-09", run=1, comparison=CLEAN), at("2026-04-10 13:01")) == []
    assert len(answer(payouts, "2026-04-10 13:02")) == 1
    assert answer(payouts, "2026-04-10 13:03") == []


def test_a_day_that_differs_raises_an_alert_and_is_compared_again_the_next_days_for_a_week(payouts: File) -> None:
    payouts.send(ReconcileWithStripe(), at("2026-04-10 12:00"))
    answer(payouts, "2026-04-10 12:01", DIFFERENT)
    [alert] = [effect for effect in payouts.effects if isinstance(effect, RaiseAlert)]
    assert (alert.name, alert.details["differences"], alert.details["missing_at_stripe"]) == ("stripe_differs", 1, 1)
    payouts.send(ReconcileWithStripe(), at("2026-04-10 13:00"))
    assert asked(payouts) == ["2026-04-09#1"], "not again on the same day"
    payouts.send(ReconcileWithStripe(), at("2026-04-11 12:00"))
    answer(payouts, "2026-04-11 12:01")
    assert asked(payouts) == ["2026-04-09#1", "2026-04-10#1", "2026-04-09#2"]
    answer(payouts, "2026-04-11 12:02", DIFFERENT)
    payouts.send(ReadReconciliation(), at("2026-04-11 12:03"))
    assert payouts.reply["open_differences"] == 1
    payouts.send(ReconcileWithStripe(), at("2026-04-21 12:00"))
    while len(asked(payouts)) < 13:
        answer(payouts, "2026-04-21 12:01")
    assert "2026-04-09#3" not in asked(payouts), "older than a week, it is a person's"
    payouts.assert_replays()


def test_an_admin_may_have_any_day_compared_that_is_over(payouts: File) -> None:
    now = at("2026-04-10 12:00")
    for today in ("2026-04-10", "2026-04-11"):
        assert payouts.refuse(ReconcileWithStripe(day=today), now).code is RejectCode.INVALID_STATUS_TRANSITION
    payouts.send(ReconcileWithStripe(day="2026-01-05"), now)
    assert payouts.reply == {"day": "2026-01-05", "run": 1, "deduped": False}
    payouts.send(ReconcileWithStripe(day="2026-01-05"), now + timedelta(minutes=1))
    assert payouts.reply["deduped"] is True
    refusal = payouts.refuse(ReadReconciliation(day="2026-01-05"), now)
    assert refusal.code is RejectCode.NOT_FOUND, "it is under way"
    answer(payouts, "2026-04-10 12:05", DIFFERENT)
    payouts.send(ReadReconciliation(day="2026-01-05"), now)
    assert payouts.reply["differences"][0]["kind"] == "missing_at_stripe"
