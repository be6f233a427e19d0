"""What happens to a provider event's feed, as facts in its file; logic-free. A poll that finds nothing leaves none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from cutline.engine.errors import RejectCode


class EventWatched(Struct, frozen=True, kw_only=True):
    """A contest follows this event; it is sent all changes so far."""

    provider_event_id: str
    contest_id: str
    from_at: datetime
    first_tee_at: datetime | None
    attempt: int
    rounds: int | None = None

    @property
    def key(self) -> str:
        """A contest may ask again, by number."""
        return f"watch:{self.contest_id}:{self.attempt}"


class EventUnwatched(Struct, frozen=True, kw_only=True):
    """A contest follows this event no more."""

    contest_id: str
    attempt: int

    @property
    def key(self) -> str:
        """Each watch ends once."""
        return f"unwatch:{self.contest_id}:{self.attempt}"


class LateWatchBegan(Struct, frozen=True, kw_only=True):
    """A contest is complete: until `until_at` it is sent what the provider corrects late, and nothing else."""

    contest_id: str
    attempt: int
    until_at: datetime

    @property
    def key(self) -> str:
        """Each watch becomes a late one once."""
        return f"late-watch:{self.contest_id}:{self.attempt}"


class PayloadStored(Struct, frozen=True, kw_only=True):
    """The provider served a payload that had not been seen; its raw bytes are kept beside the log."""

    sha256: str
    http_status: int
    received_at: datetime

    @property
    def key(self) -> str:
        """A payload is kept once."""
        return f"payload:{self.sha256}"


class PayloadRejected(Struct, frozen=True, kw_only=True):
    """A payload was refused whole, with the reason; its raw bytes are kept beside the log (ING-004)."""

    sha256: str
    http_status: int
    received_at: datetime
    code: RejectCode
    details: Mapping[str, Any]

    @property
    def key(self) -> str:
        """A payload is refused once, however often it is served (ING-005)."""
        return f"payload:{self.sha256}"


class ChangesRecorded(Struct, frozen=True, kw_only=True):
    """A poll found something new: numbered changes from `first` on, as `(type name, payload)` pairs."""

    first: int
    changes: tuple[tuple[str, Mapping[str, Any]], ...]
    polled_at: datetime
    payload_sha256: str

    @property
    def key(self) -> str:
        """Changes are numbered."""
        return f"changes:{self.first}"


class PollConfirmed(Struct, frozen=True, kw_only=True):
    """A poll found a final status still standing: recorded because contests wait for it."""

    number: int
    polled_at: datetime

    @property
    def key(self) -> str:
        """Confirmations are numbered."""
        return f"poll:{self.number}"


class PollFailed(Struct, frozen=True, kw_only=True):
    """Polling has begun to fail, or fails for another reason than before; `error` is its name."""

    number: int
    error: str
    http_status: int | None
    detail: str = ""

    @property
    def key(self) -> str:
        """Changes of health are numbered."""
        return f"health:{self.number}"


class PollRecovered(Struct, frozen=True, kw_only=True):
    """Polling works again."""

    number: int

    @property
    def key(self) -> str:
        """Changes of health are numbered."""
        return f"health:{self.number}"


class IngestionLagged(Struct, frozen=True, kw_only=True):
    """Nothing sound has come since `since` for longer than may be (ING-011). Recorded once for each such stretch."""

    number: int
    since: datetime
    lag_seconds: float

    @property
    def key(self) -> str:
        """Stretches are numbered."""
        return f"lag:{self.number}"


class IngestionCaughtUp(Struct, frozen=True, kw_only=True):
    """Something sound has come again after a lag."""

    number: int

    @property
    def key(self) -> str:
        """Each stretch ends once."""
        return f"lag:{self.number}:ended"


EVENTS: tuple[type, ...] = (
    EventWatched,
    EventUnwatched,
    LateWatchBegan,
    PayloadStored,
    PayloadRejected,
    ChangesRecorded,
    PollConfirmed,
    PollFailed,
    PollRecovered,
    IngestionLagged,
    IngestionCaughtUp,
)
