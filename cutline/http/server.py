"""Serves the doors on a socket with deadlines that aiohttp has not, and stops gracefully; it must not know routes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from cutline.engine.errors import RejectCode
from cutline.http import errors
from cutline.http.app import WEBHOOK, build_app
from cutline.http.asking import Engine
from cutline.http.door import Handler
from cutline.http.routes.webhook import is_webhook
from cutline.settings import Settings

HEADERS_WITHIN_S = 10.0
KEEP_ALIVE_S = 75.0
LINGER_S = 1.0
"""After an early refusal, so long is read on what the client still sends, so that it sees the answer."""
LINE_BYTES_MAX = 8190
SHUTDOWN_TIMEOUT_S = 10.0


class Connection(RequestHandler):
    """A connection that is closed when a request's head does not come whole in time (A3)."""

    __slots__ = ("_head_deadline",)

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline of the first head: a connection that never asks is closed, too."""
        super().connection_made(transport)
        self._head_deadline = self._loop.call_later(HEADERS_WITHIN_S, self._close_late)

    def data_received(self, data: bytes) -> None:
        """Keep the deadline while a head is under way, and lift it when the head is whole."""
        whole_before = self._request_count
        super().data_received(data)
        if self._request_count != whole_before:
            if self._head_deadline is not None:
                self._head_deadline.cancel()
                self._head_deadline = None
        elif self._head_deadline is None and self._current_request is None:
            self._head_deadline = self._loop.call_later(HEADERS_WITHIN_S, self._close_late)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the deadline."""
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or broke outside every handler, in the one shape; the log has the cause."""
        super().handle_error(request, status, exc, message)
        self._keepalive = False
        code = RejectCode.REQUEST_INVALID if status < 500 else RejectCode.INTERNAL_FAULT
        return errors.refusal(code, {"fault": "http"}, errors.correlation_of(request), status=status)

    def _close_late(self) -> None:
        self._head_deadline = None
        self.force_close()


class Connections(web.Server):
    """Makes a `Connection` for each client."""

    def __init__(self, plain: web.Server, webhook: Handler) -> None:
        common = plain.request_handler

        def handle(request: Any) -> Awaitable[web.StreamResponse]:
            # Routing costs a webhook a tenth of its time in this thread.
            return webhook(request) if is_webhook(request) else common(request)

        super().__init__(
            handle,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,  # noqa: SLF001  # aiohttp lets an application make its server, but not choose its class
            **plain._kwargs,  # noqa: SLF001  # the same
        )

    def __call__(self) -> RequestHandler:
        """Return the protocol of one new connection."""
        return Connection(self, loop=self._loop, **self._kwargs)


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
        return Connections(await super()._make_server(), self.app[WEBHOOK])


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
