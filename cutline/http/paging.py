"""Long lists, page by page: what a caller asks of a page and how a cursor is written; it must not know any list."""

from __future__ import annotations

import base64
import binascii

import orjson
from pydantic import Field

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.schemas.base import Queried

LIMIT_DEFAULT = 50
LIMIT_MAX = 200


class PageAsked(Queried):
    """Which page is wanted: what comes after the place that `cursor` names, and at most `limit` lines of it."""

    cursor: str | None = Field(default=None, max_length=500)
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAX)

    def after(self, kind: type[int | str]) -> int | str | None:
        """Return the place that the cursor names, or None for the first page; REQUEST_INVALID for a forged one."""
        if self.cursor is None:
            return None
        try:
            place = orjson.loads(base64.b64decode(self.cursor, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError) as error:
            raise _forged() from error
        if type(place) is not kind or (isinstance(place, int) and not 0 <= place < 2**53):
            raise _forged()
        return place


def cursor_of(place: int | str) -> str:
    """Return the cursor of the page that comes after a place in a list."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def _forged() -> Refused:
    return Refused(RejectCode.REQUEST_INVALID, {"faults": [{"path": "query.cursor", "fault": "value_error"}]})
