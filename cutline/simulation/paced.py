"""A real engine in a process of its own whose clock somebody else holds: `python -m cutline.simulation.paced`.

Orders come as JSON lines on standard input, answers go to standard output: `advance` moves the frozen clock and runs
the jobs that are due, `settle` waits until nothing is under way, `stop` drains. Everything between the clock and the
files is the production engine: threads, sockets, worker processes. Settings come from the environment.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import freezegun
import orjson
from aiohttp import web

from cutline.actors.jobs import SteppedScheduler
from cutline.actors.workers import ProcessWorkers
from cutline.logs import configure_logs
from cutline.service import Engine, running_engine
from cutline.settings import Settings
from cutline.simulation import crash

QUIET_LOOKS = 2
"""The engine counts as idle once it has looked idle so many times in a row."""
LOOK_EVERY_S = 0.0005


async def quiet(engine: Engine) -> None:
    """Return once the engine has looked idle repeatedly."""
    looks = 0
    while looks < QUIET_LOOKS:
        await asyncio.sleep(LOOK_EVERY_S)
        looks = looks + 1 if engine.system.idle else 0


async def _orders() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _answer(fields: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(fields).decode() + "\n")
    sys.stdout.flush()


def _status(engine: Engine) -> dict[str, Any]:
    due_at = engine.system.directory.next_due_at()
    return {"next_due_at": due_at.isoformat() if due_at else None}


async def _serve(settings: Settings, calendar: Any) -> None:
    scheduler = SteppedScheduler()
    async with (
        aiohttp.ClientSession() as session,
        running_engine(settings, scheduler=scheduler, workers=ProcessWorkers(), session=session) as engine,
    ):
        site = web.TCPSite(engine.runner, settings.cutline_host, settings.cutline_port)
        await site.start()
        await quiet(engine)
        port = engine.runner.addresses[0][1]
        _answer({"port": port, **_status(engine)})
        orders = await _orders()
        while line := await orders.readline():
            order = orjson.loads(line)
            match order["do"]:
                case "advance":
                    calendar.move_to(datetime.fromisoformat(order["to"]))
                    scheduler.step()
                    await quiet(engine)
                case "settle":
                    await quiet(engine)
                case "stop":
                    break
            _answer(_status(engine))
    _answer({"stopped": True})


def main() -> None:
    """Run until told to stop, or until the planned crash."""
    configure_logs()
    plan = os.environ.get("CUTLINE_CRASH_AFTER")
    notes = os.environ.get("CUTLINE_COMMITS_FILE")
    if plan or notes:
        crash.install(crash.CrashPlan.parse(plan) if plan else None, Path(notes) if notes else None)
    start = datetime.fromisoformat(os.environ["CUTLINE_CLOCK_STARTS_AT"]).astimezone(UTC)
    with freezegun.freeze_time(start, real_asyncio=True) as calendar:
        asyncio.run(_serve(Settings(), calendar))  # type: ignore[call-arg]  # filled from the environment


if __name__ == "__main__":
    main()
