"""`cutline reconcile` says by its exit code whether a day agrees with Stripe (REC-008)."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cutline.cli import main
from cutline.engine.messages.reconciliation import ReadReconciliation
from tests.http.standin import StandIn, token

DAY = "2026-04-09"
MISSING = {
    "kind": "missing_in_stripe",
    "subject": "tr_1",
    "currency": "usd",
    "stripe_cents": None,
    "ledger_cents": -5000,
    "detail": "a transfer that Stripe does not list",
}


def compared(differences: list[dict[str, Any]], *, under_way: bool = False) -> dict[str, Any]:
    return {
        "day": DAY,
        "run": 1,
        "started_at": datetime(2026, 4, 10, 3, tzinfo=UTC),
        "under_way": under_way,
        "differences_found": None if under_way else len(differences),
        "stripe_items": 12,
        "ledger_lines": 12,
        "totals": [],
        "differences": differences,
    }


@pytest.mark.parametrize(
    ("answer", "exit_code", "said"),
    [
        (compared([]), 0, "12 items of Stripe's and the books agree"),
        (compared([MISSING]), 1, "tr_1"),
        (compared([], under_way=True), 1, "has not been compared"),
    ],
)
async def test_the_exit_code_tells_whether_a_day_agrees(
    engine: StandIn,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: dict[str, Any],
    exit_code: int,
    said: str,
) -> None:
    monkeypatch.setenv("CUTLINE_TOKEN", token("ada", "admin"))
    engine.answers[ReadReconciliation] = lambda _: answer
    for options in ((), ("--json",)):
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, ["reconcile", DAY, "--url", url, *options])
        assert (ended.value.code or 0) == exit_code
        shown = capsys.readouterr()
        if options:
            assert json.loads(shown.out)["ok"] is (exit_code == 0)
        else:
            assert said in shown.out + shown.err
