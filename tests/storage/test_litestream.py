"""Replication with the real Litestream, a file replica and real SQLite files (SCH-018, O-13, FAULTS O2 and O3)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

import pysqlite3
import pytest

from cutline.storage.litestream import (
    CORE_FILES,
    ReplicationError,
    Replicator,
    RestoreError,
    files_to_replicate,
    restore,
    write_config,
)
from tests.storage.replicated_engine import WRITTEN, append, create

LEDGER = PurePosixPath("core/ledger.db")


class Box:
    """A data root with its core files, a replica beside it, and the run folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.replica = folder / "replica"
        self.run = folder / "run"
        self.restored = folder / "restored"
        self.url = self.replica.as_uri()
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


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.fixture
async def replicator(box: Box) -> AsyncIterator[Replicator]:
    async with box.replicator() as running:
        yield running


async def _until_restarted(replicator: Replicator, old_pid: int | None) -> None:
    async with asyncio.timeout(10):
        while replicator.litestream_pid in (None, old_pid):  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_a_started_replicator_replicates_every_file_there_is(box: Box) -> None:
    create(box.data / "contests/0f/open.db")
    create(box.data / "feeds/masters-2026.db")
    async with box.replicator() as replicator:
        assert await replicator.listed() == set(files_to_replicate(box.data))
        assert replicator.health.answering
        assert replicator.health.missing == ()
    assert len(files_to_replicate(box.data)) == len(CORE_FILES) + 2


async def test_a_contest_created_while_it_runs_is_replicated_before_sync_returns(
    box: Box, replicator: Replicator
) -> None:
    contest = box.data / "contests/7b/late.db"
    create(contest)
    append(contest, 3)
    assert await replicator.sync(contest) >= 1
    assert contest in await replicator.listed()
    restore(box.url, box.restored)
    assert box.rows("contests/7b/late.db") == 3


async def test_sync_answers_a_growing_transaction_id(box: Box, replicator: Replicator) -> None:
    confirmed = []
    for _ in range(5):
        append(box.ledger, 1)
        confirmed.append(await replicator.sync(box.ledger))
    assert confirmed == sorted(set(confirmed))
    assert await replicator.sync(box.ledger) == confirmed[-1], "nothing new, nothing counted"


async def test_sync_without_waiting_answers_too(box: Box, replicator: Replicator) -> None:
    before = await replicator.sync(box.ledger)
    append(box.ledger, 1)
    assert await replicator.sync(box.ledger, wait=False) >= before


async def test_sync_refuses_a_missing_file_and_one_outside_the_replicated_folders(
    box: Box, replicator: Replicator
) -> None:
    with pytest.raises(FileNotFoundError):
        await replicator.sync(box.data / "contests/00/nobody.db")
    create(box.data / "cache/due.db")
    for outside in (box.data / "cache/due.db", box.run / "other.db", box.data / "core/ledger.txt"):
        with pytest.raises(ValueError, match=r"replicated|subpath"):
            await replicator.sync(outside)
    assert await replicator.listed() == set(files_to_replicate(box.data))


async def test_the_watchdog_registers_a_file_that_nobody_announced_on_its_second_look(
    box: Box, replicator: Replicator
) -> None:
    unannounced = box.data / "contests/01/unannounced.db"
    create(unannounced)
    (box.data / "contests/01/empty.db").touch()
    first = await replicator.check()
    assert first.missing == (unannounced,), "an empty file is still in the making"
    assert unannounced not in await replicator.listed()
    await replicator.check()
    assert unannounced in await replicator.listed()
    assert (await replicator.check()).missing == ()


async def test_an_unregistered_file_stays_away_until_it_is_registered_again(box: Box, replicator: Replicator) -> None:
    sealed = box.data / "contests/01/sealed.db"
    create(sealed)
    await replicator.sync(sealed)
    await replicator.unregister(sealed)
    await replicator.check()
    await replicator.check()
    assert sealed not in await replicator.listed()
    append(sealed, 2)
    await replicator.register(sealed)
    await replicator.sync(sealed)
    restore(box.url, box.restored)
    assert box.rows("contests/01/sealed.db") == 2


async def test_health_tells_the_lag_on_litestreams_own_clock(box: Box, replicator: Replicator) -> None:
    for path in files_to_replicate(box.data):
        append(path, 1)
        await replicator.sync(path)
    health = await replicator.check()
    assert health.answering
    assert health.files == len(CORE_FILES)
    assert health.lag_seconds_max is not None
    assert health.lag_seconds_max < 10


