"""Judge when the provider is asked and what its answer adds; what a sound snapshot means is ingestion's to say."""

from __future__ import annotations

from datetime import datetime, timedelta

from cutline.engine.canonical import sha256_hex
from cutline.engine.contest.changes import write_change
from cutline.engine.contest.ingestion import diff
from cutline.engine.contest.leaderboard import NOT_STARTED, TERMINAL, parse_snapshot
from cutline.engine.decision import Accepted, Decision, Event, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.feed.events import (
    ChangesRecorded,
    PayloadRejected,
    PayloadStored,
    PollConfirmed,
    PollFailed,
    PollRecovered,
)
from cutline.engine.feed.state import ProviderFeed, Pulse
from cutline.engine.messages import FeedPolled, PollFeed

POLL_BEFORE_PLAY = timedelta(minutes=15)
"""How often an event is polled whose first tee is still to come."""
POLL_IN_PLAY = timedelta(minutes=1)
"""How often it is polled from the first tee on, while a regression is held, and while polling fails."""
POLL_WHEN_FINAL = timedelta(minutes=5)
"""How often it is polled while a final status must stand: well over three times in any useful hold."""


def due_at(state: ProviderFeed) -> datetime | None:
    """Return when the next poll is due, or None while no contest follows the event."""
    if not state.subscribers:
        return None
    start = min(watch.from_at for watch in state.subscribers.values())
    last = max((at for at in (state.pulse.asked_at, state.polled_at) if at is not None), default=None)
    if last is None or last < start:
        return start
    return _next_after(state, last)


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


def look(state: ProviderFeed, now: datetime) -> Decision:
    """Ask for one poll if one is due. The poll itself leaves no event."""
    due = due_at(state)
    if due is None or due > now or state.provider_event_id is None:
        return Accepted()
    state.pulse.asked_at = now
    return Accepted(effects=(PollFeed(provider_event_id=state.provider_event_id, etag=state.pulse.etag),))


def take_answer(state: ProviderFeed, polled: FeedPolled, now: datetime) -> Decision:
    """Record what one poll adds: a payload not seen before, changes, a refusal, or a change of health.

    "Not modified" is the last payload once more. It is worth an event only while a final status stands; a held
    regression counts its polls in the changes themselves. Nothing is recorded once nobody follows the event.
    """
    if not state.subscribers or state.provider_event_id is None:
        return Accepted()
    pulse = state.pulse
    pulse.answered_at, pulse.http_status, pulse.duration_ms = now, polled.http_status, polled.duration_ms
    if polled.error is not None:
        return Accepted(events=tuple(_failure(state, polled.error, polled.http_status)))
    stored: list[Event] = []
    blobs: dict[str, bytes] = {}
    if polled.body is not None:
        sha256 = sha256_hex(polled.body)
        snapshot = parse_snapshot(polled.body, state.provider_event_id)
        if isinstance(snapshot, Rejected):
            return _refuse(state, polled, polled.body, sha256, snapshot, now)
        pulse.etag, pulse.snapshot, pulse.sha256 = polled.etag, snapshot, sha256
        if sha256 not in state.payloads:
            kept = PayloadStored(sha256=sha256, http_status=polled.http_status or 200, received_at=now)
            stored.append(kept)
            blobs[kept.key] = polled.body
    if pulse.snapshot is None:
        pulse.forget_payload()
        return Accepted()
    return Accepted(events=(*_health(state), *stored, *_news(state, pulse, now)), blobs=blobs)


def _news(state: ProviderFeed, pulse: Pulse, now: datetime) -> list[Event]:
    if pulse.snapshot is None:
        return []
    found = diff(state.board, pulse.snapshot, now)
    if found:
        changed = ChangesRecorded(
            first=len(state.changes),
            changes=tuple(write_change(event) for event in found),
            polled_at=now,
            payload_sha256=pulse.sha256,
        )
        return [changed]
    if state.board.terminal_since is not None:
        return [PollConfirmed(number=state.confirmations + 1, polled_at=now)]
    return []


def _refuse(
    state: ProviderFeed, polled: FeedPolled, body: bytes, sha256: str, refusal: Rejected, now: datetime
) -> Decision:
    # A later "not modified" would mean this payload, so the next poll must fetch it whole.
    state.pulse.forget_payload()
    events: list[Event] = _failure(state, refusal.code.value, polled.http_status)
    if sha256 in state.payloads:
        return Accepted(events=tuple(events))
    rejected = PayloadRejected(
        sha256=sha256,
        http_status=polled.http_status or 200,
        received_at=now,
        code=RejectCode(refusal.code),
        details=dict(refusal.details),
    )
    return Accepted(events=(rejected, *events), blobs={rejected.key: body})


def _failure(state: ProviderFeed, error: str, http_status: int | None) -> list[Event]:
    if state.failing == error:
        return []
    return [PollFailed(number=state.health_changes + 1, error=error, http_status=http_status)]


def _health(state: ProviderFeed) -> list[Event]:
    return [PollRecovered(number=state.health_changes + 1)] if state.failing is not None else []
