"""A netting run in virtual time: whenever the engine dies, the run comes to the same report."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cutline.engine.decision import Accepted
from tests.api.village import Village, live
from tests.engine.ledger.netted import paid

DAYS = 3


async def payouts(village: Village) -> None:
    """Let two payouts reach the bank on each of some days."""
    for day in range(DAYS):
        for number in (2 * day, 2 * day + 1):
            engine = village.box._engine
            assert engine is not None
            assert isinstance(await engine.system.ask("ledger", paid(number, 100 + number), "test"), Accepted)
        await village.wait(timedelta(days=1))


def report(data: Path, *, turns: int | None) -> dict[str, Any]:
    """Net in a new village; the engine dies so many turns of the loop after the request."""
    found: dict[str, Any] = {}

    async def story(village: Village) -> None:
        await payouts(village)
        asking = asyncio.ensure_future(village.admin.run_netting("usd", idempotency_key="week"))
        if turns is not None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await village.box.crash()
            with suppress(Exception):
                await asking
            await village.box.boot()
            asking = asyncio.ensure_future(village.admin.run_netting("usd", idempotency_key="week"))
        run = await asking
        assert (run["status"], run["entry_count"], run["candidate_count"]) == ("applied", DAYS, 2 * DAYS)
        balances = await village.balances()
        assert not {"clearing:payouts", "clearing:bank"} & balances.keys()
        found.update(await village.admin.netting_report(run["run_id"]))

    live(data, story, look_every_s=6 * 3600)
    return found


@pytest.mark.slow
def test_a_run_whose_engine_dies_leaves_the_report_of_one_whose_engine_lives(tmp_path: Path) -> None:
    """NET-008, NET-018: sent again under its key; it dies before the run, within it, and after its last entry."""
    undisturbed = report(tmp_path / "undisturbed", turns=None)
    assert len(undisturbed["entries"]) == DAYS
    for turns in (5, 12, 14, 18):
        disturbed = report(tmp_path / f"after-{turns}-turns", turns=turns)
        # A request that was lost whole selects up to a later moment, at which nothing more was paid.
        assert {**disturbed, "selection_before": None} == {**undisturbed, "selection_before": None}
