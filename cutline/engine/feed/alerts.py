"""What a person should hear of the feed: payloads that were refused, and values that went back where money follows.

One poll raises one alert of a kind, however many golfers it is about. It must not judge what is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cutline.engine.contest.feed_events import (
    EventStatusReported,
    FeedEvent,
    FieldPublished,
    PlayerStatusReported,
    RegressionHeld,
    RoundScored,
)
from cutline.engine.contest.feed_state import FeedState
from cutline.engine.contest.leaderboard import HOLES_A_ROUND, NOT_STARTED
from cutline.engine.feed.events import PayloadRejected
from cutline.engine.messages import RaiseAlert

REJECTED_RUNBOOK = "runbooks/feed-payload-rejected.md"
REGRESSION_RUNBOOK = "runbooks/feed-regression.md"
SUBJECTS_SHOWN = 5
_ALWAYS_MONEY = frozenset({"status_vanished", "status_retracted", "finished_score_changed"})
Correction = RoundScored | PlayerStatusReported | EventStatusReported | FieldPublished


def of_rejection(provider_event_id: str, rejected: PayloadRejected) -> RaiseAlert:
    """Say that a payload was refused, by which rule and where (ING-005)."""
    details = {
        "provider_event_id": provider_event_id,
        "code": rejected.code.value,
        "reason": rejected.details.get("reason"),
        "path": rejected.details.get("path"),
        "sha256": rejected.sha256,
    }
    return RaiseAlert(name="feed_payload_rejected", runbook=REJECTED_RUNBOOK, details=details)


def of_changes(provider_event_id: str, board: FeedState, found: Sequence[FeedEvent]) -> list[RaiseAlert]:
    """Say what in a poll's changes went back, or was corrected after it had been held, where a prize can hang on it.

    `board` is what was believed before them.
    """
    held = [event for event in found if isinstance(event, RegressionHeld) and _is_news(board, event)]
    believed = [event for event in found if isinstance(event, Correction) and _was_held(board, event)]
    alerts = []
    if held:
        kinds = sorted({event.kind for event in held})
        subjects = [event.subject for event in held]
        alerts.append(_alert("feed_regression_held", provider_event_id, subjects, kinds=kinds))
    if believed:
        corrects = [str(event.corrects) for event in believed]
        alerts.append(_alert("feed_correction_believed", provider_event_id, corrects))
    return alerts


def touches_money(board: FeedState, held: RegressionHeld) -> bool:
    """Tell whether a prize can hang on a value that went back: a status, the field in play, or a signed card."""
    if held.kind in _ALWAYS_MONEY:
        return True
    if held.kind == "field_changed":
        return board.status not in NOT_STARTED
    scored = board.rounds.get(held.player_id or "", {}).get(held.round or 0)
    return scored is not None and scored.thru == HOLES_A_ROUND


def _is_news(board: FeedState, held: RegressionHeld) -> bool:
    return held.polls == 1 and touches_money(board, held)


def _was_held(board: FeedState, event: Correction) -> bool:
    if event.corrects is None:
        return False
    # The business key of a correction begins with the subject that was held.
    subject = event.key.rpartition(":")[0]
    return subject in board.holds and touches_money(board, board.holds[subject])


def _alert(name: str, provider_event_id: str, subjects: Sequence[str], **more: Any) -> RaiseAlert:
    details = {
        "provider_event_id": provider_event_id,
        "count": len(subjects),
        "subjects": list(subjects[:SUBJECTS_SHOWN]),
        **more,
    }
    return RaiseAlert(name=name, runbook=REGRESSION_RUNBOOK, details=details)
