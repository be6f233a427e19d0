"""`serve`: the engine for real, until it is told to stop. It decides nothing and knows no route."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from cutline.commands.output import CommandFailed, print_line

if TYPE_CHECKING:
    from cutline.settings import Settings


log = structlog.get_logger(__name__)

BACKLOG = 1024
"""So many connections may wait to be accepted: a burst of webhooks is not turned away by the kernel."""

SWITCH_INTERVAL_S = 0.02
"""How long a thread may keep the interpreter that another wants. The loop and the writers give it up by themselves at
every socket and every flush. In three noisy rounds at 64 connections the median p99 of webhooks fell from 88 to 57 ms
against CPython's 5 ms; at one connection there was no gain."""


def serve(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="The data root (CUTLINE_DATA_DIR).")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, metavar="N", help="Where to listen (CUTLINE_PORT).")
    ] = None,
    replicate: Annotated[
        str | None, typer.Option("--replicate", metavar="URL", help="Copy every file there (CUTLINE_REPLICA_URL).")
    ] = None,
) -> None:
    """Run the engine: API, jobs, webhooks. SIGTERM drains it and ends it with 0."""
    import uvloop

    from cutline.storage.errors import DataRootLocked, NoAccess, StorageError
    from cutline.storage.litestream.control import ReplicationError

    settings = read_settings(cutline_data_dir=data, cutline_port=port, cutline_replica_url=replicate)
    run_as_served()
    try:
        uvloop.run(_serve(settings))
    except DataRootLocked as error:
        raise CommandFailed(str(error), "Stop that engine first, or give this one a --data of its own.") from error
    except NoAccess as error:
        hint = f"Give {settings.cutline_data_dir} and all in it to the user that runs the engine."
        raise CommandFailed(str(error), hint) from error
    except ReplicationError as error:
        raise CommandFailed(str(error), "Look at the replica's URL and at Litestream's own words above.") from error
    except StorageError as error:
        raise CommandFailed(
            str(error), f"Run cutline verify {settings.cutline_data_dir} before starting again."
        ) from error
    except OSError as error:
        raise CommandFailed(str(error), "Free the port, or choose another --port.") from error


def run_as_served() -> None:
    """Set the interpreter as an engine needs it."""
    collect_garbage_seldom()
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def collect_garbage_seldom() -> None:
    """Keep Python's cycle collector from walking through all that the actors remember again and again.

    State is plain values without cycles, freed by reference counts; a full collection over a long-lived ledger stops
    every thread for tens of milliseconds.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def read_settings(**given: Any) -> Settings:
    """Read the settings from the environment; options that were given outweigh it.

    Raises CommandFailed naming every variable that is missing or malformed, and no value of any.
    """
    from pydantic import ValidationError

    from cutline.settings import Settings

    for name in Settings.unknown_names(os.environ):
        log.warning("setting_unknown", name=name)
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(map(_fault, error.errors(include_input=False, include_url=False)))
        raise CommandFailed(
            f"the environment is not complete: {faults}", "Set what is named and start again.", exit_code=2
        ) from None


def _fault(fault: Mapping[str, Any]) -> str:
    """Name a fault by its variable; what contradicts another variable names both itself."""
    words = str(fault["msg"]).removeprefix("Value error, ")
    return f"{str(fault['loc'][0]).upper()}: {words}" if fault["loc"] else words


async def _serve(settings: Settings) -> None:
    from cutline.actors.supervisor import die
    from cutline.actors.watchdog import RUNBOOK, Watchdog

    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    with Watchdog(partial(die, runbook=RUNBOOK)):
        await _serve_until(stopped, settings)


async def _serve_until(stopped: asyncio.Event, settings: Settings) -> None:
    import aiohttp
    from aiohttp import web

    from cutline.actors.jobs import production_scheduler
    from cutline.actors.workers import ProcessWorkers
    from cutline.service import running_engine

    async with (
        aiohttp.ClientSession() as session,
        running_engine(settings, scheduler=production_scheduler(), workers=ProcessWorkers(), session=session) as engine,
    ):
        site = web.TCPSite(engine.runner, settings.cutline_host, settings.cutline_port, backlog=BACKLOG)
        await site.start()
        host, port = engine.runner.addresses[0][:2]
        print_line(f"Cutline serves http://{host}:{port} from {settings.cutline_data_dir}")
        await stopped.wait()
        print_line("Cutline drains and stops")
