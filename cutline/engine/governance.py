"""What the box knows of configurations, contests and runbooks: published, planned, created, quarantined, executed.

It plans a contest, has its file made and tells it of new versions; it holds no rule of any contest and reads no
contest's file. Versions are judged in `publications`, executions of runbooks in `executions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

from cutline.engine import executions, publications
from cutline.engine.contracts import ContractPublished, ErrorCodeRegistered, Promises, register_contracts
from cutline.engine.decision import Accepted, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.executions import Executions
from cutline.engine.messages import (
    AdoptConfig,
    CompleteRunbook,
    ContestReady,
    CreateContest,
    Look,
    PlanContest,
    PublishConfig,
    QuarantineContest,
    ReadConfig,
    ReadDirectory,
    ReadPlan,
    ReadRevokedTokens,
    ReadRunbookExecution,
    ReadRunbookExecutions,
    RecordRunbookStep,
    RecordValidation,
    RegisterContracts,
    ReleaseContest,
    RevokeToken,
    RollBackConfig,
    StartRunbook,
)
from cutline.engine.publications import ConfigPublished, ConfigValidated, Publications
from cutline.engine.revocations import TokenRevoked, revoke_token


class ContestPlanned(Struct, frozen=True, kw_only=True):
    """A contest is to be: its file comes next, and until then may be missing."""

    contest_id: str
    config_id: str
    version: int
    config_json: str
    config_sha256: str
    actor: str

    @property
    def key(self) -> str:
        """A contest is planned once."""
        return f"contest:{self.contest_id}:planned"


class ContestConfirmed(Struct, frozen=True, kw_only=True):
    """The contest's file holds its creation: from now on a missing file is a fault."""

    contest_id: str

    @property
    def key(self) -> str:
        """A contest is created once."""
        return f"contest:{self.contest_id}:created"


class ContestQuarantined(Struct, frozen=True, kw_only=True):
    """The contest's file cannot be trusted; it stays closed. `number` counts quarantines and releases."""

    contest_id: str
    number: int
    reason: str

    @property
    def key(self) -> str:
        """A contest may be quarantined again after a release."""
        return f"contest:{self.contest_id}:quarantine:{self.number}"


class ContestReleased(Struct, frozen=True, kw_only=True):
    """The contest's file is trusted again."""

    contest_id: str
    number: int
    actor: str
    reason: str

    @property
    def key(self) -> str:
        """Each quarantine ends once."""
        return f"contest:{self.contest_id}:quarantine:{self.number}"


EVENTS: tuple[type, ...] = (
    *publications.EVENTS,
    *executions.EVENTS,
    ContestPlanned,
    ContestConfirmed,
    ContestQuarantined,
    ContestReleased,
    ContractPublished,
    ErrorCodeRegistered,
    TokenRevoked,
)


@dataclass(slots=True)
class Listed:
    """One contest of the directory."""

    planned: ContestPlanned
    planned_at: datetime
    created_at: datetime | None = None
    quarantine: str | None = None
    quarantine_events: int = 0


@dataclass(slots=True)
class Governance:
    """The governance file: configurations, contests, executions of runbooks, what is promised and revoked."""

    publications: Publications = field(default_factory=Publications)
    contests: dict[str, Listed] = field(default_factory=dict)
    promises: Promises = field(default_factory=Promises)
    revoked: set[str] = field(default_factory=set)
    executions: Executions = field(default_factory=Executions)


