"""Effects: calls to the outside world and heavy work, run beside the actors and answered by messages.

No actor ever waits for the network or for a worker. An effect may run twice (after a restart); whoever receives it
applies it once by its key. It must not decide anything.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

import structlog

from cutline.actors.mailbox import Envelope, Tell
from cutline.engine.decision import Address

log = structlog.get_logger(__name__)

Perform = Callable[[Any], Awaitable[Any]]
"""Carry out one effect and return the message for its actor, a tuple of messages in order, or None."""


class Tasks:
    """Runs effects on the event loop, a bounded number at a time.

    `lanes` gives an address a bound of its own, so that what it has in bulk holds up nobody else.
    """

    def __init__(
        self,
        performers: Mapping[type, Perform],
        send: Callable[[Address, Envelope], None],
        *,
        limit: int = 32,
        lanes: Mapping[Address, int] = MappingProxyType({}),
    ) -> None:
        self._performers = performers
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.Semaphore(limit)
        self._lanes = {address: asyncio.Semaphore(bound) for address, bound in lanes.items()}
        self._running: set[asyncio.Task[None]] = set()
        self._counting = threading.Lock()
        self._starting = 0
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether no effect is under way."""
        return not self._running and not self._starting

    def perform(self, effect: Any, address: Address, cause: str) -> None:
        """Start an effect from any thread; its outcome is told to `address`."""
        if not self._closed and not self._loop.is_closed():
            self._schedule(self._run(effect, address, cause))

    def _schedule(self, work: Coroutine[Any, Any, None]) -> None:
        with self._counting:
            self._starting += 1
        self._loop.call_soon_threadsafe(self._begin, work)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        with self._counting:
            self._starting -= 1
        if self._closed:
            work.close()
            return
        task = self._loop.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, effect: Any, address: Address, cause: str) -> None:
        async with self._lanes.get(address, self._limit):
            try:
                outcome = await self._performers[type(effect)](effect)
            except asyncio.CancelledError:
                raise
            except Exception:  # a bug in one effect must not reach the others
                log.exception("effect_failed", effect=type(effect).__name__, address=address)
                return
        if outcome is None:
            return
        for message in outcome if isinstance(outcome, tuple) else (outcome,):
            self._send(address, Tell(message, cause))

    async def close(self, timeout_s: float) -> None:
        """Start nothing more, wait for what is under way, then cancel what is left: it is resumed at the next start."""
        self._closed = True
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
