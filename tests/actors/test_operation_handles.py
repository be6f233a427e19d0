"""A staff handle's method sends one message, to the one actor that it stands for, and gives back what came."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cutline.actors.handles import Ask, operations
from cutline.actors.handles.operations import ConfigsHandle, LifeHandle, RunbooksHandle
from cutline.engine.messages import (
    AdoptConfig,
    CompleteRunbook,
    ForceLock,
    ReadConfig,
    ReadPlan,
    ReadProgress,
    ReadRunbookExecution,
    ReadRunbookExecutions,
    RecordRunbookStep,
    RecordValidation,
    RecoverContest,
    ReleaseContest,
    RollBackConfig,
    StartRunbook,
)

VALIDATED: dict[str, Any] = {"config_id": "small", "config_sha256": "00", "report": {"entries": 12}, "actor": "ada"}
ROLLED_BACK: dict[str, Any] = {"config_id": "small", "version": 3, "actor": "ada", "reason": "prizes"}
ADOPTED: dict[str, Any] = {"config_id": "small", "version": 3, "config_json": "{}", "config_sha256": "00"}
MOVED: dict[str, Any] = {"actor": "ada", "reason": "stuck", "runbook": "contest_lock_failed 1.0.0", "execution_id": "x"}
STARTED: dict[str, Any] = {
    "execution_id": "x",
    "runbook_name": "contest_lock_failed",
    "runbook_version": "1.0.0",
    "executed_by": "ops",
    "subject": "ada",
    "system_state_before": None,
}
STEPPED: dict[str, Any] = {
    "execution_id": "x",
    "execution_phase": "Steps",
    "phase_step": 1,
    "outcome": "done",
    "subject": "ada",
    "result": None,
}
COMPLETED: dict[str, Any] = {
    "execution_id": "x",
    "status": "completed",
    "subject": "ada",
    "result": {},
    "error_reason": None,
    "system_state_after": None,
}

Use = Callable[[Ask], Awaitable[Any]]
USES: dict[str, tuple[Use, str, Any]] = {
    "ConfigsHandle.record_validation": (
        lambda ask: ConfigsHandle(ask).record_validation(**VALIDATED),
        "governance",
        RecordValidation(**VALIDATED),
    ),
    "ConfigsHandle.roll_back": (
        lambda ask: ConfigsHandle(ask).roll_back(**ROLLED_BACK),
        "governance",
        RollBackConfig(**ROLLED_BACK),
    ),
    "ConfigsHandle.read": (
        lambda ask: ConfigsHandle(ask).read("small", 2),
        "governance",
        ReadConfig(config_id="small", version=2),
    ),
    "ConfigsHandle.of_contest": (
        lambda ask: ConfigsHandle(ask).of_contest("c1"),
        "governance",
        ReadPlan(contest_id="c1"),
    ),
    "RunbooksHandle.start": (lambda ask: RunbooksHandle(ask).start(**STARTED), "governance", StartRunbook(**STARTED)),
    "RunbooksHandle.step": (
        lambda ask: RunbooksHandle(ask).step(**STEPPED),
        "governance",
        RecordRunbookStep(**STEPPED),
    ),
    "RunbooksHandle.complete": (
        lambda ask: RunbooksHandle(ask).complete(**COMPLETED),
        "governance",
        CompleteRunbook(**COMPLETED),
    ),
    "RunbooksHandle.open_execution": (
        lambda ask: RunbooksHandle(ask).open_execution("x"),
        "governance",
        ReadRunbookExecution(execution_id="x", must_be_open=True),
    ),
    "RunbooksHandle.executions": (
        lambda ask: RunbooksHandle(ask).executions(limit=5, runbook_name=None),
        "governance",
        ReadRunbookExecutions(limit=5),
    ),
    "LifeHandle.progress": (lambda ask: LifeHandle(ask, "c1").progress(), "contest/c1", ReadProgress()),
    "LifeHandle.force_lock": (
        lambda ask: LifeHandle(ask, "c1").force_lock(**MOVED),
        "contest/c1",
        ForceLock(**MOVED),
    ),
    "LifeHandle.recover": (lambda ask: LifeHandle(ask, "c1").recover(**MOVED), "contest/c1", RecoverContest(**MOVED)),
    "LifeHandle.adopt": (lambda ask: LifeHandle(ask, "c1").adopt(**ADOPTED), "contest/c1", AdoptConfig(**ADOPTED)),
    "LifeHandle.release": (
        lambda ask: LifeHandle(ask, "c1").release(actor="ada", reason="restored"),
        "governance",
        ReleaseContest(contest_id="c1", actor="ada", reason="restored"),
    ),
}


@pytest.mark.parametrize(("use", "address", "message"), USES.values(), ids=USES)
async def test_a_method_sends_one_message_and_gives_back_its_reply(use: Use, address: str, message: Any) -> None:
    asked: list[tuple[str, Any]] = []

    async def ask(to: str, question: Any) -> Any:
        asked.append((to, question))
        return "said"

    assert await use(ask) == "said"
    assert asked == [(address, message)]


def test_every_method_of_every_handle_is_tried_here() -> None:
    found = {
        f"{name}.{method}"
        for name, handle in inspect.getmembers(operations, inspect.isclass)
        if name.endswith("Handle")
        for method, _ in inspect.getmembers(handle, inspect.isfunction)
        if not method.startswith("_")
    }
    assert found == set(USES)
