"""Long lists, page by page: what a caller asks of a page and how a cursor is written; it must not know any list."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from pydantic import Field, StringConstraints

from cutline.http.schemas.base import Queried

LIMIT_DEFAULT = 50
LIMIT_MAX = 200

CURSOR: Final = r"^[0-9]{1,16}(_[A-Za-z0-9_.:-]{1,200})?$"
"""A number and perhaps a name; every text of this form is a place in every list, whether anything lies there or not."""


class Place(NamedTuple):
    """Where a page ended: a list is ordered by a number, by a name, or by both."""

    number: int = 0
    name: str = ""


class PageAsked(Queried):
    """Which page is wanted: what comes after the place that `cursor` names, and at most `limit` lines of it."""

    cursor: Annotated[str, StringConstraints(pattern=CURSOR)] | None = None
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAX)

    @property
    def place(self) -> Place:
        """The place that the cursor names; without one, the place before the first line."""
        if self.cursor is None:
            return Place()
        number, _, name = self.cursor.partition("_")
        return Place(int(number), name)


def cursor_of(number: int = 0, name: str = "") -> str:
    """Return the cursor of the page that comes after a place in a list."""
    return f"{number}_{name}" if name else f"{number}"
