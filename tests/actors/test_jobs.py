"""The stepped scheduler: a clock that jumps makes each job run once, however many runs it jumped over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import freezegun

from cutline.actors.jobs import Job, SteppedScheduler, install

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
