"""Intents that exist at Stripe and that nobody has heard of since are found (PAY-041)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.messages import (
    CancelIntent,
    IntentReported,
    LookForOrphans,
    RaiseAlert,
    ReadOrphanedIntents,
    RequestIntent,
    StripeAnswered,
)
from cutline.engine.payment.machine import PaymentMachine
from tests.engine.driver import File

NOW = datetime(2026, 4, 5, 12, 0, tzinfo=UTC)
REQUEST = RequestIntent(contest_id="c1", entry_id="e1", account_did="did:a", amount_cents=2500, currency="usd")
DAY = timedelta(days=1)


def made(file: File, entry_id: str, at: datetime) -> None:
    """Ask for an intent, and let Stripe make it."""
    file.send(replace(REQUEST, entry_id=entry_id), at)
    answer = StripeAnswered(
        subject=f"payment:intent:c1:{entry_id}",
        attempt=1,
        operation="create_payment_intent",
        succeeded=True,
        object={"id": f"pi_{entry_id}", "client_secret": "s"},
    )
    file.send(answer, at)


def orphans(file: File, at: datetime, minutes: int = 1440) -> list[dict[str, Any]]:
    file.send(ReadOrphanedIntents(older_than_minutes=minutes), at)
    intents: list[dict[str, Any]] = file.reply["intents"]
    return intents


@pytest.fixture
def payments() -> File:
    file = File(PaymentMachine())
    made(file, "e2", NOW)
    made(file, "e1", NOW + timedelta(hours=1))
    file.send(replace(REQUEST, entry_id="planned"), NOW)
    return file


def test_intents_that_have_been_open_for_so_long_are_listed_oldest_first(payments: File) -> None:
    """PAY-041: at the very minute, too; what Stripe has not made yet is no orphan."""
    assert orphans(payments, NOW + DAY - timedelta(milliseconds=1)) == []
    assert [one["payment_intent"] for one in orphans(payments, NOW + DAY)] == ["pi_e2"]
    found = orphans(payments, NOW + 2 * DAY)
    assert [one["payment_intent"] for one in found] == ["pi_e2", "pi_e1"]
    assert found[1] == {
        "payment_intent": "pi_e1",
        "contest_id": "c1",
        "entry_id": "e1",
        "account_did": "did:a",
        "status": "open",
        "amount_cents": 2500,
        "currency": "usd",
        "open_since": NOW + timedelta(hours=1),
    }
    payments.assert_replays()


@pytest.mark.parametrize(("said", "ends"), [("succeeded", True), ("canceled", True), ("failed", False)])
def test_an_intent_that_has_ended_is_no_orphan(payments: File, said: Any, ends: bool) -> None:
    """PAY-041: a declined card ends nothing."""
    report = IntentReported(payment_intent="pi_e2", status=said, event_id="evt", contest_id="c1", entry_id="e2")
    payments.send(report, NOW + DAY)
    expected = ["pi_e1"] if ends else ["pi_e2", "pi_e1"]
    assert [one["payment_intent"] for one in orphans(payments, NOW + 2 * DAY)] == expected
    payments.assert_replays()


def test_an_intent_whose_cancellation_gets_no_answer_is_one(payments: File) -> None:
    """PAY-041: it has been open since it was made."""
    payments.send(CancelIntent(contest_id="c1", entry_id="e2", reason="seat_freed"), NOW + timedelta(hours=2))
    [first, _] = orphans(payments, NOW + 2 * DAY)
    assert (first["status"], first["open_since"]) == ("canceling", NOW)
    payments.assert_replays()


def test_an_alert_names_the_oldest_at_every_look_while_there_is_one(payments: File) -> None:
    """PAY-041."""
    payments.effects.clear()
    for at, alerts in ((NOW, 0), (NOW + 2 * DAY, 1), (NOW + 3 * DAY, 2)):
        payments.send(LookForOrphans(older_than_minutes=1440), at)
        assert len(payments.effects) == alerts
    alert = payments.effects[0]
    assert isinstance(alert, RaiseAlert)
    assert (alert.name, alert.runbook) == ("payment_intents_orphaned", "runbooks/payment-intents-orphaned.md")
    assert alert.details == {"count": 2, "oldest": "pi_e2", "open_since": NOW.isoformat()}
