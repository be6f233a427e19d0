"""A stranger's program opens and closes a file that the engine is writing: nothing that was committed is lost (S10)."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS
from cutline.storage.sqlite import Connection, WrongFile, open_reader, read_identity
from tests.storage.conftest import NOW

CONTEST = KINDS["contest"]
# The standard library's SQLite, as an admin's shell would bring it: the last to close a file deletes its WAL.
LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT max(seq) FROM log").fetchone()[0])
connection.close()
"""


def seen_by_a_stranger(path: Path) -> int:
    looked = subprocess.run([sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True)
    return int(looked.stdout)


def append(log: EventLog, key: str) -> None:
    log.begin()
    log.append(type="Noted", key=key, at=NOW, cause="test", payload="{}")
    log.commit()


def test_a_stranger_deletes_no_wal_under_a_writer(contest: Path, writer: Connection) -> None:
    """LIFE-025: readers of our own come and go, and the writer's lock on the file outlives them."""
    log = EventLog(writer, CONTEST)
    append(log, "before")
    with contextlib.closing(open_reader(contest, CONTEST)):
        assert seen_by_a_stranger(contest) == log.seq
    with contextlib.suppress(WrongFile):
        read_identity(contest, KINDS["ledger"])
    assert seen_by_a_stranger(contest) == log.seq
    append(log, "after")
    assert contest.with_name(f"{contest.name}-wal").exists()
    assert seen_by_a_stranger(contest) == log.seq
