"""The messages to `governance`, which keeps configurations and contests; they must not know a rule of either."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishConfig:
    """Publish a validated tournament configuration as the next version of its id."""

    config_id: str
    config_json: str
    config_sha256: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContest:
    """Plan a contest from the newest published version of a configuration; its file comes next."""

    contest_id: str
    config_id: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestReady:
    """From a contest: its file exists and holds its creation; from now on a missing file is a fault."""

    contest_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineContest:
    """From the supervisor: this contest's file cannot be trusted; keep it closed until released."""

    contest_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseContest:
    """From an edge: this contest's file has been restored or found sound; it may be opened again."""

    contest_id: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractText:
    """One OpenAPI document as this release serves it; `sha256` is that of `spec_json`."""

    name: str
    version: str
    sha256: str
    spec_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCodeRow:
    """One row of the registry of refusals."""

    code: str
    http_status: int
    scope: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterContracts:
    """From a start: what this release promises its clients. Only what is new is recorded."""

    contracts: tuple[ContractText, ...]
    codes: tuple[ErrorCodeRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    """From an edge: let nobody in by the token of this id any more."""

    jti: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRevokedTokens:
    """Ask for the ids of all revoked tokens. Decides nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDirectory:
    """Ask for the contests and the published configurations. Decides nothing."""
