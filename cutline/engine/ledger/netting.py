"""Judging netting: which payouts a run takes, posting its entries one by one, and what it came to.

It must not post more than one entry at a time: whoever else has business with the ledger comes in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger import postings
from cutline.engine.ledger.booking import CURRENCY
from cutline.engine.ledger.netting_events import (
    NettingEntryApplied,
    NettingEntryFailed,
    NettingRunApplied,
    NettingRunCreated,
    NettingRunStarted,
)
from cutline.engine.ledger.netting_state import Clearing, NettingState, Run, taken_by
from cutline.engine.ledger.requests import content_of, differing, post
from cutline.engine.ledger.state import LedgerState, joined
from cutline.engine.messages import (
    ApplyNettingEntry,
    ContinueNetting,
    RaiseAlert,
    ReadNettingReport,
    ReadNettingRun,
    RetryNetting,
    RunNetting,
)
from cutline.engine.netting import Movement, PlannedEntry, ReportDigest, RunStatus, csv_lines, plan_entries, run_id_of

RUNBOOK: Final = "runbooks/netting-run-failed.md"
LIMIT_MAX: Final = 1_000_000

_TERMS: Final = frozenset({"limit_default"})
"""What belongs to this installation and not to the request."""


def run_netting(state: LedgerState, command: RunNetting, now: datetime) -> Decision:
    """Create a run over what is final and in no run yet, and start it (NET-001, NET-002).

    A known key is answered with its run, and starts it again where it has failed. A run without payouts is applied at
    once, as `noop` (NET-021). Refused: IDEMPOTENCY_KEY_REUSED, REQUEST_INVALID, and DUPLICATE_CONFLICT where a run that
    is not applied yet has taken some of the payouts (NET-020).
    """
    run_id = run_id_of(command.idempotency_key)
    content = content_of(command, leave_out=_TERMS)
    known = state.netting.runs.get(run_id)
    if known is not None:
        return _known(known, joined(content))
    invalid = _invalid_field(command, now)
    if invalid is not None:
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": invalid})
    before = command.selection_before or now
    active = _in_the_way(state.netting, command.currency, before)
    if active is not None:
        details = {"run_id": active.created.run_id, "status": active.status.value, "currency": command.currency}
        return Rejected(code=RejectCode.DUPLICATE_CONFLICT, details=details)
    created = _created(state.netting, command, run_id, content, before)
    started = NettingRunStarted(run_id=run_id, attempt=1)
    reply = {"run_id": run_id, "deduped": False}
    if not created.entries:
        applied = NettingRunApplied(run_id=run_id, attempt=1, artifact_sha256=ReportDigest().after(b""))
        return Accepted(events=(created, started, applied), reply=reply)
    return Accepted(events=(created, started), reply=reply, effects=(_next(run_id, created.entries[0]),))


def retry_netting(state: LedgerState, command: RetryNetting, _now: datetime) -> Decision:
    """Take up a run that has failed, for whoever does not have the request any more (NET-004).

    Refused: INVALID_STATUS_TRANSITION for a run that is applied (NET-006).
    """
    run = state.netting.runs.get(command.run_id)
    if run is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"run_id": command.run_id})
    if run.status is RunStatus.APPLIED:
        details = {"run_id": command.run_id, "from": run.status.value, "to": RunStatus.RUNNING.value}
        return Rejected(code=RejectCode.INVALID_STATUS_TRANSITION, details=details)
    return _taken_up(run)


def apply_netting_entry(state: LedgerState, command: ApplyNettingEntry, now: datetime) -> Decision:
    """Post one entry, once (NET-003, NET-008), and go on to the next.

    Refused: INVALID_STATUS_TRANSITION for an entry that is not the one a running run is at; DUPLICATE_CONFLICT, which
    fails the run, where its key is in the books without it.
    """
    run = state.netting.runs.get(command.run_id)
    if run is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"run_id": command.run_id})
    entry = run.current
    if run.status is not RunStatus.RUNNING or entry is None or entry.entry_id != command.entry_id:
        details = {"run_id": command.run_id, "entry_id": command.entry_id, "run_status": run.status.value}
        return Rejected(code=RejectCode.INVALID_STATUS_TRANSITION, details=details)
    posted = _post(state, run, entry, now)
    if isinstance(posted, Rejected):
        return _failed(run, entry, posted, ", ".join(f"{name} {value}" for name, value in posted.details.items()))
    movements = taken_by(state.netting, run, entry)
    applied = NettingEntryApplied(
        run_id=command.run_id,
        entry_id=entry.entry_id,
        amount_cents=entry.amount_cents,
        payouts=tuple((one.payout_id, one.kind, one.cents, one.ledger_seq) for one in movements),
    )
    events = [*posted, applied]
    following = run.done + 1
    if following < len(run.created.entries):
        going_on = _next(command.run_id, run.created.entries[following])
        return Accepted(events=events, reply={"deduped": False}, effects=(going_on,))
    digest = run.digest.after(csv_lines(entry, movements, run.created.currency))
    events.append(NettingRunApplied(run_id=command.run_id, attempt=run.attempt, artifact_sha256=digest))
    return Accepted(events=events, reply={"deduped": False})


def netting_entry_broke(state: LedgerState, command: ApplyNettingEntry, code: RejectCode, reason: str) -> Decision:
    """Fail the run at an entry whose posting raised: nothing of it is in the books, and a person is told."""
    run = state.netting.runs.get(command.run_id)
    entry = None if run is None else run.current
    if run is None or entry is None or run.status is not RunStatus.RUNNING or entry.entry_id != command.entry_id:
        return Accepted(reply={"deduped": True})
    return _failed(run, entry, Rejected(code=code), reason)


def resume_netting(state: NettingState) -> Sequence[ContinueNetting]:
    """Return how every run that was under way goes on; a failed one waits for whoever sends its key again."""
    runs = (state.runs[run_id] for run_id in state.active.values())
    return tuple(
        _next(run.created.run_id, run.current) for run in runs if run.status is RunStatus.RUNNING and run.current
    )


def read_netting_run(state: LedgerState, command: ReadNettingRun, _now: datetime) -> Decision:
    """Answer how a run stands (NET-016)."""
    run = state.netting.runs.get(command.run_id)
    if run is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"run_id": command.run_id})
    return Accepted(reply=_shown(run))


def read_netting_report(state: LedgerState, command: ReadNettingReport, _now: datetime) -> Decision:
    """Answer an applied run with its payouts, entry by entry (NET-017); refused as NETTING_NOT_APPLIED before that."""
    run = state.netting.runs.get(command.run_id)
    if run is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"run_id": command.run_id})
    if run.status is not RunStatus.APPLIED:
        details = {"run_id": command.run_id, "status": run.status.value}
        return Rejected(code=RejectCode.NETTING_NOT_APPLIED, details=details)
    movements = state.netting.clearings[run.created.currency].movements
    groups: list[tuple[PlannedEntry, Sequence[Movement]]] = []
    place = run.created.start
    for entry in run.created.entries:
        groups.append((entry, movements[place : place + entry.payout_count]))
        place += entry.payout_count
    return Accepted(reply={"run": _shown(run), "groups": groups})


def _known(run: Run, asked: str) -> Decision:
    created = run.created
    before = joined(created.content)
    if before != asked:
        details = {"idempotency_key": created.idempotency_key, "field": differing(before, asked)}
        return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)
    return _taken_up(run)


def _taken_up(run: Run) -> Accepted:
    run_id = run.created.run_id
    reply = {"run_id": run_id, "deduped": True}
    if run.status is RunStatus.APPLIED or run.current is None:
        return Accepted(reply=reply)
    # Going on twice does no harm: the second message for an entry is refused, and ends there.
    again = NettingRunStarted(run_id=run_id, attempt=run.attempt + 1)
    events = (again,) if run.status is RunStatus.FAILED else ()
    return Accepted(events=events, reply=reply, effects=(_next(run_id, run.current),))


def _invalid_field(command: RunNetting, now: datetime) -> str | None:
    """Name what is wrong. A selection up to a moment that is still to come would not stay what it is."""
    if not command.idempotency_key:
        return "idempotency_key"
    if CURRENCY.fullmatch(command.currency) is None:
        return "currency"
    before = command.selection_before
    if before is not None and (before.tzinfo is None or before > now):
        return "selection_before"
    return None if 0 < _limit(command) <= LIMIT_MAX else "limit"


def _limit(command: RunNetting) -> int:
    return command.limit_default if command.limit is None else command.limit


def _in_the_way(state: NettingState, currency: str, before: datetime) -> Run | None:
    """Return the run that has taken payouts which a selection up to `before` would take too."""
    run_id = state.active.get(currency)
    if run_id is None:
        return None
    run = state.runs[run_id]
    first = state.clearings[currency].movements[run.created.start]
    return run if first.finalized_at <= before else None


def _created(
    state: NettingState, command: RunNetting, run_id: str, content: dict[str, str], before: datetime
) -> NettingRunCreated:
    clearing = state.clearings.get(command.currency) or Clearing()
    places = clearing.selected(before, _limit(command))
    chosen = clearing.movements[places.start : places.stop]
    entries = plan_entries(run_id, chosen)
    return NettingRunCreated(
        run_id=run_id,
        idempotency_key=command.idempotency_key,
        payload_sha256=sha256(joined(content).encode()).hexdigest(),
        content=content,
        currency=command.currency,
        selection_before=before,
        start=places.start,
        stop=places.stop,
        through_seq=max((one.ledger_seq for one in chosen), default=0),
        total_cents=sum(entry.amount_cents for entry in entries),
        entries=entries,
    )


def _post(state: LedgerState, run: Run, entry: PlannedEntry, now: datetime) -> Sequence[Any] | Rejected:
    """Return the events of the entry's transaction; payouts that cancel each other out need none."""
    key = f"netting:entry:{entry.entry_id}"
    if key in state.effects or key in state.contents:
        return Rejected(code=RejectCode.DUPLICATE_CONFLICT, details={"idempotency_key": key})
    if not entry.amount_cents:
        return ()
    content = {"run_id": run.created.run_id, "entry_id": entry.entry_id, "amount_cents": str(entry.amount_cents)}
    draft = postings.netting(entry.entry_id, entry.amount_cents, run.created.currency)
    posted = post(state, draft, now, content)
    return posted if isinstance(posted, Rejected) else posted.events


