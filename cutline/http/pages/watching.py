"""Who follows which contest live: one look a second for all who follow it; it must not know what they are shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.standings import StandingsPages

LOOK_EVERY_S = 1.0
FOLLOWERS_MAX = 2000
"""So many streams are open at a time; whoever comes then is told to come again, and his page still loads."""


@dataclass(slots=True)
class Watch:
    """One contest that is followed: the version last seen, and what wakes its followers."""

    version: str
    followers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, version: str) -> None:
        """Note a version and wake whoever waits for one."""
        self.version = version
        woken, self.changed = self.changed, asyncio.Event()
        woken.set()


class Watching:
    """All that is followed through one set of doors."""

    def __init__(self, standings: StandingsPages) -> None:
        self._standings = standings
        self._watches: dict[str, Watch] = {}
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._followers = 0
        self.closed = False

    @asynccontextmanager
    async def follow(self, contest_id: str) -> AsyncIterator[Watch]:
        """Follow a contest for as long as the context lasts.

        Refusals: those of a picture, and MAILBOX_FULL when too many follow already.
        """
        if self._followers >= FOLLOWERS_MAX:
            raise Refused(RejectCode.MAILBOX_FULL, {"followers": self._followers})
        picture = await self._standings.picture(contest_id)
        watch = self._watches.setdefault(contest_id, Watch(version=picture.version))
        if contest_id not in self._looks:
            self._looks[contest_id] = asyncio.get_running_loop().create_task(self._look(contest_id, watch))
        watch.followers += 1
        self._followers += 1
        try:
            yield watch
        finally:
            watch.followers -= 1
            self._followers -= 1
            if not watch.followers:
                self._watches.pop(contest_id, None)
                self._looks.pop(contest_id).cancel()

    async def _look(self, contest_id: str, watch: Watch) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                picture = await self._standings.picture(contest_id)
            except Refused:
                # A contest that cannot be read at this moment has no news; its page says what is wrong.
                continue
            if picture.version != watch.version:
                watch.tell(picture.version)

    def close(self) -> None:
        """End every stream, so that the doors need not wait for those who would never leave."""
        self.closed = True
        for watch in self._watches.values():
            watch.tell(watch.version)
