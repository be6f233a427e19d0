"""Turns the place where a page ended into the text that asks for the next, and back; it must not list anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

CURSOR = r"^[0-9]{1,16}_[A-Za-z0-9._:-]{1,200}$"
"""Microseconds since 1970 and an id; every text of this form is a place, whether anything lies there or not."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cursor_of(place: tuple[datetime, str] | None) -> str | None:
    """Return the cursor behind a place, (time, id); None where the list has ended."""
    if place is None:
        return None
    return f"{(place[0] - _EPOCH) // timedelta(microseconds=1)}_{place[1]}"


def place_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the place that a cursor names; it has been matched with `CURSOR`."""
    if cursor is None:
        return None
    micros, _, name = cursor.partition("_")
    return _EPOCH + timedelta(microseconds=int(micros)), name
