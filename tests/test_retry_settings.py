"""The limits on retries reach the rules that they set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from cutline.actors.file_work import FileWorks
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.retrying import retry_at
from cutline.engine.messages import Look, OnboardAccount, RequestIntent, StripeAnswered
from cutline.engine.retries import DEFAULT
from cutline.storage.files import DataRoot
from tests.engine.driver import File
from tests.http.standin import settings

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)


def test_the_defaults_of_retries_are_those_of_the_engine() -> None:
    assert settings().retries == DEFAULT


@pytest.mark.parametrize("name", ["outbox_attempts_max", "outbox_retry_first_s", "stripe_look_up_max_s"])
def test_a_limit_that_would_never_try_again_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(**{name: 0})


def test_the_limits_reach_every_file_that_retries(tmp_path: Path) -> None:
    """FWD-004, G-12: payments and payouts wait as they are told; the ledger gives up when it is told."""
    own = settings(stripe_same_key_first_s=30, stripe_same_key_max_s=40, outbox_attempts_max=2, outbox_retry_first_s=7)
    works = FileWorks(DataRoot(tmp_path), onboarding_url="https://x.example", retries=own.retries)
    request = RequestIntent(contest_id="c", entry_id="e", account_did="did:a", amount_cents=1, currency="usd")
    asked = {
        "payments": (request, "payment:intent:c:e", "create_payment_intent"),
        "payouts": (OnboardAccount(account_did="did:a", email=None), None, "create_account"),
    }
    for address, (command, subject, operation) in asked.items():
        file = File(works.of(address).machine)
        events = file.send(command, NOW)
        subject = subject or events[-1].subject
        waits = []
        for attempt in (1, 2):
            lost = StripeAnswered(
                subject=subject, attempt=1, operation=operation, succeeded=False, kind="retry_same_key", code="lost"
            )
            [deferred] = file.send(lost, NOW)
            waits.append(deferred.retry_at - NOW)
            if attempt == 1:
                file.send(Look(), deferred.retry_at)
        assert waits == [timedelta(seconds=30), timedelta(seconds=40)], address
    ledger = works.of("ledger").machine
    assert isinstance(ledger, LedgerMachine)
    assert ledger.initial().retries.outbox_attempts_max == 2


def test_the_outbox_gives_up_after_as_many_attempts_as_it_is_told() -> None:
    """FWD-004, G-12."""
    terms = settings(outbox_attempts_max=3, outbox_retry_first_s=7, outbox_retry_max_s=10).retries
    due = [retry_at(terms, attempt, NOW) for attempt in (1, 2, 3)]
    assert due == [NOW + timedelta(seconds=7), NOW + timedelta(seconds=10), None]
