"""What the box knows of configurations and contests: versions published, contests planned, created, quarantined.

It plans a contest and has its file made; it holds no rule of any contest and reads no contest's file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cutline.engine.contracts import ContractPublished, ErrorCodeRegistered, Promises, register_contracts
from cutline.engine.decision import Accepted, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.messages import (
    ContestReady,
    CreateContest,
    Look,
    PlanContest,
    PublishConfig,
    QuarantineContest,
    ReadDirectory,
    ReadRevokedTokens,
    RegisterContracts,
    ReleaseContest,
    RevokeToken,
)
from cutline.engine.revocations import TokenRevoked, revoke_token


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPublished:
    """A configuration has a new version. A rollback publishes an old content again."""

    config_id: str
    version: int
    config_json: str
    config_sha256: str
    actor: str

    @property
    def key(self) -> str:
        """Versions are numbered."""
        return f"config:{self.config_id}:{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestPlanned:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestConfirmed:
    """The contest's file holds its creation: from now on a missing file is a fault."""

    contest_id: str

    @property
    def key(self) -> str:
        """A contest is created once."""
        return f"contest:{self.contest_id}:created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestQuarantined:
    """The contest's file cannot be trusted; it stays closed. `number` counts quarantines and releases."""

    contest_id: str
    number: int
    reason: str

    @property
    def key(self) -> str:
        """A contest may be quarantined again after a release."""
        return f"contest:{self.contest_id}:quarantine:{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestReleased:
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
    ConfigPublished,
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
    """The governance file: each configuration's versions, oldest first, contests, what is promised and revoked."""

    configs: dict[str, list[ConfigPublished]] = field(default_factory=dict)
    contests: dict[str, Listed] = field(default_factory=dict)
    promises: Promises = field(default_factory=Promises)
    revoked: set[str] = field(default_factory=set)


class GovernanceMachine:
    """The pure rules of `governance`."""

    kind = "governance"
    events: Mapping[str, type] = {event.__name__: event for event in EVENTS}

    def initial(self) -> Governance:
        """Return the state of an empty file."""
        return Governance()

    def decide(self, state: Governance, command: Any, now: datetime) -> Decision:  # noqa: ARG002  # the contract's shape
        """Judge a command at commit time `now` (UTC), changing nothing."""
        judge = _JUDGES.get(type(command))
        if judge is None:
            raise InvariantViolated(f"{type(command).__name__} is no message to governance")
        return judge(state, command)

    def evolve(self, state: Governance, recorded: Recorded) -> None:
        """Fold one recorded event into the state."""
        match recorded.event:
            case ConfigPublished() as published:
                state.configs.setdefault(published.config_id, []).append(published)
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

    def owes(self, state: Governance, recorded: Recorded) -> Sequence[Owed]:  # noqa: ARG002  # the contract's shape
        """Return what a plan owes: the contest's creation, so that a plan survives the process that made it."""
        planned = recorded.event
        if not isinstance(planned, ContestPlanned):
            return ()
        create = CreateContest(
            contest_id=planned.contest_id,
            config_json=planned.config_json,
            config_sha256=planned.config_sha256,
        )
        return [Owed(key=f"{planned.key}/CreateContest", to=f"contest/{planned.contest_id}", message=create)]

    def resume(self, state: Governance, now: datetime) -> Sequence[Any]:  # noqa: ARG002  # the contract's shape
        """Return nothing: governance has no effects."""
        return ()

    def due_at(self, state: Governance) -> datetime | None:  # noqa: ARG002  # the contract's shape
        """Return None: nothing here waits for the clock."""
        return None


def _publish(state: Governance, command: PublishConfig) -> Decision:
    """Publish a next version, or answer with the newest if it has this very content."""
    versions = state.configs.get(command.config_id, [])
    if versions and versions[-1].config_sha256 == command.config_sha256:
        return Accepted(reply=_describe_version(versions[-1]) | {"deduped": True})
    published = ConfigPublished(
        config_id=command.config_id,
        version=len(versions) + 1,
        config_json=command.config_json,
        config_sha256=command.config_sha256,
        actor=command.actor,
    )
    return Accepted(events=(published,), reply=_describe_version(published) | {"deduped": False})


def _plan(state: Governance, command: PlanContest) -> Decision:
    """Plan a contest from the newest version. Refused: NOT_FOUND without a version, CONTEST_EXISTS for another plan."""
    listed = state.contests.get(command.contest_id)
    if listed is not None:
        if listed.planned.config_id == command.config_id:
            return Accepted(reply=_describe_plan(listed.planned) | {"deduped": True})
        details = {"contest_id": command.contest_id, "config_id": listed.planned.config_id}
        return Rejected(code=RejectCode.CONTEST_EXISTS, details=details)
    versions = state.configs.get(command.config_id)
    if not versions:
        return Rejected(code=RejectCode.NOT_FOUND, details={"config_id": command.config_id})
    newest = versions[-1]
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


def _read(state: Governance, _command: ReadDirectory) -> Decision:
    configs = [_describe_version(version) for versions in state.configs.values() for version in versions]
    return Accepted(
        reply={
            "configs": configs,
            "contests": [_describe_listed(listed) for listed in state.contests.values()],
        }
    )


def _describe_version(published: ConfigPublished) -> dict[str, Any]:
    return {
        "config_id": published.config_id,
        "version": published.version,
        "config_sha256": published.config_sha256,
        "actor": published.actor,
    }


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


_JUDGES: Mapping[type, Callable[[Governance, Any], Decision]] = {
    PublishConfig: _publish,
    PlanContest: _plan,
    ContestReady: _confirm,
    QuarantineContest: _quarantine,
    ReleaseContest: _release,
    ReadDirectory: _read,
    RegisterContracts: lambda state, command: register_contracts(state.promises, command),
    RevokeToken: lambda state, command: revoke_token(state.revoked, command),
    ReadRevokedTokens: lambda state, _command: Accepted(reply={"revoked": sorted(state.revoked)}),
    Look: lambda _state, _command: Accepted(),
}
"""Who judges which message."""
