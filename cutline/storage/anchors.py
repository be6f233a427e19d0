"""What the ledger has kept of other files' chains, read beside its writer; it must not write.

A contest's hash is anchored in the ledger when it locks, completes and settles. A file that was cut, swapped or put
back from an older copy does not hold that row any more, or holds another.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import orjson
import pysqlite3

from cutline.engine.decision import Address
from cutline.storage.errors import CannotOpen, Untrusted
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import Connection, open_reader

# A range of the unique index on the key: `anchor:<address>:<seq>`, and ";" is the character after ":". The index is
# without Stripe's events, and SQLite uses it where the question says so, too.
_ANCHORS = "SELECT payload FROM log WHERE key >= ? AND key < ? AND type <> 'StripeEventRecorded'"


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
        return list(self._connection.execute(_ANCHORS, (f"anchor:{address}:", f"anchor:{address};")))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def no_anchors(_address: Address) -> Mapping[int, bytes]:
    """Return nothing, for files of which no other one keeps a hash."""
    return {}
