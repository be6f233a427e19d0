"""Read back the rosters that a contest packed at its lock, without reading its log; it must not score them."""

from __future__ import annotations

from pysqlite3 import Connection

from cutline.engine.canonical import sha256_hex
from cutline.engine.scoring.rosters import Rosters
from cutline.storage.errors import Corrupt

_LAST = "SELECT sha256, body FROM rosters ORDER BY id DESC LIMIT 1"


def read_rosters(connection: Connection) -> Rosters | None:
    """Return the rosters of a contest's file, or None before its lock. Raises Corrupt where they are not as packed."""
    row = connection.execute(_LAST).fetchone()
    if row is None:
        return None
    sha256, body = row
    if sha256_hex(body) != sha256:
        raise Corrupt("the packed rosters are not those that were recorded")
    return Rosters.unpack(body)
