"""One digest of every file under a data root: chain heads and a canonical dump, not file bytes.

Sealed bodies are left out: their nonces are random, and their digests are in the log.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import open_reader


def digest(path: Path) -> str:
    """Return the SHA-256 of every row of every file, in order."""
    whole = hashlib.sha256()
    for address, file in DataRoot(path).all_files():
        kind = kind_of(address)
        connection = open_reader(file, kind)
        try:
            for name, table in sorted(kind.tables.items()):
                columns = [column for column in table.columns if not (table.has_blob and column == "body")]
                whole.update(f"{address}.{name}".encode())
                rows = connection.execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY {table.order}")  # noqa: S608  # our own names
                for row in rows:
                    whole.update(repr(_plain(row)).encode())
        finally:
            connection.close()
    return whole.hexdigest()


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value.hex() if isinstance(value, bytes) else value for value in row)
