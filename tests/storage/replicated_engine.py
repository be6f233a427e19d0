"""A small engine for tests: owns a Litestream, writes two files without end, and prints what was confirmed.

It is a program of its own because the tests kill it. Arguments: data root, replica URL, run folder. Its lines are
`litestream PID` once, and then `confirmed FILE ROWS TXID` after each answered sync.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from cutline.storage.litestream import Replicator
from tests.storage.replicated_box import append, create

WRITTEN = ("core/ledger.db", "contests/2a/masters.db")


def write_for_ever(path: Path, committed: dict[Path, int]) -> None:
    while True:
        committed[path] = append(path, 10)


async def main(data_root: Path, replica_url: str, run_dir: Path) -> None:
    paths = [data_root / name for name in WRITTEN]
    create(paths[0])
    async with Replicator(data_root=data_root, replica_url=replica_url, run_dir=run_dir) as replicator:
        create(paths[1])
        print("litestream", replicator.litestream_pid, flush=True)  # noqa: T201 - the test reads it
        committed = dict.fromkeys(paths, 0)
        for path in paths:
            threading.Thread(target=write_for_ever, args=(path, committed), daemon=True).start()
        while True:
            for path, name in zip(paths, WRITTEN, strict=True):
                rows = committed[path]
                txid = await replicator.sync(path)
                print("confirmed", name, rows, txid, flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
