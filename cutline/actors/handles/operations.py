"""What staff hold of governance and of one contest's lifecycle: typed questions, and no decision."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Literal

from cutline.actors.handles.asking import Ask, Reply
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


class ConfigsHandle:
    """The published configurations."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def record_validation(
        self, *, config_id: str, config_sha256: str, report: Mapping[str, Any], actor: str
    ) -> Awaitable[Reply]:
        """Put it on record that a content has passed (CFG-008)."""
        message = RecordValidation(config_id=config_id, config_sha256=config_sha256, report=report, actor=actor)
        return self._ask("governance", message)

    def roll_back(self, *, config_id: str, version: int, actor: str, reason: str) -> Awaitable[Reply]:
        """Publish again what stood before the newest version (CFG-010)."""
        message = RollBackConfig(config_id=config_id, version=version, actor=actor, reason=reason)
        return self._ask("governance", message)

    def read(self, config_id: str, version: int | None = None) -> Awaitable[Reply]:
        """Return one version whole, the newest unless one is named (CFG-009)."""
        return self._ask("governance", ReadConfig(config_id=config_id, version=version))

    def of_contest(self, contest_id: str) -> Awaitable[Reply]:
        """Return the newest version of the configuration that a contest was planned from."""
        return self._ask("governance", ReadPlan(contest_id=contest_id))


class RunbooksHandle:
    """The executions of runbooks."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def start(
        self,
        *,
        execution_id: str,
        runbook_name: str,
        runbook_version: str,
        executed_by: str,
        subject: str,
        system_state_before: Mapping[str, Any] | None,
    ) -> Awaitable[Reply]:
        """Open an execution (RBA-001)."""
        message = StartRunbook(
            execution_id=execution_id,
            runbook_name=runbook_name,
            runbook_version=runbook_version,
            executed_by=executed_by,
            subject=subject,
            system_state_before=system_state_before,
        )
        return self._ask("governance", message)

    def step(
        self,
        *,
        execution_id: str,
        execution_phase: str,
        phase_step: int,
        outcome: Literal["done", "failed"],
        subject: str,
        result: Mapping[str, Any] | None,
    ) -> Awaitable[Reply]:
        """Note a step before the next one (RBA-018)."""
        message = RecordRunbookStep(
            execution_id=execution_id,
            execution_phase=execution_phase,
            phase_step=phase_step,
            outcome=outcome,
            subject=subject,
            result=result,
        )
        return self._ask("governance", message)

    def complete(
        self,
        *,
        execution_id: str,
        status: Literal["completed", "failed", "partial"],
        subject: str,
        result: Mapping[str, Any] | None,
        error_reason: str | None,
        system_state_after: Mapping[str, Any] | None,
    ) -> Awaitable[Reply]:
        """Close an execution (RBA-004)."""
        message = CompleteRunbook(
            execution_id=execution_id,
            status=status,
            subject=subject,
            result=result,
            error_reason=error_reason,
            system_state_after=system_state_after,
        )
        return self._ask("governance", message)

    def open_execution(self, execution_id: str) -> Awaitable[Reply]:
        """Return an execution that is open; refused when there is none or it is closed."""
        return self._ask("governance", ReadRunbookExecution(execution_id=execution_id, must_be_open=True))

    def executions(self, *, limit: int, runbook_name: str | None) -> Awaitable[Reply]:
        """Return the executions, the newest first (RBA-016)."""
        return self._ask("governance", ReadRunbookExecutions(limit=limit, runbook_name=runbook_name))


class LifeHandle:
    """The lifecycle of one contest, as staff may move it."""

    __slots__ = ("_address", "_ask", "_contest_id")

    def __init__(self, ask: Ask, contest_id: str) -> None:
        self._ask = ask
        self._contest_id = contest_id
        self._address = f"contest/{contest_id}"

    def progress(self) -> Awaitable[Reply]:
        """Return the steps that the contest has taken (LIFE-008)."""
        return self._ask(self._address, ReadProgress())

    def force_lock(self, *, actor: str, reason: str, runbook: str, execution_id: str) -> Awaitable[Reply]:
        """Lock the contest within an open execution (LIFE-020)."""
        message = ForceLock(actor=actor, reason=reason, runbook=runbook, execution_id=execution_id)
        return self._ask(self._address, message)

    def recover(self, *, actor: str, reason: str, runbook: str, execution_id: str) -> Awaitable[Reply]:
        """Let the contest go on after an ERROR, within an open execution (LIFE-010)."""
        message = RecoverContest(actor=actor, reason=reason, runbook=runbook, execution_id=execution_id)
        return self._ask(self._address, message)

    def adopt(self, *, config_id: str, version: int, config_json: str, config_sha256: str) -> Awaitable[Reply]:
        """Have the contest play by a published version, if it still may change (LIFE-018)."""
        message = AdoptConfig(
            config_id=config_id, version=version, config_json=config_json, config_sha256=config_sha256
        )
        return self._ask(self._address, message)

    def release(self, *, actor: str, reason: str) -> Awaitable[Reply]:
        """Put it on record that the contest's file is trusted again."""
        message = ReleaseContest(contest_id=self._contest_id, actor=actor, reason=reason)
        return self._ask("governance", message)
