"""The messages to `governance`, which keeps configurations and contests; they must not know a rule of either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct


class RecordValidation(Struct, frozen=True, kw_only=True):
    """From an edge that has rehearsed a configuration: this content has passed, and `report` says what it did."""

    config_id: str
    config_sha256: str
    report: Mapping[str, Any]
    actor: str


class PublishConfig(Struct, frozen=True, kw_only=True):
    """Publish a well-formed tournament configuration as the next version of its id.

    Where `needs_validation`, only a content whose validation is recorded may be published (CFG-008).
    """

    config_id: str
    config_json: str
    config_sha256: str
    actor: str
    needs_validation: bool = False


class RollBackConfig(Struct, frozen=True, kw_only=True):
    """Publish again what stood before `version`, which must be the newest (CFG-010)."""

    config_id: str
    version: int
    actor: str
    reason: str


class ReadConfig(Struct, frozen=True, kw_only=True):
    """Ask for a configuration as it is published: its newest version, or the one named. Decides nothing."""

    config_id: str
    version: int | None = None


class PlanContest(Struct, frozen=True, kw_only=True):
    """Plan a contest from the newest published version of a configuration; its file comes next."""

    contest_id: str
    config_id: str
    actor: str


class ContestReady(Struct, frozen=True, kw_only=True):
    """From a contest: its file exists and holds its creation; from now on a missing file is a fault."""

    contest_id: str


class QuarantineContest(Struct, frozen=True, kw_only=True):
    """From the supervisor: this contest's file cannot be trusted; keep it closed until released."""

    contest_id: str
    reason: str


class ReleaseContest(Struct, frozen=True, kw_only=True):
    """From an edge: this contest's file has been restored or found sound; it may be opened again."""

    contest_id: str
    actor: str
    reason: str


class ContractText(Struct, frozen=True, kw_only=True):
    """One OpenAPI document as this release serves it; `sha256` is that of `spec_json`."""

    name: str
    version: str
    sha256: str
    spec_json: str


class ErrorCodeRow(Struct, frozen=True, kw_only=True):
    """One row of the registry of refusals."""

    code: str
    http_status: int
    scope: str
    description: str


class RegisterContracts(Struct, frozen=True, kw_only=True):
    """From a start: what this release promises its clients. Only what is new is recorded."""

    contracts: tuple[ContractText, ...]
    codes: tuple[ErrorCodeRow, ...]


class RevokeToken(Struct, frozen=True, kw_only=True):
    """From an edge: let nobody in by the token of this id any more."""

    jti: str
    actor: str
    reason: str


class ReadRevokedTokens(Struct, frozen=True, kw_only=True):
    """Ask for the ids of all revoked tokens. Decides nothing."""


class ReadDirectory(Struct, frozen=True, kw_only=True):
    """Ask for the contests and the published configurations. Decides nothing."""


class ReadPlan(Struct, frozen=True, kw_only=True):
    """Ask which configuration a contest is planned from, and for its newest version. Decides nothing."""

    contest_id: str


class StartRunbook(Struct, frozen=True, kw_only=True):
    """Open an execution of a runbook. `execution_id` is made by the edge; `subject` is who signed the request."""

    execution_id: str
    runbook_name: str
    runbook_version: str
    executed_by: str
    subject: str
    system_state_before: Mapping[str, Any] | None = None


class RecordRunbookStep(Struct, frozen=True, kw_only=True):
    """Note a step of an open execution before the next one is taken (RBA-018)."""

    execution_id: str
    execution_phase: str
    phase_step: int
    outcome: Literal["done", "failed"]
    subject: str
    result: Mapping[str, Any] | None = None


class CompleteRunbook(Struct, frozen=True, kw_only=True):
    """Close an execution, with what came of it."""

    execution_id: str
    status: Literal["completed", "failed", "partial"]
    subject: str
    result: Mapping[str, Any] | None = None
    error_reason: str | None = None
    system_state_after: Mapping[str, Any] | None = None


class ReadRunbookExecution(Struct, frozen=True, kw_only=True):
    """Ask for one execution, which must be open where `must_be_open`. Decides nothing."""

    execution_id: str
    must_be_open: bool = False


class ReadRunbookExecutions(Struct, frozen=True, kw_only=True):
    """Ask for the executions of runbooks, the newest first, at most `limit`. Decides nothing."""

    limit: int
    runbook_name: str | None = None
