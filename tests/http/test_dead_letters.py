"""Stripe's events that a person must look at are listed, chosen, counted and measured over the doors (FRZ-013)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cutline.http.client import ApiRefused
from tests.http.standin import ANNA, token
from tests.http.town import Town, body_of, open_town


def event(number: int, *, kind: str = "payment_intent.succeeded", livemode: bool = True, **content: Any) -> bytes:
    """An event that no fee of ours waits for."""
    metadata = {"purpose": "contest_entry_fee", "secret": "MARKER"}
    return body_of(
        {
            "id": f"evt_{number}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": 1_775_000_000,
            "type": kind,
            "livemode": livemode,
            "data": {"object": {"id": f"pi_{number}", "object": "payment_intent", "metadata": metadata, **content}},
        }
    )


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Four events of the wrong livemode, one of another type, and one that names no account."""
    async with open_town(tmp_path / "data") as opened:
        for number in range(4):
            assert (await opened.deliver(event(number))).code == "LIVEMODE_MISMATCH"
        assert (await opened.deliver(event(4, kind="charge.failed"))).code == "LIVEMODE_MISMATCH"
        stray = await opened.deliver(event(5, livemode=False, amount=1000, currency="usd"))
        assert (stray.status, stray.body["outcome"]) == (200, "suspense")
        yield opened


async def test_dead_letters_are_listed_counted_and_chosen(town: Town) -> None:
    """FRZ-013, PAY-039: the newest first, with what is known of each, and nothing of its body."""
    ops = town.client(token("olga", "ops"))
    page = await ops.dead_letters()
    assert [one["stripe_event_id"] for one in page["dead_letters"]] == [f"evt_{number}" for number in range(5, -1, -1)]
    assert page["counts"]["LIVEMODE_MISMATCH"] == 5
    assert sum(page["counts"].values()) == 6
    assert "MARKER" not in str(page)
    rows = town.rows("ledger", "SELECT id, failure_class FROM stripe_webhook_dead_letters ORDER BY row_number DESC")
    assert [(one["id"], one["failure_class"]) for one in page["dead_letters"]] == rows

    failed = await ops.dead_letters(event_type="charge.failed", failure_class="LIVEMODE_MISMATCH")
    assert [one["stripe_event_id"] for one in failed["dead_letters"]] == ["evt_4"]
    assert failed["counts"] == {"LIVEMODE_MISMATCH": 1}
    [one] = (await ops.dead_letters(stripe_event_id="evt_2"))["dead_letters"]
    assert one["event_type"] == "payment_intent.succeeded"
    nothing = await ops.dead_letters(failure_class="NO_SUCH")
    assert nothing == {"dead_letters": [], "counts": {}, "next_cursor": None}


async def test_they_come_page_by_page_and_the_counts_are_of_all(town: Town) -> None:
    """FRZ-013."""
    ops = town.client(token("olga", "ops"))
    seen: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = await ops.dead_letters(failure_class="LIVEMODE_MISMATCH", cursor=cursor, limit=2)
        seen.append([one["stripe_event_id"] for one in page["dead_letters"]])
        assert page["counts"] == {"LIVEMODE_MISMATCH": 5}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [["evt_4", "evt_3"], ["evt_2", "evt_1"], ["evt_0"]]


async def test_they_are_measured_and_shown_to_staff_alone(town: Town) -> None:
    """FRZ-013: the metric has the name that was asked for."""
    lines = (await town.admin.metrics()).splitlines()
    assert "dead_letters_total 6.0" in lines
    with pytest.raises(ApiRefused, match="FORBIDDEN"):
        await town.client(token(ANNA)).dead_letters()
