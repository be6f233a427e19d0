"""Schemas go up in place and down into a new file, and lose no row (SCH-008 to SCH-016, GATE-019, C-24)."""

from __future__ import annotations

import contextlib
import re
import stat
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pysqlite3
import pytest

from cutline.storage import schema
from cutline.storage.downgrade import RowsWouldBeLost, downgrade, restore_rows
from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS
from cutline.storage.kinds import FileKind
from cutline.storage.migrations.migration import Migration
from cutline.storage.migrator import upgrade
from cutline.storage.sqlite import MisusedFile, connect, open_reader, open_writer

CONTEST = KINDS["contest"]
AT = "2026-04-09T11:30:00.000Z"


def content(path: Path, kind: FileKind) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.closing(open_reader(path, kind)) as reader:
        version = reader.execute("PRAGMA user_version").fetchone()[0]
        return {
            name: reader.execute(f"SELECT * FROM {name} ORDER BY {table.order}").fetchall()
            for name, table in kind.tables_at(version).items()
        }


def hash_of(path: Path, kind: FileKind) -> str:
    with contextlib.closing(open_reader(path, kind)) as reader:
        return schema.schema_hash(reader)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_up_down_up_gives_the_same_schema(kind: FileKind, tmp_path: Path, now: datetime) -> None:
    """POUT-021, NET-014: every migration has its way back."""
    path = tmp_path / "0.db"
    open_writer(path, kind, create=True, now=now).close()
    wanted = hash_of(path, kind)
    for version in range(kind.version - 1, -1, -1):
        down = tmp_path / f"down{version}.db"
        downgrade(path, kind, to_version=version, target=down, archive=None, now=now)
        assert hash_of(down, kind) != wanted
        assert stat.S_IMODE(down.stat().st_mode) == 0o600
        open_writer(down, kind, create=False, now=now).close()
        assert hash_of(down, kind) == wanted


@pytest.mark.parametrize("version", [0, 1])
def test_down_and_up_again_loses_no_row(contest: Path, tmp_path: Path, now: datetime, version: int) -> None:
    before, original = content(contest, CONTEST), contest.read_bytes()
    down, archive = tmp_path / "down.db", tmp_path / "archive" / "contest"
    downgrade(contest, CONTEST, to_version=version, target=down, archive=archive, now=now)
    assert contest.read_bytes() == original
    assert content(archive, CONTEST) == before
    assert content(down, CONTEST) == {"log": before["log"]} if version else content(down, CONTEST) == {}
    open_writer(down, CONTEST, create=False, now=now).close()
    restored = restore_rows(archive, down, CONTEST, now=now)
    assert restored == {"entries": 3} | ({} if version else {"log": 3})
    assert content(down, CONTEST) == before
    assert restore_rows(archive, down, CONTEST, now=now) == {}


def test_a_file_that_went_on_after_the_downgrade_still_gets_its_rows_back(
    contest: Path, tmp_path: Path, now: datetime
) -> None:
    down, archive = tmp_path / "down.db", tmp_path / "archive"
    downgrade(contest, CONTEST, to_version=1, target=down, archive=archive, now=now)
    note(down, "since", now)
    assert restore_rows(archive, down, CONTEST, now=now) == {"entries": 3}


def test_rows_are_not_brought_back_under_another_log_or_over_new_rows(
    contest: Path, tmp_path: Path, now: datetime
) -> None:
    down, other, archive = tmp_path / "down.db", tmp_path / "other.db", tmp_path / "archive"
    note(contest, "more", now)
    downgrade(contest, CONTEST, to_version=1, target=down, archive=archive, now=now)
    open_writer(other, CONTEST, create=True, now=now).close()
    note(other, "mine", now)
    with pytest.raises(MisusedFile):
        restore_rows(archive, other, CONTEST, now=now)
    with contextlib.closing(open_writer(down, CONTEST, create=False, now=now)) as writer:
        log = EventLog(writer, CONTEST)
        log.begin()
        log.insert("entries", [("new", "did", "[]", None, 0, AT, 1)])
        log.commit()
    before = content(down, CONTEST)
    with pytest.raises(MisusedFile, match="entries"):
        restore_rows(archive, down, CONTEST, now=now)
    assert content(down, CONTEST) == before


