"""What the ledger has kept of other files' chains, read beside its writer; it must not write.

A contest's hash is anchored in the ledger when it locks, completes and settles. A file that was cut, swapped or put
back from an older copy does not hold that row any more, or holds another.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import orjson
import pysqlite3

from cutline.engine.decision import Address
from cutline.storage.append_only import LOG
from cutline.storage.errors import CannotOpen, Untrusted
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import Connection, open_reader


@cache
def anchors_query() -> str:
    """Return the query of a range of keys: `anchor:<address>:<seq>`, and ";" is the character after ":".

    The log's index leaves some types out, and SQLite uses it only for a question that leaves them out, too.
    """
    [key] = [one for one in KINDS["ledger"].tables[LOG].unique_keys if one.columns == ("key",)]
    indexed = f" AND {key.but_for.meets()}" if key.but_for is not None else ""
    # The condition comes from the migrated schema.
    return f"SELECT payload FROM log WHERE key >= ? AND key < ?{indexed}"  # noqa: S608 - see above


class LedgerAnchors:
    """One reader of the ledger for all who open files; opening it takes longer than what is read. Thread-safe."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def of(self, address: Address) -> Mapping[int, bytes]:
        """Return the hashes that the ledger has kept of a file, by the file's row.

        A ledger that is not there yet has kept none. Raises a Retryable error, never an Untrusted one: what is wrong
        with the ledger is no fault of this file, and the ledger's own actor will say it.
        """
        with self._lock:
            try:
                rows = self._rows(address)
            except (Untrusted, pysqlite3.Error) as error:
                self._close()
                raise CannotOpen(f"the ledger's anchors cannot be read: {error}") from error
        anchors = (orjson.loads(payload) for (payload,) in rows)
        return {anchor["seq"]: bytes.fromhex(anchor["hash"]) for anchor in anchors}

    def close(self) -> None:
        """Let go of the ledger; whoever asks again opens it again."""
        with self._lock:
            self._close()

    def _rows(self, address: Address) -> list[tuple[str]]:
        if self._connection is None:
            if not self._ledger.exists():
                return []
            self._connection = open_reader(self._ledger, KINDS["ledger"])
        return list(self._connection.execute(anchors_query(), (f"anchor:{address}:", f"anchor:{address};")))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def no_anchors(_address: Address) -> Mapping[int, bytes]:
    """Return nothing, for files of which no other one keeps a hash."""
    return {}
