"""Keeps the scheduler going: a job that has not run in time means a new scheduler; it must not run any job itself.

A scheduler can lose its timer, be paused, or wait for a time that the clock, set back, reaches in an hour. It is
measured by the loop's own time, which nobody sets. What is due lies in the files, so nothing is lost with a scheduler.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import structlog
from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import BaseScheduler

from cutline.actors.jobs import Job, install, production_scheduler
from cutline.engine.messages import RaiseAlert

log = structlog.get_logger(__name__)

LATE_AFTER_S: Final = 30.0
"""A job that is so much later than its interval allows will not come by itself."""
LOOP_LATE_S: Final = 5.0
"""A loop that was held up for longer than this by something else is first given time to catch up."""
REPLACEMENTS_MAX: Final = 3
"""After so many new schedulers in a row, none of which worked, only a new process can help."""
ALERT: Final = "scheduler_stopped"
RUNBOOK: Final = "runbooks/scheduler-stopped.md"


class SchedulerStopped(RuntimeError):
    """No scheduler runs the jobs any more, old or new."""


class Timekeeper:
    """Owns the scheduler of one engine. Use it on the event loop alone.

    A scheduler that is stepped by whoever holds the clock is left to them.
    """

    def __init__(
        self,
        scheduler: BaseScheduler,
        *,
        alert: Callable[[RaiseAlert], None],
        must_die: Callable[[BaseException], None],
    ) -> None:
        self.replaced = 0
        """So many schedulers have stopped since the start."""
        self._scheduler = scheduler
        self._watches = isinstance(scheduler, AsyncIOScheduler)
        self._alert = alert
        self._must_die = must_die
        self._loop = asyncio.get_running_loop()
        self._jobs: Sequence[Job] = ()
        self._ran_at: dict[str, float] = {}
        self._in_vain = 0
        self._next_look: asyncio.TimerHandle | None = None

    def start(self, jobs: Sequence[Job]) -> None:
        """Install the table of jobs and start the clock."""
        self._jobs = jobs
        self._set_going()
        if self._watches:
            self._look_at(self._late_from())

    def stop(self) -> None:
        """Start no job any more."""
        if self._next_look is not None:
            self._next_look.cancel()
        # One that has stopped by itself needs no stopping.
        with contextlib.suppress(SchedulerNotRunningError):
            self._scheduler.shutdown(wait=False)

    def seconds_since(self) -> dict[str, float]:
        """Return how long ago each job ran last, in seconds; one that has not run yet counts from the start."""
        now = self._loop.time()
        return {name: now - ran_at for name, ran_at in self._ran_at.items()}

    def late(self) -> list[str]:
        """Return the names of the jobs that should have run and did not; of a stepped scheduler nothing is known."""
        now = self._loop.time()
        return [job.name for job in self._jobs if self._watches and now >= self._late_at(job)]

    def _set_going(self) -> None:
        for job in self._jobs:
            self._ran(job.name)
        install(self._scheduler, [replace(job, run=partial(self._run, job)) for job in self._jobs])
        self._scheduler.start()

    def _run(self, job: Job) -> None:
        self._ran(job.name)
        job.run()

    def _ran(self, name: str) -> None:
        self._ran_at[name] = self._loop.time()

    def _late_at(self, job: Job) -> float:
        return self._ran_at[job.name] + job.every_s + LATE_AFTER_S

    def _late_from(self) -> float:
        return min(map(self._late_at, self._jobs))

    def _look_at(self, when: float) -> None:
        self._next_look = self._loop.call_at(when, self._look, when)

    def _look(self, expected: float) -> None:
        now = self._loop.time()
        if now - expected > LOOP_LATE_S:
            self._look_at(now + LATE_AFTER_S)
            return
        late = self.late()
        if late:
            self._replace(late)
        else:
            self._in_vain = 0
        self._look_at(self._late_from())

    def _replace(self, late: Sequence[str]) -> None:
        """Put a new scheduler in the place of one that has stopped, and tell whoever watches."""
        self._in_vain += 1
        if self._in_vain > REPLACEMENTS_MAX:
            self._must_die(SchedulerStopped(f"no scheduler runs {', '.join(late)}"))
        self.replaced += 1
        self._alert(RaiseAlert(name=ALERT, runbook=RUNBOOK, details={"late": ", ".join(late), "times": self.replaced}))
        with contextlib.suppress(SchedulerNotRunningError):
            self._scheduler.shutdown(wait=False)
        self._scheduler = production_scheduler()
        self._set_going()
