"""Payments know in which contests a holder has entries, and tell them page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from cutline.engine.messages import CancelIntent, ListIntents, RequestIntent
from cutline.engine.payment.machine import PaymentMachine
from tests.engine.driver import File

NOW = datetime(2026, 4, 5, 12, 0, tzinfo=UTC)
REQUEST = RequestIntent(contest_id="c1", entry_id="e1", account_did="did:a", amount_cents=2500, currency="usd")


def listed(file: File, before: int | None = None, limit: int = 9, account_did: str = "did:a") -> list[dict[str, Any]]:
    file.send(ListIntents(account_did=account_did, before=before, limit=limit), NOW)
    intents: list[dict[str, Any]] = file.reply["intents"]
    return intents


def asked_for() -> File:
    """A file in which two holders have entered some contests, one of them twice."""
    file = File(PaymentMachine())
    for contest_id, entry_id, account_did in [
        ("c1", "e1", "did:a"),
        ("c2", "e2", "did:b"),
        ("c2", "e3", "did:a"),
        ("c1", "e4", "did:a"),
    ]:
        file.send(replace(REQUEST, contest_id=contest_id, entry_id=entry_id, account_did=account_did), NOW)
    return file


def test_a_holder_s_intents_are_listed_over_all_contests_the_newest_first() -> None:
    payments = asked_for()
    assert listed(payments) == [
        {"place": 3, "contest_id": "c1", "entry_id": "e4", "status": "planned"},
        {"place": 2, "contest_id": "c2", "entry_id": "e3", "status": "planned"},
        {"place": 1, "contest_id": "c1", "entry_id": "e1", "status": "planned"},
    ]
    assert [one["entry_id"] for one in listed(payments, account_did="did:b")] == ["e2"]
    assert listed(payments, account_did="did:nobody") == []
    payments.assert_replays()


def test_pages_stay_as_they_are_when_something_is_added() -> None:
    """A place is a number in the holder's own order, which only grows; what lies nowhere is answered with nothing."""
    payments = asked_for()
    assert [one["place"] for one in listed(payments, limit=2)] == [3, 2]
    payments.send(replace(REQUEST, contest_id="c3", entry_id="e5"), NOW)
    assert [one["place"] for one in listed(payments, before=2, limit=2)] == [1]
    assert [one["place"] for one in listed(payments, before=99, limit=2)] == [4, 3]
    assert [listed(payments, before=before) for before in (0, 1)] == [[], []]


def test_an_entry_is_listed_once_however_often_its_fee_is_asked_for() -> None:
    """PAY-030: and a cancellation that overtakes its plan lists nothing by itself."""
    payments = File(PaymentMachine())
    payments.send(CancelIntent(contest_id="c1", entry_id="e1", reason="expired"), NOW)
    assert listed(payments) == []
    for _ in range(2):
        payments.send(REQUEST, NOW)
    assert [(one["entry_id"], one["status"]) for one in listed(payments)] == [("e1", "canceled")]
    payments.assert_replays()
