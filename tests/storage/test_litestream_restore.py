"""A data root rebuilt from its replica alone (RB-008, RB-096, FAULTS O3)."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

import pytest

from cutline.storage.litestream import (
    Replicator,
    RestoreError,
    restore,
    write_config,
)
from tests.storage.engine_process import line_of, litestream_pid, rest_of, start_engine
from tests.storage.replicated_box import LEDGER, Box, append
from tests.storage.replicated_engine import WRITTEN


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.fixture
async def replicator(box: Box) -> AsyncIterator[Replicator]:
    async with box.replicator() as running:
        yield running


def test_after_kill_9_of_engine_and_litestream_every_confirmed_row_is_restored(tmp_path: Path) -> None:
    """FAULTS O3: both die in mid-write, and the replica alone rebuilds the data root."""
    data, run, replica = tmp_path / "data", tmp_path / "run", tmp_path / "replica"
    engine = start_engine(data, f"file://{replica}", run)
    confirmed: dict[str, int] = {}
    try:
        litestream = litestream_pid(engine)
        while min(confirmed.get(name, 0) for name in WRITTEN) < 50:
            _, name, rows, _txid = line_of(engine)
            confirmed[name] = int(rows)
    finally:
        engine.kill()
        os.kill(litestream, signal.SIGKILL)
        confirmed.update((line.split()[1], int(line.split()[2])) for line in rest_of(engine))
    box = Box(tmp_path / "other")
    restored = restore(f"file://{replica}", box.restored)
    assert {str(file.path) for file in restored.files} == set(WRITTEN)
    for name in WRITTEN:
        assert box.rows(name) >= confirmed[name]


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
        restore(f"file://{tmp_path}/absent", tmp_path / "into")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RestoreError, match="no database"):
        restore(f"file://{tmp_path}/empty", tmp_path / "into")


@pytest.mark.parametrize(
    "url", ["file:///replica%20one", "file:///replica?x=1", "file:///replica#x", "file:///two words"]
)
def test_urls_that_litestream_reads_in_its_own_way_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(RestoreError, match="must not contain"):
        restore(url, tmp_path / "into")
    with pytest.raises(ValueError, match="must not contain"):
        write_config(tmp_path / "data", url, tmp_path / "run")
