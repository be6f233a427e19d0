"""The ways in which the feed emulator can misbehave, and the queue that says when. Serves nothing itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

Snapshot = dict[str, Any]


class FaultKind(StrEnum):
    """What goes wrong with one answer."""

    HTTP_STATUS = "http_status"
    HTML = "html"
    HALF_JSON = "half_json"
    CUT_CONNECTION = "cut_connection"
    SLOW = "slow"
    REDIRECT = "redirect"
    NOT_MODIFIED = "not_modified"
    TOO_LARGE = "too_large"
    GZIP_BOMB = "gzip_bomb"
    OLDER_SNAPSHOT = "older_snapshot"
    WRONG_EVENT = "wrong_event"
    VANISHED_CUTS = "vanished_cuts"
    MISSING_PLAYERS = "missing_players"
    RETRACTED_STATUS = "retracted_status"


class FeedFault(BaseModel):
    """One fault, for the next `times` requests that reach it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    times: Annotated[int, Field(ge=1, le=10_000)] = 1
    status: Annotated[int, Field(ge=400, le=599)] = 503
    """The answer of `http_status`."""
    seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    """How long `slow` waits before it answers well."""
    frames: Annotated[int, Field(ge=1)] = 10
    """How many frames `older_snapshot` goes back."""


class FaultQueue:
    """Faults in the order in which they will strike, one a request; an empty queue answers well."""

    def __init__(self, faults: Iterable[FeedFault] = ()) -> None:
        self._waiting: deque[FeedFault] = deque()
        self.add(*faults)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, *faults: FeedFault) -> None:
        """Queue faults behind those that wait."""
        for fault in faults:
            self._waiting.extend([fault] * fault.times)

    def take(self) -> FeedFault | None:
        """Remove and return the fault of the next request, if there is one."""
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> int:
        """Drop what waits and return how many that were."""
        dropped = len(self._waiting)
        self._waiting.clear()
        return dropped


def _wrong_event(snapshot: Snapshot) -> None:
    snapshot["id"] = "00000000-0000-4000-8000-000000000000"


def _vanished_cuts(snapshot: Snapshot) -> None:
    for row in snapshot["leaderboard"]:
        if row.get("status") == "CUT":
            del row["status"]


def _missing_players(snapshot: Snapshot) -> None:
    del snapshot["leaderboard"][::2]


def _retracted_status(snapshot: Snapshot) -> None:
    if snapshot["status"] in ("complete", "closed"):
        snapshot["status"] = "inprogress"


LIES: dict[FaultKind, Callable[[Snapshot], None]] = {
    FaultKind.WRONG_EVENT: _wrong_event,
    FaultKind.VANISHED_CUTS: _vanished_cuts,
    FaultKind.MISSING_PLAYERS: _missing_players,
    FaultKind.RETRACTED_STATUS: _retracted_status,
}


def told_wrong(body: bytes, kind: FaultKind) -> bytes:
    """Return a well-formed snapshot that says something else; kinds that are no lie leave it as it is."""
    lie = LIES.get(kind)
    if lie is None:
        return body
    snapshot = orjson.loads(body)
    lie(snapshot)
    return orjson.dumps(snapshot)
