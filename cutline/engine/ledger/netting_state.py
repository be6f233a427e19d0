"""The ledger's memory of what can be netted and of the runs that did; only `follow` changes it."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cutline.engine.decision import Recorded
from cutline.engine.errors import InvariantViolated
from cutline.engine.ledger import accounts
from cutline.engine.ledger.events import Posting
from cutline.engine.ledger.netting_events import (
    NettingEntryApplied,
    NettingEntryFailed,
    NettingRunApplied,
    NettingRunCreated,
    NettingRunStarted,
)
from cutline.engine.netting import (
    ENTRY_STEPS,
    RUN_STEPS,
    EntryStatus,
    Movement,
    MovementKind,
    PlannedEntry,
    ReportDigest,
    RunStatus,
    csv_lines,
)

_CLEARED: Final[Mapping[str, MovementKind]] = {"payout_paid": "paid", "payout_failed_after_paid": "returned"}
"""The kinds of postings that pass through the clearing accounts, and what they mean for netting."""

_PAYOUT: Final = re.compile(r"payout:([A-Za-z0-9][A-Za-z0-9._:-]*):(?:paid|failed)")
"""Effects of payouts. An id of other characters is none of ours, and would not be safe in a report."""


@dataclass(slots=True, kw_only=True)
class Clearing:
    """Every payout of one currency that passed through clearing, in order; the first `taken` belong to runs."""

    movements: list[Movement] = field(default_factory=list)
    taken: int = 0

    def selected(self, selection_before: datetime, limit: int) -> range:
        """Return the places of what a run up to this moment (inclusive) would take, at most `limit` (NET-002)."""
        stop = bisect_right(self.movements, selection_before, lo=self.taken, key=lambda one: one.finalized_at)
        return range(self.taken, min(stop, self.taken + limit))


@dataclass(slots=True, kw_only=True)
class Run:
    """One run, as it stands. `done` counts its applied entries; the next one is being applied, or has failed."""

    created: NettingRunCreated
    created_at: datetime
    status: RunStatus = RunStatus.CREATED
    attempt: int = 0
    done: int = 0
    place: int
    """Of the first payout that the next entry takes."""
    digest: ReportDigest = field(default_factory=ReportDigest)
    artifact_sha256: str | None = None
    failure: Mapping[str, str] | None = None
    applied_at: datetime | None = None

    @property
    def current(self) -> PlannedEntry | None:
        """The entry that is applied next; None when all are."""
        entries = self.created.entries
        return entries[self.done] if self.done < len(entries) else None

    def entry_status(self, number: int) -> EntryStatus:
        """Return how the entry at this place stands: a run is at one entry at a time."""
        if number < self.done:
            return EntryStatus.APPLIED
        if number > self.done or self.status is RunStatus.CREATED:
            return EntryStatus.PENDING
        return EntryStatus.FAILED if self.status is RunStatus.FAILED else EntryStatus.APPLYING

    def advance(self, status: RunStatus) -> None:
        """Take a step of the table; another one is a bug."""
        if (self.status, status) not in RUN_STEPS:
            raise InvariantViolated(f"netting run {self.created.run_id}: {self.status} cannot become {status}")
        self.status = status


@dataclass(slots=True)
class NettingState:
    """What can be netted by currency, every run by its id, and the run that is not applied yet by currency."""

    clearings: dict[str, Clearing] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    active: dict[str, str] = field(default_factory=dict)


def taken_by(state: NettingState, run: Run, entry: PlannedEntry) -> Sequence[Movement]:
    """Return the payouts of the entry that the run applies next."""
    return state.clearings[run.created.currency].movements[run.place : run.place + entry.payout_count]


def follow(state: NettingState, recorded: Recorded) -> bool:
    """Fold one event of the ledger: a step of a run, or a payout that passed clearing. Tell whether it was a step."""
    event = recorded.event
    folding = _FOLDINGS.get(type(event))
    if folding is not None:
        folding(state, event, recorded.at)
        return True
    posting = getattr(event, "posting", None)
    if posting is not None and posting.kind in _CLEARED:
        _clear(state, posting, recorded)
    return False


def _clear(state: NettingState, posting: Posting, recorded: Recorded) -> None:
    named = _PAYOUT.fullmatch(posting.effect_key)
    cents = -sum(cents for account, cents, _ in posting.legs if account == accounts.PAYOUTS)
    if named is None or not cents:
        return
    movement = Movement(
        finalized_at=recorded.at,
        payout_id=named.group(1),
        kind=_CLEARED[posting.kind],
        cents=cents,
        ledger_seq=recorded.seq,
    )
    clearing = state.clearings.setdefault(posting.currency, Clearing())
    # The log's time never runs backwards, so this only sorts payouts of one moment; what a run has taken stays put.
    insort(clearing.movements, movement, lo=clearing.taken)


def _create(state: NettingState, event: NettingRunCreated, at: datetime) -> None:
    clearing = state.clearings.setdefault(event.currency, Clearing())
    if event.start != clearing.taken or event.stop > len(clearing.movements):
        raise InvariantViolated(f"netting run {event.run_id} takes payouts that are not there to be taken")
    clearing.taken = event.stop
    state.runs[event.run_id] = Run(created=event, created_at=at, place=event.start)
    if event.entries:
        state.active[event.currency] = event.run_id


def _start(state: NettingState, event: NettingRunStarted, _at: datetime) -> None:
    run = state.runs[event.run_id]
    number = run.done
    if run.current is not None and (run.entry_status(number), EntryStatus.APPLYING) not in ENTRY_STEPS:
        raise InvariantViolated(f"netting run {event.run_id} starts at an entry that cannot be applied")
    run.advance(RunStatus.RUNNING)
    run.attempt, run.failure = event.attempt, None


def _apply_entry(state: NettingState, event: NettingEntryApplied, _at: datetime) -> None:
    run, entry = _at_entry(state, event.run_id, event.entry_id, EntryStatus.APPLIED)
    taken = taken_by(state, run, entry)
    run.digest.take(csv_lines(entry, taken, run.created.currency))
    run.place += entry.payout_count
    run.done += 1


def _fail_entry(state: NettingState, event: NettingEntryFailed, _at: datetime) -> None:
    run, _ = _at_entry(state, event.run_id, event.entry_id, EntryStatus.FAILED)
    run.advance(RunStatus.FAILED)
    run.failure = {"entry_id": event.entry_id, "code": event.code, "reason": event.reason}


def _apply_run(state: NettingState, event: NettingRunApplied, at: datetime) -> None:
    run = state.runs[event.run_id]
    run.advance(RunStatus.APPLIED)
    run.artifact_sha256, run.applied_at = event.artifact_sha256, at
    if state.active.get(run.created.currency) == event.run_id:
        del state.active[run.created.currency]


def _at_entry(state: NettingState, run_id: str, entry_id: str, to: EntryStatus) -> tuple[Run, PlannedEntry]:
    run = state.runs[run_id]
    entry = run.current
    if entry is None or entry.entry_id != entry_id or (run.entry_status(run.done), to) not in ENTRY_STEPS:
        raise InvariantViolated(f"netting run {run_id} is not at entry {entry_id}")
    return run, entry


_FOLDINGS: Final[Mapping[type, Callable[[NettingState, Any, datetime], None]]] = {
    NettingRunCreated: _create,
    NettingRunStarted: _start,
    NettingEntryApplied: _apply_entry,
    NettingEntryFailed: _fail_entry,
    NettingRunApplied: _apply_run,
}
