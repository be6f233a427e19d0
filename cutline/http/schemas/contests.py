"""What is asked and answered about configurations and contests."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from cutline.http.schemas.base import Asked, ContestId, Given, exactly_one


class PublishConfigAsked(Asked):
    """A tournament configuration, as TOML text or as the same keys in JSON: exactly one of the two."""

    model_config = ConfigDict(json_schema_extra=exactly_one(("toml", "string"), ("config", "object")))

    toml: str | None = None
    config: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.toml is None) == (self.config is None):
            raise ValueError("give toml or config, and not both")
        return self


class ConfigGiven(Given):
    """A published configuration."""

    config_id: str
    version: int
    config_sha256: str
    deduped: bool


class CreateContestAsked(Asked):
    """A contest to be, on the newest published version of a configuration."""

    contest_id: ContestId
    config_id: ContestId


class ContestCreatedGiven(Given):
    """A contest that exists now."""

    contest_id: str
    config_id: str
    config_sha256: str
    deduped: bool


class CancelContestAsked(Asked):
    """Why a contest is cancelled; it is written into the log."""

    reason: str = Field(min_length=1, max_length=500)


class CancelledGiven(Given):
    """The contest's state after cancelling."""

    contest_id: str
    status: str


class FeedGiven(Given):
    """How the provider's event stands, as the contest has heard."""

    provider_event_id: str
    event_status: str | None = None
    changes: int
    polled_at: datetime | None = None
    field_complete: bool
    held_regressions: int


class SettlementProgressGiven(Given):
    """How the settlement stands; the sums are in cents."""

    status: str
    attempts: int
    retry_at: datetime | None = None
    run_id: str | None = None
    score_version: int | None = None
    input_sha256: str | None = None
    result_sha256: str | None = None
    pot_cents: int | None = None
    rake_cents: int | None = None
    prizes: int | None = None
    paid_prizes: int | None = None
    paid_cents: int | None = None
    owed_cents: int | None = None


class ContestGiven(Given):
    """A contest as it is. `entries` counts by status; `transitions` is for staff, and null for others."""

    contest_id: str
    config_id: str
    config_sha256: str
    config_version: int
    """The published version taken since the creation, or 0."""
    name: str
    currency: str
    status: str
    progress: str
    created_at: datetime
    lock_at: datetime
    first_tee_at: datetime
    ends_at: datetime
    fee_cents: int
    max_entries: int
    entries: dict[str, int]
    pot_cents: int
    feed: FeedGiven
    settlement: SettlementProgressGiven
    transitions: list[dict[str, Any]] | None = None


class ContestListed(Given):
    """One line of the list of contests; `created_at` is null until its file exists."""

    contest_id: str
    config_id: str
    version: int
    config_sha256: str
    planned_at: datetime
    created_at: datetime | None = None
    quarantine: str | None = None


class ContestsGiven(Given):
    """A page of the contests, by id."""

    contests: list[ContestListed]
    next_cursor: str | None
