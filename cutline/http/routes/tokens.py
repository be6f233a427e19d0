"""Tokens that are taken back; it must not mint any."""

from __future__ import annotations

from cutline.engine.errors import RejectCode
from cutline.http.door import ADMIN, Call, Reply, Route
from cutline.http.schemas.tokens import RevokeTokenAsked, TokenRevokedGiven


async def revoke_token(call: Call) -> Reply:
    """Take a token back, by itself or by its id: it opens no door any more, also after a restart."""
    asked = call.body_as(RevokeTokenAsked)
    authenticator = call.house.authenticator
    jti = asked.jti if asked.jti is not None else authenticator.token_id(asked.token or "")
    done = await call.governance.revoke_token(jti=jti, actor=call.principal.actor, reason=asked.reason)
    authenticator.deny(jti)
    return Reply(body=TokenRevokedGiven.model_validate(done))


ROUTES = (
    Route(
        method="POST",
        path="/v1/tokens/revoke",
        handle=revoke_token,
        needs=ADMIN,
        takes=RevokeTokenAsked,
        gives=TokenRevokedGiven,
        refuses=(RejectCode.NOT_FOUND,),
        idempotency="by content",
        summary="Take a token back before it expires.",
    ),
)
