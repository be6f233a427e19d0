"""What Litestream is told to copy, and how it is deployed (SCH-018)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path, PurePosixPath

import pytest

from cutline.storage.litestream import (
    CORE_FILES,
    files_to_replicate,
    restore,
    write_config,
)
from cutline.storage.litestream.config import litestream_binary, render_config
from tests.storage.replicated_box import LEDGER, Box, create

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


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


def test_the_core_files_are_named_before_they_exist(tmp_path: Path) -> None:
    text = write_config(tmp_path / "new", "file:///replica", tmp_path / "run").read_text()
    assert text.count("  - path:") == len(CORE_FILES)
    for name in CORE_FILES:
        assert f'url: "file:///replica/{name}"' in text


def test_the_deployed_configuration_is_the_generated_one() -> None:
    """SCH-018: on a change, write `render_config`'s text for these arguments into deploy/litestream.yml."""
    generated = render_config(
        Path("/var/lib/cutline"), "${CUTLINE_REPLICA_URL}", Path("/run/cutline"), metrics_port=9091
    )
    assert (DEPLOY / "litestream.yml").read_text() == generated


async def test_the_deployed_configuration_works_with_its_variables_expanded(box: Box, tmp_path: Path) -> None:
    """The service's Litestream expands the replica's URL, and the engine attaches to its socket."""
    config = (DEPLOY / "litestream.yml").read_text()
    for deployed, here in (
        ("/var/lib/cutline", str(box.data)),
        ("/run/cutline", str(box.run)),
        ("127.0.0.1:9091", "127.0.0.1:0"),
    ):
        config = config.replace(deployed, here)
    box.run.mkdir()
    (tmp_path / "litestream.yml").write_text(config)
    contest = box.data / "contests/3c/deployed.db"
    create(contest)
    service = await asyncio.create_subprocess_exec(
        litestream_binary(),
        "replicate",
        "-config",
        tmp_path / "litestream.yml",
        env={**os.environ, "CUTLINE_REPLICA_URL": box.url},
    )
    try:
        async with box.replicator(own_process=False) as replicator:
            await replicator.sync(contest)
            await replicator.sync(box.ledger)
    finally:
        service.terminate()
        assert await service.wait() == 0
    assert {file.path for file in restore(box.url, box.restored).files} >= {
        LEDGER,
        PurePosixPath("contests/3c/deployed.db"),
    }


@pytest.mark.parametrize("unit", ["cutline.service", "cutline-litestream.service"])
def test_the_units_always_restart_and_have_handles_enough(unit: str) -> None:
    """Ten handles a file for 2,000 files; running out of them stops the replication of every file."""
    lines = (DEPLOY / unit).read_text().splitlines()
    handles = next(int(line.partition("=")[2]) for line in lines if line.startswith("LimitNOFILE="))
    assert handles >= 20_000
    assert {"Restart=always", "StartLimitIntervalSec=0", "NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(lines)


def test_the_deployed_engine_uses_the_deployed_litestream() -> None:
    """Two Litestreams on one replica destroy it."""
    assert "Environment=CUTLINE_RUN_DIR=/run/cutline" in (DEPLOY / "cutline.service").read_text().splitlines()
    assert "RuntimeDirectory=cutline" in (DEPLOY / "cutline-litestream.service").read_text().splitlines()


def test_a_run_folder_too_deep_for_a_socket_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match="socket path longer"):
        write_config(box.data, box.url, box.run / ("x" * 108))
