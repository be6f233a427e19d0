"""Describe a feed as plain data, for ops who ask and as figures to be watched. It decides nothing."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import orjson

from cutline.engine.codec import event_json
from cutline.engine.decision import Recorded
from cutline.engine.feed import lag, polling
from cutline.engine.feed.events import ChangesRecorded
from cutline.engine.feed.state import ProviderFeed
from cutline.engine.vitals import FeedVitals

CORRECTIONS_SHOWN = 5


def describe(state: ProviderFeed, now: datetime, applied: int | None = None) -> dict[str, Any]:
    """Return the feed as it is: the provider's health, the lag in seconds, what is held, what happened last.

    `pending` is what waits for a follower that has `applied` so many changes, and since when (ING-015).
    """
    pulse, good_at = state.pulse, lag.last_good_at(state)
    waiting = state.changes[applied:] if applied is not None else []
    return {
        "pending": len(waiting),
        "pending_since": waiting[0][1].get("received_at") if waiting else None,
        "provider_event_id": state.provider_event_id,
        "event_status": state.board.status,
        "followers": sorted(state.subscribers),
        "late_followers": sorted(state.late),
        "changes": len(state.changes),
        "payloads": len(state.payloads),
        "rejected_payloads": state.rejected,
        "held_regressions": sorted(state.board.holds),
        "held": [_held(state, subject) for subject in sorted(state.board.holds)],
        "failing": state.failing,
        "failing_since": state.failing_since,
        "lag_seconds": None if good_at is None else (now - good_at).total_seconds(),
        "lagging": state.lagging,
        "last_event_polled_at": state.polled_at,
        "last_poll": {
            "asked_at": pulse.asked_at,
            "answered_at": pulse.answered_at,
            "good_at": pulse.good_at,
            "http_status": pulse.http_status,
            "duration_ms": pulse.duration_ms,
        },
        "next_poll_at": polling.due_at(state),
        "recent": [_happening(recorded) for recorded in reversed(state.recent)],
    }


def _held(state: ProviderFeed, subject: str) -> dict[str, Any]:
    hold = state.board.holds[subject]
    return {
        "subject": subject,
        "kind": hold.kind,
        "believed": hold.believed,
        "served": hold.served,
        "polls": hold.polls,
        "received_at": hold.received_at,
    }


def _happening(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    what = _summary(event) if isinstance(event, ChangesRecorded) else orjson.loads(event_json(event))
    return {"seq": recorded.seq, "at": recorded.at, "type": type(event).__name__, "details": what}


def _summary(changed: ChangesRecorded) -> dict[str, Any]:
    corrects = [payload["corrects"] for _, payload in changed.changes if payload.get("corrects")]
    return {
        "first": changed.first,
        "payload_sha256": changed.payload_sha256,
        "changes": dict(sorted(Counter(name for name, _ in changed.changes).items())),
        "corrects": corrects[:CORRECTIONS_SHOWN],
    }


def vitals_of(state: ProviderFeed) -> FeedVitals | None:
    """Return the figures to be watched, or None while nobody follows the event."""
    if state.provider_event_id is None or not state.subscribers:
        return None
    return FeedVitals(
        provider_event_id=state.provider_event_id,
        followers=len(state.subscribers),
        last_good_at=lag.last_good_at(state),
        failing=state.failing is not None,
        held_regressions=len(state.board.holds),
        rejected_payloads=state.rejected,
    )
