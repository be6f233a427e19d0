"""Virtual time: an event loop whose clock jumps to the next timer, and a frozen calendar that follows it.

The seed decides the order in which ready callbacks run. Nothing here knows what the callbacks do.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

UNFROZEN = ["numpy"]
"""Packages that freezegun leaves alone: looking for clocks in numpy would import the whole of it."""


class FrozenCalendar(Protocol):
    """What freezegun gives: a calendar that stands where it is put."""

    def move_to(self, target: datetime) -> None:
        """Put the calendar at a time."""


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set: the simulated system waits for something that can never happen."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop without waiting. Use it on one thread, inside one freeze that takes its moves."""

    def __init__(self, calendar: FrozenCalendar, start: datetime, seed: int) -> None:
        super().__init__()
        self._calendar = calendar
        self._start = start
        self._elapsed_s = 0.0
        self._order = random.Random(seed)
        self._poll = self._selector.select  # type: ignore[attr-defined]  # asyncio's own attribute
        self._selector.select = self._jump  # type: ignore[attr-defined]  # as above

    def _jump(self, timeout_s: float | None) -> Any:
        ready = self._poll(0)
        if timeout_s is None:
            if not ready:
                raise Deadlock("nothing is ready and no timer is set")
        elif timeout_s > 0 and not ready:
            self._elapsed_s += timeout_s
            self._calendar.move_to(self._start + timedelta(seconds=self._elapsed_s))
        return ready

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self._elapsed_s

    def run_in_executor(  # type: ignore[override]  # a future is all that callers await
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run in line what a library would hand to a thread: threads know nothing of this loop's time or order."""
        del executor
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as failure:  # noqa: BLE001  # it belongs to whoever awaits the future
            future.set_exception(failure)
        return future

    def _run_once(self) -> None:
        ready: deque[Any] = self._ready  # type: ignore[attr-defined]  # asyncio's own attribute
        if len(ready) > 1:
            shuffled = list(ready)
            self._order.shuffle(shuffled)
            ready.clear()
            ready.extend(shuffled)
        super()._run_once()  # type: ignore[misc]  # asyncio's own method
