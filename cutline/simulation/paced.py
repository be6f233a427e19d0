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
from cutline.simulation.clock import UNFROZEN

LOOK_EVERY_S = 0.0005
KEPT_ALIVE_S = 7 * 86_400.0
"""Connections stay open while the held clock jumps."""


async def quiet(engine: Engine) -> None:
    """Return once nothing is under way: with the clock standing still, nothing will be."""
    while not engine.system.idle:  # noqa: ASYNC110  # many threads and tasks together are idle; no one of them knows
        await asyncio.sleep(LOOK_EVERY_S)


async def _orders() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _answer(fields: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(fields).decode() + "\n")
    sys.stdout.flush()


async def _serve(settings: Settings, calendar: Any) -> None:
    scheduler = SteppedScheduler()
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=KEPT_ALIVE_S)) as session,
        running_engine(settings, scheduler=scheduler, workers=ProcessWorkers(), session=session) as engine,
    ):
        site = web.TCPSite(engine.runner, settings.cutline_host, settings.cutline_port)
        await site.start()
        await quiet(engine)
        port = engine.runner.addresses[0][1]
        _answer({"port": port})
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
            _answer({})
    _answer({"stopped": True})


def main() -> None:
    """Run until told to stop, or until the planned crash."""
    configure_logs()
    plan = os.environ.get("CUTLINE_CRASH_AFTER")
    notes = os.environ.get("CUTLINE_COMMITS_FILE")
    if plan or notes:
        crash.install(crash.CrashPlan.parse(plan) if plan else None, Path(notes) if notes else None)
    start = datetime.fromisoformat(os.environ["CUTLINE_CLOCK_STARTS_AT"]).astimezone(UTC)
    with freezegun.freeze_time(start, real_asyncio=True, ignore=UNFROZEN) as calendar:
        asyncio.run(_serve(Settings(), calendar))  # type: ignore[call-arg]  # filled from the environment


if __name__ == "__main__":
    main()
