"""Ends a process whose event loop has stopped turning, so that it is started anew; it must not touch what hangs.

Nothing on a loop can notice that the loop hangs, so this looks from a thread of its own. It counts its own looks and
reads no clock: a box that was suspended has missed one look and not an hour of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

LOOK_EVERY_S: Final = 5.0
LOOKS_MAX: Final = 12
"""A loop that has not turned for so many looks in a row is given up: a minute, in which no request was answered."""
RUNBOOK: Final = "runbooks/scheduler-stopped.md"


class LoopHangs(RuntimeError):
    """The event loop has not turned for too long."""


class LoopGuard:
    """Watches the running loop for as long as the context lasts, and calls `must_die` once it hangs."""

    def __init__(self, must_die: Callable[[BaseException], None], *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._must_die = must_die
        self._look_every_s = look_every_s
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._turned = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop guard", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        missed = 0
        self._turned.set()
        while not self._stopped.wait(self._look_every_s):
            if not self._turned.is_set():
                missed += 1
                if missed >= LOOKS_MAX:
                    self._must_die(LoopHangs(f"the event loop has not turned for {missed * self._look_every_s:.0f} s"))
                    return
                continue
            missed = 0
            self._turned.clear()
            with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago
                self._loop.call_soon_threadsafe(self._turned.set)
