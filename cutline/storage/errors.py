"""What can go wrong with a file, split by what its owner must do next.

It must not open or repair anything.
"""

from __future__ import annotations

import errno

import pysqlite3


class StorageError(Exception):
    """A file could not be opened, read or written."""


class Fatal(StorageError):
    """The process stops without an answer.

    What the last commit left behind is only known after a new start.
    """


class Retryable(StorageError):
    """Nothing was written; the same work may be tried again when the condition has passed."""


class Untrusted(StorageError):
    """The one file cannot be believed: its owner is quarantined, and all other files go on."""


class UnsupportedSQLite(Fatal):
    """The linked SQLite has the WAL-reset corruption, so no file may be opened with it."""


class NewerSchema(Fatal):
    """The file was written by a newer release than this one."""


class OlderSchema(Fatal):
    """The file needs a migration and the caller gave no time to record it at."""


class WriteFailed(Fatal):
    """The operating system refused a write or a flush; whether the commit stands is unknown."""


class MisusedFile(Fatal):
    """A bug of ours: refused SQL, a broken constraint, or a log used outside its transaction."""


class DataRootLocked(Fatal):
    """Another engine owns this data root."""


class DiskFull(Retryable):
    """No space is left; the transaction was rolled back."""


class Busy(Retryable):
    """Another connection held the file for longer than the busy time-out."""


class CannotOpen(Retryable):
    """The system did not open the file, for want of handles most likely; nothing was written."""


class FileMissing(Untrusted):
    """A file that must exist does not. It is never made again, empty, in its place."""


class WrongFile(Untrusted):
    """A well-formed file of another kind, or one made by another program, lies at this path."""


class NoAccess(Untrusted):
    """The user of this process may not read or write what it must; there may be nothing wrong with the bytes."""


class Corrupt(Untrusted):
    """The bytes are not those of a sound SQLite file."""


# SQLite's primary result codes (https://www.sqlite.org/rescode.html); an extended code keeps the primary
# one in its low byte.
_BY_PRIMARY_CODE: dict[int, type[StorageError]] = {
    5: Busy,  # SQLITE_BUSY
    6: Busy,  # SQLITE_LOCKED
    7: WriteFailed,  # SQLITE_NOMEM
    8: MisusedFile,  # SQLITE_READONLY
    10: WriteFailed,  # SQLITE_IOERR
    11: Corrupt,  # SQLITE_CORRUPT
    13: DiskFull,  # SQLITE_FULL
    14: CannotOpen,  # SQLITE_CANTOPEN
    15: Busy,  # SQLITE_PROTOCOL: a race for the WAL's locks
    26: Corrupt,  # SQLITE_NOTADB
}


_BY_ERRNO: dict[int, type[StorageError]] = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EMFILE: CannotOpen,
    errno.ENFILE: CannotOpen,
    errno.ENOENT: FileMissing,
    errno.EISDIR: WrongFile,
    errno.ENOTDIR: WrongFile,
    errno.ELOOP: WrongFile,
    errno.EACCES: NoAccess,
    errno.EPERM: NoAccess,
    errno.EROFS: NoAccess,
}


def classify(error: Exception) -> StorageError:
    """Return the storage error that an exception of pysqlite3 or of the operating system stands for.

    What is not known as a condition of the disk or of the file is a `MisusedFile`: it would fail again.
    """
    if isinstance(error, StorageError):
        return error
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0, WriteFailed)(str(error))
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, pysqlite3.Error) and code is not None:
        return _BY_PRIMARY_CODE.get(code & 0xFF, MisusedFile)(f"{error} ({getattr(error, 'sqlite_errorname', code)})")
    return MisusedFile(f"{type(error).__name__}: {error}")
