"""Spaces calls out in time, so that a limit of calls a second is never exceeded; it must not call anything."""

from __future__ import annotations

import asyncio


class Pace:
    """Gives every caller a moment of its own, in the order in which they come, with no bursts after a rest."""

    def __init__(self, per_second_max: float) -> None:
        self._apart_s = 1 / per_second_max
        self._next_s = 0.0

    async def turn(self) -> None:
        """Wait until it is the caller's turn. Who gives up waiting leaves the moment unused."""
        now_s = asyncio.get_running_loop().time()
        at_s = max(now_s, self._next_s)
        self._next_s = at_s + self._apart_s
        if at_s > now_s:
            await asyncio.sleep(at_s - now_s)
