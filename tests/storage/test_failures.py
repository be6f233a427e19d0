"""What a kill, a full disk and a refused write leave behind: every acknowledged row (LIFE-025)."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pysqlite3
import pytest

from cutline.storage.chain import verify_chain
from cutline.storage.errors import NoAccess, classify
from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS
from cutline.storage.sqlite import (
    Busy,
    CannotOpen,
    Connection,
    Corrupt,
    DiskFull,
    MisusedFile,
    Retryable,
    StorageError,
    WriteFailed,
    open_writer,
)

CONTEST = KINDS["contest"]

# Writes five rows and one typed row a commit, and says after each commit how far it has come.
WRITE = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from cutline.storage.event_log import EventLog
from cutline.storage.files import KINDS
from cutline.storage.sqlite import Fatal, open_writer
kind = KINDS["contest"]
now = datetime(2026, 4, 9, tzinfo=UTC)
log = EventLog(open_writer(Path(sys.argv[1]), kind, create=True, now=now), kind)
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    while True:
        log.begin()
        for number in range(log.seq, log.seq + 5):
            log.append(type="Noted", key=f"n{number}", at=now, cause="t", payload='"' + "x" * 500 + '"')
        log.insert("entries", [(f"e{log.seq}", "did", "[]", None, 1, "2026-04-09T00:00:00.000Z", log.seq)])
        log.commit()
        print(log.seq, flush=True)
except Fatal as error:
    print(type(error).__name__, flush=True)
    try:
        log.begin()
    except Fatal as again:
        print(type(again).__name__, flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_writer_has_lost_no_acknowledged_row(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "contest.db"
    after = random.Random(seed).randrange(1, 60)
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        for _ in range(after):
            writer.stdout.readline()
        writer.kill()
        acknowledged = [int(line) for line in writer.stdout.read().split()] or [after * 5]
    finally:
        writer.kill()
        writer.communicate()
    with contextlib.closing(open_writer(path, CONTEST, create=False, now=None)) as connection:
        log = EventLog(connection, CONTEST)
        assert acknowledged[-1] <= log.seq <= acknowledged[-1] + 5
        assert log.seq % 5 == 0
        assert verify_chain(connection) == []
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (log.seq // 5,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_write_that_the_system_refuses_is_fatal_and_the_file_stays_sound(tmp_path: Path) -> None:
    path = tmp_path / "contest.db"
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(path), "400000"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    *acknowledged, error, again = done.stdout.split()
    assert (error, again) == ("WriteFailed", "WriteFailed"), done.stderr
    assert len(acknowledged) > 5
    with contextlib.closing(open_writer(path, CONTEST, create=False, now=None)) as connection:
        log = EventLog(connection, CONTEST)
        assert log.seq >= int(acknowledged[-1])
        assert verify_chain(connection) == []


Fill = Callable[[Connection], Callable[[], None]]


@pytest.fixture(params=["page limit", "small disk"])
def full_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Fill]]:
    """A place for a file, and what fills its disk and returns how to make room again.

    Where a small disk cannot be mounted, SQLite's own limit of pages gives the same error.
    """
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = [shutil.which("mount") or "/bin/mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    mounted = request.param == "small disk" and _succeeds(mount)

    def fill(connection: Connection) -> Callable[[], None]:
        if mounted:
            filler = folder / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(bytes(4_096)):
                    pass
            return filler.unlink
        connection.set_authorizer(None)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return lambda: connection.execute("PRAGMA max_page_count = 100000").close()

    try:
        yield folder / "contest.db", fill
    finally:
        if mounted:
            subprocess.run([shutil.which("umount") or "/bin/umount", str(folder)], check=True)


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def test_a_full_disk_rolls_back_and_writing_goes_on_when_there_is_room(
    full_disk: tuple[Path, Fill], now: datetime
) -> None:
    path, fill = full_disk
    with contextlib.closing(open_writer(path, CONTEST, create=True, now=now)) as connection:
        log = EventLog(connection, CONTEST)
        write(log, now, 5, "before")
        kept = (log.seq, log.head)
        make_room = fill(connection)
        with pytest.raises(DiskFull):
            write(log, now, 100, "during")
        log.rollback()
        assert (log.seq, log.head) == kept
        make_room()
        write(log, now, 5, "after")
        assert verify_chain(connection) == []
        assert [entry.cause for entry in log.entries()] == ["before"] * 5 + ["after"] * 5


def write(log: EventLog, now: datetime, count: int, cause: str) -> None:
    log.begin()
    for number in range(count):
        log.append(type="Noted", key=f"{cause}{number}", at=now, cause=cause, payload=f'"{"x" * 10_000}"')
    log.commit()


CREATE = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from cutline.storage.files import KINDS
from cutline.storage.sqlite import WriteFailed, open_writer
folder, now = Path(sys.argv[1]), datetime(2026, 4, 9, tzinfo=UTC)
open_writer(folder / "first.db", KINDS["contest"], create=True, now=now).close()
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    open_writer(folder / "second.db", KINDS["contest"], create=True, now=now)
except WriteFailed:
    print(sorted(path.name for path in folder.iterdir()))
"""


def test_a_file_that_cannot_be_written_whole_is_not_there_at_all(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CREATE, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "['first.db']\n"


@pytest.mark.parametrize(
    ("code", "known"),
    [
        (5, Busy),
        (5 | 2 << 8, Busy),
        (10, WriteFailed),
        (10 | 4 << 8, WriteFailed),
        (11, Corrupt),
        (13, DiskFull),
        (14, CannotOpen),
        (26, Corrupt),
        (19, MisusedFile),
        (1, MisusedFile),
    ],
)
def test_errors_of_sqlite_are_told_apart_by_their_code(code: int, known: type[StorageError]) -> None:
    error = pysqlite3.OperationalError("it broke")
    error.sqlite_errorcode = code
    assert type(classify(error)) is known
    assert issubclass(known, Retryable) == (known in (Busy, CannotOpen, DiskFull))


def test_errors_without_a_code_are_bugs_and_known_errors_stay_as_they_are() -> None:
    assert type(classify(pysqlite3.ProgrammingError("closed"))) is MisusedFile
    assert type(classify(OSError(28, "No space left"))) is DiskFull
    assert type(classify(OSError(5, "I/O error"))) is WriteFailed
    assert type(classify(OSError(24, "Too many open files"))) is CannotOpen
    assert type(classify(OSError(13, "Permission denied"))) is NoAccess
    known = Corrupt("x")
    assert classify(known) is known
