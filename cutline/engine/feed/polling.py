"""Judge when the provider is asked and what its answer adds; what a sound snapshot means is ingestion's to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cutline.engine.canonical import sha256_hex
from cutline.engine.contest.changes import write_change
from cutline.engine.contest.ingestion import diff
from cutline.engine.contest.leaderboard import NOT_STARTED, TERMINAL, parse_snapshot
from cutline.engine.decision import Accepted, Decision, Event, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.feed import alerts, lag
from cutline.engine.feed.events import (
    ChangesRecorded,
    EventUnwatched,
    PayloadRejected,
    PayloadStored,
    PollConfirmed,
    PollFailed,
    PollRecovered,
)
from cutline.engine.feed.state import ProviderFeed
from cutline.engine.messages import FeedPolled, PollFeed

POLL_BEFORE_PLAY = timedelta(minutes=15)
"""How often an event is polled whose first tee is still to come."""
POLL_IN_PLAY = timedelta(minutes=1)
"""How often it is polled from the first tee on, while a regression is held, and while polling fails."""
POLL_WHEN_FINAL = timedelta(minutes=5)
"""How often it is polled while a final status must stand: well over three times in any useful hold."""
POLL_WHEN_LATE = timedelta(hours=6)
"""How often it is polled when every contest on it is complete, and only late corrections are waited for."""
POLL_LATE_AGAIN = timedelta(minutes=15)
"""How often then while something that went back is to prove itself, and while polling fails."""
UNMODIFIED_MAX = 30
"""After so many "not modified" in a row the payload is fetched whole: a broken cache answers so for ever (F9)."""
DETAIL_CHARACTERS_MAX = 200
SOUND = 200


@dataclass(slots=True)
class _Found:
    """What one poll leaves: events in order, the raw bytes that go with them, and what a person should hear."""

    events: list[Event] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    effects: list[Any] = field(default_factory=list)

    def decision(self) -> Decision:
        return Accepted(events=tuple(self.events), blobs=self.blobs, effects=tuple(self.effects))


def due_at(state: ProviderFeed) -> datetime | None:
    """Return when the next poll is due, or None while no contest follows the event."""
    if not state.subscribers:
        return _late_due_at(state)
    start = min(watch.from_at for watch in state.subscribers.values())
    last = _last(state)
    if last is None or last < start:
        return start
    return _next_after(state, last)


def _last(state: ProviderFeed) -> datetime | None:
    return max((at for at in (state.pulse.asked_at, state.polled_at) if at is not None), default=None)


def _next_after(state: ProviderFeed, last: datetime) -> datetime:
    soon = last + POLL_IN_PLAY
    if state.failing is not None or state.board.holds:
        return soon
    if state.board.status in TERMINAL:
        return last + POLL_WHEN_FINAL
    if state.board.status not in NOT_STARTED | {None}:
        return soon
    tees = [watch.first_tee_at for watch in state.subscribers.values() if watch.first_tee_at is not None]
    return min([last + POLL_BEFORE_PLAY, *(max(soon, tee) for tee in tees)])


def _late_due_at(state: ProviderFeed) -> datetime | None:
    """Return the next late poll, or the end of a late watch where that comes first."""
    last, ends = _last(state), [watch.until_at for watch in state.late.values()]
    if not ends or last is None:
        return min(ends, default=None)
    unsettled = state.failing is not None or bool(state.board.holds)
    return min(last + (POLL_LATE_AGAIN if unsettled else POLL_WHEN_LATE), *ends)


def look(state: ProviderFeed, now: datetime) -> Decision:
    """Ask for one poll if one is due, let late watches end, and record a lag. The poll itself leaves no event."""
    found = _Found()
    over = [watch for watch in state.late.values() if watch.until_at <= now]
    found.events += [EventUnwatched(contest_id=watch.contest_id, attempt=watch.attempt) for watch in over]
    due = due_at(state)
    if due is None or due > now or state.provider_event_id is None:
        return found.decision()
    if (lagged := lag.judge(state, now)) is not None:
        found.events.append(lagged[0])
        found.effects.append(lagged[1])
    if state.subscribers or len(over) < len(state.late):
        state.pulse.asked_at = now
        etag = state.pulse.etag if state.pulse.unmodified < UNMODIFIED_MAX else None
        found.effects.append(PollFeed(provider_event_id=state.provider_event_id, etag=etag))
    return found.decision()


def poll_at_once(state: ProviderFeed, now: datetime) -> Decision:
    """Ask for the payload whole, due or not, if anybody follows the event (ING-014)."""
    if state.provider_event_id is None or not (state.subscribers or state.late):
        return Accepted(reply={"polled": False})
    state.pulse.asked_at = now
    return Accepted(effects=(PollFeed(provider_event_id=state.provider_event_id, etag=None),), reply={"polled": True})


def take_answer(state: ProviderFeed, polled: FeedPolled, now: datetime) -> Decision:
    """Record what one poll adds: a payload not seen before, changes, a refusal, or a change of health.

    "Not modified" is the last payload once more. It is worth an event only while a final status stands; a held
    regression counts its polls in the changes themselves. Nothing is recorded once nobody follows the event.
    """
    if not (state.subscribers or state.late) or state.provider_event_id is None:
        return Accepted()
    pulse, found = state.pulse, _Found()
    pulse.answered_at, pulse.http_status, pulse.duration_ms = now, polled.http_status, polled.duration_ms
    if polled.error is not None:
        _fail(state, found, polled, polled.error)
        if polled.evidence and found.events and polled.http_status == SOUND:
            _reject(state, found, polled, polled.evidence, _as_refusal(polled), now)
        return found.decision()
    if polled.body is not None:
        snapshot = parse_snapshot(polled.body, state.provider_event_id, rounds=state.rounds)
        if isinstance(snapshot, Rejected):
            # A later "not modified" would mean this payload, so the next poll must fetch it whole.
            pulse.forget_payload()
            _reject(state, found, polled, polled.body, snapshot, now)
            _fail(state, found, polled, snapshot.code.value)
            return found.decision()
        pulse.etag, pulse.snapshot, pulse.sha256 = polled.etag, snapshot, sha256_hex(polled.body)
    if pulse.snapshot is None:
        pulse.forget_payload()
        return Accepted()
    pulse.good_at = now
    pulse.unmodified = pulse.unmodified + 1 if polled.body is None else 0
    found.events += [*_health(state), *lag.end(state)]
    if polled.body is not None and pulse.sha256 not in state.payloads:
        kept = PayloadStored(sha256=pulse.sha256, http_status=polled.http_status or SOUND, received_at=now)
        found.events.append(kept)
        found.blobs[kept.key] = polled.body
    _add_news(state, found, now)
    return found.decision()


def _add_news(state: ProviderFeed, found: _Found, now: datetime) -> None:
    pulse = state.pulse
    if pulse.snapshot is None or state.provider_event_id is None:
        return
    changes = diff(state.board, pulse.snapshot, now)
    if changes:
        changed = ChangesRecorded(
            first=len(state.changes),
            changes=tuple(write_change(event) for event in changes),
            polled_at=now,
            payload_sha256=pulse.sha256,
        )
        found.events.append(changed)
        found.effects += alerts.of_changes(state.provider_event_id, state.board, changes)
    elif state.board.terminal_since is not None and state.subscribers:
        found.events.append(PollConfirmed(number=state.confirmations + 1, polled_at=now))


def _reject(
    state: ProviderFeed, found: _Found, polled: FeedPolled, body: bytes, refusal: Rejected, now: datetime
) -> None:
    """Keep a payload that is refused, with the rule it broke: once, however often it is served."""
    sha256 = sha256_hex(body)
    if sha256 in state.payloads:
        return
    rejected = PayloadRejected(
        sha256=sha256,
        http_status=polled.http_status or SOUND,
        received_at=now,
        code=RejectCode(refusal.code),
        details=dict(refusal.details),
    )
    found.events.append(rejected)
    found.blobs[rejected.key] = body
    found.effects.append(alerts.of_rejection(state.provider_event_id or "", rejected))


def _as_refusal(polled: FeedPolled) -> Rejected:
    """Return what was served and is no leaderboard, by the name of its failure."""
    details = {"reason": (polled.error or "").lower(), "path": "", "value": polled.detail[:DETAIL_CHARACTERS_MAX]}
    return Rejected(code=RejectCode.FEED_INVALID, details=details)


def _fail(state: ProviderFeed, found: _Found, polled: FeedPolled, error: str) -> None:
    if state.failing != error:
        detail = polled.detail[:DETAIL_CHARACTERS_MAX]
        failed = PollFailed(number=state.health_changes + 1, error=error, http_status=polled.http_status, detail=detail)
        found.events.append(failed)


def _health(state: ProviderFeed) -> list[Event]:
    return [PollRecovered(number=state.health_changes + 1)] if state.failing is not None else []
