"""What differs from one installation to the next, read from the environment once; nothing else reads it.

The environment's name is turned into data here (expected livemode), so that no other code branches on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from cutline.engine.retries import Delays, RetryTerms

_OWN_PREFIXES = ("NETTING_",)
"""Families of names that nobody else uses."""


def _delays(first_s: int, longest_s: int) -> Delays:
    return Delays(first=timedelta(seconds=first_s), longest=timedelta(seconds=longest_s))


class Settings(BaseSettings):
    """One engine's settings. A missing or malformed variable stops the start and is named."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", frozen=True)

    settle_env: Literal["test", "staging", "production"] = "test"
    cutline_data_dir: Path = Path("data")
    cutline_host: str = "127.0.0.1"
    cutline_port: int = Field(default=8080, ge=0, le=65535)
    cutline_jwt_secret: SecretStr
    settle_admin_key: SecretStr
    ledger_admin_key: SecretStr
    stripe_api_key: SecretStr
    stripe_webhook_secret: SecretStr
    stripe_base_url: str = "https://api.stripe.com"
    stripe_connect_onboard_base_url: str = "https://cutline.example"
    stripe_allow_testmode_events_in_prod: Literal["true", "false"] = "false"
    ingestion_endpoint_url: str
    cutline_replica_url: str | None = None
    cutline_run_dir: Path | None = None
    cutline_look_every_s: int = Field(default=1, ge=1)
    cutline_payouts_every_s: int = Field(default=300, ge=1)
    ledger_ingest_day_cap_cents: int = Field(default=1_000_000, ge=0)
    """What outside services may credit in one UTC day and currency; 0 closes that door."""
    netting_clearing_domain: Literal["payouts"] = "payouts"
    """The clearing account that a netting run empties, `clearing:<domain>`; the books know this one alone (NET-019)."""
    netting_target_domain: Literal["bank"] = "bank"
    """The clearing account against which it is emptied."""
    netting_run_limit_default: int = Field(default=100_000, ge=1, le=1_000_000)
    """How many payouts a run takes that names no limit of its own."""
    outbox_attempts_max: int = Field(default=12, ge=1, le=100)
    """How often a posting that broke is tried before a person is told."""
    outbox_retry_first_s: int = Field(default=120, ge=1)
    """After what time a posting that broke is tried again; the delay doubles. A job looks every two minutes."""
    outbox_retry_max_s: int = Field(default=3600, ge=1)
    """The longest delay between two attempts to post."""
    stripe_same_key_first_s: int = Field(default=2, ge=1)
    """After what time a call to Stripe that may be repeated under its key is repeated; the delay doubles each time."""
    stripe_same_key_max_s: int = Field(default=900, ge=1)
    """The longest delay before a call is repeated under its key. Keys are repeated for 23 hours at most."""
    stripe_new_attempt_first_s: int = Field(default=900, ge=1)
    """After what time a call that Stripe refused for now is attempted anew, under a new key; the delay doubles."""
    stripe_new_attempt_max_s: int = Field(default=21_600, ge=1)
    """The longest delay before a new attempt."""
    stripe_look_up_first_s: int = Field(default=60, ge=1)
    """After what time Stripe is asked whether an unclear call had its effect; the delay doubles each time."""
    stripe_look_up_max_s: int = Field(default=3600, ge=1)
    """The longest delay before such a look-up."""
    payment_orphaned_minutes: int = Field(default=1440, ge=1)
    """After so long an intent that has not ended, or a fee whose contest does not answer, is a person's business."""
    cutline_actors_kept_open: int = Field(default=64, ge=0)
    cutline_asks_max: int = Field(default=2000, ge=1)

    @classmethod
    def unknown_names(cls, environment: Iterable[str]) -> list[str]:
        """Return the names in the environment that look like settings and are none: most are misspelt (NET-019)."""
        known = {name.upper() for name in cls.model_fields}
        return sorted(name for name in environment if name.startswith(_OWN_PREFIXES) and name not in known)

    @property
    def retries(self) -> RetryTerms:
        """How often and how soon what failed is tried again."""
        return RetryTerms(
            outbox_attempts_max=self.outbox_attempts_max,
            outbox=_delays(self.outbox_retry_first_s, self.outbox_retry_max_s),
            same_key=_delays(self.stripe_same_key_first_s, self.stripe_same_key_max_s),
            new_attempt=_delays(self.stripe_new_attempt_first_s, self.stripe_new_attempt_max_s),
            look_up=_delays(self.stripe_look_up_first_s, self.stripe_look_up_max_s),
        )

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Every live signing secret: while one is being rotated, two are valid (comma-separated)."""
        return tuple(part.strip() for part in self.stripe_webhook_secret.get_secret_value().split(",") if part.strip())

    @property
    def livemodes(self) -> frozenset[bool]:
        """Which values of an event's `livemode` are taken here (PAY-020..022)."""
        if self.settle_env != "production":
            return frozenset({False})
        allows_test = self.stripe_allow_testmode_events_in_prod == "true"
        return frozenset({True, False}) if allows_test else frozenset({True})
