"""What a feed remembers: its subscribers, its numbered changes and what they add up to. It decides nothing.

The pulse is no part of what is folded. It remembers the polls that left no event, so that a poll is not asked for
twice, and the last answer, so that "not modified" means something. It may be thrown away at any time: without it the
next look polls at once, without an ETag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cutline.engine.contest.changes import Change, read_change
from cutline.engine.contest.feed_state import FeedState
from cutline.engine.contest.feed_state import evolve as fold_change
from cutline.engine.contest.leaderboard import Snapshot
from cutline.engine.decision import Recorded
from cutline.engine.errors import InvariantViolated
from cutline.engine.feed.events import (
    ChangesRecorded,
    EventUnwatched,
    EventWatched,
    PayloadRejected,
    PayloadStored,
    PollConfirmed,
    PollFailed,
    PollRecovered,
)


@dataclass(slots=True)
class Pulse:
    """The last poll, recorded or not. `snapshot` and `sha256` are what the provider last served, if it was sound."""

    asked_at: datetime | None = None
    answered_at: datetime | None = None
    http_status: int | None = None
    duration_ms: float | None = None
    etag: str | None = None
    snapshot: Snapshot | None = None
    sha256: str = ""

    def forget_payload(self) -> None:
        """Have the next poll fetch the payload whole."""
        self.etag = self.snapshot = None
        self.sha256 = ""


@dataclass(slots=True)
class ProviderFeed:
    """The state of a feed's file."""

    provider_event_id: str | None = None
    subscribers: dict[str, EventWatched] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    """The last watch of every contest, present or gone."""
    board: FeedState = field(default_factory=FeedState)
    changes: list[Change] = field(default_factory=list)
    payloads: set[str] = field(default_factory=set)
    polled_at: datetime | None = None
    """The last poll that left an event."""
    confirmations: int = 0
    failing: str | None = None
    health_changes: int = 0
    pulse: Pulse = field(default_factory=Pulse, compare=False)


def fold(state: ProviderFeed, recorded: Recorded) -> None:
    """Fold one recorded event. An event of another file kind is a bug."""
    folder = _FOLDERS.get(type(recorded.event))
    if folder is None:
        raise InvariantViolated(f"{type(recorded.event).__name__} is no event of a feed")
    folder(state, recorded.event)


def _watched(state: ProviderFeed, event: EventWatched) -> None:
    state.provider_event_id = event.provider_event_id
    state.subscribers[event.contest_id] = event
    state.attempts[event.contest_id] = event.attempt


def _unwatched(state: ProviderFeed, event: EventUnwatched) -> None:
    state.subscribers.pop(event.contest_id, None)


def _stored(state: ProviderFeed, event: PayloadStored | PayloadRejected) -> None:
    state.payloads.add(event.sha256)


def _changed(state: ProviderFeed, event: ChangesRecorded) -> None:
    if event.first != len(state.changes):
        raise InvariantViolated(f"changes from {event.first} on follow {len(state.changes)}")
    for change in event.changes:
        fold_change(state.board, read_change(change))
    state.changes.extend(event.changes)
    state.polled_at = event.polled_at


def _confirmed(state: ProviderFeed, event: PollConfirmed) -> None:
    state.confirmations = event.number
    state.polled_at = event.polled_at


def _failed(state: ProviderFeed, event: PollFailed) -> None:
    state.failing = event.error
    state.health_changes = event.number


def _recovered(state: ProviderFeed, event: PollRecovered) -> None:
    state.failing = None
    state.health_changes = event.number


_FOLDERS: dict[type, Callable[[ProviderFeed, Any], None]] = {
    EventWatched: _watched,
    EventUnwatched: _unwatched,
    PayloadStored: _stored,
    PayloadRejected: _stored,
    ChangesRecorded: _changed,
    PollConfirmed: _confirmed,
    PollFailed: _failed,
    PollRecovered: _recovered,
}
