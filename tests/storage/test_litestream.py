"""Replication with the real Litestream, a file replica and real SQLite files (SCH-018, O-13, FAULTS O2)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cutline.storage.litestream import (
    CORE_FILES,
    ReplicationError,
    Replicator,
    files_to_replicate,
    restore,
)
from tests.storage.engine_process import is_gone, litestream_pid, rest_of, start_engine
from tests.storage.replicated_box import LEDGER, Box, append, create
from tests.storage.replicated_engine import WRITTEN


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


def _runs(pid: int) -> bool:
    """Whether any thread of a process still runs: a stopping signal takes a moment to reach them all."""
    stats = Path(f"/proc/{pid}/task").glob("*/stat")
    return any(stat.read_text("ascii").rpartition(")")[2].split()[0] != "T" for stat in stats)


async def test_a_silent_litestream_is_replaced(box: Box) -> None:
    async with box.replicator() as replicator:
        frozen = replicator.litestream_pid
        assert frozen is not None
        control = replicator._connection()
        control._session._timeout = type(control._session.timeout)(total=0.2)
        os.kill(frozen, signal.SIGSTOP)
        while _runs(frozen):  # noqa: ASYNC110  # another process's state is no event
            await asyncio.sleep(0.005)
        for _ in range(3):
            assert not (await replicator.check()).answering
        await _until_restarted(replicator, frozen)
        await replicator.sync(box.ledger)
        assert is_gone(frozen)


async def test_stopping_copies_what_was_not_synced_and_leaves_no_process(box: Box) -> None:
    async with box.replicator() as replicator:
        pid = replicator.litestream_pid
        assert pid is not None
        await replicator.sync(box.ledger)
        append(box.ledger, 7)
    assert is_gone(pid)
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


async def test_attaching_waits_for_a_litestream_that_is_still_starting(box: Box) -> None:
    attached = box.replicator(own_process=False)
    attaching = asyncio.create_task(attached.start())
    await asyncio.sleep(0.05)
    async with box.replicator():
        await attaching
        assert attached.health.answering
        await attached.stop()


async def test_attaching_to_nothing_is_refused(box: Box) -> None:
    with pytest.raises(ReplicationError):
        await Replicator(
            data_root=box.data, replica_url=box.url, run_dir=box.run, own_process=False, attach_seconds_max=0.2
        ).start()


async def test_the_litestream_of_a_killed_engine_is_stopped_before_a_new_one_starts(tmp_path: Path) -> None:
    box = Box(tmp_path / "box")
    box.ledger.unlink()
    engine = start_engine(box.data, box.url, box.run)
    orphan = litestream_pid(engine)
    engine.kill()
    rest_of(engine)
    assert not is_gone(orphan)
    async with box.replicator() as replicator:
        assert is_gone(orphan)
        assert replicator.litestream_pid != orphan
        await replicator.sync(box.data / WRITTEN[1])


async def test_a_core_file_made_after_the_start_is_replicated(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.ledger.rename(tmp_path / "whole.db")
    async with box.replicator() as replicator:
        with pytest.raises(FileNotFoundError):
            await replicator.sync(box.ledger)
        (tmp_path / "whole.db").rename(box.ledger)
        append(box.ledger, 1)
        assert await replicator.sync(box.ledger) >= 1