class GovernanceMachine:
    """The pure rules of `governance`."""

    kind = "governance"
    events: Mapping[str, type] = {event.__name__: event for event in EVENTS}

    def initial(self) -> Governance:
        """Return the state of an empty file."""
        return Governance()

    def decide(self, state: Governance, command: Any, now: datetime) -> Decision:
        """Judge a command at commit time `now` (UTC), changing nothing."""
        judge = _JUDGES.get(type(command))
        if judge is None:
            raise InvariantViolated(f"{type(command).__name__} is no message to governance")
        return judge(state, command, now)

    def evolve(self, state: Governance, recorded: Recorded) -> None:
        """Fold one recorded event into the state."""
        match recorded.event:
            case ConfigPublished() | ConfigValidated():
                state.publications.fold(recorded)
            case executions.RunbookStarted() | executions.RunbookStepRecorded() | executions.RunbookCompleted():
                state.executions.fold(recorded)
            case ContestPlanned() as planned:
                state.contests[planned.contest_id] = Listed(planned=planned, planned_at=recorded.at)
            case ContestConfirmed(contest_id=contest_id):
                state.contests[contest_id].created_at = recorded.at
            case ContestQuarantined(contest_id=contest_id, number=number, reason=reason):
                listed = state.contests[contest_id]
                listed.quarantine, listed.quarantine_events = reason, number
            case ContestReleased(contest_id=contest_id, number=number):
                listed = state.contests[contest_id]
                listed.quarantine, listed.quarantine_events = None, number
            case ContractPublished() | ErrorCodeRegistered() as promised:
                state.promises.fold(promised)
            case TokenRevoked(jti=jti):
                state.revoked.add(jti)
            case other:
                raise InvariantViolated(f"{type(other).__name__} is no event of governance")

    def owes(self, state: Governance, recorded: Recorded) -> Sequence[Owed]:
        """Return what a plan and a publication owe.

        A plan owes the contest's creation, so that it survives the process that made it. A version is owed to every
        contest of its configuration that exists; whether it may still change is the contest's to say (C-28).
        """
        match recorded.event:
            case ContestPlanned() as planned:
                return [_creation_of(planned)]
            case ConfigPublished() as published:
                exist = (listed for listed in state.contests.values() if listed.created_at is not None)
                return [
                    _adoption_of(published, recorded, listed)
                    for listed in exist
                    if listed.planned.config_id == published.config_id
                ]
            case ContestConfirmed(contest_id=contest_id):
                listed = state.contests[contest_id]
                newest = state.publications.newest(listed.planned.config_id)
                if newest is not None and newest.version > listed.planned.version:
                    return [_adoption_of(newest, recorded, listed)]
        return ()

    def resume(self, state: Governance, now: datetime) -> Sequence[Any]:  # noqa: ARG002  # the contract's shape
        """Return nothing: governance has no effects."""
        return ()

    def due_at(self, state: Governance) -> datetime | None:  # noqa: ARG002  # the contract's shape
        """Return None: nothing here waits for the clock."""
        return None


def _creation_of(planned: ContestPlanned) -> Owed:
    create = CreateContest(
        contest_id=planned.contest_id,
        config_json=planned.config_json,
        config_sha256=planned.config_sha256,
    )
    return Owed(key=f"{planned.key}/CreateContest", to=f"contest/{planned.contest_id}", message=create)


def _adoption_of(published: ConfigPublished, recorded: Recorded, listed: Listed) -> Owed:
    contest_id = listed.planned.contest_id
    key = f"{recorded.event.key}/AdoptConfig/{contest_id}"
    return Owed(key=key, to=f"contest/{contest_id}", message=_adopt(published))


def _adopt(published: ConfigPublished) -> AdoptConfig:
    return AdoptConfig(
        config_id=published.config_id,
        version=published.version,
        config_json=published.config_json,
        config_sha256=published.config_sha256,
    )


def _plan(state: Governance, command: PlanContest) -> Decision:
    """Plan a contest from the newest version. Refused: NOT_FOUND without a version, CONTEST_EXISTS for another plan."""
    listed = state.contests.get(command.contest_id)
    if listed is not None:
        if listed.planned.config_id == command.config_id:
            return Accepted(reply=_describe_plan(listed.planned) | {"deduped": True})
        details = {"contest_id": command.contest_id, "config_id": listed.planned.config_id}
        return Rejected(code=RejectCode.CONTEST_EXISTS, details=details)
    newest = state.publications.newest(command.config_id)
    if newest is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"config_id": command.config_id})
    planned = ContestPlanned(
        contest_id=command.contest_id,
        config_id=command.config_id,
        version=newest.version,
        config_json=newest.config_json,
        config_sha256=newest.config_sha256,
        actor=command.actor,
    )
    return Accepted(events=(planned,), reply=_describe_plan(planned) | {"deduped": False})


def _confirm(state: Governance, command: ContestReady) -> Decision:
    listed = state.contests.get(command.contest_id)
    if listed is None:
        return _unknown(command.contest_id)
    if listed.created_at is not None:
        return Accepted(reply={"deduped": True})
    return Accepted(events=(ContestConfirmed(contest_id=command.contest_id),))


