"""The table of jobs, and the stepped scheduler: a clock that jumps makes each job run once, whatever it jumped over."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import freezegun
import pytest

from cutline.actors.jobs import Job, SteppedScheduler, install, production_scheduler
from tests.actors.town import running_town
from tests.http.standin import settings, stripe_key

START = datetime(2026, 4, 1, 12, 0, 30, tzinfo=UTC)


def test_a_jump_over_many_runs_is_one_run_and_the_next_is_at_a_round_time() -> None:
    ran: list[str] = []
    with freezegun.freeze_time(START) as clock:
        scheduler = SteppedScheduler()
        jobs = [
            Job(name="each-second", run=lambda: ran.append("each-second"), every_s=1),
            Job(name="each-hour", run=lambda: ran.append("each-hour"), every_s=3600),
        ]
        install(scheduler, jobs)
        scheduler.start()
        clock.tick(timedelta(seconds=10))
        scheduler.step()
        assert ran == ["each-second"]
        clock.tick(timedelta(days=3))
        upcoming = scheduler.step()
        assert sorted(ran) == ["each-hour", "each-second", "each-second"]
        assert upcoming == START + timedelta(days=3, seconds=11)
        assert scheduler.get_job("each-hour").next_run_time == datetime(2026, 4, 4, 13, tzinfo=UTC)
        scheduler.step()
        assert len(ran) == 3
        scheduler.shutdown()


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_winners_are_paid_every_five_minutes(environment: str, tmp_path: Path) -> None:
    """POUT-034: 300000 ms, as the scheduler of a real engine has it, unless an installation says otherwise."""
    own = settings(settle_env=environment, stripe_api_key=stripe_key(environment))
    assert own.cutline_payouts_every_s == 300
    async with running_town(tmp_path) as town:
        assert town.system.settings.cutline_payouts_every_s == own.cutline_payouts_every_s
        scheduler = production_scheduler()
        install(scheduler, town.system.jobs())
        assert scheduler.get_job("pay-winners").trigger.interval == timedelta(milliseconds=300_000)


def test_no_scheduler_of_a_test_runs_by_itself() -> None:
    """POUT-035, C-08: it has neither thread nor timer; who owns the clock steps it, and nothing else does."""
    ran: list[str] = []
    threads = set(threading.enumerate())
    with freezegun.freeze_time(START) as clock:
        scheduler = SteppedScheduler()
        install(scheduler, [Job(name="pay-winners", run=lambda: ran.append("pay-winners"), every_s=300)])
        scheduler.start()
        clock.tick(timedelta(days=1))
        scheduler.wakeup()
        assert (ran, set(threading.enumerate()) - threads) == ([], set())
        scheduler.step()
        assert ran == ["pay-winners"]
        scheduler.shutdown()
