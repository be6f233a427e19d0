"""What is asked and answered about tokens."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from cutline.http.schemas.base import Asked, Given, exactly_one

TokenId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]


class RevokeTokenAsked(Asked):
    """The token that is taken back, by its id (`jti`) or as it is: exactly one of the two."""

    model_config = ConfigDict(json_schema_extra=exactly_one(("jti", "string"), ("token", "string")))

    jti: TokenId | None = None
    token: str | None = Field(default=None, max_length=8192)
    reason: str = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.jti is None) == (self.token is None):
            raise ValueError("give jti or token, and not both")
        return self


class TokenRevokedGiven(Given):
    """A token that opens no door any more."""

    jti: str
    deduped: bool
