"""The one place that reads the time; whoever freezes `datetime.now` holds every decision of the engine."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present in UTC, cut to milliseconds, the resolution in which deadlines are judged."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
