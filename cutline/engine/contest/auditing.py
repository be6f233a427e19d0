"""Audit a settled contest on schedule: its file is read and scored again, and what differs is recorded and alerted.

Each audit waits twice as long as the one before it, so that years of settled contests cost little. An audit corrects
nothing and moves no money (SET-009, SET-010).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cutline.engine.contest.audit_events import AuditEnded, AuditStarted
from cutline.engine.contest.folding import FIRST_AUDIT_AFTER
from cutline.engine.contest.state import Contest
from cutline.engine.decision import Accepted, Decision
from cutline.engine.errors import RejectCode
from cutline.engine.messages import AuditScores, RaiseAlert, ScoresAudited

RUNBOOK = "runbooks/score-discrepancy-detected.md"
AUDIT_TIMEOUT = timedelta(minutes=30)
AUDIT_AGAIN_AFTER = timedelta(hours=1)
"""When an audit that could not look is tried again."""
DOUBLINGS_MAX = 7
MISMATCHES_KEPT = 20


def start(contest: Contest, now: datetime) -> tuple[AuditStarted, AuditScores] | None:
    """Begin the next audit if it is due."""
    settlement = contest.settlement
    next_at = settlement.audits.next_at
    if settlement.recorded is None or next_at is None or now < next_at:
        return None
    started = AuditStarted(number=settlement.audits.count + 1, run_id=settlement.recorded.run_id)
    return started, AuditScores(contest_id=contest.contest_id, number=started.number)


def give_up(contest: Contest, now: datetime) -> AuditEnded | None:
    """End an audit that nobody has answered; a later one looks again."""
    since = contest.settlement.audits.open_since
    if since is None or now < since + AUDIT_TIMEOUT:
        return None
    waited = {"code": RejectCode.ACTOR_TIMEOUT.value, "details": {"waited_s": AUDIT_TIMEOUT.total_seconds()}}
    return _ended(contest, ScoresAudited(number=contest.settlement.audits.count, error=waited), since, now)


def again(contest: Contest) -> AuditScores | None:
    """Return the effect of the open audit once more, after a restart."""
    audits = contest.settlement.audits
    if audits.open_since is None:
        return None
    return AuditScores(contest_id=contest.contest_id, number=audits.count)


def due_at(contest: Contest) -> datetime | None:
    """Return when the next audit is due, or when the open one is given up."""
    audits = contest.settlement.audits
    return audits.next_at if audits.open_since is None else audits.open_since + AUDIT_TIMEOUT


def record(contest: Contest, audited: ScoresAudited, now: datetime) -> Decision:
    """Record what the open audit found. An answer to any other audit is ignored."""
    audits = contest.settlement.audits
    if audits.open_since is None or audits.count != audited.number:
        return Accepted(reply={"deduped": True})
    ended = _ended(contest, audited, audits.open_since, now)
    if not ended.mismatches:
        return Accepted(events=(ended,))
    alert = RaiseAlert(
        name="score_audit_mismatch",
        runbook=RUNBOOK,
        details={
            "contest_id": contest.contest_id,
            "run_id": ended.run_id,
            "score_audit_mismatches": len(audited.mismatches),
        },
    )
    return Accepted(events=(ended,), effects=(alert,))


def _ended(contest: Contest, audited: ScoresAudited, since: datetime, now: datetime) -> AuditEnded:
    recorded = contest.settlement.recorded
    doublings = min(audited.number, DOUBLINGS_MAX)
    wait = FIRST_AUDIT_AFTER * 2**doublings if audited.error is None else AUDIT_AGAIN_AFTER
    return AuditEnded(
        contest_id=contest.contest_id,
        number=audited.number,
        run_id=recorded.run_id if recorded is not None else "",
        started_at=since,
        mismatches=tuple(audited.mismatches[:MISMATCHES_KEPT]),
        error=audited.error,
        next_at=now + wait,
    )
