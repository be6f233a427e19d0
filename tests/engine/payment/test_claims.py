"""One intent for an entry, taken under one key of its holder."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from cutline.engine.errors import RejectCode
from cutline.engine.messages import ClaimIntent, RequestIntent
from cutline.engine.payment.machine import PaymentMachine
from tests.engine.driver import File

NOW = datetime(2026, 4, 5, 12, 0, tzinfo=UTC)
REQUEST = RequestIntent(contest_id="c1", entry_id="e1", account_did="did:a", amount_cents=2500, currency="usd")
CLAIM = ClaimIntent(contest_id="c1", entry_id="e1", principal="did:a", idempotency_key="k1")


@pytest.fixture
def payments() -> File:
    file = File(PaymentMachine())
    for entry_id in ("e1", "e2"):
        file.send(replace(REQUEST, entry_id=entry_id), NOW)
    return file


def test_the_same_key_takes_the_same_intent_however_often(payments: File) -> None:
    """PAY-030."""
    assert len(payments.send(CLAIM, NOW)) == 1
    first = payments.reply
    assert payments.send(CLAIM, NOW) == []
    assert payments.reply == {**first, "deduped": True}
    payments.assert_replays()


def test_another_key_for_a_taken_intent_is_a_duplicate(payments: File) -> None:
    """PAY-031: whoever sends it."""
    payments.send(CLAIM, NOW)
    for other in (replace(CLAIM, idempotency_key="k2"), replace(CLAIM, principal="did:b")):
        refused = payments.refuse(other, NOW)
        assert refused.code is RejectCode.DUPLICATE_INTENT
        assert refused.details["status"] == "planned"


def test_a_key_that_took_one_intent_takes_no_other_but_keys_belong_to_their_principals(payments: File) -> None:
    """PAY-030."""
    payments.send(CLAIM, NOW)
    refused = payments.refuse(replace(CLAIM, entry_id="e2"), NOW)
    assert (refused.code, refused.details["field"]) == (RejectCode.IDEMPOTENCY_KEY_REUSED, "entry_id")
    assert payments.send(replace(CLAIM, entry_id="e2", principal="did:b"), NOW)


def test_an_intent_that_is_not_planned_yet_is_not_found(payments: File) -> None:
    assert payments.refuse(replace(CLAIM, entry_id="e3"), NOW).code is RejectCode.NOT_FOUND
