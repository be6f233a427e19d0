"""Every case of the corpus comes to its verdict (ING-003 to ING-008, ING-021, ING-022, FAULTS F1 to F9)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cutline.engine.contest.leaderboard import FeedFault
from cutline.gateways.score_feed import PollError
from tests.ingestion.bench import Case, cases, judge
from tests.ingestion.provider import Line, line

CASES = cases()
UNREACHABLE = {PollError.DNS_FAILED, PollError.TLS_FAILED, PollError.CONNECT_FAILED, PollError.BAD_HTTP}
"""Failures without an answer of HTTP: they need no provider, and are tried with the gateway."""


@pytest.fixture
async def wire() -> AsyncIterator[Line]:
    async with line() as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_lying_feed_comes_to_its_verdict(case: Case, wire: Line) -> None:
    assert await judge(wire, case) == case.verdict


def test_the_corpus_is_large_and_every_case_has_its_own_name() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert {fault for case in CASES for fault in case.faults} >= {f"F{number}" for number in range(1, 10)}


def test_every_rule_of_rejection_has_a_case() -> None:
    """ING-021: codes in the source are compared with codes exercised."""
    reasons = {line.split()[1] for case in CASES for line in case.verdict.rejected}
    assert {fault.value for fault in FeedFault} <= reasons
    failures = {case.verdict.failing for case in CASES} - {""}
    assert {error.value for error in PollError} - {error.value for error in UNREACHABLE} <= failures