def _failed(run: Run, entry: PlannedEntry, refused: Rejected, reason: str) -> Decision:
    run_id = run.created.run_id
    failed = NettingEntryFailed(
        run_id=run_id, entry_id=entry.entry_id, attempt=run.attempt, code=refused.code.value, reason=reason
    )
    details = {"run_id": run_id, "entry_id": entry.entry_id, "code": refused.code.value, "attempt": run.attempt}
    alert = RaiseAlert(name="netting_run_failed", runbook=RUNBOOK, details=details)
    return Accepted(events=(failed,), reply=refused, effects=(alert,))


def _next(run_id: str, entry: PlannedEntry) -> ContinueNetting:
    return ContinueNetting(run_id=run_id, entry_id=entry.entry_id)


def _shown(run: Run) -> dict[str, Any]:
    created = run.created
    result = None
    if run.status is RunStatus.APPLIED:
        result = "netted" if created.entries else "noop"
    return {
        "run_id": created.run_id,
        "idempotency_key": created.idempotency_key,
        "status": run.status.value,
        "result": result,
        "currency": created.currency,
        "selection_before": created.selection_before,
        "candidate_count": created.stop - created.start,
        "total_cents": created.total_cents,
        "entry_count": len(created.entries),
        "applied_entry_count": run.done,
        "artifact_sha256": run.artifact_sha256,
        "attempt": run.attempt,
        "created_at": run.created_at,
        "applied_at": run.applied_at,
        "failure": run.failure,
        "entries": [
            {
                "entry_id": entry.entry_id,
                "group_key": entry.group_key,
                "payout_count": entry.payout_count,
                "amount_cents": entry.amount_cents,
                "status": run.entry_status(number).value,
            }
            for number, entry in enumerate(created.entries)
        ],
    }
