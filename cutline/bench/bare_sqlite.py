"""The limit beside which the ledger is measured: balanced transactions straight into SQLite, and nothing else.

It keeps no chain, no log, no running balances on postings and no promises: that difference is what the ledger costs.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from cutline.bench.measurement import Run, run_of
from cutline.storage.sqlite import WAL_PAGES_BEFORE_CHECKPOINT, connect

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA wal_autocheckpoint = {WAL_PAGES_BEFORE_CHECKPOINT}",
)
_TABLES = (
    "CREATE TABLE transfer (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at TEXT NOT NULL) STRICT",
    """
CREATE TABLE leg (
  number INTEGER PRIMARY KEY, transfer INTEGER NOT NULL REFERENCES transfer (number), account TEXT NOT NULL,
  cents INTEGER NOT NULL
) STRICT""",
    "CREATE TABLE balance (account TEXT PRIMARY KEY, cents INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
_TRANSFER = "INSERT INTO transfer (key, at) VALUES (?, ?)"
_LEGS = "INSERT INTO leg (transfer, account, cents) VALUES (?, ?, ?), (?, ?, ?)"
_BALANCE = """
INSERT INTO balance (account, cents) VALUES (?, ?)
ON CONFLICT (account) DO UPDATE SET cents = cents + excluded.cents"""

_AT = "2026-01-01T00:00:00.000Z"
_CENTS = 2_500
_ACCOUNTS = 1_000


def random_key() -> str:
    """Return a key as clients make them: without order, so that an index is entered anywhere."""
    return f"{random.getrandbits(128):032x}"


class BareSQLite:
    """One file with the ledger's durability (WAL, FULL) and the least that can be called double entry."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, mode="rwc")
        for statement in (*_PRAGMAS, *_TABLES):
            self._connection.execute(statement).fetchall()
        self._posted = 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def run(self, *, at_a_commit: int, seconds: float) -> Run:
        """Post for `seconds`, `at_a_commit` transactions to a commit; a latency is that of one commit."""
        latencies_s: list[float] = []
        began, cpu_began = time.perf_counter(), time.process_time()
        now = began
        while now < began + seconds:
            self._commit(at_a_commit)
            committed = time.perf_counter()
            latencies_s.append(committed - now)
            now = committed
        return run_of(latencies_s, now - began, time.process_time() - cpu_began, operations_each=at_a_commit)

    def _commit(self, count: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for _ in range(count):
            self._post()
        self._connection.execute("COMMIT")

    def _post(self) -> None:
        self._posted += 1
        execute, account = self._connection.execute, f"user:{self._posted % _ACCOUNTS}"
        number = execute(_TRANSFER, (random_key(), _AT)).lastrowid
        execute(_LEGS, (number, "clearing", _CENTS, number, account, -_CENTS))
        execute(_BALANCE, ("clearing", _CENTS))
        execute(_BALANCE, (account, -_CENTS))
