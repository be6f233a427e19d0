"""The machine of a contest's file: gives each message to the part that judges it. It holds no rule of its own.

What entrants and payments ask is judged in `entries`, the lifecycle moves in `progress`, the provider's changes are
taken in `following`, and prizes are settled in `settling`; `folding` remembers and `owing` tells the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from cutline.engine.contest import auditing, entries, following, progress, reconfiguring, settling
from cutline.engine.contest.alerting import alerts_of
from cutline.engine.contest.events import EVENTS, ContestCreated
from cutline.engine.contest.folding import fold
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.owing import owed_by
from cutline.engine.contest.reading import describe_contest, describe_entry, describe_progress, progress_of
from cutline.engine.contest.records import describe_audit, describe_ingestion, vitals_of
from cutline.engine.contest.state import Contest, ContestState
from cutline.engine.decision import Accepted, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.messages import (
    AdoptConfig,
    CancelContest,
    ChangePicks,
    CreateContest,
    DeclareContestError,
    EnterContest,
    FeedAdvanced,
    FeePaid,
    ForceLock,
    Look,
    ReadContest,
    ReadEntries,
    ReadEntry,
    ReadIngestion,
    ReadProgress,
    ReadSettlementAudit,
    RecoverContest,
    ScoresAudited,
    SettlementComputed,
    WinningsPaid,
    WinningsUnpayable,
    WithdrawEntry,
)
from cutline.engine.tournament import ConfigInvalid, from_canonical
from cutline.engine.vitals import ContestVitals


class ContestMachine:
    """The pure rules of `contest/<id>`."""

    kind = "contest"
    events: Mapping[str, type] = {event.__name__: event for event in EVENTS}

    def initial(self) -> ContestState:
        """Return the state of an empty file."""
        return ContestState()

    def decide(self, state: ContestState, command: Any, now: datetime) -> Decision:
        """Judge a command at commit time `now` (UTC), changing nothing."""
        if isinstance(command, CreateContest):
            return _create(state, command)
        if state.contest is None:
            # Before its creation a contest has nothing to look at, and nothing to say.
            return Accepted() if isinstance(command, Look) else Rejected(code=RejectCode.NOT_FOUND)
        return _decide(state.contest, command, now)

    def evolve(self, state: ContestState, recorded: Recorded) -> None:
        """Fold one recorded event into the state."""
        fold(state, recorded)

    def owes(self, state: ContestState, recorded: Recorded) -> Sequence[Owed]:
        """Return the messages that this event, just folded into `state`, owes to other actors."""
        return owed_by(state.existing(), recorded)

    def resume(self, state: ContestState, now: datetime) -> Sequence[Any]:  # noqa: ARG002 - the contract's shape
        """Return the effects that a restarted actor must perform again: the settlement run or audit that is open."""
        if state.contest is None:
            return ()
        effects = (settling.compute_again(state.contest), auditing.again(state.contest))
        return tuple(effect for effect in effects if effect is not None)

    def due_at(self, state: ContestState) -> datetime | None:
        """Return when this contest next wants to look at the clock, or None; the past means at once."""
        return progress.due_at(state.contest) if state.contest is not None else None

    def vitals(self, state: ContestState) -> ContestVitals | None:
        """Return the contest's figures to be watched, or None before it is created."""
        return vitals_of(state.contest) if state.contest is not None else None


def _decide(contest: Contest, command: Any, now: datetime) -> Decision:
    judge = _JUDGES.get(type(command))
    if judge is None:
        raise InvariantViolated(f"{type(command).__name__} is no message to a contest")
    decision = judge(contest, command, now)
    if isinstance(decision, Accepted) and (alerts := alerts_of(contest.contest_id, decision.events)):
        return replace(decision, effects=(*decision.effects, *alerts))
    return decision


def _create(state: ContestState, command: CreateContest) -> Decision:
    """Create the contest once. Its config cannot be changed by creating it again (LIFE-018)."""
    contest = state.contest
    if contest is not None:
        known = (contest.contest_id, contest.created.config_sha256)
        if known == (command.contest_id, command.config_sha256):
            return Accepted(reply=describe_contest(contest) | {"deduped": True})
        open_for_change = contest.status is Status.SCHEDULED
        code = RejectCode.CONTEST_EXISTS if open_for_change else RejectCode.CONTEST_CONFIG_LOCKED
        return Rejected(code=code, details={"contest_id": contest.contest_id, "config_sha256": known[1]})
    try:
        config = from_canonical(command.config_json)
    except ConfigInvalid as invalid:
        return Rejected(code=RejectCode.CONFIG_INVALID, details={"faults": [str(fault) for fault in invalid.faults]})
    created = ContestCreated(
        contest_id=command.contest_id,
        config_json=command.config_json,
        config_sha256=command.config_sha256,
        currency=config.currency,
        provider_event_id=config.event.provider_event_id,
        lock_at=config.entry.lock_at,
        first_tee_at=config.event.first_tee_at,
    )
    return Accepted(events=(created,), reply={"contest_id": command.contest_id, "deduped": False})


def _progress(contest: Contest) -> dict[str, Any]:
    return {"contest_id": contest.contest_id, "progress": progress_of(contest), "steps": describe_progress(contest)}


def _read_entry(contest: Contest, command: ReadEntry) -> Decision:
    entry = contest.seats.entries.get(command.entry_id)
    if entry is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"entry_id": command.entry_id})
    return Accepted(reply=describe_entry(contest, entry))


def _read_entries(contest: Contest, command: ReadEntries) -> Decision:
    known = contest.seats.entries
    found = [known[entry_id] for entry_id in command.entry_ids if entry_id in known]
    return Accepted(reply={"entries": [describe_entry(contest, entry) for entry in found]})


_JUDGES: Mapping[type, Callable[[Contest, Any, datetime], Decision]] = {
    Look: lambda contest, _, now: progress.look(contest, now),
    EnterContest: entries.enter,
    ChangePicks: entries.change_picks,
    FeePaid: entries.take_fee,
    WithdrawEntry: entries.withdraw,
    FeedAdvanced: lambda contest, command, _: following.take_changes(contest, command),
    SettlementComputed: settling.record,
    ScoresAudited: auditing.record,
    WinningsPaid: lambda contest, command, _: settling.take_paid(contest, command),
    WinningsUnpayable: lambda contest, command, _: settling.take_unpayable(contest, command),
    CancelContest: lambda contest, command, _: progress.cancel(contest, command),
    DeclareContestError: lambda contest, command, _: progress.declare_error(contest, command),
    AdoptConfig: reconfiguring.adopt,
    ForceLock: progress.force_lock,
    RecoverContest: lambda contest, command, _: progress.recover(contest, command),
    ReadContest: lambda contest, _command, _now: Accepted(reply=describe_contest(contest)),
    ReadProgress: lambda contest, _command, _now: Accepted(reply=_progress(contest)),
    ReadEntry: lambda contest, command, _: _read_entry(contest, command),
    ReadIngestion: lambda contest, _command, _now: Accepted(reply=describe_ingestion(contest)),
    ReadSettlementAudit: lambda contest, _command, _now: Accepted(reply=describe_audit(contest)),
    ReadEntries: lambda contest, command, _: _read_entries(contest, command),
}
"""Who judges which message."""
