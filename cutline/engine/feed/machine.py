"""The machine of a feed's file: who follows the event, and what each follower is sent. Polling is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cutline.engine.decision import Accepted, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.feed import polling
from cutline.engine.feed.events import (
    EVENTS,
    ChangesRecorded,
    EventUnwatched,
    EventWatched,
    LateWatchBegan,
    PollConfirmed,
)
from cutline.engine.feed.reading import describe, vitals_of
from cutline.engine.feed.state import ProviderFeed, fold
from cutline.engine.messages import (
    FeedAdvanced,
    FeedPolled,
    Look,
    PollAtOnce,
    ReadFeed,
    UnwatchEvent,
    WatchEvent,
)
from cutline.engine.vitals import FeedVitals


class FeedMachine:
    """The pure rules of `feed/<provider event>`."""

    kind = "feed"
    events: Mapping[str, type] = {event.__name__: event for event in EVENTS}

    def initial(self) -> ProviderFeed:
        """Return the state of an empty file."""
        return ProviderFeed()

    def decide(self, state: ProviderFeed, command: Any, now: datetime) -> Decision:
        """Judge a command at commit time `now` (UTC), changing nothing but the pulse (see `state`)."""
        match command:
            case Look():
                return polling.look(state, now)
            case FeedPolled():
                return polling.take_answer(state, command, now)
            case WatchEvent():
                return _watch(state, command)
            case UnwatchEvent():
                return _unwatch(state, command, now)
            case PollAtOnce():
                return polling.poll_at_once(state, now)
            case ReadFeed():
                return Accepted(reply=describe(state, now, command.applied))
            case _:
                raise InvariantViolated(f"{type(command).__name__} is no message to a feed")

    def evolve(self, state: ProviderFeed, recorded: Recorded) -> None:
        """Fold one recorded event into the state."""
        fold(state, recorded)

    def owes(self, state: ProviderFeed, recorded: Recorded) -> Sequence[Owed]:
        """Return what followers are owed: a new one all changes so far, all of them what is new."""
        match recorded.event:
            case EventWatched(contest_id=contest_id) if state.changes and state.polled_at is not None:
                return [_advance(state, recorded, contest_id, 0, state.polled_at)]
            case ChangesRecorded(first=first, polled_at=polled_at):
                followers = [*state.subscribers, *state.late]
                return [_advance(state, recorded, follower, first, polled_at) for follower in followers]
            case PollConfirmed(polled_at=polled_at):
                first = len(state.changes)
                return [_advance(state, recorded, follower, first, polled_at) for follower in state.subscribers]
            case _:
                return ()

    def resume(self, state: ProviderFeed, now: datetime) -> Sequence[Any]:  # noqa: ARG002  # the contract's shape
        """Return nothing: a lost poll is asked for again by the next look, which is due at once."""
        return ()

    def due_at(self, state: ProviderFeed) -> datetime | None:
        """Return when the next poll is due, or None while nobody follows the event."""
        return polling.due_at(state)

    def vitals(self, state: ProviderFeed) -> FeedVitals | None:
        """Return the feed's figures to be watched, or None while nobody follows the event."""
        return vitals_of(state)


def _advance(state: ProviderFeed, recorded: Recorded, contest_id: str, first: int, polled_at: datetime) -> Owed:
    message = FeedAdvanced(
        provider_event_id=state.provider_event_id or "",
        first=first,
        changes=tuple(state.changes[first:]),
        polled_at=polled_at,
        head=recorded.hash.hex(),
    )
    key = f"{recorded.event.key}/FeedAdvanced/{contest_id}"
    return Owed(key=key, to=f"contest/{contest_id}", message=message)


def _watch(state: ProviderFeed, command: WatchEvent) -> Decision:
    """Let a contest follow the event. The same attempt again changes nothing; a further one has all sent again."""
    if state.provider_event_id not in (None, command.provider_event_id):
        return Rejected(code=RejectCode.FEED_WRONG_EVENT, details={"expected": state.provider_event_id})
    if command.attempt <= state.attempts.get(command.contest_id, 0):
        return Accepted(reply={"deduped": True})
    watched = EventWatched(
        provider_event_id=command.provider_event_id,
        contest_id=command.contest_id,
        from_at=command.from_at,
        first_tee_at=command.first_tee_at,
        attempt=command.attempt,
        rounds=command.rounds,
    )
    return Accepted(events=(watched,), reply={"deduped": False})


def _unwatch(state: ProviderFeed, command: UnwatchEvent, now: datetime) -> Decision:
    """Let a contest go: at once, or after a late watch. What is asked for twice happens once."""
    watched = state.subscribers.get(command.contest_id)
    if watched is None:
        return Accepted(reply={"deduped": True})
    if command.late_until is not None and command.late_until > now:
        late = LateWatchBegan(contest_id=command.contest_id, attempt=watched.attempt, until_at=command.late_until)
        return Accepted(events=(late,))
    return Accepted(events=(EventUnwatched(contest_id=command.contest_id, attempt=watched.attempt),))
