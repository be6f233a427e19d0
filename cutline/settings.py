"""What differs from one installation to the next, read from the environment once; nothing else reads it.

The environment's name is turned into data here (expected livemode), so that no other code branches on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cutline.engine.ledger.accounts import clearing_did
from cutline.engine.retries import Delays, RetryTerms

Environment = Literal["test", "staging", "production"]

ALIASES: Final[Mapping[str, str]] = {
    "app_env": "settle_env",
    "database_url": "cutline_data_dir",
    "stripe_webhook_signing_secret": "stripe_webhook_secret",
}
"""Other names of the same thing. Both may be given only if they say the same (C-10)."""

_STRIPE_KEY = re.compile(r"(?:sk|rk)_(test|live)_\w+", re.ASCII)
_SQLITE_URL = "sqlite:///"

_OWN_PREFIXES = ("NETTING_",)
"""Families of names that nobody else uses."""


def _delays(first_s: int, longest_s: int) -> Delays:
    return Delays(first=timedelta(seconds=first_s), longest=timedelta(seconds=longest_s))


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address like https://example.com/path")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


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
    stripe_calls_per_s_max: int = Field(default=100, ge=1, le=100)
    """Stripe takes 100 calls a second of a live platform and 25 of a sandbox."""
    stripe_payout_calls_at_once: int = Field(default=32, ge=1, le=100)
    """So many calls of payouts are under way at a time; those of entrants who pay never queue behind the others."""
    stripe_connect_onboard_base_url: WebAddress = "https://cutline.example"
    stripe_allow_testmode_events_in_prod: Literal["true", "false"] = "false"
    ingestion_endpoint_url: str
    cutline_replica_url: str | None = None
    cutline_run_dir: Path | None = None
    cutline_look_every_s: int = Field(default=1, ge=1)
    cutline_payouts_every_s: int = Field(default=300, ge=1)
    payout_stuck_minutes_default: int = Field(default=60, ge=1)
    """How long a payout to the bank may wait before it is listed as stuck, unless the asker says otherwise."""
    payout_untriggered_minutes: int = Field(default=30, ge=1)
    """After so long a settled contest without any transfer to its winners is a person's business."""
    payouts_clearing_domain: Literal["payouts"] = "payouts"
    """The clearing account that paid payouts drain into, `clearing:<domain>`; the chart knows this one alone."""
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
    def payouts_clearing_did(self) -> str:
        """The DID of the account that paid payouts drain into: `did:internal:clearing:<domain>` (POUT-022)."""
        return clearing_did(self.payouts_clearing_domain)

    @property
    def configs_need_validation(self) -> bool:
        """Whether only a configuration whose rehearsal is on record may be published (CFG-008)."""
        return self.settle_env == "production"

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
