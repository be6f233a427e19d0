"""The file of one writer: judged when it is opened first, let go of at rest, and opened again to be written.

An open file takes ten times the memory of the contest in it, and three handles. It must not know what any event means.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cutline.actors.clock import utc_now
from cutline.storage.chain import GENESIS, verify_chain
from cutline.storage.errors import Corrupt, MisusedFile
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import FileKind
from cutline.storage.sqlite import Connection, open_writer


class AtRest(Exception):
    """Something is to be written, and the file is not open."""


class OwnFile:
    """One file and its log. It belongs to its writer's thread."""

    def __init__(self, path: Path, kind: FileKind, *, replicated: bool) -> None:
        self._path = path
        self._kind = kind
        self._replicated = replicated
        self._connection: Connection | None = None
        self._log: EventLog | None = None
        self._opened_at_seq = 0
        self._left: tuple[int, bytes, datetime | None] = (0, GENESIS, None)
        self.at_rest = False
        """Whether the file was judged, and is closed until something is to be written."""

    def open(self, *, create: bool, anchors: Mapping[int, bytes]) -> bool:
        """Open the file and verify its chain; return whether it was closed in good order before.

        If it was, no commit is in doubt: what a dying process left would lie in a write-ahead log. Raises Corrupt for
        a chain that is broken, and as `open_writer` does.
        """
        in_good_order = self._has_no_wal()
        log, connection = self._connect(create=create)
        for problem in verify_chain(connection, anchors=anchors, problems_max=1):
            raise Corrupt(f"{self._path}: {problem.name} at row {problem.seq}: {problem.detail}")
        self._opened_at_seq = log.seq
        return in_good_order

    def open_again(self) -> None:
        """Open the file after a rest. Raises Corrupt if its log does not end as it did, and as `open_writer` does."""
        log, _ = self._connect(create=False)
        seq, head, _ = self._left
        if (log.seq, log.head) != (seq, head):
            raise Corrupt(f"{self._path} ends at row {log.seq} with another hash than at row {seq}, where it was left")
        self._opened_at_seq = log.seq
        self.at_rest = False

    @property
    def log(self) -> EventLog:
        """The log of the open file. Raises AtRest when it must be opened again first."""
        if self._log is None:
            if self.at_rest:
                raise AtRest
            raise MisusedFile(f"{self._path} is closed")
        return self._log

    @property
    def seq(self) -> int:
        """The number of the log's last row."""
        return self._left[0] if self.at_rest else self.log.seq

    @property
    def last_at(self) -> datetime | None:
        """The time of the log's last row."""
        return self._left[2] if self.at_rest else self.log.last_at

    @property
    def is_untouched(self) -> bool:
        """Whether the file is open and nothing was written since: closing it costs no flush."""
        return self._log is not None and self._log.seq == self._opened_at_seq

    def rest(self) -> None:
        """Close the file until something is to be written; its log's end is remembered."""
        if self._log is not None:
            self._left = (self._log.seq, self._log.head, self._log.last_at)
            self.close()
            self.at_rest = True

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        connection, self._connection, self._log = self._connection, None, None
        if connection is not None:
            connection.close()

    def _connect(self, *, create: bool) -> tuple[EventLog, Connection]:
        self._connection = open_writer(
            self._path, self._kind, create=create, now=utc_now(), replicated=self._replicated
        )
        self._log = EventLog(self._connection, self._kind)
        return self._log, self._connection

    def _has_no_wal(self) -> bool:
        wal = self._path.with_name(f"{self._path.name}-wal")
        return not wal.exists() or not wal.stat().st_size
