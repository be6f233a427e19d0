"""Drives a world in held time: wakes people, lets Stripe deliver, moves the engine's clock, and jumps to what is next.

Nothing waits for real time: the clock stands still while anything is under way, then jumps. It must not know what
the people do.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp

from cutline.simulation.calendar import PacedCalendar
from cutline.simulation.clock import FrozenCalendar
from cutline.simulation.emulators.stripe.emulator import StripeEmulator
from cutline.simulation.engine_process import EngineDied, EngineProcess

T = TypeVar("T")

LOOKS_EVERY = timedelta(hours=1)
"""The engine looks at what is due for itself at these round times, and whenever something happens outside."""
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Pace:
    """Moves one engine process, one Stripe and any number of people through held time together."""

    def __init__(
        self,
        *,
        clock: FrozenCalendar,
        calendar: PacedCalendar,
        engine: EngineProcess,
        stripe: StripeEmulator,
        happenings: Sequence[datetime] = (),
    ) -> None:
        """Set out; `happenings` are moments outside that the engine should see at once, in order."""
        self._clock = clock
        self._calendar = calendar
        self._engine = engine
        self._stripe = stripe
        self._happenings = happenings
        self._restarting = asyncio.Lock()
        self._people: set[asyncio.Task[None]] = set()
        self.steps = 0

    def admit(self, people: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Let people live by this calendar."""
        for live in people:
            self._calendar.joined()
            task = asyncio.ensure_future(self._life(live))
            self._people.add(task)

    async def _life(self, live: Callable[[], Awaitable[None]]) -> None:
        try:
            await live()
        finally:
            self._calendar.left()

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call; if the engine dies under it, start the engine again and make the call again."""
        while True:
            starts = self._engine.starts
            try:
                return await call()
            except (aiohttp.ClientConnectionError, TimeoutError):
                await self._revive(starts)

    async def _revive(self, starts: int) -> None:
        async with self._restarting:
            if self._engine.starts == starts:
                await self._engine.kill()
                await self._engine.start(datetime.now(UTC))

    async def run(self, until: Callable[[], Awaitable[bool]], on_step: Callable[[datetime], Any]) -> None:
        """Move time on until `until` holds, reporting each step."""
        await self._settle()
        while not await self.insist(until):
            self.steps += 1
            target = self._next()
            self._clock.move_to(target)
            woken = self._calendar.wake(target)
            await self._advance(target)
            if woken or await self._deliver():
                await self._settle()
            on_step(target)
        self._raise_failures()

    async def _deliver(self) -> int:
        return await self._stripe.deliver_due()

    def _next(self) -> datetime:
        now = datetime.now(UTC)
        looks_at = now - (now - _EPOCH) % LOOKS_EVERY + LOOKS_EVERY
        moments = [looks_at, self._calendar.next_at(), self._stripe.next_due_at, self._next_happening(now)]
        return max(now, min(moment for moment in moments if moment is not None))

    def _next_happening(self, now: datetime) -> datetime | None:
        place = bisect_right(self._happenings, now)
        return self._happenings[place] if place < len(self._happenings) else None

    async def _advance(self, target: datetime) -> None:
        starts = self._engine.starts
        try:
            await self._engine.advance(target)
        except EngineDied:
            await self._revive(starts)

    async def _settle(self) -> None:
        """Go round between people, Stripe and the engine until nobody has anything left to do at this moment."""
        while True:
            while not self._calendar.quiet:
                self._raise_failures()
                await asyncio.sleep(0.0005)
            delivered = await self._deliver()
            starts = self._engine.starts
            try:
                await self._engine.settle()
            except EngineDied:
                await self._revive(starts)
                continue
            if not delivered and self._calendar.quiet:
                return

    def _raise_failures(self) -> None:
        for task in [task for task in self._people if task.done()]:
            self._people.discard(task)
            task.result()
