"""The only place that opens SQLite files, and that refuses those it must not open.

It must not know what they mean.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
import pysqlite3
from pysqlite3 import Connection

from cutline.storage.append_only import authorizer
from cutline.storage.durable import FILE_MODE, make_directory, sync_directory, sync_file, write_whole
from cutline.storage.errors import (
    Busy,
    CannotOpen,
    Corrupt,
    DataRootLocked,
    DiskFull,
    Fatal,
    FileMissing,
    MisusedFile,
    NewerSchema,
    NoAccess,
    OlderSchema,
    Retryable,
    StorageError,
    UnsupportedSQLite,
    Untrusted,
    WriteFailed,
    WrongFile,
    classify,
)
from cutline.storage.kinds import FileKind
from cutline.storage.migrator import upgrade

__all__ = [
    "Busy",
    "CannotOpen",
    "Connection",
    "Corrupt",
    "DataRootLocked",
    "DiskFull",
    "Fatal",
    "FileMissing",
    "MisusedFile",
    "NewerSchema",
    "OlderSchema",
    "Retryable",
    "StorageError",
    "UnsupportedSQLite",
    "Untrusted",
    "WriteFailed",
    "WrongFile",
    "classify",
    "connect",
    "create_file",
    "open_reader",
    "open_writer",
    "read_identity",
    "require_sound_sqlite",
    "utc_text",
]

# Releases before this one can reset a WAL under a second process
# (https://www.sqlite.org/wal.html#walresetbug).
OLDEST_SQLITE = (3, 51, 3)
BUSY_TIMEOUT_MS = 5_000
WAL_PAGES_BEFORE_CHECKPOINT = 4_000
WAL_BYTES_KEPT = 64 * 1024 * 1024
_HEADER_BYTES = 100
# As long as every time we write, so that a copy's own time can take its place in the template's bytes.
_TEMPLATE_TIME = "0000-00-00T00:00:00.000Z"
_TIME = msgspec.json.Encoder(enc_hook=datetime.isoformat)


def utc_text(at: datetime) -> str:
    """Return a time as files hold it: ISO 8601, UTC, milliseconds (cut, not rounded), Z. Refuses naive times."""
    if at.tzinfo is not UTC:
        if at.utcoffset() is None:
            raise ValueError("a time without a zone cannot be recorded")
        at = at.astimezone(UTC)
    if at.microsecond:
        # Several times as fast; it leaves a fraction of nought out, and has to be told how to write a subclass.
        return _TIME.encode(at)[1:24].decode() + "Z"
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_time(text: str) -> datetime:
    """Read a time as `utc_text` writes it.

    Counting from an instance gives a plain datetime also while a subclass stands in for the class and holds the clock.
    """
    return _EPOCH + (datetime.fromisoformat(text) - _EPOCH)


def require_sound_sqlite(version: tuple[int, ...] = pysqlite3.sqlite_version_info) -> None:
    """Raise UnsupportedSQLite unless the linked library is free of the WAL-reset corruption."""
    if version < OLDEST_SQLITE:
        raise UnsupportedSQLite(
            f"SQLite {'.'.join(map(str, version))} can corrupt a WAL that two processes share; "
            f"{'.'.join(map(str, OLDEST_SQLITE))} or newer is needed"
        )


def connect(path: Path, *, mode: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Connection:
    """Return a bare connection to an existing file, without any check. For this package's own tools."""
    return pysqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_timeout_ms / 1_000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )


