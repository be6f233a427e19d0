"""The lifecycle of a contest as staff move it, each time within an open execution of a runbook; it decides nothing."""

from __future__ import annotations

from cutline.actors.handles.operations import ConfigsHandle, LifeHandle, RunbooksHandle
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.http.addresses import contest_id_of
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, ANYONE, Call, Reply, Route
from cutline.http.schemas.contests import CancelContestAsked
from cutline.http.schemas.operations import AdoptedGiven, MovedGiven, OperateAsked, ProgressGiven, ReleasedGiven


def _life(call: Call) -> LifeHandle:
    return LifeHandle(call.asking.ask, contest_id_of(call.part("contest_id")))


async def _runbook_of(call: Call, asked: OperateAsked) -> str:
    """Return name and version of the runbook that is being executed (C-31). Refused: NOT_FOUND, RUNBOOK_NOT_OPEN."""
    execution = await RunbooksHandle(call.asking.ask).open_execution(asked.execution_id)
    return f"{execution['runbook_name']} {execution['runbook_version']}"


async def force_lock(call: Call) -> Reply:
    """Lock a contest that should have locked (LIFE-020): no more entries, whatever the time."""
    asked = call.body_as(OperateAsked)
    runbook = await _runbook_of(call, asked)
    moved = await _life(call).force_lock(
        actor=call.principal.actor, reason=asked.reason, runbook=runbook, execution_id=asked.execution_id
    )
    return Reply(body=MovedGiven.model_validate({**moved, "contest_id": call.part("contest_id")}))


async def recover(call: Call) -> Reply:
    """Let a contest in ERROR go on in the state that it came from (LIFE-010)."""
    asked = call.body_as(OperateAsked)
    runbook = await _runbook_of(call, asked)
    moved = await _life(call).recover(
        actor=call.principal.actor, reason=asked.reason, runbook=runbook, execution_id=asked.execution_id
    )
    return Reply(body=MovedGiven.model_validate({**moved, "contest_id": call.part("contest_id")}))


async def adopt_config(call: Call) -> Reply:
    """Have a contest play by the newest version of its configuration, at once (LIFE-018).

    A publication reaches every contest by itself; asking here says whether it could. Refused: CONTEST_CONFIG_LOCKED,
    CONFIG_CHANGE_REFUSED with the keys that may not change.
    """
    life = _life(call)
    newest = await ConfigsHandle(call.asking.ask).of_contest(call.part("contest_id"))
    adopted = await life.adopt(
        config_id=newest["config_id"],
        version=newest["version"],
        config_json=newest["config_json"],
        config_sha256=newest["config_sha256"],
    )
    refusal = adopted["refusal"]
    if isinstance(refusal, Rejected):
        raise Refused(refusal.code, refusal.details)
    return Reply(body=AdoptedGiven.model_validate(adopted))


async def release(call: Call) -> Reply:
    """Open a contest again that was kept closed; its file is judged anew (FAULTS S7, S8)."""
    contest_id = contest_id_of(call.part("contest_id"))
    reason = call.body_as(CancelContestAsked).reason
    address = f"contest/{contest_id}"
    await _life(call).release(actor=call.principal.actor, reason=reason)
    directory = call.house.engine.directory
    released = address in directory.quarantined()
    directory.release(address)
    return Reply(body=ReleasedGiven(contest_id=contest_id, released=released))


async def read_progress(call: Call) -> Reply:
    """Return the steps that a contest has taken, with their times (LIFE-008)."""
    return Reply(body=ProgressGiven.model_validate(await _life(call).progress()))


ROUTES = (
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/config",
        handle=adopt_config,
        needs=ADMIN,
        gives=AdoptedGiven,
        summary="Have a contest play by the newest version of its configuration.",
        idempotency="by content",
        refuses=(
            RejectCode.CONTEST_CONFIG_LOCKED,
            RejectCode.CONFIG_CHANGE_REFUSED,
        ),
    ),
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/force-lock",
        handle=force_lock,
        needs=ADMIN,
        takes=OperateAsked,
        gives=MovedGiven,
        summary="Lock a contest by hand, within an execution of a runbook.",
        idempotency="by content",
        refuses=(
            RejectCode.RUNBOOK_NOT_OPEN,
            RejectCode.INVALID_STATUS_TRANSITION,
        ),
    ),
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/progress",
        handle=read_progress,
        needs=ANYONE,
        gives=ProgressGiven,
        summary="Read how far a contest has come.",
    ),
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/recover",
        handle=recover,
        needs=ADMIN,
        takes=OperateAsked,
        gives=MovedGiven,
        summary="Let a contest in ERROR go on, within an execution of a runbook.",
        idempotency="by content",
        refuses=(
            RejectCode.RUNBOOK_NOT_OPEN,
            RejectCode.INVALID_STATUS_TRANSITION,
        ),
    ),
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/release",
        handle=release,
        needs=ADMIN,
        takes=CancelContestAsked,
        gives=ReleasedGiven,
        summary="Open a contest again that was kept closed.",
        idempotency="by content",
    ),
)
