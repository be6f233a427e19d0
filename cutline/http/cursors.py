"""Turns the place where a page ended into the text that asks for the next, and back; it must not list anything."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

import orjson

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused


def cursor_of(place: tuple[datetime, str] | None) -> str | None:
    """Return the cursor behind a place, (time, id); None where the list has ended."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(orjson.dumps([place[0].isoformat(), place[1]])).decode().rstrip("=")


def place_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the place that a cursor names; REQUEST_INVALID for a text that no page has given."""
    if cursor is None:
        return None
    try:
        at, name = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        place = datetime.fromisoformat(at), str(name)
    except (binascii.Error, ValueError, TypeError) as error:
        raise Refused(RejectCode.REQUEST_INVALID, {"query": "cursor"}) from error
    if place[0].tzinfo is None:
        raise Refused(RejectCode.REQUEST_INVALID, {"query": "cursor"})
    return place
