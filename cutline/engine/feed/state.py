"""What a feed remembers: its subscribers, its numbered changes and what they add up to. It decides nothing.

The pulse is no part of what is folded. It remembers the polls that left no event, so that a poll is not asked for
twice, and the last answer, so that "not modified" means something. It may be thrown away at any time: without it the
next look polls at once, without an ETag.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

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
    IngestionCaughtUp,
    IngestionLagged,
    LateWatchBegan,
    PayloadRejected,
    PayloadStored,
    PollConfirmed,
    PollFailed,
    PollRecovered,
)

RECENT_MAX = 50
_UNREMARKABLE = (EventWatched, EventUnwatched, PayloadStored, PollConfirmed)


@dataclass(slots=True)
class Pulse:
    """The last poll, recorded or not. `snapshot` and `sha256` are what the provider last served, if it was sound.

    `good_at` is when something sound came last, `unmodified` how often in a row it was "not modified".
    """

    asked_at: datetime | None = None
    good_at: datetime | None = None
    unmodified: int = 0
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
    late: dict[str, LateWatchBegan] = field(default_factory=dict)
    """Complete contests that are sent what is corrected late."""
    rounds: int | None = None
    """The most rounds that a follower scores."""
    board: FeedState = field(default_factory=FeedState)
    changes: list[Change] = field(default_factory=list)
    payloads: set[str] = field(default_factory=set)
    rejected: int = 0
    polled_at: datetime | None = None
    """The last poll that left an event."""
    confirmations: int = 0
    failing: str | None = None
    failing_since: datetime | None = None
    health_changes: int = 0
    lag_stretches: int = 0
    lagging: bool = False
    recent: deque[Recorded] = field(default_factory=lambda: deque(maxlen=RECENT_MAX))
    """The last events but for watches and confirmations, for whoever asks how the feed fares."""
    pulse: Pulse = field(default_factory=Pulse, compare=False)


def fold(state: ProviderFeed, recorded: Recorded) -> None:
    """Fold one recorded event. An event of another file kind is a bug."""
    folder = _FOLDERS.get(type(recorded.event))
    if folder is None:
        raise InvariantViolated(f"{type(recorded.event).__name__} is no event of a feed")
    folder(state, recorded)
    if not isinstance(recorded.event, _UNREMARKABLE):
        state.recent.append(recorded)


def _watched(state: ProviderFeed, recorded: Recorded) -> None:
    event: EventWatched = recorded.event
    state.provider_event_id = event.provider_event_id
    state.subscribers[event.contest_id] = event
    state.attempts[event.contest_id] = event.attempt
    state.late.pop(event.contest_id, None)
    if event.rounds is not None:
        state.rounds = max(event.rounds, state.rounds or 0)


def _unwatched(state: ProviderFeed, recorded: Recorded) -> None:
    event: EventUnwatched = recorded.event
    state.subscribers.pop(event.contest_id, None)
    state.late.pop(event.contest_id, None)


def _late(state: ProviderFeed, recorded: Recorded) -> None:
    event: LateWatchBegan = recorded.event
    state.subscribers.pop(event.contest_id, None)
    state.late[event.contest_id] = event


def _stored(state: ProviderFeed, recorded: Recorded) -> None:
    event: PayloadStored | PayloadRejected = recorded.event
    state.payloads.add(event.sha256)
    state.rejected += isinstance(event, PayloadRejected)


def _changed(state: ProviderFeed, recorded: Recorded) -> None:
    event: ChangesRecorded = recorded.event
    if event.first != len(state.changes):
        raise InvariantViolated(f"changes from {event.first} on follow {len(state.changes)}")
    for change in event.changes:
        fold_change(state.board, read_change(change))
    state.changes.extend(event.changes)
    state.polled_at = event.polled_at


def _confirmed(state: ProviderFeed, recorded: Recorded) -> None:
    event: PollConfirmed = recorded.event
    state.confirmations = event.number
    state.polled_at = event.polled_at


def _failed(state: ProviderFeed, recorded: Recorded) -> None:
    event: PollFailed = recorded.event
    state.failing = event.error
    state.failing_since = state.failing_since or recorded.at
    state.health_changes = event.number


def _recovered(state: ProviderFeed, recorded: Recorded) -> None:
    event: PollRecovered = recorded.event
    state.failing = state.failing_since = None
    state.health_changes = event.number


def _lagged(state: ProviderFeed, recorded: Recorded) -> None:
    event: IngestionLagged = recorded.event
    state.lag_stretches, state.lagging = event.number, True


def _caught_up(state: ProviderFeed, _recorded: Recorded) -> None:
    state.lagging = False


_FOLDERS: dict[type, Callable[[ProviderFeed, Recorded], None]] = {
    EventWatched: _watched,
    EventUnwatched: _unwatched,
    LateWatchBegan: _late,
    PayloadStored: _stored,
    PayloadRejected: _stored,
    ChangesRecorded: _changed,
    PollConfirmed: _confirmed,
    PollFailed: _failed,
    PollRecovered: _recovered,
    IngestionLagged: _lagged,
    IngestionCaughtUp: _caught_up,
}
