"""Serves the doors on a socket with deadlines that aiohttp has not, and stops gracefully; it must not know routes."""

from __future__ import annotations

import asyncio
import socket

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from cutline.http.app import WEBHOOKS, build_app
from cutline.http.asking import Engine
from cutline.http.connection import Connection, Deliveries
from cutline.http.routes.webhook import PATH, WebhookDoor
from cutline.settings import Settings

KEEP_ALIVE_S = 75.0
LINGER_S = 1.0
"""After an early refusal, so long is read on what the client still sends, so that it sees the answer."""
LINE_BYTES_MAX = 8190
SHUTDOWN_TIMEOUT_S = 10.0


class Connections(web.Server):
    """Makes a `Connection` for each client."""

    def __init__(self, plain: web.Server, webhooks: WebhookDoor) -> None:
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,  # noqa: SLF001  # aiohttp lets an application make its server, but not choose its class
            **plain._kwargs,  # noqa: SLF001  # the same
        )
        self._deliveries = Deliveries(
            PATH, webhooks.deliver, webhooks.house.engine.hand_over, asyncio.get_running_loop()
        )

    def __call__(self) -> RequestHandler:
        """Return the protocol of one new connection."""
        return Connection(self, deliveries=self._deliveries, loop=self._loop, **self._kwargs)


class DoorRunner(web.AppRunner):
    """Runs the doors: no access log of aiohttp's, heads in time, requests in flight finished before it stops."""

    def __init__(self, app: web.Application) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_TIMEOUT_S,
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
        )

    async def _make_server(self) -> web.Server:
        return Connections(await super()._make_server(), self.app[WEBHOOKS])


async def serve(
    engine: Engine, settings: Settings, *, listener: socket.socket | None = None
) -> tuple[DoorRunner, tuple[str, int]]:
    """Open the doors on a socket that listens already, or on the settings' host and port (0: any that is free).

    Returns the runner and where it listens. `runner.cleanup()` stops accepting, lets requests in flight finish within
    ten seconds, and closes.
    """
    runner = DoorRunner(build_app(engine, settings))
    await runner.setup()
    site: web.BaseSite
    if listener is not None:
        site = web.SockSite(runner, listener)
    else:
        site = web.TCPSite(runner, settings.cutline_host, settings.cutline_port)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, (host, port)