async def test_a_replica_that_cannot_be_written_confirms_nothing_and_recovers(tmp_path: Path) -> None:
    """FAULTS O2: the gate stays shut and the engine goes on."""
    box = Box(tmp_path)
    box.replica.write_text("not a folder")
    async with box.replicator() as replicator:
        append(box.ledger, 1)
        with pytest.raises(ReplicationError, match="no confirmation"):
            await replicator.sync(box.ledger, timeout_seconds=0.4)
        box.replica.unlink()
        await replicator.sync(box.ledger)
    restore(box.url, box.restored)
    assert box.rows(LEDGER) == 1


async def test_a_killed_litestream_is_restarted_and_catches_up(box: Box) -> None:
    async with box.replicator() as replicator:
        contest = box.data / "contests/c0/running.db"
        create(contest)
        before = await replicator.sync(contest)
        killed = replicator.litestream_pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        append(contest, 4)
        assert await replicator.sync(contest) > before, "sync waits for the new Litestream"
        await _until_restarted(replicator, killed)
        health = await replicator.check()
        assert (health.answering, health.restarts, health.missing) == (True, 1, ())
    restore(box.url, box.restored)
    assert box.rows("contests/c0/running.db") == 4


async def test_a_silent_litestream_is_replaced(box: Box) -> None:
    async with box.replicator() as replicator:
        frozen = replicator.litestream_pid
        assert frozen is not None
        control = replicator._connection()
        control._session._timeout = type(control._session.timeout)(total=0.2)
        os.kill(frozen, signal.SIGSTOP)
        for _ in range(3):
            assert not (await replicator.check()).answering
        await _until_restarted(replicator, frozen)
        await replicator.sync(box.ledger)
        assert _is_gone(frozen)


async def test_stopping_copies_what_was_not_synced_and_leaves_no_process(box: Box) -> None:
    async with box.replicator() as replicator:
        pid = replicator.litestream_pid
        assert pid is not None
        await replicator.sync(box.ledger)
        append(box.ledger, 7)
    assert _is_gone(pid)
    with pytest.raises(ReplicationError, match="not running"):
        await replicator.sync(box.ledger)
    restore(box.url, box.restored)
    assert box.rows(LEDGER) == 7


async def test_attaching_uses_the_running_litestream_and_leaves_it_running(box: Box) -> None:
    async with box.replicator() as owner:
        contest = box.data / "contests/aa/attached.db"
        create(contest)
        async with box.replicator(own_process=False) as attached:
            assert attached.litestream_pid is None
            assert contest in await attached.listed(), "what the configuration does not name is registered"
        await owner.sync(contest)


async def test_attaching_to_nothing_is_refused(box: Box) -> None:
    with pytest.raises(ReplicationError):
        await box.replicator(own_process=False).start()


def test_after_kill_9_of_engine_and_litestream_every_confirmed_row_is_restored(tmp_path: Path) -> None:
    """FAULTS O3: both die in mid-write, and the replica alone rebuilds the data root."""
    data, run, replica = tmp_path / "data", tmp_path / "run", tmp_path / "replica"
    engine = _start_engine(data, replica.as_uri(), run)
    confirmed: dict[str, int] = {}
    try:
        litestream = _litestream_pid(engine)
        while min(confirmed.get(name, 0) for name in WRITTEN) < 50:
            _, name, rows, _txid = _line(engine)
            confirmed[name] = int(rows)
    finally:
        engine.kill()
        os.kill(litestream, signal.SIGKILL)
        confirmed.update((line.split()[1], int(line.split()[2])) for line in _rest(engine))
    box = Box(tmp_path / "other")
    restored = restore(replica.as_uri(), box.restored)
    assert {str(file.path) for file in restored.files} == set(WRITTEN)
    for name in WRITTEN:
        assert box.rows(name) >= confirmed[name]


async def test_the_litestream_of_a_killed_engine_is_stopped_before_a_new_one_starts(tmp_path: Path) -> None:
    box = Box(tmp_path / "box")
    box.ledger.unlink()
    engine = _start_engine(box.data, box.url, box.run)
    orphan = _litestream_pid(engine)
    engine.kill()
    _rest(engine)
    assert not _is_gone(orphan)
    async with box.replicator() as replicator:
        assert _is_gone(orphan)
        assert replicator.litestream_pid != orphan
        await replicator.sync(box.data / WRITTEN[1])


