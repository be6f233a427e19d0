"""The registry of refusals is complete, and says of each what a caller can do."""

from __future__ import annotations

import pytest

from cutline.engine.error_registry import REGISTRY
from cutline.engine.error_spec import ErrorSpec
from cutline.engine.errors import RejectCode

STATED = {
    "SIGNATURE_INVALID": 401,
    "LIVEMODE_MISMATCH": 422,
    "LEDGER_INGEST_FAILED": 502,
    "INVALID_STATUS_TRANSITION": 409,
    "IDEMPOTENCY_KEY_REUSED": 409,
    "PAYMENT_FAILED": 402,
    "DUPLICATE_INTENT": 409,
    "WEBHOOK_INVALID": 400,
    "MAILBOX_FULL": 503,
    "STORAGE_UNAVAILABLE": 503,
    "SHUTTING_DOWN": 503,
    "ACTOR_TIMEOUT": 504,
}


def test_every_code_has_exactly_one_row() -> None:
    """FRZ-018, FRZ-020."""
    assert set(REGISTRY) == set(RejectCode)
    assert all(spec.code is code for code, spec in REGISTRY.items())


def test_stated_statuses_stand() -> None:
    """FRZ-036: one status a code (C-01)."""
    assert {code: REGISTRY[RejectCode(code)].http_status for code in STATED} == STATED


def test_there_is_no_unknown_error() -> None:
    """FRZ-019."""
    assert [code for code in RejectCode if "UNKNOWN_ERROR" in code] == []


@pytest.mark.parametrize("spec", REGISTRY.values(), ids=lambda spec: spec.code.value)
def test_each_row_says_what_happened_and_what_to_do(spec: ErrorSpec) -> None:
    """FRZ-038."""
    assert 400 <= spec.http_status < 600
    assert spec.meaning.endswith(".")
    assert spec.what_to_do.endswith(".")
    assert spec.runbook is None or spec.runbook.startswith("runbooks/")


def test_whoever_got_no_answer_is_not_told_that_no_money_moved() -> None:
    unclear = {code for code, spec in REGISTRY.items() if spec.money_moved != "no"}
    assert {RejectCode.ACTOR_TIMEOUT, RejectCode.INTERNAL_FAULT} <= unclear
