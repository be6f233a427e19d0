"""Fold a contest's events into its state: the one place that changes it. It judges nothing and owes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from cutline.engine.canonical import sha256_hex
from cutline.engine.contest.audit_events import AuditEnded, AuditStarted, LateChangesReceived
from cutline.engine.contest.changes import read_change
from cutline.engine.contest.config_events import ConfigChangeRefused, ContestConfigChanged
from cutline.engine.contest.events import (
    ContestCreated,
    EntryActivated,
    EntryCancelled,
    EntryExpired,
    EntryPicksChanged,
    EntryRefused,
    EntryReserved,
    EntryStatus,
    EntryWithdrawn,
    FeedApplied,
    FeedConfirmed,
    FeedGapFound,
    PrizePaid,
    PrizeUnpayable,
    RostersFrozen,
    SettlementFailed,
    SettlementRecorded,
    SettlementStarted,
    StatusChanged,
    TransitionRefused,
)
from cutline.engine.contest.feed_state import copy_of
from cutline.engine.contest.feed_state import evolve as fold_change
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.state import Contest, ContestState, Entry, Late, Run, Settlement
from cutline.engine.decision import Recorded
from cutline.engine.errors import InvariantViolated
from cutline.engine.tournament import Tournament, from_canonical

SCHEDULER_ACTOR = "scheduler"
CONFIGS_KEPT = 128


@lru_cache(maxsize=CONFIGS_KEPT)
def _config_of(config_json: str) -> Tournament:
    """Read a configuration once for all contests that play by it: it is immutable, and reading takes a millisecond."""
    return from_canonical(config_json)


FIRST_AUDIT_AFTER = timedelta(days=1)
"""How long after the settlement it is audited first, at the least."""
AUDITS_SPREAD_OVER_MINUTES = 360
"""Contests that settle at one instant are audited at different minutes, by their ids."""


def fold(state: ContestState, recorded: Recorded) -> None:
    """Fold one recorded event. An event of another file kind is a bug."""
    event = recorded.event
    if isinstance(event, ContestCreated):
        state.contest = Contest(
            created=event,
            created_at=recorded.at,
            config=_config_of(event.config_json),
            config_json=event.config_json,
            config_sha256=event.config_sha256,
        )
        return
    folder = _FOLDERS.get(type(event))
    if folder is None:
        raise InvariantViolated(f"{type(event).__name__} is no event of a contest")
    folder(state.existing(), recorded)


def _config_changed(contest: Contest, recorded: Recorded) -> None:
    event: ContestConfigChanged = recorded.event
    contest.config = _config_of(event.config_json)
    contest.config_json, contest.config_sha256 = event.config_json, event.config_sha256
    contest.config_version = contest.config_judged = event.version
    contest.config_refusal = None
    if event.watch_attempt is not None:
        contest.feed.watches = event.watch_attempt


def _config_refused(contest: Contest, recorded: Recorded) -> None:
    contest.config_refusal = recorded.event
    contest.config_judged = recorded.event.version


def _changed(contest: Contest, recorded: Recorded) -> None:
    event: StatusChanged = recorded.event
    if event.from_status is not contest.status:
        raise InvariantViolated(f"{event.key} leaves {event.from_status}, but the contest is {contest.status}")
    contest.came_from = event.from_status if event.to_status is Status.ERROR else None
    contest.status = event.to_status
    if event.from_status is Status.ERROR and event.to_status is not Status.CANCELLED:
        contest.feed.watches += 1
    contest.transitions.append(
        {
            "at": recorded.at,
            "from": event.from_status.value,
            "to": event.to_status.value,
            "actor": event.actor,
            "reason": event.reason,
            "runbook": event.runbook,
            "execution_id": event.execution_id,
        }
    )


def _transition_refused(contest: Contest, recorded: Recorded) -> None:
    event: TransitionRefused = recorded.event
    contest.refusals += 1
    if event.actor == SCHEDULER_ACTOR:
        contest.refused.add((event.from_status, event.to_status, event.reasons))


def _reserved(contest: Contest, recorded: Recorded) -> None:
    event: EntryReserved = recorded.event
    contest.seats.add(
        Entry(
            entry_id=event.entry_id,
            account_did=event.account_did,
            picks=event.picks,
            tiebreak=event.tiebreak,
            entered_at=recorded.at,
            expires_at=event.expires_at,
        )
    )


def _picks_changed(contest: Contest, recorded: Recorded) -> None:
    event: EntryPicksChanged = recorded.event
    entry = contest.seats.entries[event.entry_id]
    if entry.asked is None:
        entry.asked = (entry.picks, entry.tiebreak)
    entry.picks, entry.tiebreak = event.picks, event.tiebreak
    entry.picks_changes = event.number


def _activated(contest: Contest, recorded: Recorded) -> None:
    event: EntryActivated = recorded.event
    entry = contest.seats.entries[event.entry_id]
    entry.payment_intent = event.payment_intent
    contest.seats.outcomes[event.payment_intent] = "activated"
    contest.seats.move(entry, EntryStatus.ACTIVE)


def _fee_refused(contest: Contest, recorded: Recorded) -> None:
    event: EntryRefused = recorded.event
    contest.seats.outcomes[event.payment_intent] = "refused"
    if event.entry_status is not None:
        contest.seats.move(contest.seats.entries[event.entry_id], event.entry_status)


def _to(status: EntryStatus) -> Callable[[Contest, Recorded], None]:
    def move(contest: Contest, recorded: Recorded) -> None:
        contest.seats.move(contest.seats.entries[recorded.event.entry_id], status)

    return move


def _applied(contest: Contest, recorded: Recorded) -> None:
    event: FeedApplied = recorded.event
    feed = contest.feed
    for change in event.changes:
        fold_change(feed.board, read_change(change))
    feed.applied = event.first + len(event.changes)
    feed.polled_at = event.polled_at
    feed.waiting = False
    if feed.board.published is not None:
        feed.field = feed.board.player_ids


def _confirmed(contest: Contest, recorded: Recorded) -> None:
    event: FeedConfirmed = recorded.event
    contest.feed.polled_at = event.polled_at


def _gap_found(contest: Contest, recorded: Recorded) -> None:
    event: FeedGapFound = recorded.event
    contest.feed.watches = event.attempt
    contest.feed.waiting = True


def _late_received(contest: Contest, recorded: Recorded) -> None:
    event: LateChangesReceived = recorded.event
    late = contest.late
    if late is None:
        late = Late(board=copy_of(contest.feed.board), applied=contest.feed.applied, polled_at=event.polled_at)
        contest.late = late
    for change in event.changes:
        fold_change(late.board, read_change(change))
        late.corrections += change[1].get("corrects") is not None
    late.applied, late.polled_at = event.first + len(event.changes), event.polled_at


def _frozen(contest: Contest, recorded: Recorded) -> None:
    contest.frozen = recorded.event


def _run_started(contest: Contest, recorded: Recorded) -> None:
    event: SettlementStarted = recorded.event
    contest.settlement.attempts = event.attempt
    contest.settlement.retry_at = None
    contest.settlement.run = Run(
        run_id=event.run_id,
        attempt=event.attempt,
        checkpoint=event.checkpoint,
        input_sha256=event.input_sha256,
        started_at=recorded.at,
    )


def _run_failed(contest: Contest, recorded: Recorded) -> None:
    event: SettlementFailed = recorded.event
    contest.settlement.run = None
    contest.settlement.error = event.error
    contest.settlement.retry_at = event.retry_at
    contest.settlement.history.append(_audit_row(recorded, None, dict(event.error)))


def _settled(contest: Contest, recorded: Recorded) -> None:
    event: SettlementRecorded = recorded.event
    settlement = contest.settlement
    settlement.run = settlement.error = None
    settlement.recorded = event
    settlement.seconds = (recorded.at - event.started_at).total_seconds()
    settlement.history.append(_audit_row(recorded, event, None))
    place = int(sha256_hex(event.contest_id.encode())[:8], 16) % AUDITS_SPREAD_OVER_MINUTES
    settlement.audits.next_at = recorded.at + FIRST_AUDIT_AFTER + timedelta(minutes=place)
    settlement.results = {entry.entry_id: entry for entry in event.entries}
    settlement.unpaid = {entry.entry_id: entry.prize_cents for entry in event.entries if entry.prize_cents > 0}
    settlement.settled_at = recorded.at
    _note_end(settlement, recorded)


def _note_end(settlement: Settlement, recorded: Recorded) -> None:
    if not settlement.unpaid and settlement.paid_out_at is None:
        settlement.paid_out_at = recorded.at


def _audit_row(recorded: Recorded, settled: SettlementRecorded | None, error: dict[str, Any] | None) -> dict[str, Any]:
    event: SettlementRecorded | SettlementFailed = recorded.event
    return {
        "run_id": event.run_id,
        "contest_id": event.contest_id,
        "score_version": settled.score_version if settled is not None else 1,
        "checkpoint": event.checkpoint,
        "status": "FAILED" if settled is None else "COMPLETE",
        "error": error,
        "input_sha256": event.input_sha256,
        "result_sha256": None if settled is None else settled.result_sha256,
        "started_at": event.started_at,
        "ended_at": recorded.at,
    }


def _audit_started(contest: Contest, recorded: Recorded) -> None:
    event: AuditStarted = recorded.event
    audits = contest.settlement.audits
    audits.count, audits.open_since, audits.next_at = event.number, recorded.at, None


def _audit_ended(contest: Contest, recorded: Recorded) -> None:
    event: AuditEnded = recorded.event
    audits = contest.settlement.audits
    audits.open_since, audits.next_at = None, event.next_at
    if event.error is None:
        audits.mismatches = event.mismatches
    audits.ended.append(
        {
            "number": event.number,
            "run_id": event.run_id,
            "started_at": event.started_at,
            "ended_at": recorded.at,
            "mismatches": list(event.mismatches),
            "error": None if event.error is None else dict(event.error),
            "next_at": event.next_at,
        }
    )


def _paid(contest: Contest, recorded: Recorded) -> None:
    event: PrizePaid = recorded.event
    contest.settlement.unpaid.pop(event.entry_id, None)
    contest.settlement.unpayable.pop(event.entry_id, None)
    contest.settlement.paid[event.entry_id] = event.amount_cents
    _note_end(contest.settlement, recorded)


def _unpayable(contest: Contest, recorded: Recorded) -> None:
    event: PrizeUnpayable = recorded.event
    contest.settlement.unpaid.pop(event.entry_id, None)
    contest.settlement.unpayable[event.entry_id] = event.amount_cents
    _note_end(contest.settlement, recorded)


_FOLDERS: dict[type, Callable[[Contest, Any], None]] = {
    ContestConfigChanged: _config_changed,
    ConfigChangeRefused: _config_refused,
    StatusChanged: _changed,
    TransitionRefused: _transition_refused,
    EntryReserved: _reserved,
    EntryPicksChanged: _picks_changed,
    EntryActivated: _activated,
    EntryRefused: _fee_refused,
    EntryExpired: _to(EntryStatus.EXPIRED),
    EntryWithdrawn: _to(EntryStatus.WITHDRAWN),
    EntryCancelled: _to(EntryStatus.CANCELLED),
    FeedApplied: _applied,
    FeedConfirmed: _confirmed,
    FeedGapFound: _gap_found,
    LateChangesReceived: _late_received,
    RostersFrozen: _frozen,
    SettlementStarted: _run_started,
    SettlementFailed: _run_failed,
    SettlementRecorded: _settled,
    AuditStarted: _audit_started,
    AuditEnded: _audit_ended,
    PrizePaid: _paid,
    PrizeUnpayable: _unpayable,
}
