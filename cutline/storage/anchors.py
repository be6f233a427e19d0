"""What the ledger has kept of other files' chains, read beside its writer; it must not write.

A contest's hash is anchored in the ledger when it locks, completes and settles. A file that was cut, swapped or put
back from an older copy does not hold that row any more, or holds another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import orjson
import pysqlite3

from cutline.engine.decision import Address
from cutline.storage.errors import CannotOpen, Untrusted
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader

# A range of the unique index on the key: `anchor:<address>:<seq>`, and ";" is the character after ":".
_ANCHORS = "SELECT payload FROM log WHERE key >= ? AND key < ?"


def anchors_of(ledger: Path, address: Address) -> Mapping[int, bytes]:
    """Return the hashes that the ledger has kept of a file, by the file's row.

    A ledger that is not there yet has kept none. Raises a Retryable error, never an Untrusted one: what is wrong with
    the ledger is no fault of this file, and the ledger's own actor will say it.
    """
    if not ledger.exists():
        return {}
    try:
        with contextlib.closing(open_reader(ledger, KINDS["ledger"])) as connection:
            rows = connection.execute(_ANCHORS, (f"anchor:{address}:", f"anchor:{address};")).fetchall()
    except (Untrusted, pysqlite3.Error) as error:
        raise CannotOpen(f"the ledger's anchors cannot be read: {error}") from error
    anchors = (orjson.loads(payload) for (payload,) in rows)
    return {anchor["seq"]: bytes.fromhex(anchor["hash"]) for anchor in anchors}


def no_anchors(_address: Address) -> Mapping[int, bytes]:
    """Return nothing, for files of which no other one keeps a hash."""
    return {}
