"""The edge's way to governance: typed questions, and no decision."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypedDict

from cutline.actors.handles.asking import Ask, Reply
from cutline.engine.messages import (
    PlanContest,
    PublishConfig,
    ReadDirectory,
    ReadRevokedTokens,
    RevokeToken,
)


class Listing(TypedDict):
    """What governance keeps."""

    configs: list[Reply]
    contests: list[Reply]


class GovernanceHandle:
    """The actor that keeps configurations and the directory of contests."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def publish(
        self, *, config_id: str, config_json: str, config_sha256: str, actor: str, needs_validation: bool
    ) -> Awaitable[Reply]:
        """Publish a configuration's next version; its newest content again changes nothing (CFG-007)."""
        message = PublishConfig(
            config_id=config_id,
            config_json=config_json,
            config_sha256=config_sha256,
            actor=actor,
            needs_validation=needs_validation,
        )
        return self._ask("governance", message)

    def plan(self, *, contest_id: str, config_id: str, actor: str) -> Awaitable[Reply]:
        """Plan a contest on the newest version of a configuration."""
        return self._ask("governance", PlanContest(contest_id=contest_id, config_id=config_id, actor=actor))

    def directory(self) -> Awaitable[Listing]:
        """Return every published configuration and every planned contest."""
        return self._ask("governance", ReadDirectory())

    def revoke_token(self, *, jti: str, actor: str, reason: str) -> Awaitable[Reply]:
        """Let nobody in by the token of this id any more."""
        return self._ask("governance", RevokeToken(jti=jti, actor=actor, reason=reason))

    def revoked_tokens(self) -> Awaitable[Reply]:
        """Return the ids of all revoked tokens, as `revoked`."""
        return self._ask("governance", ReadRevokedTokens())
