"""Which files are opened, made and refused (LIFE-024, SCH-016, SCH-017, O-02, O-07)."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from cutline.storage import schema
from cutline.storage.downgrade import downgrade
from cutline.storage.event_log import EventLog, verify_chain
from cutline.storage.files import KINDS, DataRoot, FileKind
from cutline.storage.sqlite import (
    Corrupt,
    Fatal,
    FileMissing,
    MisusedFile,
    NewerSchema,
    OlderSchema,
    StorageError,
    UnsupportedSQLite,
    Untrusted,
    WrongFile,
    connect,
    open_reader,
    open_writer,
    require_sound_sqlite,
)

CONTEST = KINDS["contest"]


def refuse(path: Path, error: type[StorageError]) -> None:
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(error):
        open_writer(path, CONTEST, create=False, now=None)
    with pytest.raises(error):
        open_reader(path, CONTEST)
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_missing_file_is_refused_and_not_made_again(contest: Path) -> None:
    contest.unlink()
    refuse(contest, FileMissing)
    assert issubclass(FileMissing, Untrusted)


def test_a_file_is_not_made_beside_the_wal_of_a_lost_one(contest: Path, now: datetime) -> None:
    """SQLite would replay the old WAL into the new file."""
    with contextlib.closing(open_writer(contest, CONTEST, create=False, now=None)) as writer:
        log = EventLog(writer, CONTEST)
        log.begin()
        log.append(type="X", key="x", at=now, cause="test", payload="{}")
        log.commit()
        contest.unlink()
        with pytest.raises(FileMissing, match="wal"):
            open_writer(contest, CONTEST, create=True, now=now)


def test_an_empty_file_is_refused(contest: Path) -> None:
    contest.write_bytes(b"")
    refuse(contest, Corrupt)
    with pytest.raises(Corrupt):
        open_writer(contest, CONTEST, create=True, now=datetime(2026, 1, 1).astimezone())


def test_garbage_is_refused(contest: Path) -> None:
    contest.write_bytes(os.urandom(8_192))
    refuse(contest, Corrupt)


def test_garbage_behind_a_good_header_is_refused(contest: Path) -> None:
    content = contest.read_bytes()
    contest.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    refuse(contest, Corrupt)


@pytest.mark.parametrize("kept", [50, 512, 4_096, 3 * 4_096, -4_096])
def test_a_truncated_file_is_refused(contest: Path, kept: int) -> None:
    contest.write_bytes(contest.read_bytes()[:kept])
    refuse(contest, Corrupt)


def test_a_file_of_another_kind_is_refused(contest: Path, root: DataRoot, now: datetime) -> None:
    ledger = root.path_of("ledger")
    open_writer(ledger, KINDS["ledger"], create=True, now=now).close()
    contest.write_bytes(ledger.read_bytes())
    refuse(contest, WrongFile)


def test_a_swapped_application_id_is_refused(contest: Path) -> None:
    with contextlib.closing(connect(contest, mode="rw")) as foreign:
        foreign.execute("PRAGMA application_id = 7")
    refuse(contest, WrongFile)


def test_a_file_of_a_newer_release_is_refused(contest: Path) -> None:
    with contextlib.closing(connect(contest, mode="rw")) as foreign:
        foreign.execute(f"PRAGMA user_version = {KINDS['contest'].version + 1}")
    refuse(contest, NewerSchema)
    assert issubclass(NewerSchema, Fatal)


def test_a_sqlite_with_the_wal_reset_corruption_is_refused() -> None:
    require_sound_sqlite()
    with pytest.raises(UnsupportedSQLite, match=r"3\.51\.2"):
        require_sound_sqlite((3, 51, 2))


def test_a_directory_in_place_of_a_file_is_an_error_by_name(root: DataRoot, now: datetime) -> None:
    path = root.path_of("ledger")
    path.mkdir(parents=True)
    with pytest.raises(WrongFile):
        open_writer(path, KINDS["ledger"], create=True, now=now)


def test_a_new_file_needs_the_time_of_its_making(root: DataRoot) -> None:
    with pytest.raises(MisusedFile):
        open_writer(root.path_of("ledger"), KINDS["ledger"], create=True, now=None)
    assert not root.path_of("ledger").exists()


def test_create_opens_what_exists(contest: Path, now: datetime) -> None:
    with contextlib.closing(open_writer(contest, CONTEST, create=True, now=now)) as writer:
        assert EventLog(writer, CONTEST).seq == 3


def test_files_and_directories_belong_to_the_service_user_only(contest: Path, root: DataRoot) -> None:
    """LIFE-024; the WAL and its index take the mode of the file."""
    with contextlib.closing(open_writer(contest, CONTEST, create=False, now=None)) as writer:
        EventLog(writer, CONTEST).begin()
        found = [path.stat().st_mode for path in [root.path, *root.path.rglob("*")]]
    assert {stat.S_IMODE(mode) for mode in found if stat.S_ISDIR(mode)} == {0o700}
    assert [stat.S_IMODE(mode) for mode in found if stat.S_ISREG(mode)] == [0o600] * 3


@pytest.mark.parametrize(("replicated", "checkpoint"), [(False, 4_000), (True, 0)])
def test_a_writer_has_the_agreed_settings(contest: Path, replicated: bool, checkpoint: int) -> None:
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "trusted_schema": 0,
        "wal_autocheckpoint": checkpoint,
        "application_id": CONTEST.application_id,
        "user_version": CONTEST.version,
    }
    with contextlib.closing(open_writer(contest, CONTEST, create=False, now=None, replicated=replicated)) as writer:
        assert {name: writer.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
        writer.set_authorizer(None)
        assert writer.execute("PRAGMA busy_timeout").fetchone()[0] == 5_000


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_new_file_is_a_whole_one_of_its_kind(kind: FileKind, tmp_path: Path, now: datetime) -> None:
    """The time of the migration is the one given, for each file of a process (O-02)."""
    for number, at in enumerate((now, now.replace(year=2031))):
        path = tmp_path / f"{number}.db"
        with contextlib.closing(open_writer(path, kind, create=True, now=at)) as writer:
            assert schema.check_file(writer, kind) == []
            assert writer.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert writer.execute("SELECT name, applied_at FROM _sqlite_migrations ORDER BY id").fetchall() == [
                (migration.name, f"{at.year}-04-09T11:30:00.000Z") for migration in kind.migrations
            ]
            assert verify_chain(writer) == []


def test_litestreams_tables_are_no_drift(contest: Path) -> None:
    with contextlib.closing(connect(contest, mode="rw")) as foreign:
        foreign.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        foreign.execute("CREATE TABLE _litestream_lock (id INTEGER)")
    with contextlib.closing(open_writer(contest, CONTEST, create=False, now=None)) as writer:
        assert schema.check_file(writer, CONTEST) == []


def test_an_older_file_is_readable_and_migrates_with_a_copy_kept(contest: Path, tmp_path: Path, now: datetime) -> None:
    old = tmp_path / "old.db"
    downgrade(contest, CONTEST, to_version=1, target=old, archive=tmp_path / "archive", now=now)
    with contextlib.closing(open_reader(old, CONTEST)) as reader:
        assert len(list(EventLog(reader, replace(CONTEST, migrations=CONTEST.migrations[:1])).entries())) == 3
    with pytest.raises(OlderSchema):
        open_writer(old, CONTEST, create=False, now=None)
    with contextlib.closing(open_writer(old, CONTEST, create=False, now=now)) as writer:
        assert schema.check_file(writer, CONTEST) == []
        assert EventLog(writer, CONTEST).seq == 3
    copy = tmp_path / "old.db.v1"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with contextlib.closing(open_reader(copy, CONTEST)) as reader:
        assert reader.execute("PRAGMA user_version").fetchone() == (1,)
        assert verify_chain(reader) == []


def test_a_reader_sees_the_writers_commits_while_it_writes(contest: Path, log: EventLog, now: datetime) -> None:
    with contextlib.closing(open_reader(contest, CONTEST)) as reader:
        log.begin()
        log.append(type="X", key="x", at=now, cause="test", payload="{}")
        assert EventLog(reader, CONTEST).seq == 3
        log.commit()
        assert EventLog(reader, CONTEST).seq == 4


def test_one_contests_work_leaves_the_files_of_another_alone(root: DataRoot, contest: Path, now: datetime) -> None:
    """LIFE-022."""
    before = contest.read_bytes()
    other = root.path_of("contest/other")
    with contextlib.closing(open_writer(other, CONTEST, create=True, now=now)) as writer:
        log = EventLog(writer, CONTEST)
        log.begin()
        log.append(type="X", key="x", at=now, cause="test", payload="{}")
        log.commit()
    assert contest.read_bytes() == before
