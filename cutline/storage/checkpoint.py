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

EARLY = 0.7
"""The share of the pages at which SQLite would copy them by itself, at which they are copied beside the writer."""

PAGES_A_COMMIT = 8
PAGES_AN_EVENT = 4
"""About what a commit, and each event in it, adds to the log of a file: leaves of its tables and indexes."""


class WalGrowth:
    """Estimates how long a file's write-ahead log has become."""

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages = 0

    def is_due(self, events: int) -> bool:
        """Take note of a commit of so many events; True when it is time to copy, and then the count starts anew."""
        self._pages += PAGES_A_COMMIT + PAGES_AN_EVENT * events
        if self._pages < EARLY * WAL_PAGES_BEFORE_CHECKPOINT:
            return False
        self._pages = 0
        return True


def checkpoint(path: Path) -> None:
    """Copy what can be copied without making anybody wait (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint).

    Raises a StorageError as opening the file does.
    """
    try:
        with contextlib.closing(connect(path, mode="rw")) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except pysqlite3.Error as error:
        raise classify(error) from error
