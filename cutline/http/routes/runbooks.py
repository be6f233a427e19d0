"""Executions of runbooks, logged step by step by whoever works (RBA-001 to RBA-023); it executes nothing."""

from __future__ import annotations

import json
from uuid import UUID, uuid4, uuid5

import structlog

from cutline.actors.handles.operations import RunbooksHandle
from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, STAFF, Call, Reply, Route
from cutline.http.schemas.operations import (
    CompletedGiven,
    CompleteRunbookAsked,
    ExecutionGiven,
    ExecutionsGiven,
    ExecutionsQueried,
    RunbookStepAsked,
    StartedGiven,
    StartRunbookAsked,
    StepNotedGiven,
)

log = structlog.get_logger(__name__)

_EXECUTIONS = UUID("f0a8c1de-54c2-5b1e-8f0e-6a3b8c0d2e47")
"""The namespace of execution ids that come from keys. It never changes: a retry must give the old id."""


def _runbooks(call: Call) -> RunbooksHandle:
    """Return the way to the executions; machines with a service key do not work through runbooks (C-39)."""
    if call.principal.subject.startswith("service:"):
        raise Refused(RejectCode.FORBIDDEN, {"needs_one_of": ["admin"]})
    return RunbooksHandle(call.asking.ask)


def _new_id(call: Call) -> str:
    """Return the id of a new execution; with an Idempotency-Key the same key opens the same one."""
    if call.idempotency_key is None:
        return str(uuid4())
    return str(uuid5(_EXECUTIONS, json.dumps([call.principal.subject, call.idempotency_key])))


async def start(call: Call) -> Reply:
    """Open an execution. Who signed is kept beside who works, and a difference is logged (RBA-030, G-10)."""
    asked = call.body_as(StartRunbookAsked)
    subject = call.principal.subject
    if asked.executed_by != subject:
        log.warning("runbook_executed_for_another", subject=subject, executed_by=asked.executed_by)
    started = await _runbooks(call).start(
        execution_id=_new_id(call),
        runbook_name=asked.runbook_name,
        runbook_version=asked.runbook_version,
        executed_by=asked.executed_by,
        subject=subject,
        system_state_before=asked.system_state_before,
    )
    return Reply(body=StartedGiven.model_validate(started))


async def record_step(call: Call) -> Reply:
    """Note a step that was taken (RBA-018). After a failed one, the execution can only be completed as failed."""
    asked = call.body_as(RunbookStepAsked)
    noted = await _runbooks(call).step(
        execution_id=asked.execution_id,
        execution_phase=asked.execution_phase,
        phase_step=asked.phase_step,
        outcome=asked.outcome,
        subject=call.principal.subject,
        result=asked.result_json,
    )
    return Reply(body=StepNotedGiven.model_validate(noted))


async def complete(call: Call) -> Reply:
    """Close an execution; a second time is refused, and what did not complete is escalated (RBA-020, RBA-021)."""
    asked = call.body_as(CompleteRunbookAsked)
    completed = await _runbooks(call).complete(
        execution_id=asked.execution_id,
        status=asked.status,
        subject=call.principal.subject,
        result=asked.result_json,
        error_reason=asked.error_reason,
        system_state_after=asked.system_state_after,
    )
    return Reply(body=CompletedGiven.model_validate(completed))


async def list_executions(call: Call) -> Reply:
    """List executions, the newest first: `?runbook_name=` chooses, `?limit=` is 50 unless given (RBA-016)."""
    query = call.query_as(ExecutionsQueried)
    listed = await _runbooks(call).executions(limit=query.limit, runbook_name=query.runbook_name)
    executions = [ExecutionGiven.model_validate(one) for one in listed["executions"]]
    return Reply(body=ExecutionsGiven(executions=executions))


ROUTES = (
    Route(
        method="POST",
        path="/api/admin/runbooks/start",
        handle=start,
        needs=ADMIN,
        takes=StartRunbookAsked,
        gives=StartedGiven,
        summary="Open an execution of a runbook.",
        idempotency="taken",
    ),
    Route(
        method="POST",
        path="/api/admin/runbooks/step",
        handle=record_step,
        needs=ADMIN,
        takes=RunbookStepAsked,
        gives=StepNotedGiven,
        summary="Note a step of an execution.",
        idempotency="by content",
        refuses=(
            RejectCode.NOT_FOUND,
            RejectCode.RUNBOOK_NOT_OPEN,
        ),
    ),
    Route(
        method="POST",
        path="/api/admin/runbooks/complete",
        handle=complete,
        needs=ADMIN,
        takes=CompleteRunbookAsked,
        gives=CompletedGiven,
        summary="Close an execution of a runbook.",
        idempotency="by content",
        refuses=(
            RejectCode.NOT_FOUND,
            RejectCode.RUNBOOK_NOT_OPEN,
            RejectCode.RUNBOOK_STEP_FAILED,
        ),
    ),
    Route(
        method="GET",
        path="/api/admin/runbooks/executions",
        handle=list_executions,
        needs=STAFF,
        gives=ExecutionsGiven,
        summary="List executions of runbooks.",
        query=ExecutionsQueried,
    ),
)
