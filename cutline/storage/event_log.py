"""The append-only log of one file and the typed rows beside it; it must not know what an event means.

One object belongs to the file's one writer, or to a reader that only looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import orjson
import pysqlite3
from msgspec import Struct

from cutline.engine.errors import InvariantViolated
from cutline.storage.append_only import LOG, Table
from cutline.storage.chain import GENESIS, ChainProblem, Problem, link, verify_chain
from cutline.storage.errors import MisusedFile, Retryable, StorageError, WriteFailed, classify
from cutline.storage.kinds import FileKind
from cutline.storage.sqlite import utc_text, utc_time

__all__ = ["GENESIS", "ChainProblem", "Entry", "EventLog", "Problem", "link", "verify_chain"]

_COLUMNS = "seq, type, key, at, cause, payload, hash"
_LAST = "SELECT seq, hash, at FROM log ORDER BY seq DESC LIMIT 1"
_PAGE = f"SELECT {_COLUMNS} FROM log WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608 - a constant
_PAGE_WITHOUT = (
    f"SELECT {_COLUMNS} FROM log WHERE seq > ? "  # noqa: S608 - a constant
    "AND type NOT IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?"
)
_ROWS_A_PAGE = 1_000
_ROWS_A_STATEMENT_MAX = 64
_ROWS_EXACTLY = 16


class Entry(Struct, frozen=True):
    """One row of a log. `payload` is JSON text; `at` is the commit time in UTC, to the millisecond."""

    seq: int
    type: str
    key: str
    at: datetime
    cause: str
    payload: str
    hash: bytes


def _entry(row: tuple[int, str, str, str, str, str, bytes]) -> Entry:
    seq, kind, key, at, cause, payload, digest = row
    return Entry(seq, kind, key, utc_time(at), cause, payload, digest)


class EventLog:
    """Appends, chained and in order, inside transactions that its owner begins and ends.

    A row that the schema refuses takes back all since `begin`. SQLite then need not keep a copy of each page that a
    statement changes, to take back the statement alone (INSERT OR ROLLBACK).

    Appended rows are written together, at the latest with the next typed rows or the commit: every statement hands
    the interpreter to other threads once, so a batch of events costs a few statements and not a few for each event.
    """

    def __init__(self, connection: pysqlite3.Connection, kind: FileKind) -> None:
        self.kind = kind
        self._connection = connection
        self._cursor = connection.cursor()
        self._tables = kind.tables
        self._statements: dict[tuple[str, int], str] = {}
        self._unwritten: list[tuple[int, str, str, str, str, str, bytes]] = []
        self._seq, self._head, self._at = 0, GENESIS, ""
        self._before: tuple[int, bytes, str] | None = None
        self._lost: str | None = None
        self._now: datetime | None = None
        self._now_utc, self._now_text = datetime.min.replace(tzinfo=UTC), ""
        row = self._run(_LAST).fetchone()
        if row is not None:
            self._seq, self._head, self._at = row

    @property
    def seq(self) -> int:
        """The number of the last row, uncommitted ones included; 0 when there is none."""
        return self._seq

    @property
    def head(self) -> bytes:
        """The hash of the last row."""
        return self._head

    @property
    def last_at(self) -> datetime | None:
        """The time of the last row. The next one may not be earlier."""
        if not self._at:
            return None
        return self._now_utc if self._at == self._now_text else utc_time(self._at)

    def begin(self) -> None:
        """Begin the one transaction, taking the write lock at once. Raises Busy when it stays taken."""
        if self._lost is not None:
            raise WriteFailed(f"a commit was lost before ({self._lost}); the file must be opened anew")
        self._run("BEGIN IMMEDIATE")
        self._before = (self._seq, self._head, self._at)

    def commit(self) -> None:
        """Make all since `begin` durable.

        A Retryable error means that everything was rolled back. After any other nobody knows whether the
        commit stands, and this object refuses to go on. Raises what `append` says of rows not written yet: nothing is
        left of the transaction then, as of every one with a row that is refused.
        """
        self._require_transaction()
        try:
            self._write()
            self._end()
        except Retryable:
            self.rollback()
            raise
        self._before = None

    def _end(self) -> None:
        try:
            self._run("COMMIT")
        except Retryable:
            raise
        except StorageError as error:
            self._lost = str(error)
            raise

    def rollback(self) -> None:
        """Undo all since `begin`. Harmless when SQLite has already done so."""
        self._unwritten.clear()
        if self._connection.in_transaction:
            self._run("ROLLBACK")
        if self._before is not None:
            self._seq, self._head, self._at = self._before
            self._before = None

    def append(
        self,
        *,
        type: str,  # noqa: A002 - the name of the column
        key: str,
        at: datetime,
        cause: str,
        payload: str,
    ) -> Entry:
        """Add one row, linked to the one before, and return it. `payload` is JSON text; `at` is aware.

        Raises InvariantViolated for a time before the last row's, and MisusedFile outside a transaction. A key that
        the file already holds, or text that is no JSON, is refused (MisusedFile) when the row is written.
        """
        self._require_transaction()
        if at is not self._now:
            self._now_text = utc_text(at)
            self._now_utc = utc_time(self._now_text)
            self._now = at
        text = self._now_text
        if text < self._at:
            raise InvariantViolated(f"{key}: {text} lies before the file's last time {self._at}")
        seq = self._seq + 1
        try:
            digest = link(self._head, seq, type, key, text, cause, payload)
        except orjson.JSONEncodeError as error:
            raise _while(f"appending {type} {key!r}", error) from error
        self._unwritten.append((seq, type, key, text, cause, payload, digest))
        self._seq, self._head, self._at = seq, digest, text
        return Entry(seq, type, key, self._now_utc, cause, payload, digest)

    def insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add typed rows: values in the order of its columns, without a row number that SQLite assigns.

        Raises MisusedFile for an unknown table, the log, a key that exists, or a value that the schema refuses.
        """
        self._require_transaction()
        if table not in self._tables or table == LOG:
            raise MisusedFile(f"{table!r} is no table of typed rows")
        if set(map(len, rows)) - {len(self._tables[table].columns)}:
            raise MisusedFile(f"a row for {table} has too few or too many values")
        if self._unwritten:
            self._write()
        self._put(table, rows, f"inserting into {table}")

    def entries(self, after_seq: int = 0) -> Iterator[Entry]:
        """Yield the rows after `after_seq` in order.

        Read page by page: no read stays open while its user works.
        """
        self._write()
        while rows := self._run(_PAGE, (after_seq, _ROWS_A_PAGE)).fetchall():
            yield from map(_entry, rows)
            after_seq = rows[-1][0]

    def entries_without(self, types: Sequence[str], after_seq: int = 0) -> Iterator[Entry]:
        """Yield the rows after `after_seq` in order, but for those of some types, which are not even decoded."""
        self._write()
        left_out = orjson.dumps(types).decode()
        while rows := self._run(_PAGE_WITHOUT, (after_seq, left_out, _ROWS_A_PAGE)).fetchall():
            yield from map(_entry, rows)
            after_seq = rows[-1][0]

    def _write(self) -> None:
        """Write the rows that were appended since the last time."""
        if not self._unwritten:
            return
        rows, self._unwritten = self._unwritten, []
        self._put(LOG, rows, f"appending {rows[0][1]} {rows[0][2]!r} and {len(rows) - 1} more")

    def _put(self, table: str, rows: Sequence[tuple[Any, ...]], doing: str) -> None:
        """Insert rows, or take back all since `begin` and say what was being done.

        Some refusals, of a type, a reference or a value that cannot be handed over, leave a transaction open, and even
        half a statement in it, whatever SQLite is asked for.
        """
        try:
            self._insert(self._tables[table], rows)
        except (pysqlite3.Error, OverflowError, UnicodeError) as error:
            self.rollback()
            raise _while(doing, error) from error

    def _insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows in few statements: with each one, other threads get the interpreter.

        Few are prepared, too: of every number up to sixteen, and of the powers of two above.
        """
        start, total = 0, len(rows)
        while start < total:
            left = total - start
            count = left if left <= _ROWS_EXACTLY else min(_ROWS_A_STATEMENT_MAX, 1 << left.bit_length() - 1)
            statement = self._statements.get((table.name, count))
            if statement is None:
                statement = self._statements[table.name, count] = table.insert_sql(count)
            values = rows[start] if count == 1 else tuple(chain.from_iterable(rows[start : start + count]))
            self._cursor.execute(statement, values)
            start += count

    def _require_transaction(self) -> None:
        if not self._connection.in_transaction:
            raise MisusedFile("rows are added between begin and commit only")

    def _run(self, sql: str, values: Sequence[Any] = ()) -> pysqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except pysqlite3.Error as error:
            raise classify(error) from error


def _while(doing: str, error: Exception) -> StorageError:
    known = classify(error)
    return type(known)(f"{doing}: {known}")
