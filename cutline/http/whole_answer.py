"""An answer of a few bytes, written as one piece; it must not be used where a body may be long or is not JSON.

aiohttp builds each answer's head from a dictionary of headers. On the busiest route, whose answers differ in two
values, that costs as much as judging the signature; here the head is a template.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11

from cutline.http import errors

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nDate: {date}\r\n"
    + errors.CORRELATION_HEADER
    + ": {correlation_id}\r\n\r\n"
)


class _Whole(web.StreamResponse):
    """Head and body as they go out; the connection stays open."""

    def __init__(self, content: bytes) -> None:  # the parent would build headers, and these are in the content
        self._content = content
        self._status = 200
        self._reason = "OK"

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write everything."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        transport.write(self._content)
        self._keep_alive = True
        self._eof_sent = True
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing more."""


def whole_answer(request: web.BaseRequest, body: bytes, correlation_id: str) -> web.StreamResponse:
    """Return a 200 with a JSON body. `correlation_id` is plain (`errors.is_correlation_id`), as it enters the head."""
    if request.version == HttpVersion11 and request.keep_alive:
        date = rfc822_formatted_time()
        head = _HEAD.format(length=len(body), date=date, correlation_id=correlation_id)
        return _Whole(head.encode("ascii") + body)
    headers = {"Content-Type": "application/json", errors.CORRELATION_HEADER: correlation_id}
    return web.Response(body=body, headers=headers)
