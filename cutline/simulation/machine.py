"""The time machine: production actors, files, jobs, HTTP and Stripe client on one thread in virtual time.

One seed decides who goes next; the calendar jumps to the next timer; connections are pairs in memory. The engine can
be crashed between any two turns and started again over the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
import freezegun
from aiohttp import web

from cutline.actors.jobs import production_scheduler
from cutline.actors.workers import InlineWorkers
from cutline.service import Engine, assemble
from cutline.settings import Settings
from cutline.simulation.clock import UNFROZEN, VirtualLoop
from cutline.simulation.network import MakeProtocol, MemoryConnector
from cutline.simulation.runtime import actors_on_the_loop
from cutline.simulation.stage import engine_environment
from cutline.storage.files import DataRoot, RootLock

T = TypeVar("T")

RETRY_AFTER_S = 5.0
ENGINE_HOST = "engine"
STRIPE_HOST = "stripe"
FEED_HOST = "feed"


class SimulatedBox:
    """One box with one engine on it, reached over connections in memory."""

    def __init__(self, data: Path, *, look_every_s: int) -> None:
        environment = engine_environment(
            data,
            stripe_url=f"http://{STRIPE_HOST}",
            feed_url=f"http://{FEED_HOST}",
            look_every_s=look_every_s,
            kept_open=0,
        )
        self._settings = Settings.model_validate({name.lower(): value for name, value in environment.items()})
        self._servers: dict[str, MakeProtocol] = {}
        self._engine: Engine | None = None
        self._lock: RootLock | None = None
        self._runners: list[web.AppRunner] = []
        self._own_session: aiohttp.ClientSession | None = None
        self.starts = 0

    def new_session(self) -> aiohttp.ClientSession:
        """Return a session that reaches the hosts of this box; its user closes it."""
        return aiohttp.ClientSession(connector=MemoryConnector(self._servers))

    async def host(self, name: str, app: web.Application) -> None:
        """Serve an application under a host name."""
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._runners.append(runner)
        self._servers[name] = _server(runner)

    async def boot(self) -> None:
        """Start the engine over its files."""
        root = DataRoot(self._settings.cutline_data_dir)
        self._lock = root.lock()
        self._own_session = self.new_session()
        engine = assemble(
            self._settings,
            root,
            self._lock.boot_epoch,
            scheduler=production_scheduler(),
            workers=InlineWorkers(),
            session=self._own_session,
        )
        engine.start()
        await engine.runner.setup()
        self._servers[ENGINE_HOST] = _server(engine.runner)
        self._engine = engine
        self.starts += 1

    async def crash(self) -> None:
        """Let the engine die between two turns: nothing is drained, answered or committed."""
        engine, self._engine = self._engine, None
        if engine is None or self._lock is None or self._own_session is None:
            return
        del self._servers[ENGINE_HOST]
        system = engine.system
        system.timekeeper.stop()
        system.tasks._closed = True
        for task in list(system.tasks._running):
            task.cancel()
        writers = system.directory.writers()
        system.directory.close()
        for writer in writers:
            writer.actor_stopped.set()
            writer._own.close()
        system.anchors.close()
        server = engine.runner.server
        for connection in list(server.connections if server is not None else ()):
            connection.force_close()
        await self._own_session.close()
        await engine.runner.cleanup()
        self._lock.release()

    async def shut_down(self) -> None:
        """Drain the engine and stop everything else."""
        if self._engine is not None and self._lock is not None and self._own_session is not None:
            await self._engine.runner.cleanup()
            await self._engine.system.stop()
            await self._own_session.close()
            self._lock.release()
        for runner in self._runners:
            await runner.cleanup()

    @property
    def idle(self) -> bool:
        """Whether the engine has nothing under way."""
        return self._engine is not None and self._engine.system.idle

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, and make it again a little later while the engine is down."""
        while True:
            try:
                return await call()
            except (aiohttp.ClientConnectionError, ConnectionRefusedError, TimeoutError):
                await asyncio.sleep(RETRY_AFTER_S)


def _server(runner: web.AppRunner) -> MakeProtocol:
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    return server


@contextmanager
def time_machine(start: datetime, seed: int) -> Iterator[Callable[[Awaitable[T]], T]]:
    """Enter virtual time at `start`; yields a function that runs one coroutine to its end on the virtual loop."""
    with freezegun.freeze_time(start, real_asyncio=True, ignore=UNFROZEN) as calendar, actors_on_the_loop():
        loop = VirtualLoop(calendar, start, seed)
        asyncio.set_event_loop(loop)
        try:
            yield loop.run_until_complete
        finally:
            _cancel_all(loop)
            asyncio.set_event_loop(None)
            loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())


def now() -> datetime:
    """Return the virtual present."""
    return datetime.now(UTC)