def _quarantine(state: Governance, command: QuarantineContest) -> Decision:
    listed = state.contests.get(command.contest_id)
    if listed is None:
        return _unknown(command.contest_id)
    if listed.quarantine is not None:
        return Accepted(reply={"deduped": True})
    number = listed.quarantine_events + 1
    return Accepted(events=(ContestQuarantined(contest_id=command.contest_id, number=number, reason=command.reason),))


def _release(state: Governance, command: ReleaseContest) -> Decision:
    listed = state.contests.get(command.contest_id)
    if listed is None:
        return _unknown(command.contest_id)
    if listed.quarantine is None:
        return Accepted(reply={"deduped": True})
    released = ContestReleased(
        contest_id=command.contest_id,
        number=listed.quarantine_events + 1,
        actor=command.actor,
        reason=command.reason,
    )
    return Accepted(events=(released,))


def _unknown(contest_id: str) -> Rejected:
    return Rejected(code=RejectCode.NOT_FOUND, details={"contest_id": contest_id})


def _read_plan(state: Governance, command: ReadPlan) -> Decision:
    listed = state.contests.get(command.contest_id)
    newest = None if listed is None else state.publications.newest(listed.planned.config_id)
    if newest is None:
        return _unknown(command.contest_id)
    reply = publications.describe_version(state.publications, newest) | {"config_json": newest.config_json}
    return Accepted(reply=reply | {"contest_id": command.contest_id})


def _read(state: Governance, _command: ReadDirectory) -> Decision:
    published = state.publications
    configs = [
        publications.describe_version(published, version)
        for versions in published.versions.values()
        for version in versions
    ]
    return Accepted(
        reply={
            "configs": configs,
            "contests": [_describe_listed(listed) for listed in state.contests.values()],
        }
    )


def _describe_plan(planned: ContestPlanned) -> dict[str, Any]:
    return {
        "contest_id": planned.contest_id,
        "config_id": planned.config_id,
        "version": planned.version,
        "config_json": planned.config_json,
        "config_sha256": planned.config_sha256,
    }


def _describe_listed(listed: Listed) -> dict[str, Any]:
    return {
        "contest_id": listed.planned.contest_id,
        "config_id": listed.planned.config_id,
        "version": listed.planned.version,
        "config_sha256": listed.planned.config_sha256,
        "planned_at": listed.planned_at,
        "created_at": listed.created_at,
        "quarantine": listed.quarantine,
    }


_JUDGES: Mapping[type, Callable[[Governance, Any, datetime], Decision]] = {
    RecordValidation: lambda state, command, _: publications.validate(state.publications, command),
    PublishConfig: lambda state, command, _: publications.publish(state.publications, command),
    RollBackConfig: lambda state, command, _: publications.roll_back(state.publications, command),
    ReadConfig: lambda state, command, _: publications.read(state.publications, command),
    PlanContest: lambda state, command, _: _plan(state, command),
    ContestReady: lambda state, command, _: _confirm(state, command),
    QuarantineContest: lambda state, command, _: _quarantine(state, command),
    ReleaseContest: lambda state, command, _: _release(state, command),
    ReadPlan: lambda state, command, _: _read_plan(state, command),
    ReadDirectory: lambda state, command, _: _read(state, command),
    StartRunbook: lambda state, command, now: executions.start(state.executions, command, now),
    RecordRunbookStep: lambda state, command, now: executions.record_step(state.executions, command, now),
    CompleteRunbook: lambda state, command, now: executions.complete(state.executions, command, now),
    ReadRunbookExecution: lambda state, command, _: executions.read_one(state.executions, command),
    ReadRunbookExecutions: lambda state, command, _: executions.read_all(state.executions, command),
    RegisterContracts: lambda state, command, _: register_contracts(state.promises, command),
    RevokeToken: lambda state, command, _: revoke_token(state.revoked, command),
    ReadRevokedTokens: lambda state, _command, _now: Accepted(reply={"revoked": sorted(state.revoked)}),
    Look: lambda _state, _command, _now: Accepted(),
}
"""Who judges which message."""
