"""Waiting in held time: coroutines sleep until a moment, and whoever drives the calendar wakes them.

It must not move any clock itself.
"""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime
from typing import Protocol


class Calendar(Protocol):
    """How the people and things of a simulated world wait."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return when the calendar shows `moment` or later."""


class LoopCalendar:
    """Waits on the running loop's timers: for a loop whose time is virtual."""

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep on the loop."""
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110  # the calendar is no event
            await asyncio.sleep(left)


class PacedCalendar:
    """Waits until the driver has moved the clock far enough and calls `wake`; knows whether anybody is awake."""

    def __init__(self) -> None:
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._number = 0
        self._awake = 0

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep until woken at `moment` or later."""
        if moment <= datetime.now(UTC):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number += 1
        heapq.heappush(self._sleepers, (moment, self._number, future))
        self._awake -= 1
        await future

    def joined(self) -> None:
        """Count a coroutine that lives by this calendar, as it starts."""
        self._awake += 1

    def left(self) -> None:
        """Count it out, as it ends."""
        self._awake -= 1

    def next_at(self) -> datetime | None:
        """Return when the next sleeper wants to be woken."""
        return self._sleepers[0][0] if self._sleepers else None

    def wake(self, now: datetime) -> int:
        """Wake everybody whose moment has come; return how many."""
        woken = 0
        while self._sleepers and self._sleepers[0][0] <= now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._awake += 1
                woken += 1
                future.set_result(None)
        return woken

    @property
    def quiet(self) -> bool:
        """Whether everybody is asleep."""
        return self._awake == 0
