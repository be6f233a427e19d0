"""Tokens that are taken back before they expire, as governance keeps them; it must not know what a token may do."""

from __future__ import annotations

from dataclasses import dataclass

from cutline.engine.decision import Accepted, Decision
from cutline.engine.messages import RevokeToken


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked:
    """From now on nobody is let in by this token. `jti` is its id; the token itself is written nowhere."""

    jti: str
    actor: str
    reason: str

    @property
    def key(self) -> str:
        """A token is revoked once."""
        return f"token:{self.jti}:revoked"


def revoke_token(revoked: frozenset[str] | set[str], command: RevokeToken) -> Decision:
    """Revoke a token; one that is revoked already stays so."""
    reply = {"jti": command.jti}
    if command.jti in revoked:
        return Accepted(reply=reply | {"deduped": True})
    event = TokenRevoked(jti=command.jti, actor=command.actor, reason=command.reason)
    return Accepted(events=(event,), reply=reply | {"deduped": False})
