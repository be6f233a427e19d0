"""Heavy work in another process, so that one settlement does not hold the interpreter of the whole engine.

What is sent and what comes back is bytes or plain values; a worker may read files of ours, and must not write any.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Workers(Protocol):
    """Where heavy functions run."""

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a module-level function elsewhere and return its result."""

    async def close(self) -> None:
        """Stop the workers after the work in hand."""


class ProcessWorkers:
    """A pool of spawned processes, started with the first piece of work and replaced when one is killed."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run in a worker; a worker that dies (out of memory, killed) gets one successor for this piece of work."""
        pool = self._running()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)
        except BrokenProcessPool:
            # Everybody whose work was in it hears of it, and the first has already put a new one in its place.
            if self._pool is pool:
                self._pool = None
            return await asyncio.get_running_loop().run_in_executor(self._running(), function, *arguments)

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                max_workers=self._processes, mp_context=context, initializer=end_with_the_engine
            )
        return self._pool

    async def close(self) -> None:
        """Stop the workers after the work in hand; what waits is dropped and asked for again at the next start."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)


def end_with_the_engine() -> None:
    """Make this worker end when the engine has died: the standard library's would wait for work for ever."""
    engine = multiprocessing.parent_process()
    if engine is not None:
        threading.Thread(target=_follow, args=(engine,), daemon=True).start()


def _follow(engine: multiprocessing.process.BaseProcess) -> None:
    engine.join()
    os._exit(1)


class InlineWorkers:
    """Runs the work where it is asked for: for the time machine, which has one thread, and for one-shot commands."""

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run at once, in line."""
        return function(*arguments)

    async def close(self) -> None:
        """Nothing to stop."""