def open_writer(
    path: Path, kind: FileKind, *, create: bool, now: datetime | None, replicated: bool = False
) -> Connection:
    """Return the one connection that may append to a file. Its owner is one thread.

    A missing file is made only when `create`, at `now`; an older one is copied aside and migrated, which
    needs `now` as well (SCH-016). With `replicated`, Litestream does the checkpoints. Raises a StorageError
    that says whether the file cannot be trusted (Untrusted), the process must stop (Fatal), or the same
    call may succeed later (Retryable).
    """
    require_sound_sqlite()
    try:
        if create and not path.exists():
            if now is None:
                raise MisusedFile(f"{path}: a new file needs the time of its making")
            create_file(path, kind, now)
        read_identity(path, kind)
        _require_writable(path)
        connection = connect(path, mode="rw")
    except OSError as error:
        raise classify(error) from error
    except pysqlite3.Error as error:
        raise _naming(path, classify(error)) from error
    try:
        _configure_writer(connection, kind, replicated=replicated)
        if _version(connection, path, kind) < kind.version:
            _migrate(connection, path, kind, now)
        connection.set_authorizer(authorizer(kind.tables))
    except (OSError, pysqlite3.Error) as error:
        connection.close()
        raise _naming(path, classify(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _require_writable(path: Path) -> None:
    """Raise NoAccess where SQLite would open the file all the same, and refuse every write to it later."""
    for needed in (path, path.parent):
        if not os.access(needed, os.R_OK | os.W_OK):
            raise NoAccess(f"{needed} cannot be written by the user of this process")


def open_reader(path: Path, kind: FileKind, *, at_rest: bool = False) -> Connection:
    """Return a connection that can only read; it never waits for the writer, nor the writer for it.

    An older file is readable as it is. With `at_rest`, the file itself is read and no WAL, and no file is left beside
    it: for a moment's look at one that was closed in good order. Raises as `open_writer` does.
    """
    require_sound_sqlite()
    try:
        read_identity(path, kind)
        connection = connect(path, mode="ro&immutable=1" if at_rest else "ro")
    except OSError as error:
        raise classify(error) from error
    except pysqlite3.Error as error:
        raise _naming(path, classify(error)) from error
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA cache_size = -{min(kind.cache_kib, 8_192)}")
        _version(connection, path, kind)
        connection.set_authorizer(authorizer(()))
    except pysqlite3.Error as error:
        connection.close()
        raise _naming(path, classify(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def read_identity(path: Path, kind: FileKind) -> None:
    """Raise unless the file's first bytes are those of a database of this kind.

    SQLite reads them without taking over an empty file or replaying the WAL of a strange one: an immutable database has
    no WAL. Reading them without SQLite would be the end of our own locks: closing any handle of a file drops all that
    this process has locked in it, and then whoever opens and closes it elsewhere deletes the WAL of a running writer
    (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise FileMissing(f"{path} does not exist") from error
    if not stat.S_ISREG(found.st_mode):
        raise WrongFile(f"{path} is no file")
    if not os.access(path, os.R_OK):
        raise NoAccess(f"{path} cannot be read by the user of this process")
    if found.st_size < _HEADER_BYTES:
        raise Corrupt(f"{path} holds {found.st_size} bytes: too few for a database")
    with contextlib.closing(connect(path, mode="ro&immutable=1")) as connection:
        # A checkpoint copies the first page first: while it lasts, or if its process was killed, the file is shorter
        # than its first page says, and without its WAL SQLite would call it malformed. With this setting it does not.
        connection.execute("PRAGMA writable_schema = ON")
        application_id = connection.execute("PRAGMA application_id").fetchone()[0] & 0xFFFFFFFF
        page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    if application_id != kind.application_id:
        raise WrongFile(f"{path} has application id {application_id:#x}; a {kind.name} has {kind.application_id:#x}")
    # SQLite notices a last page that is cut only when it reads it. A crash may leave one, but then its WAL is there.
    if found.st_size % page_size and not path.with_name(path.name + "-wal").exists():
        raise Corrupt(f"{path} ends within a page")


def create_file(path: Path, kind: FileKind, now: datetime) -> None:
    """Put a new, empty, fully migrated file in place, flushed with its directories.

    It is a copy of a template made once a process: migrating anew takes eight times as long. Raises
    FileMissing when only the file's WAL is left, which SQLite would take for the new file's own.
    """
    for suffix in ("-wal", "-journal"):
        if path.with_name(path.name + suffix).exists():
            raise FileMissing(f"{path} is gone but its {suffix[1:]} is still there")
    make_directory(path.parent)
    template = _template(kind)
    write_whole(path, template.replace(_TEMPLATE_TIME.encode("ascii"), utc_text(now).encode("ascii")))


@cache
def _template(kind: FileKind) -> bytes:
    with tempfile.TemporaryDirectory(prefix="cutline-template-") as folder:
        path = Path(folder) / "template.db"
        with contextlib.closing(connect(path, mode="rwc")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA application_id = {kind.application_id}")
            upgrade(connection, kind, applied_at=_TEMPLATE_TIME)
        return path.read_bytes()


def _configure_writer(connection: Connection, kind: FileKind, *, replicated: bool) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise MisusedFile(f"the file stays in journal mode {mode}")
    for pragma in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
        "trusted_schema = OFF",
        f"wal_autocheckpoint = {0 if replicated else WAL_PAGES_BEFORE_CHECKPOINT}",
        f"journal_size_limit = {WAL_BYTES_KEPT}",
        f"cache_size = -{kind.cache_kib}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _version(connection: Connection, path: Path, kind: FileKind) -> int:
    # Reading the schema makes SQLite look at the file's length and first pages, so that a cut file shows
    # here.
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > kind.version:
        raise NewerSchema(f"{path} has version {version}; this release knows {kind.version}")
    return version


def _migrate(connection: Connection, path: Path, kind: FileKind, now: datetime | None) -> None:
    version = _version(connection, path, kind)
    if now is None:
        raise OlderSchema(f"{path} has version {version} and must be migrated to {kind.version}")
    copy = path.with_name(f"{path.name}.v{version}")
    unfinished = copy.with_name(copy.name + ".new")
    unfinished.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(unfinished),))
    unfinished.chmod(FILE_MODE)
    sync_file(unfinished)
    unfinished.replace(copy)
    sync_directory(copy.parent)
    upgrade(connection, kind, applied_at=utc_text(now))
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def _naming(path: Path, error: StorageError) -> StorageError:
    return type(error)(f"{path}: {error}")
