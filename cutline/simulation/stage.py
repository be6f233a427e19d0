"""Sets the stage of a simulated contest: configuration, recording, settings of the engine, tokens and emulators.

It must not run anything; demo, crash tests and simulations do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cutline.engine import tournament
from cutline.engine.tournament import Tournament
from cutline.simulation.emulators.stripe.emulator import SECRET_KEY
from cutline.simulation.entrants import EntrantPlan, Tier, plan_entrants
from cutline.simulation.playback import Recording, load_recording

CONFIGS = Path(__file__).resolve().parents[2] / "config" / "tournaments"
FEED_PATH = "/golf/trial/pga/v3/en/2026"
JWT_SECRET = "held-time-only-and-at-least-32-bytes-long"  # noqa: S105  # guards a simulated world
ADMIN_KEY = "simulated-admin-key"
WEBHOOK_SECRET = "whsec_simulated"  # noqa: S105  # guards a simulated world
OPENS_BEFORE_TEE = timedelta(days=7)
LOOKS_AT_RESULT_AFTER = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One contest's configuration and its people."""

    contest_id: str
    tournament: Tournament
    toml: str
    plans: list[EntrantPlan]

    @property
    def lock_at(self) -> datetime:
        """When nobody enters any more."""
        return self.tournament.entry.lock_at

    @property
    def settled_by(self) -> datetime:
        """When a patient person looks at the result."""
        return self.tournament.event.ends_at + LOOKS_AT_RESULT_AFTER


def masters_recording() -> Recording:
    """Return the recorded feed of the Masters 2026."""
    return load_recording(CONFIGS / "masters-2026.feed.jsonl.gz")


def masters_toml() -> str:
    """Return the configuration of the Masters 2026."""
    return (CONFIGS / "masters-2026.toml").read_text("utf-8")


def write_script(*, toml: str, contest_id: str, entrants: int, seed: int, opens_at: datetime | None = None) -> Script:
    """Plan a contest and its people from a configuration."""
    terms = tournament.load(toml)
    return Script(
        contest_id=contest_id,
        tournament=terms,
        toml=toml,
        plans=plan_entrants(
            seed=seed,
            contest_id=contest_id,
            count=entrants,
            tiers=[Tier(pick=tier.pick, players=tuple(tier.players)) for tier in terms.roster.tiers],
            opens_at=opens_at or terms.event.first_tee_at - OPENS_BEFORE_TEE + timedelta(hours=1),
            lock_at=terms.entry.lock_at,
            payment_window=timedelta(minutes=terms.entry.payment_minutes),
        ),
    )


def engine_environment(
    data: Path, *, stripe_url: str, feed_url: str, look_every_s: int = 1, kept_open: int = 64
) -> dict[str, str]:
    """Return the engine's settings as environment variables."""
    return {
        "SETTLE_ENV": "test",
        "CUTLINE_DATA_DIR": str(data),
        "CUTLINE_JWT_SECRET": JWT_SECRET,
        "SETTLE_ADMIN_KEY": ADMIN_KEY,
        "LEDGER_ADMIN_KEY": ADMIN_KEY,
        "STRIPE_API_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_BASE_URL": stripe_url,
        "INGESTION_ENDPOINT_URL": feed_url + FEED_PATH,
        "CUTLINE_LOOK_EVERY_S": str(look_every_s),
        "CUTLINE_ACTORS_KEPT_OPEN": str(kept_open),
    }


Progress = Callable[[datetime], None]
