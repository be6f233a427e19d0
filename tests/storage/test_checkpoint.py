"""The write-ahead log of a busy file is copied beside its writer, who hardly notices."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from cutline.storage.checkpoint import EARLY, PAGES_A_COMMIT, PAGES_AN_EVENT, WalGrowth, checkpoint
from cutline.storage.errors import CannotOpen
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import KINDS, FileKind
from cutline.storage.sqlite import WAL_PAGES_BEFORE_CHECKPOINT, Connection, connect, open_reader, open_writer

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)

# The byte after the writer's (https://www.sqlite.org/walformat.html#wal_locks).
HOLD_THE_CHECKPOINT_LOCK = """
import fcntl, os, sys
shm = os.open(sys.argv[1] + "-shm", os.O_RDWR)
fcntl.lockf(shm, fcntl.LOCK_EX, 1, 121)
print("held", flush=True)
sys.stdin.read()
"""


def test_copying_is_due_once_the_log_has_grown_and_then_not_again_at_once() -> None:
    growth = WalGrowth()
    pages = commits_until_due(growth) * (PAGES_A_COMMIT + PAGES_AN_EVENT)
    assert EARLY * WAL_PAGES_BEFORE_CHECKPOINT <= pages < WAL_PAGES_BEFORE_CHECKPOINT
    assert not growth.is_due(events=1)


def note(log: EventLog, *, commits: int) -> None:
    for number in range(commits):
        log.begin()
        log.append(type="Noted", key=f"n{number}", at=NOW, cause="test", payload="{}")
        log.commit()


def commits_until_due(growth: WalGrowth) -> int:
    commits = 1
    while not growth.is_due(events=1):
        commits += 1
    return commits


@pytest.mark.parametrize(("share", "then"), [(0.25, 4.0), (0.01, 10.0), (1.25, 0.8)])
def test_copying_is_due_by_what_a_log_was_found_to_hold(share: float, then: float) -> None:
    """A log with a quarter of the pages that were guessed is copied a quarter as often, within bounds."""
    growth = WalGrowth()
    growth.counted(1)  # nobody has asked: it tells nothing of what was guessed
    guessed = commits_until_due(growth)
    growth.counted(int(share * guessed * (PAGES_A_COMMIT + PAGES_AN_EVENT)))
    assert commits_until_due(growth) == pytest.approx(guessed * then, rel=0.01, abs=1)


def test_a_log_that_outgrew_what_was_learned_is_copied_by_the_guess_again() -> None:
    """SQLite begins the log anew by itself when it has become too long, and a count of the rest tells nothing."""
    growth = WalGrowth()
    guessed = commits_until_due(growth)
    growth.counted(300)
    assert commits_until_due(growth) > 5 * guessed
    growth.counted(100)
    assert commits_until_due(growth) == guessed


def test_a_checkpoint_that_another_process_makes_counts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with contextlib.closing(open_writer(path, KINDS["ledger"], create=True, now=NOW)) as writer:
        log = EventLog(writer, KINDS["ledger"])
        note(log, commits=1)
        with subprocess.Popen(
            [sys.executable, "-c", HOLD_THE_CHECKPOINT_LOCK, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            assert checkpoint(path) is None
            other.stdin.close()
        assert checkpoint(path)


def test_a_checkpoint_tells_how_many_pages_the_log_has(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with contextlib.closing(open_writer(path, KINDS["ledger"], create=True, now=NOW)) as writer:
        log = EventLog(writer, KINDS["ledger"])
        note(log, commits=50)
        header_bytes, frame_bytes = 32, 24 + writer.execute("PRAGMA page_size").fetchone()[0]
        written = path.with_name("ledger.db-wal").stat().st_size
        assert checkpoint(path) == (written - header_bytes) // frame_bytes > 50


def test_a_checkpoint_beside_an_open_transaction_copies_what_is_committed_and_disturbs_nobody(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with contextlib.closing(open_writer(path, KINDS["ledger"], create=True, now=NOW)) as writer:
        log = EventLog(writer, KINDS["ledger"])
        note(log, commits=50)
        log.begin()
        log.append(type="Noted", key="open", at=NOW, cause="test", payload="{}")
        checkpoint(path)
        log.commit()
        with contextlib.closing(connect(path, mode="ro&immutable=1")) as file_alone:
            assert file_alone.execute("SELECT count(*) FROM log").fetchone() == (50,)
        assert log.seq == 51


def test_a_checkpoint_of_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen):
        checkpoint(tmp_path / "gone.db")


@pytest.mark.parametrize("opened", [open_reader, partial(open_writer, create=False, now=None)], ids=["read", "written"])
def test_a_file_whose_checkpoint_was_killed_after_its_first_page_is_whole(
    tmp_path: Path, opened: Callable[[Path, FileKind], Connection]
) -> None:
    """P1: the first page tells of pages that are in the WAL alone as yet; the file is no less to be trusted for it."""
    path, kind = tmp_path / "ledger.db", KINDS["ledger"]
    with contextlib.closing(open_writer(path, kind, create=True, now=NOW)) as writer:
        log = EventLog(writer, kind)
        log.begin()
        for number in range(500):
            log.append(type="Noted", key=f"n{number}", at=NOW, cause="test", payload=f'{{"text": "{"x" * 200}"}}')
        log.commit()
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        killed = tmp_path / "killed.db"
        first_page = bytearray(path.read_bytes())
        assert pages * 4096 > len(first_page), "the file has yet to grow"
        first_page[28:32] = pages.to_bytes(4, "big")
        first_page[92:96] = first_page[24:28]
        killed.write_bytes(first_page)
        shutil.copy(path.with_name("ledger.db-wal"), killed.with_name("killed.db-wal"))
    with contextlib.closing(opened(killed, kind)) as connection:
        assert connection.execute("SELECT count(*) FROM log").fetchone() == (500,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
