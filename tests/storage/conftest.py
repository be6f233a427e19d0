"""What tests of files share: a filled contest and a data root."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS, DataRoot
from cutline.storage.sqlite import Connection, open_writer

NOW = datetime(2026, 4, 9, 11, 30, tzinfo=UTC)
AT = "2026-04-09T11:30:00.000Z"


def fill_contest(connection: Connection) -> EventLog:
    log = EventLog(connection, KINDS["contest"])
    log.begin()
    for number in (1, 2, 3):
        log.append(
            type="EntryMade",
            key=f"entry:{number}",
            at=NOW,
            cause="test",
            payload=f'{{"entry_id": "e{number}"}}',
        )
        row = (f"e{number}", "did:plc:a", '["1","2"]', None, 2_500, AT, number)
        log.insert("entries", [row])
    log.commit()
    return log


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot(tmp_path / "data")


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def contest(root: DataRoot) -> Path:
    """The path of a closed contest file with three log rows and three entries."""
    path = root.path_of("contest/masters-2026")
    with contextlib.closing(open_writer(path, KINDS["contest"], create=True, now=NOW)) as connection:
        fill_contest(connection)
    return path


@pytest.fixture
def writer(contest: Path) -> Iterator[Connection]:
    with contextlib.closing(open_writer(contest, KINDS["contest"], create=False, now=None)) as connection:
        yield connection


@pytest.fixture
def log(writer: Connection) -> EventLog:
    return EventLog(writer, KINDS["contest"])
