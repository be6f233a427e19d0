"""One client's connection: heads in time, and deliveries of Stripe's answered without a task; it must not know a rule.

aiohttp runs every request as a task of its own, with a request object, a writer and five turns of the event loop. For
a delivery, whose head and body have come in one piece, that costs more than judging and recording it. It is taken off
aiohttp's queue as soon as it is parsed and answered by a call; whatever is unusual goes aiohttp's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http import HttpVersion11, RawRequestMessage, StreamWriter
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from cutline.engine.errors import RejectCode
from cutline.http import errors
from cutline.http.strict import BODY_BYTES_MAX

log = structlog.get_logger(__name__)

HEADERS_WITHIN_S = 10.0

Answer = Callable[[bytes | web.Response], None]
"""Sends an answer: all its bytes, or a response that aiohttp writes out."""

Deliver = Callable[[Mapping[str, str], bytes, Answer], None]
"""Takes a delivery's headers and body, and answers it now or later, once; it never raises."""


class Deliveries:
    """What has arrived in one turn of the event loop, to be begun together.

    uvloop lets go of the interpreter after each socket that it reads. Deliveries begun there would hand it to a
    writer's thread and back one by one.
    """

    def __init__(
        self, path: str, deliver: Deliver, hand_over: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        """`deliver` takes what is posted to `path`; `hand_over` is called when all of a turn are taken."""
        self.path = path
        self.deliver = deliver
        self._hand_over = hand_over
        self._loop = loop
        self._arrived: list[Connection] = []

    def arrived(self, connection: Connection) -> None:
        """Begin in the next turn what has arrived at this connection."""
        if not self._arrived:
            self._loop.call_soon(self._begin)
        self._arrived.append(connection)

    def _begin(self) -> None:
        arrived, self._arrived = self._arrived, []
        try:
            for connection in arrived:
                self._begin_one(connection)
        finally:
            self._hand_over()

    def _begin_one(self, connection: Connection) -> None:
        try:
            connection.begin()
        except Exception:
            # One client's trouble must not keep the others' deliveries from being begun.
            log.exception("delivery_not_begun")
            connection.force_close()


class Connection(RequestHandler):
    """A connection that is closed when a request's head does not come whole in time (A3).

    aiohttp's loop sleeps on `_waiter` while there is nothing to do. It is left asleep while a delivery is under way,
    so that answers keep the order of requests, and woken for everything else.
    """

    __slots__ = ("_deliveries", "_delivering", "_head_deadline", "_responding")

    def __init__(self, manager: web.Server, *, deliveries: Deliveries, **options: Any) -> None:
        super().__init__(manager, **options)
        self._deliveries = deliveries
        self._delivering = False
        self._responding: asyncio.Task[None] | None = None
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline of the first head: a connection that never asks is closed, too."""
        super().connection_made(transport)
        self._head_deadline = self._loop.call_later(HEADERS_WITHIN_S, self._close_late)

    def data_received(self, data: bytes) -> None:
        """Keep the deadline while a head is under way, and lift it when the head is whole."""
        whole_before, waiter = self._request_count, self._waiter
        self._waiter = None
        try:
            super().data_received(data)
        finally:
            self._waiter = waiter
        if self._messages and not self._delivering:
            self._deliveries.arrived(self)
        if self._request_count != whole_before:
            if self._head_deadline is not None:
                self._head_deadline.cancel()
                self._head_deadline = None
        elif self._head_deadline is None and self._idle:
            self._head_deadline = self._loop.call_later(HEADERS_WITHIN_S, self._close_late)

    @property
    def _idle(self) -> bool:
        """Whether nothing is under way and nothing waits: what comes now is a new head."""
        return not self._delivering and not self._messages and self._sleeper is not None

    @property
    def _sleeper(self) -> asyncio.Future[None] | None:
        """What aiohttp's loop sleeps on; None while it is at work."""
        waiter = self._waiter
        return None if waiter is None or waiter.done() else waiter

    def close(self) -> None:
        """Stop taking requests; one that has arrived in this turn and is not begun yet is still answered."""
        sleeper = self._sleeper
        if sleeper is not None and self._messages and not self._delivering:
            sleeper.set_result(None)
        super().close()

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

    def _process_keepalive(self) -> None:
        if self._delivering or self._messages:  # aiohttp would take its own sleep for the client's
            self._keepalive_handle = None
            return
        super()._process_keepalive()

    def _close_late(self) -> None:
        self._head_deadline = None
        self.force_close()

    # Deliveries -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Take the first message off the queue if it is a delivery; else wake aiohttp's loop, if it sleeps."""
        sleeper = self._sleeper
        if self._delivering or not self._messages or sleeper is None:
            return
        message: Any
        message, payload = self._messages[0]
        if not self._is_delivery(message, payload):
            sleeper.set_result(None)
            return
        self._messages.popleft()
        if self._parser is not None:  # it is there for as long as the connection
            self._parser.message_consumed()
        if self._manager is not None:  # the same
            self._manager.requests_count += 1
        self._delivering = self._request_in_progress = True
        self._deliveries.deliver(
            message.headers, payload.read_nowait(), lambda answer: self._answer(message, payload, answer)
        )

    def _is_delivery(self, message: Any, payload: StreamReader) -> bool:
        return (
            type(message) is RawRequestMessage
            and message.path == self._deliveries.path
            and message.method == "POST"
            and message.version == HttpVersion11
            and payload.is_eof()
            and payload.exception() is None
            and payload.total_bytes <= BODY_BYTES_MAX
            and message.compression is None
            and not message.should_close
            and not message.upgrade
            and not self._buffer_paused
            and not self.writing_paused
            and "Expect" not in message.headers
        )

    def _answer(self, message: Any, payload: StreamReader, answer: bytes | web.Response) -> None:
        if not isinstance(answer, bytes):
            self._responding = self._loop.create_task(self._respond(message, payload, answer))
            return
        if self.transport is not None:
            self.transport.write(answer)
        self._end()

    async def _respond(self, message: Any, payload: StreamReader, response: web.Response) -> None:
        """Have aiohttp write an answer that is no plain success."""
        try:
            if self._request_factory is not None and self._task_handler is not None:
                writer = StreamWriter(self, self._loop)
                request = self._request_factory(message, payload, self, writer, self._task_handler)
                await response.prepare(request)
                await response.write_eof()
        except ConnectionError:
            self.log_debug("Ignored premature client disconnection")
        except Exception:
            # Going on would give the next request's answer to whoever waits for this one's.
            log.exception("refusal_not_sent")
            self.force_close()
        finally:
            self._end()

    def _end(self) -> None:
        """Go on with what has come meanwhile, or close."""
        self._delivering = self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        if self.transport is None:
            return
        if self._close or self._force_close:
            self.transport.close()
            return
        self._keepalive = True
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
        if self._messages:
            self._deliveries.arrived(self)
