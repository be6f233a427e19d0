"""A data root with its replica for tests of replication: real SQLite files made by plain statements."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pysqlite3

from cutline.storage.litestream import CORE_FILES, Replicator

LEDGER = PurePosixPath("core/ledger.db")


class Box:
    """A data root with its core files, a replica beside it, and the run folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.replica = folder / "replica"
        self.run = folder / "run"
        self.restored = folder / "restored"
        self.url = f"file://{self.replica}"
        for name in CORE_FILES:
            create(self.data / name)

    @property
    def ledger(self) -> Path:
        return self.data / LEDGER

    def replicator(self, *, own_process: bool = True, check_interval_seconds: float = 60.0) -> Replicator:
        return Replicator(
            data_root=self.data,
            replica_url=self.url,
            run_dir=self.run,
            own_process=own_process,
            check_interval_seconds=check_interval_seconds,
        )

    def rows(self, name: str | PurePosixPath) -> int:
        """Count the rows of a restored file after its check."""
        connection = pysqlite3.connect(str(self.restored / name))
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            first, last, rows = connection.execute("SELECT min(seq), max(seq), count(*) FROM log").fetchone()
            assert (first, last) == (1, rows), "the restored log has a gap"
            return int(rows)
        finally:
            connection.close()


def create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = pysqlite3.connect(str(path), isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA busy_timeout = 5000",
        "PRAGMA wal_autocheckpoint = 0",
        "CREATE TABLE log (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
    ):
        connection.execute(statement)
    connection.close()


def append(path: Path, rows: int) -> int:
    """Append rows, one commit each, and return the number of rows in the file."""
    connection = pysqlite3.connect(str(path), isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for _ in range(rows):
            connection.execute("INSERT INTO log (seq, body) SELECT count(*) + 1, hex(zeroblob(200)) FROM log")
        return int(connection.execute("SELECT count(*) FROM log").fetchone()[0])
    finally:
        connection.close()
