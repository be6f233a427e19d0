"""Fees whose contest does not answer: since when they wait, when somebody is told, and that they go back once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutline.engine.errors import RejectCode
from cutline.engine.ledger.events import FeeCalledBack
from cutline.engine.messages import LookForStrandedFees, RaiseAlert, ReadStrandedFees, RefundEntry, ReturnStrandedFee
from tests.engine.ledger.books import NOW, Books, fee, paid

DAY_MIN = 1440
RETURN = ReturnStrandedFee(payment_intent="pi_e1", older_than_minutes=DAY_MIN)


@pytest.fixture
def books() -> Books:
    books = Books()
    for entry in ("e1", "e2"):
        books.accept(paid(entry))
    books.accept(fee("activated", "e2"))
    books.now = NOW + timedelta(days=1)
    return books


def stranded(books: Books, minutes: int = DAY_MIN) -> list[str]:
    fees = books.accept(ReadStrandedFees(older_than_minutes=minutes)).reply["fees"]
    return [one["payment_intent"] for one in fees]


def test_only_what_still_waits_in_escrow_is_stranded(books: Books) -> None:
    assert stranded(books) == ["pi_e1"]
    assert stranded(books, DAY_MIN + 1) == []


def test_somebody_is_told_while_there_is_one(books: Books) -> None:
    [alert] = books.accept(LookForStrandedFees(older_than_minutes=DAY_MIN)).effects
    assert isinstance(alert, RaiseAlert)
    assert (alert.name, alert.runbook) == ("fees_stranded", "runbooks/fees-stranded.md")
    assert alert.details == {"count": 1, "oldest": "pi_e1", "contest_id": "c1", "waits_since": NOW.isoformat()}
    books.accept(RETURN)
    assert books.accept(LookForStrandedFees(older_than_minutes=DAY_MIN)).effects == ()


def test_a_stranded_fee_goes_back_once_and_its_contest_may_say_so_too(books: Books) -> None:
    """PAY-042: a contest that comes after all and does not know the entry asks for the very same."""
    returned = books.accept(RETURN)
    assert returned.reply["deduped"] is False
    [called_back] = [event for event in returned.events if isinstance(event, FeeCalledBack)]
    assert (called_back.payment_intent, called_back.contest_id) == ("pi_e1", "c1")
    assert books.balance("refunds:c1") == -2500
    assert next(owed.message for owed in books.owed if isinstance(owed.message, RefundEntry)).payment_intent == "pi_e1"
    assert books.accept(RETURN).reply["deduped"] is True
    assert books.accept(fee("refused", reason="NOT_FOUND")).reply["deduped"] is True
    assert books.owed_types().count("RefundEntry") == 1


@pytest.mark.parametrize(
    ("intent", "minutes", "code"),
    [
        ("pi_e1", DAY_MIN + 1, RejectCode.FEE_NOT_STRANDED),
        ("pi_e2", DAY_MIN, RejectCode.FEE_NOT_STRANDED),
        ("pi_x", DAY_MIN, RejectCode.NOT_FOUND),
    ],
    ids=["too young", "plays", "unknown"],
)
def test_any_other_fee_stays_where_it_is(books: Books, intent: str, minutes: int, code: RejectCode) -> None:
    refused = books.refuse(ReturnStrandedFee(payment_intent=intent, older_than_minutes=minutes))
    assert refused.code is code
