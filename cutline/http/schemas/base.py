"""The kinds of models at the doors, and the forms of ids; no model of a route."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, WithJsonSchema

from cutline.engine.ledger.accounts import OWNER_PATTERN

CONTEST_ID = r"^[a-z0-9][a-z0-9_-]{0,63}$"
"""A contest's id names its file, so it may not leave its folder."""

ContestId = Annotated[str, StringConstraints(pattern=CONTEST_ID)]
EntryId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
AccountDid = Annotated[str, StringConstraints(pattern=f"^{OWNER_PATTERN}$")]


def _real_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Day = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_real_day),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A UTC day as YYYY-MM-DD."""

CSV = "text/csv"


def exactly_one(*kinds: tuple[str, str]) -> dict[str, Any]:
    """Return what tells a JSON schema that one of these fields must be there, and no other; each with its type."""
    ways = [{"required": [name], "properties": {name: {"type": kind}}} for name, kind in kinds]
    return {"oneOf": ways}


class Asked(BaseModel):
    """A request's body: exact types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Queried(BaseModel):
    """A request's query: no unknown names; texts are read as what the model declares."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Given(BaseModel):
    """A response's body: what it declares leaves the house, and nothing else that an actor replied."""

    # Every field of an answer is always there, and the documents say so.
    model_config = ConfigDict(
        frozen=True, extra="ignore", from_attributes=False, json_schema_serialization_defaults_required=True
    )
