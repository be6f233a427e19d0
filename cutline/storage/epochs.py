"""The number of the engines that a data root has had, as its files tell it; it must not write.

The counter lies beside the files and is not replicated. Every opening of a file is an event that names its engine, so
that a root restored without the counter goes on above the highest number that any of its files has seen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import pysqlite3

from cutline.storage.errors import StorageError
from cutline.storage.kinds import FileKind
from cutline.storage.sqlite import open_reader

_HIGHEST = "SELECT max(payload ->> 'boot_epoch') FROM log WHERE type = 'WriterOpened'"


def highest_epoch(files: Iterable[tuple[Path, FileKind]]) -> int:
    """Return the highest boot epoch in the files' logs, 0 where there is none.

    A file that cannot be read has no say here: whoever opens it for writing refuses it by name.
    """
    return max((_epoch_of(path, kind) for path, kind in files), default=0)


def _epoch_of(path: Path, kind: FileKind) -> int:
    with contextlib.suppress(StorageError, pysqlite3.Error), contextlib.closing(open_reader(path, kind)) as connection:
        return int(connection.execute(_HIGHEST).fetchone()[0] or 0)
    return 0
