"""A new data root: an engine that dies while it makes the core's files is started again; a lost file is no new one."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cutline.simulation.engine_process import EngineDied, EngineProcess
from cutline.simulation.stage import engine_environment
from cutline.storage.files import CORE, DataRoot, kind_of
from cutline.storage.sqlite import create_file
from cutline.storage.verify import verify_root

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"


def engine(data: Path) -> EngineProcess:
    return EngineProcess(engine_environment(data, stripe_url=NOWHERE, feed_url=NOWHERE))


async def test_an_engine_that_died_while_it_founded_its_root_comes_up(tmp_path: Path) -> None:
    root = DataRoot(tmp_path)
    for address in CORE[:2]:
        create_file(root.path_of(address), kind_of(address), NOW)
    child = engine(tmp_path)
    await child.start(NOW)
    assert await child.stop() == 0
    assert child.starts == 1
    assert all(root.path_of(address).exists() for address in CORE)
    assert verify_root(tmp_path).ok


async def test_a_core_file_that_was_lost_is_never_made_again_empty(tmp_path: Path) -> None:
    """What is missing in a root that holds contests is a fault that a person mends."""
    root = DataRoot(tmp_path)
    child = engine(tmp_path)
    await child.start(NOW)
    assert await child.stop() == 0
    create_file(root.path_of("feed/event-1"), kind_of("feed/event-1"), NOW)
    shutil.move(root.path_of("governance"), tmp_path / "elsewhere")
    again = engine(tmp_path)
    with pytest.raises(EngineDied):
        await again.start(NOW)
    await again.kill()
    assert not root.path_of("governance").exists()
