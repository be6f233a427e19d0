"""A scheduler that has stopped is noticed, told of and replaced (C6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import freezegun
import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cutline.actors import timekeeper
from cutline.actors.jobs import Job, SteppedScheduler, production_scheduler
from cutline.actors.timekeeper import LATE_AFTER_S, REPLACEMENTS_MAX, SchedulerStopped, Timekeeper
from cutline.engine.messages import RaiseAlert
from cutline.simulation.clock import UNFROZEN, VirtualLoop
from tests.actors.town import running_town

START = datetime(2026, 4, 9, 12, tzinfo=UTC)
LOOK_EVERY_S = 5
HOUR_S = 3600


class Dies(Exception):
    """The process would end here."""


def die(failure: BaseException) -> None:
    raise Dies from failure


@dataclass
class Calendar:
    """The box's clock, which follows the loop's time unless somebody sets it."""

    frozen: Any
    set_by: timedelta = timedelta()

    def move_to(self, target: datetime) -> None:
        self.frozen.move_to(target + self.set_by)


@dataclass
class Clockwork:
    """A timekeeper on virtual time, and what became of it."""

    loop: VirtualLoop
    calendar: Calendar
    scheduler: Any
    alerts: list[RaiseAlert] = field(default_factory=list)
    ran: list[tuple[str, float]] = field(default_factory=list)
    keeper: Timekeeper | None = None

    def start(self) -> Timekeeper:
        self.keeper = Timekeeper(self.scheduler, alert=self.alerts.append, must_die=die)
        self.keeper.start([self.job("look-at-due", LOOK_EVERY_S), self.job("reconcile", HOUR_S)])
        return self.keeper

    def job(self, name: str, every_s: int) -> Job:
        return Job(name=name, run=lambda: self.ran.append((name, self.loop.time())), every_s=every_s)

    def last_run_s(self, name: str) -> float:
        return max(at for ran, at in self.ran if ran == name)


def play(scene: Callable[[Clockwork], Awaitable[None]], scheduler: Any = None) -> Clockwork:
    """Play a scene on virtual time."""
    with freezegun.freeze_time(START, real_asyncio=True, ignore=UNFROZEN) as frozen:
        calendar = Calendar(frozen)
        loop = VirtualLoop(calendar, START, seed=1)
        clockwork = Clockwork(loop, calendar, scheduler or production_scheduler())

        async def whole() -> None:
            await scene(clockwork)
            if clockwork.keeper is not None:
                clockwork.keeper.stop()
            await asyncio.sleep(0)

        try:
            loop.run_until_complete(whole())
        finally:
            loop.close()
    return clockwork


def lose_timer(clockwork: Clockwork) -> None:
    clockwork.scheduler._stop_timer()


def pause(clockwork: Clockwork) -> None:
    clockwork.scheduler.pause()


def shut_down(clockwork: Clockwork) -> None:
    clockwork.scheduler.shutdown(wait=False)


def forget_jobs(clockwork: Clockwork) -> None:
    clockwork.scheduler.remove_all_jobs()


def set_clock_back(clockwork: Clockwork) -> None:
    """C1: the scheduler now waits for times that come in an hour."""
    clockwork.calendar.set_by = -timedelta(hours=1)


@pytest.mark.parametrize("stop", [lose_timer, pause, shut_down, forget_jobs, set_clock_back])
def test_a_scheduler_that_stops_is_told_of_and_replaced(stop: Callable[[Clockwork], None]) -> None:
    async def scene(clockwork: Clockwork) -> None:
        keeper = clockwork.start()
        await asyncio.sleep(60)
        stop(clockwork)
        stopped_s = clockwork.loop.time()
        await asyncio.sleep(LATE_AFTER_S)
        assert keeper.replaced == 0
        await asyncio.sleep(2 * LOOK_EVERY_S)
        assert keeper.replaced == 1
        assert clockwork.last_run_s("look-at-due") > stopped_s + LATE_AFTER_S
        await asyncio.sleep(2 * HOUR_S)
        assert clockwork.loop.time() - clockwork.last_run_s("look-at-due") <= LOOK_EVERY_S
        assert clockwork.loop.time() - clockwork.last_run_s("reconcile") <= HOUR_S
        assert keeper.late() == []

    (alert,) = play(scene).alerts
    assert (alert.name, alert.details) == ("scheduler_stopped", {"late": "look-at-due", "times": 1})
    assert Path(alert.runbook).exists()


def test_one_lost_job_of_many_is_noticed() -> None:
    async def scene(clockwork: Clockwork) -> None:
        clockwork.start()
        clockwork.scheduler.remove_job("reconcile")
        await asyncio.sleep(HOUR_S + LATE_AFTER_S + LOOK_EVERY_S)

    (alert,) = play(scene).alerts
    assert alert.details["late"] == "reconcile"


class Dead(AsyncIOScheduler):  # type: ignore[misc]  # APScheduler has no types
    """A scheduler that never wakes up."""

    def wakeup(self) -> None:
        """Sleep on."""


def test_the_process_ends_where_no_scheduler_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeper, "production_scheduler", Dead)
    failures: list[BaseException] = []

    async def scene(clockwork: Clockwork) -> None:
        clockwork.loop.set_exception_handler(lambda _loop, context: failures.append(context["exception"]))
        keeper = clockwork.start()
        await asyncio.sleep((REPLACEMENTS_MAX + 2) * (LATE_AFTER_S + LOOK_EVERY_S))
        assert keeper.replaced == REPLACEMENTS_MAX
        assert keeper.late() == ["look-at-due"]

    played = play(scene, Dead())
    assert len(played.alerts) == REPLACEMENTS_MAX
    assert [type(failure.__cause__) for failure in failures] == [SchedulerStopped]


def test_a_loop_that_was_held_up_is_given_time_to_catch_up() -> None:
    """A box that was suspended has no broken scheduler."""

    async def scene(clockwork: Clockwork) -> None:
        keeper = clockwork.start()
        await asyncio.sleep(10)
        clockwork.loop._elapsed_s += 5 * HOUR_S
        await asyncio.sleep(HOUR_S)
        assert keeper.replaced == 0

    assert play(scene).alerts == []


def test_a_scheduler_that_is_stepped_is_left_to_whoever_steps_it() -> None:
    async def scene(clockwork: Clockwork) -> None:
        keeper = clockwork.start()
        await asyncio.sleep(10 * HOUR_S)
        assert keeper.late() == []
        clockwork.scheduler.step()

    played = play(scene, SteppedScheduler())
    assert played.alerts == []
    assert {name for name, _ in played.ran} == {"look-at-due", "reconcile"}


async def test_an_engine_whose_scheduler_dies_locks_its_contests_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C6, I8: what was due while the scheduler was dead is found in the files."""
    monkeypatch.setattr(timekeeper, "LATE_AFTER_S", 0.2)
    scheduler = production_scheduler()
    async with running_town(tmp_path, scheduler=scheduler) as town:
        await town.plan("small-open-1", locks_in=timedelta(seconds=2))
        scheduler.shutdown(wait=False)
        await town.until(lambda: town.contest("small-open-1"), lambda contest: contest["status"] == "LOCKED")
        assert town.system.alerts.raised["scheduler_stopped"] >= 1
        assert town.system.timekeeper.replaced >= 1
