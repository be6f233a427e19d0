"""Takes a file back to an older schema by writing a new file; it must not change the old one.

What the older schema cannot hold goes with a whole copy of the file into an archive, from which it can be
brought back after the next upgrade.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pysqlite3

from cutline.storage.append_only import Table
from cutline.storage.durable import FILE_MODE, make_directory, sync_directory, sync_file
from cutline.storage.errors import MisusedFile, StorageError, classify
from cutline.storage.kinds import FileKind
from cutline.storage.migrator import upgrade
from cutline.storage.sqlite import connect, open_reader, open_writer, utc_text

_ROWS_A_CHUNK = 1_000


class RowsWouldBeLost(StorageError):
    """The older schema has no place for rows that exist, and no archive was named to keep them."""


def downgrade(
    source: Path, kind: FileKind, *, to_version: int, target: Path, archive: Path | None, now: datetime
) -> None:
    """Write `target`: the file `source` as its first `to_version` migrations would have it (SCH-008, C-24).

    `source` is left as it is; putting `target` in its place is the caller's step, with the engine stopped.
    Raises RowsWouldBeLost when a table that goes is not empty and `archive` is None, and MisusedFile when
    `target` or `archive` exists. Nothing is written before these checks.
    """
    for path in (target, archive):
        if path is not None and path.exists():
            raise MisusedFile(f"{path} exists already")
    try:
        with contextlib.closing(open_reader(source, kind)) as reader:
            kept, gone = _parted(reader, kind, to_version)
            _require_archive(reader, gone, archive)
            if archive is not None:
                _copy_whole(source, archive)
            make_directory(target.parent)
            _write(reader, kept, target, kind, to_version, now)
    except (OSError, pysqlite3.Error) as error:
        raise classify(error) from error


def restore_rows(archive: Path, path: Path, kind: FileKind, *, now: datetime) -> dict[str, int]:
    """Bring the archived rows back into the empty tables of an upgraded file; return rows by table.

    The file may have gone on since. Raises MisusedFile, and changes nothing, when the archive's last log
    row is not in the file's log, or when a table has got new rows but lacks the archived ones.
    """
    with (
        contextlib.closing(open_reader(archive, kind)) as reader,
        contextlib.closing(open_writer(path, kind, create=False, now=now)) as writer,
    ):
        writer.execute("BEGIN IMMEDIATE")
        try:
            restored = {
                table.name: _copy_rows(reader, writer, table)
                for table in kind.tables_at(_version(reader)).values()
                if _lacks_rows(reader, writer, table)
            }
            _require_same_log(reader, writer)
            writer.execute("COMMIT")
        except BaseException as error:
            if writer.in_transaction:  # a full disk, or a row that is refused, has rolled back already
                writer.execute("ROLLBACK")
            if isinstance(error, pysqlite3.Error):
                raise classify(error) from error
            raise
    return restored


def _parted(reader: pysqlite3.Connection, kind: FileKind, to_version: int) -> tuple[list[Table], list[Table]]:
    version = _version(reader)
    if not 0 <= to_version < version:
        raise MisusedFile(f"version {version} cannot go down to {to_version}")
    kept = kind.tables_at(to_version)
    gone = [table for name, table in kind.tables_at(version).items() if name not in kept]
    return list(kept.values()), gone


def _version(connection: pysqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _require_archive(reader: pysqlite3.Connection, gone: Iterable[Table], archive: Path | None) -> None:
    losing = [table.name for table in gone if _any_row(reader, table.name)]
    if losing and archive is None:
        raise RowsWouldBeLost(f"rows of {', '.join(losing)} need an archive")


def _copy_whole(source: Path, archive: Path) -> None:
    make_directory(archive.parent)
    with contextlib.closing(connect(source, mode="ro")) as connection:
        connection.execute("VACUUM INTO ?", (str(archive),))
    archive.chmod(FILE_MODE)
    sync_file(archive)
    sync_directory(archive.parent)


def _write(
    reader: pysqlite3.Connection,
    kept: Iterable[Table],
    target: Path,
    kind: FileKind,
    to_version: int,
    now: datetime,
) -> None:
    beside = target.with_name(target.name + ".new")
    beside.unlink(missing_ok=True)
    beside.touch(FILE_MODE)
    with contextlib.closing(connect(beside, mode="rw")) as writer:
        writer.execute("PRAGMA foreign_keys = ON")
        writer.execute(f"PRAGMA application_id = {kind.application_id}")
        upgrade(writer, kind, applied_at=utc_text(now), to_version=to_version)
        writer.execute("BEGIN IMMEDIATE")
        for table in kept:
            _copy_rows(reader, writer, table)
        writer.execute("COMMIT")
        writer.execute("PRAGMA journal_mode = WAL").fetchall()
    sync_file(beside)
    beside.replace(target)
    sync_directory(target.parent)


def _copy_rows(reader: pysqlite3.Connection, writer: pysqlite3.Connection, table: Table) -> int:
    # Rows that SQLite numbered get the same numbers again, because they have none missing and come in
    # order. Names come from the migrated schema.
    columns = ", ".join(table.columns)
    rows = reader.execute(f"SELECT {columns} FROM {table.name} ORDER BY {table.order}")  # noqa: S608 - see above
    count = 0
    while chunk := rows.fetchmany(_ROWS_A_CHUNK):
        writer.executemany(table.insert_sql(), chunk)
        count += len(chunk)
    return count


def _any_row(connection: pysqlite3.Connection, table: str) -> bool:
    # The name comes from the migrated schema.
    return connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None  # noqa: S608 - see above


def _lacks_rows(reader: pysqlite3.Connection, writer: pysqlite3.Connection, table: Table) -> bool:
    archived = _any_row(reader, table.name)
    if not archived or not _any_row(writer, table.name):
        return archived
    # The table's name comes from the migrated schema.
    query = f"SELECT count(*) FROM {table.name}"  # noqa: S608 - see above
    if writer.execute(query).fetchone()[0] < reader.execute(query).fetchone()[0]:
        raise MisusedFile(f"{table.name} has rows of its own; the archived ones have no place")
    return False


def _require_same_log(reader: pysqlite3.Connection, writer: pysqlite3.Connection) -> None:
    seq, head = reader.execute("SELECT seq, hash FROM log ORDER BY seq DESC LIMIT 1").fetchone() or (0, None)
    found = writer.execute("SELECT hash FROM log WHERE seq = ?", (seq,)).fetchone()
    if head is not None and (found is None or found[0] != head):
        raise MisusedFile("the archived rows were written under another log")
