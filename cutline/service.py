"""Puts one engine together: data root, gateways, actors and doors, started in order and stopped in reverse.

The command line runs it for real, demo and simulation run it under a held clock; the engine cannot tell which.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from apscheduler.schedulers.base import BaseScheduler

from cutline.actors.system import Parts, System
from cutline.actors.workers import Workers
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway
from cutline.http.app import build_app
from cutline.http.server import DoorRunner
from cutline.settings import Settings
from cutline.storage.files import DataRoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running engine and its HTTP side; nobody listens until a site is added to `runner`."""

    system: System
    runner: web.AppRunner


@asynccontextmanager
async def running_engine(
    settings: Settings, *, scheduler: BaseScheduler, workers: Workers, session: aiohttp.ClientSession
) -> AsyncIterator[Engine]:
    """Run an engine over the settings' data root for as long as the context lasts, then drain it.

    Raises DataRootLocked when another engine holds the data root.
    """
    root = DataRoot(settings.cutline_data_dir)
    with root.lock() as lock:
        stripe = StripeGateway(
            settings.stripe_api_key.get_secret_value(), base_url=settings.stripe_base_url, session=session
        )
        feed = ScoreFeed(session, settings.ingestion_endpoint_url)
        parts = Parts(stripe=stripe, feed=feed, workers=workers, scheduler=scheduler)
        system = System(settings, root, lock.boot_epoch, parts)
        runner = DoorRunner(build_app(system, settings))
        system.start()
        try:
            await runner.setup()
            yield Engine(system=system, runner=runner)
        finally:
            await runner.cleanup()
            await system.stop()
