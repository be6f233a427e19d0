"""Netting is counted again: a payout netted twice, by other cents, or by a run that left entries out, is named."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.decision import Recorded
from cutline.engine.ledger.netting_events import NettingEntryApplied, NettingRunCreated
from cutline.storage.verify.netting import check_netting
from cutline.storage.verify.report import Code
from tests.engine.ledger.netted import Netting


def ledger() -> list[Recorded]:
    """A ledger in which two runs have netted payouts of several days, one of which came back."""
    netting = Netting()
    netting.pay(1, 2)
    netting.later(days=1)
    netting.pay(3)
    netting.run("one")
    netting.pay(1, returned=True)
    netting.run("two")
    return netting.file.log


def test_netting_that_holds_has_no_problem() -> None:
    """NET-008, NET-013."""
    assert list(check_netting(ledger(), "ledger.db")) == []


def _payouts(change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Callable[[Any], Any]:
    return lambda event: replace(event, payouts=tuple(change(one) for one in event.payouts))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_payouts(lambda one: ("po_0003", *one[1:])), "was netted before"),
        (_payouts(lambda one: (*one[:2], one[2] + 1, one[3])), "its posting says otherwise"),
        (_payouts(lambda one: (*one[:3], 1)), "its posting says otherwise"),
        (lambda event: replace(event, amount_cents=7), "its payouts sum to"),
        (lambda event: replace(event, entry_id="another"), "was never planned"),
    ],
    ids=["payout twice", "other cents", "another posting", "other sum", "unplanned"],
)
def test_an_entry_that_disagrees_with_the_books_is_named(change: Callable[[Any], Any], says: str) -> None:
    """NET-008, NET-013."""
    log = ledger()
    place = next(place for place, one in enumerate(log) if isinstance(one.event, NettingEntryApplied))
    log[place] = replace(log[place], event=change(log[place].event))
    problems = list(check_netting(log, "ledger.db"))
    assert {problem.code for problem in problems} == {Code.NETTING_DISAGREES}
    assert any(says in problem.message for problem in problems), problems


def test_a_run_that_is_applied_without_an_entry_is_named() -> None:
    log = ledger()
    place = next(place for place, one in enumerate(log) if isinstance(one.event, NettingRunCreated))
    entries = log[place].event.entries
    more = dataclasses.replace(entries[0], entry_id="one-more")
    log[place] = replace(log[place], event=replace(log[place].event, entries=(*entries, more)))
    [problem] = check_netting(log, "ledger.db")
    assert "applied without its entries" in problem.message
