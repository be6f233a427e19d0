"""An answer of a few bytes, written as one piece; it must not be used where a body may be long or is not JSON.

aiohttp builds each answer's head from a dictionary of headers. On the busiest route, whose answers differ in two
values, that costs as much as judging the signature; here the head is a template.
"""

from __future__ import annotations

from aiohttp.helpers import rfc822_formatted_time

from cutline.http import errors

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nDate: {date}\r\n"
    + errors.CORRELATION_HEADER
    + ": {correlation_id}\r\n\r\n"
)


def whole_answer(body: bytes, correlation_id: str) -> bytes:
    """Return a 200 with a JSON body, as it goes out on a connection of HTTP/1.1 that stays open.

    `correlation_id` is plain (`errors.is_correlation_id`), as it enters the head.
    """
    head = _HEAD.format(length=len(body), date=rfc822_formatted_time(), correlation_id=correlation_id)
    return head.encode("ascii") + body
