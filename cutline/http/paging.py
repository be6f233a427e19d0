"""Long lists, page by page: what a caller asks of a page and how a cursor is written; it must not know any list."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused

LIMIT_DEFAULT = 50
LIMIT_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsked:
    """Which page is wanted: what comes after the place that `cursor` names, and at most `limit` lines of it."""

    cursor: str | None
    limit: int

    def after(self, kind: type[int | str]) -> int | str | None:
        """Return the place that the cursor names, or None for the first page; REQUEST_INVALID for a forged one."""
        if self.cursor is None:
            return None
        try:
            place = orjson.loads(base64.b64decode(self.cursor, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError) as error:
            raise _fault("cursor") from error
        if type(place) is not kind or (isinstance(place, int) and place < 0):
            raise _fault("cursor")
        return place


def cursor_of(place: int | str) -> str:
    """Return the cursor of the page that comes after a place in a list."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def page_asked(query: Mapping[str, str]) -> PageAsked:
    """Read `?cursor=&limit=`; a limit that is no number from 1 to 200 is REQUEST_INVALID."""
    given = query.get("limit", str(LIMIT_DEFAULT))
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= LIMIT_MAX:
        raise _fault("limit")
    return PageAsked(cursor=query.get("cursor"), limit=int(given))


def _fault(name: str) -> Refused:
    return Refused(RejectCode.REQUEST_INVALID, {"faults": [{"path": f"query.{name}", "fault": "value_error"}]})
