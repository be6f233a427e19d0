"""Each environment takes the events of its own mode alone, after the signature (PAY-018 to PAY-024, PAY-053, T13)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.http.standin import ANNA, settings
from tests.http.town import Town, body_of, open_town, signed

MATRIX = [
    # environment, override, livemode of the event, whether it is taken
    ("test", "false", False, True),
    ("test", "false", True, False),
    ("test", "true", True, False),
    ("staging", "false", False, True),
    ("staging", "false", True, False),
    ("staging", "true", False, True),
    ("staging", "true", True, False),
    ("production", "false", True, True),
    ("production", "false", False, False),
    ("production", "true", True, True),
    ("production", "true", False, True),
]


def payment(livemode: bool) -> dict[str, Any]:
    """The event of a payment that belongs to an account holder."""
    intent = {"id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "usd"}
    return {
        "id": f"evt_{livemode}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_775_000_000,
        "type": "payment_intent.succeeded",
        "livemode": livemode,
        "data": {"object": {**intent, "metadata": {"account_did": ANNA}}},
    }


async def nothing_came_of_it(town: Town) -> None:
    """No event, no outbox row, no posting (PAY-018)."""
    tables = ("stripe_events", "stripe_events_quarantined", "outbox_attempts", "transactions", "postings", "accounts")
    assert {table: town.count(table) for table in tables} == dict.fromkeys(tables, 0)
    assert await town.books.trial_balance() == {}


@pytest.mark.parametrize(("environment", "override", "livemode", "taken"), MATRIX)
async def test_livemode_matrix(tmp_path: Path, environment: str, override: str, livemode: bool, taken: bool) -> None:
    """PAY-019 to PAY-022, PAY-053: the environment and the override decide, and nothing else."""
    own = {"settle_env": environment, "stripe_allow_testmode_events_in_prod": override}
    async with open_town(tmp_path / "data", **own) as town:
        answer = await town.deliver(body_of(payment(livemode)))
        if taken:
            assert (answer.status, answer.body["outcome"]) == (200, "posted")
            assert (await town.books.trial_balance())["stripe:platform"] == 1000
            return
        assert (answer.status, answer.code) == (422, "LIVEMODE_MISMATCH")
        assert answer.body["error"]["details"] == {"expected_livemode": environment == "production"}
        await nothing_came_of_it(town)
        again = await town.deliver(body_of(payment(livemode)))
        assert (again.status, again.code) == (422, "LIVEMODE_MISMATCH")
        await nothing_came_of_it(town)


@pytest.mark.parametrize("environment", ["test", "staging", "production"])
async def test_the_signature_is_judged_before_livemode(tmp_path: Path, environment: str) -> None:
    """PAY-024: whoever cannot sign learns nothing of the environment, and is not kept."""
    async with open_town(tmp_path / "data", settle_env=environment) as town:
        before = town.fingerprints()
        for livemode in (True, False):
            body = body_of(payment(livemode))
            for headers in ({}, signed(body, "whsec_of_somebody_else"), signed(body + b" ")):
                answer = await town.deliver(body, headers)
                assert (answer.status, answer.code) == (401, "SIGNATURE_INVALID")
                assert answer.body["error"]["details"] == {}
        assert town.fingerprints() == before


async def test_the_event_is_judged_before_livemode(tmp_path: Path) -> None:
    """What has no legible livemode is no event: 400, in every environment."""
    async with open_town(tmp_path / "data", settle_env="production") as town:
        for livemode in (None, 1, "true"):
            answer = await town.deliver(body_of({**payment(True), "livemode": livemode}))
            assert (answer.status, answer.code) == (400, "WEBHOOK_INVALID")
        await nothing_came_of_it(town)


@pytest.mark.parametrize("value", ["TRUE", "True", "1", "yes", "", "tru"])
def test_only_the_exact_value_true_overrides(value: str) -> None:
    """PAY-022: anything but `true` and `false` stops the start."""
    with pytest.raises(ValidationError):
        settings(settle_env="production", stripe_allow_testmode_events_in_prod=value)


@pytest.mark.parametrize("environment", ["prod", "Production", "", "dev"])
def test_an_unknown_environment_stops_the_start(environment: str) -> None:
    """PAY-023."""
    with pytest.raises(ValidationError):
        settings(settle_env=environment)
