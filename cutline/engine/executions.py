"""Executions of runbooks: who opened which, each step before the next, and how it ended. It executes nothing.

Each fact is a row of its own; what is asked for is one line an execution, folded from them (C-04). An execution with
a failed step has failed: nobody closes it as anything else (C-05, RBA-020).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Recorded, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import (
    CompleteRunbook,
    RaiseAlert,
    ReadRunbookExecution,
    ReadRunbookExecutions,
    RecordRunbookStep,
    StartRunbook,
)

IN_PROGRESS: Final = "in_progress"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
ESCALATED: Final = "runbook_execution_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookStarted:
    """An execution is open. `executed_by` is who works, as the request says; `subject` is who signed it (G-10)."""

    execution_id: str
    runbook_name: str
    runbook_version: str
    executed_by: str
    subject: str
    system_state_before: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """An execution starts once."""
        return f"runbook:{self.execution_id}:started"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookStepRecorded:
    """A step was taken. `number` counts the steps of the execution, repeated ones too."""

    execution_id: str
    number: int
    execution_phase: str
    phase_step: int
    outcome: str
    subject: str
    result: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """Steps are numbered."""
        return f"runbook:{self.execution_id}:step:{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookCompleted:
    """An execution is closed; `duration_seconds` is the time since its start by commit times, never below 0."""

    execution_id: str
    status: str
    duration_seconds: int
    subject: str
    result: Mapping[str, Any] | None = None
    error_reason: str | None = None
    system_state_after: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """An execution ends once (RBA-021)."""
        return f"runbook:{self.execution_id}:completed"


EVENTS: tuple[type, ...] = (RunbookStarted, RunbookStepRecorded, RunbookCompleted)


@dataclass(slots=True, kw_only=True)
class Execution:
    """One execution as it is."""

    started: RunbookStarted
    started_at: datetime
    updated_at: datetime
    steps: list[RunbookStepRecorded] = field(default_factory=list)
    completed: RunbookCompleted | None = None
    ended_at: datetime | None = None

    @property
    def failed_step(self) -> RunbookStepRecorded | None:
        """Return the first step that failed, or None."""
        return next((step for step in self.steps if step.outcome == FAILED), None)


@dataclass(slots=True)
class Executions:
    """Every execution by its id, in the order of their starts."""

    by_id: dict[str, Execution] = field(default_factory=dict)

    def fold(self, recorded: Recorded) -> None:
        """Take in a start, a step or an end."""
        event, at = recorded.event, recorded.at
        if isinstance(event, RunbookStarted):
            self.by_id[event.execution_id] = Execution(started=event, started_at=at, updated_at=at)
            return
        execution = self.by_id[event.execution_id]
        execution.updated_at = at
        if isinstance(event, RunbookStepRecorded):
            execution.steps.append(event)
        else:
            execution.completed, execution.ended_at = event, at


def start(state: Executions, command: StartRunbook, now: datetime) -> Decision:
    """Open an execution. The same id again gives the same answer; with other content, IDEMPOTENCY_KEY_REUSED."""
    known = state.by_id.get(command.execution_id)
    started = RunbookStarted(
        execution_id=command.execution_id,
        runbook_name=command.runbook_name,
        runbook_version=command.runbook_version,
        executed_by=command.executed_by,
        subject=command.subject,
        system_state_before=command.system_state_before,
    )
    if known is None:
        return Accepted(events=(started,), reply={"execution_id": command.execution_id, "timestamp": now})
    if known.started != started:
        details = {"execution_id": command.execution_id, "field": "body"}
        return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)
    return Accepted(reply={"execution_id": command.execution_id, "timestamp": known.started_at})


def record_step(state: Executions, command: RecordRunbookStep, now: datetime) -> Decision:
    """Note a step of an open execution. After a failed step only the end may follow. The last step again is known.

    Refused: NOT_FOUND, RUNBOOK_NOT_OPEN, RUNBOOK_STEP_FAILED.
    """
    refusal = _not_open(state, command.execution_id)
    if refusal is not None:
        return refusal
    execution = state.by_id[command.execution_id]
    step = RunbookStepRecorded(
        execution_id=command.execution_id,
        number=len(execution.steps) + 1,
        execution_phase=command.execution_phase,
        phase_step=command.phase_step,
        outcome=command.outcome,
        subject=command.subject,
        result=command.result,
    )
    last = execution.steps[-1] if execution.steps else None
    if last is not None and _content(last) == _content(step):
        return Accepted(reply={"timestamp": execution.updated_at, "number": last.number})
    if execution.failed_step is not None:
        return _step_failed(execution.failed_step)
    return Accepted(events=(step,), reply={"timestamp": now, "number": step.number})


def _content(step: RunbookStepRecorded) -> tuple[Any, ...]:
    return (step.execution_phase, step.phase_step, step.outcome, step.result)


def complete(state: Executions, command: CompleteRunbook, now: datetime) -> Decision:
    """Close an open execution; what did not complete is escalated (RBA-004 to RBA-007, RBA-020).

    Refused: NOT_FOUND, RUNBOOK_NOT_OPEN, and RUNBOOK_STEP_FAILED for any end but `failed` after a failed step.
    """
    refusal = _not_open(state, command.execution_id)
    if refusal is not None:
        return refusal
    execution = state.by_id[command.execution_id]
    if execution.failed_step is not None and command.status != FAILED:
        return _step_failed(execution.failed_step)
    completed = RunbookCompleted(
        execution_id=command.execution_id,
        status=command.status,
        duration_seconds=max(0, int((now - execution.started_at).total_seconds())),
        subject=command.subject,
        result=command.result,
        error_reason=command.error_reason,
        system_state_after=command.system_state_after,
    )
    effects = () if command.status == COMPLETED else (_escalation(execution, completed),)
    return Accepted(events=(completed,), reply={"timestamp": now, "success": True}, effects=effects)


def _escalation(execution: Execution, completed: RunbookCompleted) -> RaiseAlert:
    name = execution.started.runbook_name
    details = {
        "execution_id": completed.execution_id,
        "runbook_name": name,
        "status": completed.status,
        "error_reason": completed.error_reason,
    }
    return RaiseAlert(name=ESCALATED, runbook=f"runbooks/{name.replace('_', '-')}.md", details=details)


def _not_open(state: Executions, execution_id: str) -> Rejected | None:
    execution = state.by_id.get(execution_id)
    if execution is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"execution_id": execution_id})
    if execution.completed is not None:
        details = {"execution_id": execution_id, "status": execution.completed.status}
        return Rejected(code=RejectCode.RUNBOOK_NOT_OPEN, details=details)
    return None


def _step_failed(step: RunbookStepRecorded) -> Rejected:
    details = {"execution_id": step.execution_id, "phase": step.execution_phase, "step": step.phase_step}
    return Rejected(code=RejectCode.RUNBOOK_STEP_FAILED, details=details)


def read_one(state: Executions, command: ReadRunbookExecution) -> Decision:
    """Return one execution. Refused: NOT_FOUND; RUNBOOK_NOT_OPEN where it must be open and is closed."""
    refusal = _not_open(state, command.execution_id)
    if refusal is not None and (command.must_be_open or refusal.code is RejectCode.NOT_FOUND):
        return refusal
    return Accepted(reply=_describe(state.by_id[command.execution_id]))


def read_all(state: Executions, command: ReadRunbookExecutions) -> Decision:
    """Return the executions, the newest first (RBA-016)."""
    wanted = [
        _describe(execution)
        for execution in reversed(state.by_id.values())
        if command.runbook_name in (None, execution.started.runbook_name)
    ]
    return Accepted(reply={"executions": wanted[: command.limit]})


def _describe(execution: Execution) -> dict[str, Any]:
    """Return the fields of the audit query in its order, then what else is known of the execution."""
    started, completed = execution.started, execution.completed
    last = execution.steps[-1] if execution.steps else None
    return {
        "id": started.execution_id,
        "runbook_name": started.runbook_name,
        "executed_by": started.executed_by,
        "status": IN_PROGRESS if completed is None else completed.status,
        "start_time": execution.started_at,
        "end_time": execution.ended_at,
        "duration_seconds": None if completed is None else completed.duration_seconds,
        "system_state_before": started.system_state_before,
        "result_json": None if completed is None else completed.result,
        "error_reason": None if completed is None else completed.error_reason,
        "system_state_after": None if completed is None else completed.system_state_after,
        "runbook_version": started.runbook_version,
        "subject": started.subject,
        "execution_phase": None if last is None else last.execution_phase,
        "phase_step": None if last is None else last.phase_step,
        "steps": len(execution.steps),
        "updated_at": execution.updated_at,
    }
