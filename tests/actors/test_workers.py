"""Worker processes: heavy work beside the engine, and no process left behind when the engine dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

from cutline.actors.workers import ProcessWorkers

ENGINE = """
import asyncio, os, sys
from cutline.actors.workers import ProcessWorkers

async def main():
    print(await ProcessWorkers().run(os.getpid), flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""
ENDS_WITHIN_S = 10.0


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_ends_with_the_engine_that_was_killed() -> None:
    """P1: a killed engine leaves nothing behind that holds its pipes, its port or its memory."""
    with subprocess.Popen([sys.executable, "-c", ENGINE], stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        worker = int(engine.stdout.readline())
        assert is_running(worker)
        engine.kill()
        deadline = time.monotonic() + ENDS_WITHIN_S
        while is_running(worker):
            assert time.monotonic() < deadline, f"worker {worker} outlives its engine"
            time.sleep(0.02)


def test_a_worker_that_is_killed_gets_a_successor() -> None:
    async def scenario() -> None:
        workers = ProcessWorkers()
        first = await workers.run(os.getpid)
        os.kill(first, signal.SIGKILL)
        while is_running(first):  # noqa: ASYNC110  # another process's end is no event of this loop
            await asyncio.sleep(0.02)
        assert await workers.run(os.getpid) != first
        await workers.close()

    asyncio.run(scenario())
