"""The write-ahead log of a busy file is copied beside its writer, who hardly notices."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cutline.storage.checkpoint import EARLY, PAGES_A_COMMIT, PAGES_AN_EVENT, WalGrowth, checkpoint
from cutline.storage.errors import CannotOpen
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import WAL_PAGES_BEFORE_CHECKPOINT, connect, open_writer

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)


def test_copying_is_due_once_the_log_has_grown_and_then_not_again_at_once() -> None:
    growth = WalGrowth()
    commits = 0
    while not growth.is_due(events=1):
        commits += 1
    pages = (commits + 1) * (PAGES_A_COMMIT + PAGES_AN_EVENT)
    assert EARLY * WAL_PAGES_BEFORE_CHECKPOINT <= pages < WAL_PAGES_BEFORE_CHECKPOINT
    assert not growth.is_due(events=1)


def test_a_checkpoint_beside_an_open_transaction_copies_what_is_committed_and_disturbs_nobody(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with contextlib.closing(open_writer(path, KINDS["ledger"], create=True, now=NOW)) as writer:
        log = EventLog(writer, KINDS["ledger"])
        for number in range(50):
            log.begin()
            log.append(type="Noted", key=f"n{number}", at=NOW, cause="test", payload="{}")
            log.commit()
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
