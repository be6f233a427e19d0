"""What anybody may read of a contest's entries and standings, off its actor's thread; it must not decide anything.

Each contest that is read has one connection that can only read. It tells at once whether anything was committed since,
so a picture is never older than the question; a new one is made by a worker, once for all who wait.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from cutline.actors.workers import Workers
from cutline.storage.boards import EntryCard, Picture, list_entries, look, read_cards
from cutline.storage.files import DataRoot
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import Connection, open_reader

CONTESTS_OPEN_MAX = 64
"""So many contests are held open for reading; the one that was not read for the longest time is let go."""

ENTRIES_KEPT = 1_000_000
"""So many ranked entries are remembered over all contests, some 150 MB; then those read longest ago are forgotten."""


@dataclass(slots=True)
class _Read:
    """One contest that is read: where, what was last seen of it, and the look that is under way."""

    path: str
    connection: Connection
    seen: int | None = None
    picture: Picture | None = None
    look: asyncio.Task[None] | None = None
    waiting: int = 0

    def commits(self) -> int:
        """Return a number that changes with every commit of the writer."""
        number: int = self.connection.execute("PRAGMA data_version").fetchone()[0]
        return number


class Leaderboards:
    """The readers of one data root. Use it on the event loop alone."""

    def __init__(self, root: DataRoot, workers: Workers) -> None:
        self._root = root
        self._workers = workers
        self._reads: OrderedDict[str, _Read] = OrderedDict()

    async def picture(self, contest_id: str) -> Picture | None:
        """Return the contest as the last commit before the question left it or later, or None where there is none.

        A look that began after the question is enough, however many commits have followed since: a contest that
        people enter at every moment would otherwise be looked at for ever.

        Raises StorageError for a file that cannot be read.
        """
        read = self._read(contest_id)
        if read is None:
            return None
        read.waiting += 1
        try:
            while read.picture is None or read.seen != read.commits():
                is_own = read.look is None
                if read.look is None:
                    read.look = asyncio.ensure_future(self._look(read))
                # A caller who goes away leaves the look to the others.
                await asyncio.shield(read.look)
                if is_own:
                    break
        except LookupError:
            return None
        finally:
            read.waiting -= 1
        return read.picture

    async def _look(self, read: _Read) -> None:
        try:
            seen = read.commits()
            known = read.picture.version if read.picture is not None else None
            picture = await self._workers.run(look, read.path, known)
            read.seen = seen
            if picture is not None:
                read.picture = picture
                self._forget_beside(read)
        finally:
            read.look = None

    def _forget_beside(self, latest: _Read) -> None:
        """Keep what is remembered within bounds; what is forgotten is looked at again when somebody asks."""
        known = [read for read in self._reads.values() if read.picture is not None and read is not latest]
        kept = sum(_size(read) for read in [*known, latest])
        for read in known:
            if kept <= ENTRIES_KEPT:
                return
            kept -= _size(read)
            read.picture = None

    def cards(self, contest_id: str, entry_ids: Sequence[str]) -> dict[str, EntryCard]:
        """Return owner and picks of a page's entries. Raises KeyError for a contest that is not there."""
        return read_cards(self._opened(contest_id).connection, entry_ids)

    def entry_ids(self, contest_id: str, *, account_did: str | None, after: int, limit: int) -> list[tuple[int, str]]:
        """Return places and ids of an account's entries, or of all, after a place; KeyError where no contest is."""
        connection = self._opened(contest_id).connection
        return list(list_entries(connection, account_did=account_did, after=after, limit=limit))

    def close(self) -> None:
        """Let go of every file, before the writers close theirs."""
        while self._reads:
            self._reads.popitem()[1].connection.close()

    def _opened(self, contest_id: str) -> _Read:
        read = self._read(contest_id)
        if read is None:
            raise KeyError(contest_id)
        return read

    def _read(self, contest_id: str) -> _Read | None:
        read = self._reads.get(contest_id)
        if read is None:
            path = self._root.path_of(f"contest/{contest_id}")
            if not path.exists():
                return None
            self._let_go()
            read = self._reads[contest_id] = _Read(path=str(path), connection=open_reader(path, KINDS["contest"]))
        self._reads.move_to_end(contest_id)
        return read

    def _let_go(self) -> None:
        """Make room for one more, but let go of none that is waited for."""
        for contest_id, read in list(self._reads.items()):
            if len(self._reads) < CONTESTS_OPEN_MAX:
                return
            if not read.waiting:
                del self._reads[contest_id]
                read.connection.close()


def _size(read: _Read) -> int:
    return 0 if read.picture is None else len(read.picture.ranking)
