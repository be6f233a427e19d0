"""Versions of tournament configurations: validated, published, rolled back. It knows no contest and no rule of play.

A version is a fact and is never taken back: a rollback publishes the content before it once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from cutline.engine.decision import Accepted, Decision, Recorded, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import PublishConfig, RaiseAlert, ReadConfig, RecordValidation, RollBackConfig

ROLLED_BACK: Final = "config_rolled_back"
RUNBOOK: Final = "runbooks/deploy-configuration-change.md"


class ConfigValidated(Struct, frozen=True, kw_only=True):
    """A content has been checked and rehearsed without a fault; `report` says what the rehearsal was."""

    config_id: str
    config_sha256: str
    report: Mapping[str, Any]
    actor: str

    @property
    def key(self) -> str:
        """A content passes once."""
        return f"config-validated:{self.config_sha256}"


class ConfigPublished(Struct, frozen=True, kw_only=True):
    """A configuration has a new version. A rollback publishes an old content again: `rolls_back` is what it undoes."""

    config_id: str
    version: int
    config_json: str
    config_sha256: str
    actor: str
    rolls_back: int | None = None
    reason: str | None = None

    @property
    def key(self) -> str:
        """Versions are numbered."""
        return f"config:{self.config_id}:{self.version}"


EVENTS: tuple[type, ...] = (ConfigValidated, ConfigPublished)


@dataclass(slots=True)
class Publications:
    """All versions of each configuration, oldest first, when each was published, and the contents that have passed."""

    versions: dict[str, list[ConfigPublished]] = field(default_factory=dict)
    published_at: dict[str, datetime] = field(default_factory=dict)
    validated: dict[str, ConfigValidated] = field(default_factory=dict)
    validated_at: dict[str, datetime] = field(default_factory=dict)

    def newest(self, config_id: str) -> ConfigPublished | None:
        """Return a configuration's newest version, or None for one that was never published."""
        versions = self.versions.get(config_id)
        return versions[-1] if versions else None

    def fold(self, recorded: Recorded) -> None:
        """Take in a validation or a publication."""
        event = recorded.event
        if isinstance(event, ConfigValidated):
            self.validated[event.config_sha256] = event
            self.validated_at[event.config_sha256] = recorded.at
            return
        self.versions.setdefault(event.config_id, []).append(event)
        self.published_at[event.key] = recorded.at


def validate(state: Publications, command: RecordValidation) -> Decision:
    """Record that a content has passed; the same content again changes nothing."""
    known = state.validated.get(command.config_sha256)
    if known is not None:
        return Accepted(reply=_describe_validation(known) | {"deduped": True})
    validated = ConfigValidated(
        config_id=command.config_id,
        config_sha256=command.config_sha256,
        report=command.report,
        actor=command.actor,
    )
    return Accepted(events=(validated,), reply=_describe_validation(validated) | {"deduped": False})


def publish(state: Publications, command: PublishConfig) -> Decision:
    """Publish a next version, or answer with the newest if it has this very content.

    Refused: CONFIG_NOT_VALIDATED where a validation is needed and none of this content is recorded (CFG-008).
    """
    newest = state.newest(command.config_id)
    if newest is not None and newest.config_sha256 == command.config_sha256:
        return Accepted(reply=describe_version(state, newest) | {"deduped": True})
    if command.needs_validation and command.config_sha256 not in state.validated:
        details = {"config_id": command.config_id, "config_sha256": command.config_sha256}
        return Rejected(code=RejectCode.CONFIG_NOT_VALIDATED, details=details)
    published = ConfigPublished(
        config_id=command.config_id,
        version=1 if newest is None else newest.version + 1,
        config_json=command.config_json,
        config_sha256=command.config_sha256,
        actor=command.actor,
    )
    return Accepted(events=(published,), reply=describe_version(state, published) | {"deduped": False})


def roll_back(state: Publications, command: RollBackConfig) -> Decision:
    """Publish the content before the newest version again, and say so to whoever watches (CFG-010).

    Refused: NOT_FOUND for a version that is none or has none before it, CONFIG_SUPERSEDED for one that is no longer
    the newest. Asked twice, it happens once.
    """
    newest = state.newest(command.config_id)
    details: dict[str, Any] = {"config_id": command.config_id, "version": command.version}
    if newest is None or not 2 <= command.version <= newest.version:
        return Rejected(code=RejectCode.NOT_FOUND, details=details)
    if newest.rolls_back == command.version:
        return Accepted(reply=describe_version(state, newest) | {"deduped": True})
    if newest.version != command.version:
        return Rejected(code=RejectCode.CONFIG_SUPERSEDED, details=details | {"newest": newest.version})
    before = state.versions[command.config_id][-2]
    published = ConfigPublished(
        config_id=command.config_id,
        version=newest.version + 1,
        config_json=before.config_json,
        config_sha256=before.config_sha256,
        actor=command.actor,
        rolls_back=newest.version,
        reason=command.reason,
    )
    alert = RaiseAlert(
        name=ROLLED_BACK, runbook=RUNBOOK, details={**details, "now": published.version, "actor": command.actor}
    )
    reply = describe_version(state, published) | {"deduped": False}
    return Accepted(events=(published,), reply=reply, effects=(alert,))


def read(state: Publications, command: ReadConfig) -> Decision:
    """Return one version whole with the list of all (CFG-009). Refused: NOT_FOUND for what was never published."""
    versions = state.versions.get(command.config_id, [])
    number = len(versions) if command.version is None else command.version
    if not 1 <= number <= len(versions):
        details = {"config_id": command.config_id, "version": command.version}
        return Rejected(code=RejectCode.NOT_FOUND, details=details)
    asked = versions[number - 1]
    listed = [describe_version(state, version) for version in versions]
    reply = describe_version(state, asked) | {"config_json": asked.config_json, "versions": listed}
    return Accepted(reply=reply | {"active": number == len(versions)})


def describe_version(state: Publications, published: ConfigPublished) -> dict[str, Any]:
    """Return a version without its content."""
    validated = state.validated.get(published.config_sha256)
    return {
        "config_id": published.config_id,
        "version": published.version,
        "config_sha256": published.config_sha256,
        "actor": published.actor,
        "published_at": state.published_at.get(published.key),
        "validated": validated is not None,
        "rolls_back": published.rolls_back,
        "reason": published.reason,
    }


def _describe_validation(validated: ConfigValidated) -> dict[str, Any]:
    return {
        "config_id": validated.config_id,
        "config_sha256": validated.config_sha256,
        "report": dict(validated.report),
        "actor": validated.actor,
    }
