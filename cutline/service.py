"""Puts one engine together: data root, gateways, actors and doors, started in order and stopped in reverse.

The command line runs it for real, demo and simulation run it under a held clock; the engine cannot tell which.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from apscheduler.schedulers.base import BaseScheduler

from cutline.actors.mailbox import Tell
from cutline.actors.replica_gate import LitestreamGate, OpenGate, ReplicaGate
from cutline.actors.system import Parts, System
from cutline.actors.workers import Workers
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway
from cutline.http.app import build_app
from cutline.http.contracts.registration import promises
from cutline.http.server import DoorRunner
from cutline.settings import Settings
from cutline.storage.files import DataRoot
from cutline.storage.litestream import ReplicationError, Replicator


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running engine and its HTTP side; nobody listens until a site is added to `runner`."""

    system: System
    runner: web.AppRunner

    def start(self) -> None:
        """Start the actors, and have it recorded what this release promises its clients (FRZ-028)."""
        self.system.start()
        self.system.directory.send("governance", Tell(promises(), "boot"))


def assemble(
    settings: Settings,
    root: DataRoot,
    boot_epoch: int,
    *,
    scheduler: BaseScheduler,
    workers: Workers,
    session: aiohttp.ClientSession,
    gate: ReplicaGate | None = None,
) -> Engine:
    """Put an engine together over a locked data root; nothing runs yet."""
    api_key = settings.stripe_api_key.get_secret_value()
    parts = Parts(
        stripe=StripeGateway(api_key, base_url=settings.stripe_base_url, session=session),
        feed=ScoreFeed(session, settings.ingestion_endpoint_url),
        workers=workers,
        scheduler=scheduler,
        gate=gate or OpenGate(),
    )
    system = System(settings, root, boot_epoch, parts)
    runner = DoorRunner(build_app(system, settings))
    return Engine(system=system, runner=runner)


@asynccontextmanager
async def running_engine(
    settings: Settings, *, scheduler: BaseScheduler, workers: Workers, session: aiohttp.ClientSession
) -> AsyncIterator[Engine]:
    """Run an engine over the settings' data root for as long as the context lasts, then drain it.

    With a replica named in the settings, Litestream copies every file while the engine runs. Raises DataRootLocked
    when another engine holds the data root, ReplicationError when Litestream does not come up.
    """
    root = DataRoot(settings.cutline_data_dir)
    async with AsyncExitStack() as stack:
        lock = stack.enter_context(root.lock())
        gate = await _replication(settings, root, stack)
        engine = assemble(
            settings, root, lock.boot_epoch, scheduler=scheduler, workers=workers, session=session, gate=gate
        )
        engine.start()
        stack.push_async_callback(engine.system.stop)
        await engine.runner.setup()
        stack.push_async_callback(engine.runner.cleanup)
        yield engine


async def _replication(settings: Settings, root: DataRoot, stack: AsyncExitStack) -> ReplicaGate:
    """Start replication, if it is asked for, so that it outlives the engine's last commit."""
    if settings.cutline_replica_url is None:
        return OpenGate()
    if "://" not in settings.cutline_replica_url:
        raise ReplicationError(f"{settings.cutline_replica_url} is no URL: a folder is written file:///…")
    replicator = Replicator(
        data_root=root.path,
        replica_url=settings.cutline_replica_url,
        run_dir=settings.cutline_run_dir or root.path / "run",
        own_process=settings.cutline_run_dir is None,
    )
    try:
        await stack.enter_async_context(replicator)
    except ValueError as error:
        raise ReplicationError(str(error)) from error
    return LitestreamGate(replicator, root)