def note(path: Path, key: str, now: datetime) -> None:
    with contextlib.closing(open_writer(path, CONTEST, create=False, now=now)) as writer:
        log = EventLog(writer, CONTEST)
        log.begin()
        log.append(type="Noted", key=key, at=now, cause="test", payload="{}")
        log.commit()


def test_rows_are_never_lost_for_want_of_an_archive(contest: Path, tmp_path: Path, now: datetime) -> None:
    with pytest.raises(RowsWouldBeLost, match="entries"):
        downgrade(contest, CONTEST, to_version=1, target=tmp_path / "down.db", archive=None, now=now)
    assert not (tmp_path / "down.db").exists()


def test_a_downgrade_overwrites_nothing_and_goes_down_only(contest: Path, tmp_path: Path, now: datetime) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    for target, archive in ((taken, None), (tmp_path / "down.db", taken), (contest, None)):
        with pytest.raises(MisusedFile, match="exists"):
            downgrade(contest, CONTEST, to_version=1, target=target, archive=archive, now=now)
    for version in (CONTEST.version, CONTEST.version + 1, -1):
        with pytest.raises(MisusedFile, match="cannot go down"):
            downgrade(contest, CONTEST, to_version=version, target=tmp_path / "x", archive=None, now=now)


def test_applying_again_changes_nothing(contest: Path) -> None:
    """SCH-010."""
    with contextlib.closing(connect(contest, mode="rw")) as connection:
        assert upgrade(connection, CONTEST, applied_at=AT) == []
        assert connection.total_changes == 0


def with_step(*statements: str, creates: tuple[str, ...] = ()) -> FileKind:
    step = Migration(name="9999_test", statements=statements, creates=creates)
    return replace(CONTEST, migrations=(*CONTEST.migrations, step))


def test_a_migration_that_fails_leaves_the_version_before(contest: Path) -> None:
    before = contest.read_bytes()
    kind = with_step("CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT", "CREATE TABLE more (id)")
    with contextlib.closing(connect(contest, mode="rw")) as connection:
        with pytest.raises(pysqlite3.OperationalError):
            upgrade(connection, kind, applied_at=AT)
        assert connection.execute("PRAGMA user_version").fetchone() == (CONTEST.version,)
        assert schema.check_file(connection, CONTEST) == []
    assert contest.read_bytes() == before


def test_a_statement_that_runs_too_long_is_stopped(contest: Path) -> None:
    """SCH-012: five minutes in production."""
    endless = "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with contextlib.closing(connect(contest, mode="rw")) as connection:
        with pytest.raises(pysqlite3.OperationalError, match="interrupted"):
            upgrade(connection, with_step(endless), applied_at=AT, limit_seconds=0.05)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
        assert connection.execute("PRAGMA user_version").fetchone() == (CONTEST.version,)


def test_a_new_table_gets_its_guards_by_the_migration(contest: Path) -> None:
    kind = with_step("CREATE TABLE more (id INTEGER PRIMARY KEY CHECK (id > 0), a TEXT) STRICT", creates=("more",))
    with contextlib.closing(connect(contest, mode="rw")) as connection:
        assert upgrade(connection, kind, applied_at=AT) == ["9999_test"]
        connection.execute("INSERT INTO more (a) VALUES ('x')")
        with pytest.raises(pysqlite3.IntegrityError, match="more is append-only"):
            connection.execute("UPDATE more SET a = 'y'")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_migrations_are_numbered_in_order(kind: FileKind) -> None:
    """POUT-021, NET-014: payouts are the third of their file and netting the fourth of the ledger's, as named."""
    for number, migration in enumerate(kind.migrations, start=1):
        assert re.fullmatch(rf"{number:04}_[a-z_]+", migration.name)
    named = {"payouts": (3, "0003_create_payouts"), "ledger": (4, "0004_create_netting_runs")}.get(kind.name)
    assert named is None or kind.migrations[named[0] - 1].name == named[1]
