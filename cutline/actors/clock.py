"""The one place that reads the time; whoever freezes `datetime.now` holds every decision of the engine."""

from __future__ import annotations

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Return the present in UTC, cut to milliseconds, the resolution in which deadlines are judged.

    Counting from an instance gives a plain datetime also while a subclass stands in for the class and holds the clock.
    """
    now = datetime.now(UTC)
    return _EPOCH + (now.replace(microsecond=now.microsecond // 1000 * 1000) - _EPOCH)
