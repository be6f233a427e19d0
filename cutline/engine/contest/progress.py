"""Move a contest along its lifecycle when facts, a command or a fault say so; what may follow what is the table's.

A look takes every transition that is due, in order, however late it comes (C2, C5); when none is due it records
nothing. What was due but lacked a fact is recorded once for each set of missing facts (LIFE-003).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cutline.engine.contest import entries, settling
from cutline.engine.contest.changes import completed_rounds
from cutline.engine.contest.events import EntryStatus, StatusChanged, TransitionRefused
from cutline.engine.contest.feed_state import board_of
from cutline.engine.contest.ingestion import POLLS_TO_BELIEVE
from cutline.engine.contest.leaderboard import FINISHED
from cutline.engine.contest.lifecycle import (
    AUTOMATIC,
    EDGES,
    Edge,
    Facts,
    Status,
    Trigger,
    automatic_edge,
    commanded_edge,
)
from cutline.engine.contest.state import Contest
from cutline.engine.decision import Accepted, Decision, Event, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import CancelContest, DeclareContestError, ForceLock, RecoverContest
from cutline.engine.prizes import check_pot
from cutline.engine.settlement import check_ready

SCHEDULER = "scheduler"
FINAL_POLLS_MIN = POLLS_TO_BELIEVE
"""A final status must have been seen by so many polls before it is believed. (design: COMPLETE)"""
CALLED_OFF = "cancelled"


def facts_of(contest: Contest, now: datetime) -> Facts:
    """Gather what is true of a contest now."""
    config = contest.config
    board = contest.feed.board
    status = board.status if final_status_stands(contest) else None
    return Facts(
        lock_time_reached=now >= config.entry.lock_at,
        pot_covers_prizes=check_pot(config, contest.seats.counts[EntryStatus.ACTIVE]) is None,
        field_complete=contest.feed.field is not None,
        start_time_reached=now >= config.event.first_tee_at,
        final_status_stands=status in FINISHED,
        event_cancelled_stands=status == CALLED_OFF,
        rounds_suffice=status is None or completed_rounds(board) >= config.shortened.min_rounds,
        cards_are_closed=status in FINISHED and check_ready(config, board_of(board)) is None,
        came_from=contest.came_from,
    )


def final_status_stands(contest: Contest) -> bool:
    """Tell whether a final status has been seen for `hold_minutes` by at least three polls (LIFE-005, F6).

    The time counts from the first poll that showed it to the last one, so that silence proves nothing; a retraction,
    even one that is not believed, begins it anew.
    """
    board, polled_at = contest.feed.board, contest.feed.polled_at
    if board.terminal_since is None or polled_at is None or board.terminal_polls < FINAL_POLLS_MIN:
        return False
    return polled_at - board.terminal_since >= timedelta(minutes=contest.config.settlement.hold_minutes)


def look(contest: Contest, now: datetime) -> Decision:
    """Do what is due: expiries, then transitions in order, then the settlement."""
    facts = facts_of(contest, now)
    events: list[Event] = []
    status, number = contest.status, len(contest.transitions)
    while (edge := automatic_edge(status, facts)) is not None:
        number += 1
        events += _take(contest, edge, number)
        status = edge.target
    if status is contest.status:
        events += entries.expire_overdue(contest, now)
    events += _held_back(contest, status, facts, now)
    failed = settling.give_up(contest, now)
    if failed is not None:
        events.append(failed)
    started = settling.start(contest, now) if status is Status.COMPLETE else None
    if started is None:
        return Accepted(events=tuple(events))
    event, effect = started
    return Accepted(events=(*events, event), effects=(effect,))


def _take(contest: Contest, edge: Edge, number: int) -> list[Event]:
    before: list[Event] = []
    after: list[Event] = []
    if Trigger.LOCK_TIME is edge.trigger or Trigger.POT_SHORT is edge.trigger:
        before += entries.expire_pending(contest)
    if edge.target is Status.CANCELLED:
        gone = {event.entry_id for event in entries.expire_pending(contest)} if before else set()
        cancelled = entries.cancel_seated(contest, edge.trigger.value)
        after += [event for event in cancelled if event.entry_id not in gone]
    reason = ", ".join(guard.value for guard in edge.guards)
    changed = StatusChanged(
        number=number,
        from_status=edge.source,
        to_status=edge.target,
        trigger=edge.trigger,
        actor=SCHEDULER,
        reason=f"{edge.trigger.value}: {reason}",
    )
    return [*before, changed, *after]


def _held_back(contest: Contest, status: Status, facts: Facts, now: datetime) -> list[Event]:
    """Record once that the time of a transition has come while its facts have not."""
    target = _overdue_target(contest, status, now)
    if target is None:
        return []
    edge = next(e for e in EDGES if e.source is status and e.target is target and e.trigger in AUTOMATIC)
    reasons = tuple(guard.value for guard in edge.unmet(facts))
    if not reasons or (status, target, reasons) in contest.refused:
        return []
    refused = TransitionRefused(
        number=contest.refusals + 1,
        from_status=status,
        to_status=target,
        actor=SCHEDULER,
        reasons=reasons,
    )
    return [refused]


def _overdue_target(contest: Contest, status: Status, now: datetime) -> Status | None:
    """Return the state that should have come: LIVE from the first tee on, COMPLETE from the end or the final status."""
    event = contest.config.event
    if status is Status.LOCKED and now >= event.first_tee_at:
        return Status.LIVE
    if status is Status.LIVE and (now >= event.ends_at or final_status_stands(contest)):
        return Status.COMPLETE
    return None


def due_at(contest: Contest) -> datetime | None:
    """Return when a look will have something to do; a time in the past means at once."""
    times = [contest.seats.next_expiry(), _next_transition(contest), settling.due_at(contest)]
    return min((time for time in times if time is not None), default=None)


def _next_transition(contest: Contest) -> datetime | None:
    """Return the first time at which a look would take an edge, or record why it could not."""
    event = contest.config.event
    planned = {
        Status.SCHEDULED: contest.config.entry.lock_at,
        Status.LOCKED: event.first_tee_at,
        Status.LIVE: event.ends_at,
    }.get(contest.status)
    if planned is None:
        return None
    told_at = contest.feed.polled_at if final_status_stands(contest) else None
    for time in (told_at, planned):
        if time is not None and _would_act(contest, time):
            return time
    return None


def _would_act(contest: Contest, at: datetime) -> bool:
    facts = facts_of(contest, at)
    return automatic_edge(contest.status, facts) is not None or bool(_held_back(contest, contest.status, facts, at))


def cancel(contest: Contest, command: CancelContest) -> Decision:
    """Cancel the contest and return every fee, unless it is COMPLETE or already cancelled (LIFE-009)."""
    edge = commanded_edge(contest.status, Status.CANCELLED, Trigger.COMMAND, Facts())
    if edge is None:
        return refuse(contest, Status.CANCELLED, command.actor)
    changed = _commanded(contest, edge, command.actor, command.reason)
    events: tuple[Event, ...] = (changed, *entries.cancel_seated(contest, command.reason))
    return Accepted(events=events, reply={"status": Status.CANCELLED.value})


def declare_error(contest: Contest, command: DeclareContestError) -> Decision:
    """Stop the contest where it is, with the reason and the runbook that ends it (LIFE-010)."""
    edge = commanded_edge(contest.status, Status.ERROR, Trigger.FAULT, Facts())
    if edge is None:
        return refuse(contest, Status.ERROR, command.actor)
    changed = _commanded(contest, edge, command.actor, command.reason, command.runbook)
    return Accepted(events=(changed,), reply={"status": Status.ERROR.value})


def force_lock(contest: Contest, command: ForceLock, now: datetime) -> Decision:
    """Lock a contest that should have locked, as if its time had come (LIFE-020).

    The pot must cover the prizes all the same. The same execution asking again is answered with what it did.
    """
    if _did(contest, command.execution_id, Status.LOCKED):
        return Accepted(reply={"status": contest.status.value, "deduped": True})
    edge = commanded_edge(contest.status, Status.LOCKED, Trigger.COMMAND, facts_of(contest, now))
    if edge is None or edge.source is not Status.SCHEDULED:
        return refuse(contest, Status.LOCKED, command.actor)
    changed = _commanded(contest, edge, command.actor, command.reason, command.runbook, command.execution_id)
    events: tuple[Event, ...] = (*entries.expire_pending(contest), changed)
    return Accepted(events=events, reply={"status": Status.LOCKED.value, "deduped": False})


def recover(contest: Contest, command: RecoverContest) -> Decision:
    """Let a contest in ERROR go on in the state that it came from; the same execution asking again changes nothing."""
    if command.execution_id is not None and _did(contest, command.execution_id, None):
        return Accepted(reply={"status": contest.status.value, "deduped": True})
    target = contest.came_from or contest.status
    edge = commanded_edge(contest.status, target, Trigger.COMMAND, Facts(came_from=contest.came_from))
    if edge is None:
        return refuse(contest, target, command.actor)
    changed = _commanded(contest, edge, command.actor, command.reason, command.runbook, command.execution_id)
    return Accepted(events=(changed,), reply={"status": target.value, "deduped": False})


def _did(contest: Contest, execution_id: str, target: Status | None) -> bool:
    """Whether the last transition was this execution's: to `target`, or out of ERROR where there is none."""
    if not contest.transitions:
        return False
    last = contest.transitions[-1]
    wanted = last["from"] == Status.ERROR.value if target is None else last["to"] == target.value
    return bool(wanted and last["execution_id"] == execution_id)


def _commanded(
    contest: Contest,
    edge: Edge,
    actor: str,
    reason: str,
    runbook: str | None = None,
    execution_id: str | None = None,
) -> StatusChanged:
    return StatusChanged(
        number=len(contest.transitions) + 1,
        from_status=edge.source,
        to_status=edge.target,
        trigger=edge.trigger,
        actor=actor,
        reason=reason,
        runbook=runbook,
        execution_id=execution_id,
    )


def refuse(contest: Contest, target: Status, actor: str) -> Decision:
    """Refuse an illegal transition: the refusal is recorded, and is the reply (LIFE-011)."""
    reason = RejectCode.INVALID_STATUS_TRANSITION
    refused = TransitionRefused(
        number=contest.refusals + 1,
        from_status=contest.status,
        to_status=target,
        actor=actor,
        reasons=(reason.value,),
    )
    details = {"from": contest.status.value, "to": target.value}
    return Accepted(events=(refused,), reply=Rejected(code=reason, details=details))
