"""Take the numbered changes of the provider's event into the contest; it believes them and moves no lifecycle.

What comes after the contest is COMPLETE is noted beside what is settled: it reopens nothing and pays nothing, and shows
what the result would have been (FAULTS F7).
"""

from __future__ import annotations

from cutline.engine.contest.audit_events import LateChangesReceived
from cutline.engine.contest.changes import ChangeUnreadable, check_readable
from cutline.engine.contest.events import FeedApplied, FeedConfirmed, FeedGapFound, StatusChanged
from cutline.engine.contest.lifecycle import Status, Trigger
from cutline.engine.contest.state import Contest
from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import FeedAdvanced, RaiseAlert

DEAF = frozenset({Status.CANCELLED, Status.ERROR})
"""States in which changes are not taken; after an ERROR the contest has them all sent again."""
RUNBOOK = "runbooks/contest-in-error.md"
LATE_RUNBOOK = "runbooks/late-correction.md"


def take_changes(contest: Contest, advanced: FeedAdvanced) -> Decision:
    """Apply the changes that are new, ignore those that are known, and never skip any.

    Across a gap nothing is applied: the contest asks the feed, once, to send everything again. No new changes is a
    poll that found everything as before; it counts while a final status stands. A change that this release cannot
    read stops the contest in ERROR, because what comes after it would be built on sand (ING-004). Another event's
    changes are refused: FEED_WRONG_EVENT (ING-022).
    """
    feed = contest.feed
    if advanced.provider_event_id != contest.created.provider_event_id:
        return Rejected(code=RejectCode.FEED_WRONG_EVENT, details={"expected": contest.created.provider_event_id})
    if contest.status in DEAF:
        return Accepted(reply={"applied": feed.applied})
    if contest.status is Status.COMPLETE:
        return _note_late(contest, advanced)
    if advanced.first > feed.applied:
        return _gap(contest, advanced)
    changes = advanced.changes[feed.applied - advanced.first :]
    if not changes:
        return _confirm(contest, advanced)
    try:
        check_readable(changes)
    except ChangeUnreadable as error:
        return Accepted(events=(_stopped(contest, str(error)),))
    applied = FeedApplied(first=feed.applied, changes=tuple(changes), polled_at=advanced.polled_at, head=advanced.head)
    return Accepted(events=(applied,), reply={"applied": feed.applied + len(changes)})


def _note_late(contest: Contest, advanced: FeedAdvanced) -> Decision:
    """Note what the provider changes after the end, and say so where it contradicts what the result rests on.

    A change that cannot be read, or that came before the one it follows, stays with the feed, which sends it again.
    """
    known = contest.late.applied if contest.late is not None else contest.feed.applied
    if advanced.first > known:
        return Rejected(code=RejectCode.MESSAGE_TOO_EARLY, details={"expected": known, "first": advanced.first})
    changes = tuple(advanced.changes[known - advanced.first :])
    if not changes:
        return Accepted(reply={"applied": known})
    try:
        check_readable(changes)
    except ChangeUnreadable as error:
        return Rejected(code=RejectCode.FEED_INVALID, details={"reason": str(error)})
    late = LateChangesReceived(first=known, changes=changes, polled_at=advanced.polled_at, head=advanced.head)
    corrects = [str(payload["corrects"]) for _, payload in changes if payload.get("corrects") is not None]
    alert = RaiseAlert(
        name="late_correction",
        runbook=LATE_RUNBOOK,
        details={"contest_id": contest.contest_id, "count": len(corrects), "corrects": corrects[:5]},
    )
    return Accepted(events=(late,), effects=(alert,) if corrects else (), reply={"applied": known + len(changes)})


def _gap(contest: Contest, advanced: FeedAdvanced) -> Decision:
    feed = contest.feed
    if feed.waiting:
        return Accepted(reply={"applied": feed.applied})
    found = FeedGapFound(attempt=feed.watches + 1, expected=feed.applied, first=advanced.first)
    return Accepted(events=(found,), reply={"applied": feed.applied})


def _confirm(contest: Contest, advanced: FeedAdvanced) -> Decision:
    feed = contest.feed
    behind = advanced.first + len(advanced.changes) < feed.applied
    known = feed.polled_at is not None and advanced.polled_at <= feed.polled_at
    if behind or known or advanced.changes or feed.board.terminal_since is None:
        return Accepted(reply={"applied": feed.applied})
    return Accepted(events=(FeedConfirmed(polled_at=advanced.polled_at),), reply={"applied": feed.applied})


def _stopped(contest: Contest, why: str) -> StatusChanged:
    return StatusChanged(
        number=len(contest.transitions) + 1,
        from_status=contest.status,
        to_status=Status.ERROR,
        trigger=Trigger.FAULT,
        actor="feed",
        reason=f"FEED_CHANGE_UNREADABLE: {why}",
        runbook=RUNBOOK,
    )
