"""The messages to `feed/<provider event>`; they must not know the provider's dialect."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class WatchEvent(Struct, frozen=True, kw_only=True):
    """From a contest: poll this provider event from `from_at` on and send its changes to the contest.

    From `first_tee_at` on the event is polled as one in play. Each `attempt` has all changes so far sent once again.
    `rounds` is how many rounds the contest scores.
    """

    contest_id: str
    provider_event_id: str
    from_at: datetime
    first_tee_at: datetime | None = None
    attempt: int = 1
    rounds: int | None = None


class UnwatchEvent(Struct, frozen=True, kw_only=True):
    """From a contest: it is complete or cancelled, and no change moves it any more.

    One that is complete is still sent what the provider corrects before `late_until`.
    """

    contest_id: str
    late_until: datetime | None = None


class PollAtOnce(Struct, frozen=True, kw_only=True):
    """From ops: poll the provider now, whole, whenever it was polled last."""


class ReadFeed(Struct, frozen=True, kw_only=True):
    """Ask for the feed as it is: health, last poll, changes and subscribers. Decides nothing.

    With `applied`, how many changes a follower has taken, the answer says what still waits for it.
    """

    applied: int | None = None


class FeedPolled(Struct, frozen=True, kw_only=True):
    """From a task: what one poll gave. `body` is None when nothing changed (304) or the poll failed (`error`).

    A failure comes with its `detail` and, where something was served, the beginning of it as `evidence`.
    """

    http_status: int | None
    body: bytes | None
    etag: str | None
    error: str | None
    duration_ms: float
    detail: str = ""
    evidence: bytes | None = None
