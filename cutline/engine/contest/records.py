"""Describe what stands behind a contest's result: its feed as taken, its runs, its audits. It decides nothing."""

from __future__ import annotations

from typing import Any

from cutline.engine.contest.reading import settlement_status
from cutline.engine.contest.state import Contest
from cutline.engine.messages.untriggered import SettledContest
from cutline.engine.vitals import ContestVitals


def describe_ingestion(contest: Contest) -> dict[str, Any]:
    """Return what the contest has taken of its provider's event, and what came after it was COMPLETE."""
    feed, late = contest.feed, contest.late
    published = feed.board.published
    return {
        "contest_id": contest.contest_id,
        "status": contest.status.value,
        "provider_event_id": contest.created.provider_event_id,
        "event_status": feed.board.status,
        "changes_applied": feed.applied if late is None else late.applied,
        "polled_at": feed.polled_at if late is None else late.polled_at,
        "field_complete": feed.field is not None,
        "field_count": None if published is None else published.count,
        "field_sha256": None if published is None else published.sha256,
        "waiting_for_gap": feed.waiting,
        "late_changes": 0 if late is None else late.applied - feed.applied,
        "late_corrections": 0 if late is None else late.corrections,
    }


def describe_audit(contest: Contest) -> dict[str, Any]:
    """Return every settlement run that has ended, and every audit, oldest first (SET-005)."""
    settlement = contest.settlement
    return {
        "contest_id": contest.contest_id,
        "settlement_status": settlement_status(contest),
        "runs": [dict(row) for row in settlement.history],
        "audits": [dict(row) for row in settlement.audits.ended],
        "next_audit_at": settlement.audits.next_at,
        "mismatches": list(settlement.audits.mismatches),
        "late_corrections": 0 if contest.late is None else contest.late.corrections,
    }


def vitals_of(contest: Contest) -> ContestVitals:
    """Return the figures to be watched."""
    settlement = contest.settlement
    return ContestVitals(
        settlement_status=settlement_status(contest),
        settlement_seconds=settlement.seconds,
        audits=len(settlement.audits.ended),
        audit_mismatches=len(settlement.audits.mismatches),
        late_corrections=0 if contest.late is None else contest.late.corrections,
        unheard=_unheard(contest),
    )


def _unheard(contest: Contest) -> SettledContest | None:
    settlement = contest.settlement
    if settlement.settled_at is None or not settlement.unpaid or settlement.paid or settlement.unpayable:
        return None
    return SettledContest(
        contest_id=contest.contest_id, settled_at=settlement.settled_at, prizes=len(settlement.unpaid)
    )
