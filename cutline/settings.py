"""What differs from one installation to the next, read from the environment once; nothing else reads it.

The environment's name is turned into data here (expected livemode), so that no other code branches on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Environment = Literal["test", "staging", "production"]

ALIASES: Final[Mapping[str, str]] = {
    "app_env": "settle_env",
    "database_url": "cutline_data_dir",
    "stripe_webhook_signing_secret": "stripe_webhook_secret",
}
"""Other names of the same thing. Both may be given only if they say the same (C-10)."""

_STRIPE_KEY = re.compile(r"(?:sk|rk)_(test|live)_\w+", re.ASCII)
_SQLITE_URL = "sqlite:///"


class Settings(BaseSettings):
    """One engine's settings. A missing or malformed variable stops the start and is named."""

    model_config = SettingsConfigDict(env_prefix="", extra="ignore", frozen=True)

    settle_env: Environment = "test"
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
    cutline_actors_kept_open: int = Field(default=64, ge=0)
    cutline_asks_max: int = Field(default=2000, ge=1)
    cutline_principal_requests_per_minute: int = Field(default=600, ge=0)
    """How often one entrant may ask; 0 is without a limit, here and in the next two."""
    cutline_address_requests_per_minute: int = Field(default=3000, ge=0)
    """How often one address may ask, however many people stand behind it. This box itself is not limited."""
    cutline_failed_logins_per_minute: int = Field(default=30, ge=0)
    """How often one address may fail to prove who it is before it has to wait."""
    api_base_url: str | None = None
    """How the world reaches this API; published with the environment's name, so that apps can refuse a wrong one."""

    # The other names. They are read here only, and empty afterwards.
    app_env: Environment | None = None
    database_url: str | None = None
    stripe_webhook_signing_secret: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _merge_aliases(cls, given: Any) -> Any:
        """Read each variable by its other name, too; two names that differ stop the start."""
        if not isinstance(given, Mapping):
            return given
        merged = dict(given)
        for alias, name in ALIASES.items():
            value = merged.pop(alias, None)
            if value is None:
                continue
            value = _data_root(value) if alias == "database_url" else value
            if name in merged and _text(merged[name]) != _text(value):
                raise ValueError(f"{alias.upper()} and {name.upper()} are both set, and differ")
            merged[name] = value
        return merged

    @model_validator(mode="after")
    def _judge_keys(self) -> Self:
        """Refuse keys that would move real money elsewhere than in production, or pretended money there."""
        found = _STRIPE_KEY.fullmatch(self.stripe_api_key.get_secret_value())
        if found is None:
            raise ValueError("STRIPE_API_KEY is no secret or restricted key of Stripe's (sk_test_…, rk_live_…)")
        mode = "live" if self.settle_env == "production" else "test"
        if found[1] != mode:
            raise ValueError(f"STRIPE_API_KEY is a {found[1]} key, and SETTLE_ENV={self.settle_env} takes {mode} keys")
        for name in ("cutline_jwt_secret", "settle_admin_key", "ledger_admin_key", "stripe_webhook_secret"):
            if not _several(getattr(self, name)):
                raise ValueError(f"{name.upper()} must not be blank")
        return self

    @property
    def environment(self) -> str:
        """The environment's name, to be shown; nothing else may be concluded from it."""
        return self.settle_env

    @property
    def refused_channels(self) -> frozenset[str]:
        """Builds of the apps that have no business here: those for testers, in production (ENV-015)."""
        return frozenset({"testflight"}) if self.settle_env == "production" else frozenset()

    @property
    def jwt_secrets(self) -> tuple[str, ...]:
        """Every secret that tokens may be signed with, the one for new tokens first (comma-separated)."""
        return _several(self.cutline_jwt_secret)

    @property
    def settle_admin_keys(self) -> tuple[str, ...]:
        """Every valid key of the settlement service: while one is being rotated, two are valid (ENV-012)."""
        return _several(self.settle_admin_key)

    @property
    def ledger_admin_keys(self) -> tuple[str, ...]:
        """Every valid key of the ledger's service."""
        return _several(self.ledger_admin_key)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Every live signing secret: while one is being rotated, two are valid (comma-separated)."""
        return _several(self.stripe_webhook_secret)

    @property
    def livemodes(self) -> frozenset[bool]:
        """Which values of an event's `livemode` are taken here (PAY-020..022)."""
        if self.settle_env != "production":
            return frozenset({False})
        allows_test = self.stripe_allow_testmode_events_in_prod == "true"
        return frozenset({True, False}) if allows_test else frozenset({True})


def _several(secret: SecretStr) -> tuple[str, ...]:
    return tuple(part.strip() for part in secret.get_secret_value().split(",") if part.strip())


def _data_root(url: Any) -> str:
    """Return the folder that DATABASE_URL names, as `sqlite:///relative` or `sqlite:////absolute` (ENV-011)."""
    if not str(url).startswith(_SQLITE_URL) or url == _SQLITE_URL:
        raise ValueError("DATABASE_URL must be sqlite:/// and the folder of the data root")
    return str(url).removeprefix(_SQLITE_URL)


def _text(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
