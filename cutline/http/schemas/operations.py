"""What is asked and answered about configurations, a contest's lifecycle, and executions of runbooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, StringConstraints

from cutline.http.schemas.base import Asked, Given, Queried

Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Version = Annotated[int, Field(ge=1, lt=2**31)]
"""A configuration's version, counted from 1."""
ExecutionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


def _with_milliseconds(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_with_milliseconds, return_type=str)]
"""A time as `2026-02-16T20:00:00.000Z` (RBA-003)."""


class ExecutionsQueried(Queried):
    """Which executions: of one runbook or of all, the newest so many."""

    runbook_name: Name | None = None
    limit: int = Field(default=50, ge=1, le=200)


class VersionQueried(Queried):
    """Which version; without it the newest."""

    version: Version | None = None


class RehearsalGiven(Given):
    """What a validation played: made-up entries on a made-up event, scored twice and paid to the cent."""

    entries: int
    pot_cents: int
    prizes_cents: int
    rake_cents: int
    result_sha256: str


class ConfigValidatedGiven(Given):
    """A content that has passed; `deduped` when that was on record already."""

    config_id: str
    config_sha256: str
    warnings: list[str]
    report: RehearsalGiven
    deduped: bool


class RollBackAsked(Asked):
    """Which version is undone, which must be the newest, and why."""

    version: Version
    reason: Line


class ConfigVersionGiven(Given):
    """One published version, without its content."""

    config_id: str
    version: int
    config_sha256: str
    actor: str
    published_at: datetime | None
    validated: bool
    rolls_back: int | None = None
    reason: str | None = None


class ConfigReplacedGiven(ConfigVersionGiven):
    """The version that a rollback has published."""

    deduped: bool


class PublishedConfigGiven(ConfigVersionGiven):
    """One version whole, and all there are; `active` is the one that new contests are made from."""

    active: bool
    config: dict[str, Any]
    versions: list[ConfigVersionGiven]


class PublishedConfigsGiven(Given):
    """Every version of every configuration."""

    configs: list[ConfigVersionGiven]


class AdoptedGiven(Given):
    """The configuration that a contest plays by now."""

    contest_id: str
    version: int
    config_sha256: str
    deduped: bool


class OperateAsked(Asked):
    """The open runbook execution within which a person moves a contest, and why."""

    execution_id: ExecutionId
    reason: Line


class MovedGiven(Given):
    """The contest's state afterwards."""

    contest_id: str
    status: str
    deduped: bool


class ReleasedGiven(Given):
    """A contest that is opened again. What is still wrong with its file closes it again: read it to see."""

    contest_id: str
    released: bool


class StepGiven(Given):
    """One step of a contest's progress."""

    step: str
    at: datetime


class ProgressGiven(Given):
    """How far a contest has come: the states, then SETTLED and PAID_OUT, oldest first."""

    contest_id: str
    progress: str
    steps: list[StepGiven]


class StartRunbookAsked(Asked):
    """Which runbook is executed, and by whom; who signs the request is kept beside it."""

    runbook_name: Name
    runbook_version: Name
    executed_by: Name
    system_state_before: dict[str, Any] | None = None


class StartedGiven(Given):
    """An open execution."""

    timestamp: Moment
    execution_id: str


class RunbookStepAsked(Asked):
    """A step that was taken, before the next one is."""

    execution_id: ExecutionId
    execution_phase: Name
    phase_step: int = Field(ge=0, le=1000)
    outcome: Literal["done", "failed"] = "done"
    result_json: dict[str, Any] | None = None


class StepNotedGiven(Given):
    """A step on record; `number` counts the steps of the execution."""

    timestamp: Moment
    number: int


class CompleteRunbookAsked(Asked):
    """How an execution ended (RBA-005)."""

    execution_id: ExecutionId
    status: Literal["completed", "failed", "partial"]
    result_json: dict[str, Any] | None = None
    error_reason: Line | None = None
    system_state_after: dict[str, Any] | None = None


class CompletedGiven(Given):
    """A closed execution."""

    timestamp: Moment
    success: bool


class ExecutionGiven(Given):
    """One execution; the first eleven fields are the audit query's, in its order (RBA-016)."""

    id: str
    runbook_name: str
    executed_by: str
    status: str
    start_time: Moment
    end_time: Moment | None
    duration_seconds: int | None
    system_state_before: dict[str, Any] | None
    result_json: dict[str, Any] | None
    error_reason: str | None
    system_state_after: dict[str, Any] | None
    runbook_version: str
    subject: str
    execution_phase: str | None
    phase_step: int | None
    steps: int
    updated_at: Moment


class ExecutionsGiven(Given):
    """Executions, the newest first."""

    executions: list[ExecutionGiven]
