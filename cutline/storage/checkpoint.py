"""Copies a busy file's write-ahead log into the file beside its writer; it must not write anything of its own.

SQLite does it within the commit that finds the log long, and whoever waits for that commit waits for the copying, too.
Done early and elsewhere, it leaves that commit next to nothing to copy.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pysqlite3

from cutline.storage.errors import classify
from cutline.storage.sqlite import WAL_PAGES_BEFORE_CHECKPOINT, connect

EARLY = 0.6
"""The share of the pages at which SQLite would copy them by itself, at which they are copied beside the writer."""

TIMES = 3
"""So often in a row: a busy writer goes on meanwhile, and each time it has written less."""

PAGES_A_COMMIT = 8
PAGES_AN_EVENT = 4
"""About what a commit, and each event in it, adds to the log of a file, as long as nobody has counted its pages."""

_ERRS_AT_MOST = 10
"""No count of pages makes the estimate so many times more, or less, than it was."""


class WalGrowth:
    """Estimates how long a file's write-ahead log has become, and learns from what its pages come to.

    Copying too early costs: pages that many commits change are copied, and flushed, each time anew.
    """

    __slots__ = ("_asked_at", "_pages", "_truth")

    def __init__(self) -> None:
        self._pages = self._asked_at = 0
        self._truth = 1.0

    def is_due(self, events: int) -> bool:
        """Take note of a commit of so many events; True when it is time to copy, and then the count starts anew."""
        self._pages += PAGES_A_COMMIT + PAGES_AN_EVENT * events
        if self._pages * self._truth < EARLY * WAL_PAGES_BEFORE_CHECKPOINT:
            return False
        self._asked_at, self._pages = self._pages, 0
        return True

    def counted(self, pages: int) -> None:
        """Learn, from any thread, how many pages the log had when it was copied.

        Far fewer than were expected mean that SQLite has begun the log anew by itself, and that copying comes too late.
        """
        if not self._asked_at:
            return
        if self._truth < 1 and pages < self._asked_at * self._truth / 2:
            self._truth = 1.0
            return
        self._truth = min(max(pages / self._asked_at, 1 / _ERRS_AT_MOST), _ERRS_AT_MOST)


def checkpoint(path: Path) -> int | None:
    """Copy what can be copied without making anybody wait, and return how many pages the log had at first.

    None when another process copies it already. See https://www.sqlite.org/pragma.html#pragma_wal_checkpoint. Raises a
    StorageError as opening the file does.
    """
    try:
        with contextlib.closing(connect(path, mode="rw")) as connection:
            found = [connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone() for _ in range(TIMES)]
            _, pages, _ = found[0]
            return int(pages) if pages >= 0 else None
    except pysqlite3.Error as error:
        raise classify(error) from error
