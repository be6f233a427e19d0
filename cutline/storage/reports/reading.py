"""Opens a core file for a report and finds the rows of a span of time in it; it must not write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from pysqlite3 import Connection

from cutline.storage.files import DataRoot
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader, utc_text


@contextlib.contextmanager
def core_file(root: Path, name: str) -> Iterator[Connection]:
    """Open a core file at one moment: all that the block reads was committed together. Raises StorageError."""
    with contextlib.closing(open_reader(DataRoot(root).path_of(name), KINDS[name])) as connection:
        connection.execute("BEGIN")
        yield connection


_DAYS: Final = (date(2000, 1, 1), date(9998, 12, 31))
"""No books are older or younger; days beyond have no room for the days around them."""


def start_of(day: date) -> datetime:
    """Return the first moment of a UTC day, of the nearest one that books can have."""
    first, last = _DAYS
    return datetime.combine(min(max(day, first), last), time.min, UTC)


def day_after(day: date) -> date:
    """Return the next day, or the last one that books can have."""
    return min(day, _DAYS[1]) + timedelta(days=1)


def first_seq_at(connection: Connection, moment: datetime) -> int:
    """Return the first row of the log that was committed at `moment` or later, or one past the last row.

    Times never fall along a log, so that a search by halves needs no index over them.
    """
    text = utc_text(moment)
    low = 1
    high = int(connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()[0]) + 1
    while low < high:
        middle = (low + high) // 2
        at = connection.execute("SELECT at FROM log WHERE seq = ?", (middle,)).fetchone()[0]
        low, high = (middle + 1, high) if at < text else (low, middle)
    return low