async def test_a_restored_root_goes_on_replicating_to_the_same_replica(box: Box) -> None:
    async with box.replicator() as replicator:
        append(box.ledger, 2)
        last = await replicator.sync(box.ledger)
    restore(box.url, box.restored)
    box.data, box.restored = box.restored, box.restored.with_name("restored-again")
    async with box.replicator() as replicator:
        append(box.ledger, 3)
        assert await replicator.sync(box.ledger) > last
    restore(box.url, box.restored)
    assert box.rows(LEDGER) == 5


async def test_restore_lists_what_it_brought_back_and_keeps_it_private(box: Box, replicator: Replicator) -> None:
    append(box.ledger, 1)
    txid = await replicator.sync(box.ledger)
    (box.replica / "feeds/never.db/ltx/0").mkdir(parents=True)
    restored = restore(box.url, box.restored)
    assert {file.path: file.txid for file in restored.files}[LEDGER] == txid
    assert restored.never_replicated == (PurePosixPath("feeds/never.db"),)
    assert (box.restored / LEDGER).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in box.restored.iterdir()) == ["core"]


async def test_restore_refuses_a_root_with_content_and_leaves_it_alone(box: Box, replicator: Replicator) -> None:
    await replicator.sync(box.ledger)
    box.restored.mkdir()
    (box.restored / "notes.txt").write_text("mine")
    with pytest.raises(RestoreError, match=r"not empty \(notes.txt\)"):
        restore(box.url, box.restored)
    assert [path.name for path in box.restored.iterdir()] == ["notes.txt"]


async def test_restore_starts_afresh_after_an_attempt_that_was_killed(box: Box, replicator: Replicator) -> None:
    append(box.ledger, 1)
    await replicator.sync(box.ledger)
    half = box.restored / ".restoring/core/ledger.db"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a file")
    restore(box.url, box.restored)
    assert box.rows(LEDGER) == 1
    assert not half.exists()


async def test_restore_of_a_damaged_copy_fails_and_leaves_the_root_empty(box: Box) -> None:
    async with box.replicator() as replicator:
        append(box.ledger, 5)
        await replicator.sync(box.ledger)
    for copy in (box.replica / LEDGER).rglob("*.ltx"):
        copy.write_bytes(copy.read_bytes()[:40])
    with pytest.raises(RestoreError, match=r"core/ledger\.db"):
        restore(box.url, box.restored)
    assert list(box.restored.iterdir()) == []


@pytest.mark.parametrize("url", ["s3://bucket/box", "file://host/box", "file:relative", "/no/scheme"])
def test_restore_refuses_a_replica_that_it_cannot_walk(url: str, tmp_path: Path) -> None:
    with pytest.raises(RestoreError, match="can be walked"):
        restore(url, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_restore_refuses_an_absent_and_an_empty_replica(tmp_path: Path) -> None:
    with pytest.raises(RestoreError, match="no replica"):
        restore((tmp_path / "absent").as_uri(), tmp_path / "into")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RestoreError, match="no database"):
        restore((tmp_path / "empty").as_uri(), tmp_path / "into")


def test_the_configuration_names_every_file_once_and_no_cache(box: Box) -> None:
    create(box.data / "contests/ff/last.db")
    create(box.data / "cache/due.db")
    text = write_config(box.data, box.url, box.run, metrics_port=9091).read_text()
    assert [line for line in text.splitlines() if line.startswith("  - path:")] == [
        f'  - path: "{path}"' for path in files_to_replicate(box.data)
    ]
    assert text.count("sync-interval: 200ms") == len(CORE_FILES)
    assert text.count("sync-interval: 1s") == 1
    assert 'addr: "127.0.0.1:9091"' in text
    assert "addr:" not in write_config(box.data, box.url, box.run).read_text()


def test_a_run_folder_too_deep_for_a_socket_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match="socket path longer"):
        write_config(box.data, box.url, box.run / ("x" * 108))


def _start_engine(data: Path, url: str, run: Path) -> subprocess.Popen[str]:
    program = Path(__file__).with_name("replicated_engine.py")
    command = [sys.executable, str(program), str(data), url, str(run)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def _line(engine: subprocess.Popen[str]) -> list[str]:
    assert engine.stdout is not None
    words = engine.stdout.readline().split()
    assert words, "the engine ended by itself"
    return words


def _litestream_pid(engine: subprocess.Popen[str]) -> int:
    return int(_line(engine)[1])


def _rest(engine: subprocess.Popen[str]) -> list[str]:
    """Reap the engine and return the whole lines it still printed."""
    assert engine.stdout is not None
    rest = engine.stdout.read().splitlines(keepends=True)
    engine.stdout.close()
    engine.wait()
    return [line for line in rest if line.startswith("confirmed ") and line.endswith("\n")]
