"""The table of jobs: time turned into messages. A job only says "look now"; what is due lives in the files.

Production installs the table in APScheduler's asyncio scheduler, the time machine in a stepped one. Wiping a
scheduler changes nothing. Triggers are UTC only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.interval import IntervalTrigger

_DEFAULTS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One duty of the clock: its name, what it calls, and how often, in seconds."""

    name: str
    run: Callable[[], None]
    every_s: int


def install(scheduler: BaseScheduler, jobs: Sequence[Job]) -> None:
    """Put the table into a scheduler."""
    for job in jobs:
        trigger = IntervalTrigger(seconds=job.every_s, timezone=UTC, start_date=_EPOCH)
        scheduler.add_job(job.run, trigger, id=job.name)


_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""Intervals count from here, so that jobs fire at round times whenever the process started."""


def production_scheduler() -> BaseScheduler:
    """Return the scheduler of a real engine: on the event loop, in memory, nothing dropped for being late."""
    return AsyncIOScheduler(timezone=UTC, job_defaults=_DEFAULTS, executors={"default": DebugExecutor()})


class SteppedScheduler(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types
    """A scheduler without thread or timer: whoever owns the clock steps it."""

    def __init__(self) -> None:
        super().__init__(timezone=UTC, job_defaults=_DEFAULTS, executors={"default": DebugExecutor()})

    def wakeup(self) -> None:
        """Nothing sleeps here."""

    def shutdown(self, wait: bool = True) -> Any:
        """Stop; there is nothing to wait for."""
        super().shutdown(wait)

    def step(self) -> datetime | None:
        """Run what is due at the present (held) time; return when the next job is due."""
        now = datetime.now(UTC)
        for job in self.get_jobs():
            if job.next_run_time is not None and job.next_run_time < now:
                # The clock has jumped: the runs in between become one, without counting them one by one.
                since_last = (now - job.trigger.start_date) % job.trigger.interval
                job.modify(next_run_time=now - since_last)
        self._process_jobs()
        upcoming = [job.next_run_time for job in self.get_jobs() if job.next_run_time is not None]
        return min(upcoming, default=None)
