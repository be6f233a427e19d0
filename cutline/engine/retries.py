"""How often and how soon what failed is tried again, as data of an installation; it must not try anything.

A time that was decided by these terms is in the log, so other terms change only what is decided later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """A first delay that doubles each time up to the longest, without jitter, so that a fold repeats the times."""

    first: timedelta
    longest: timedelta

    def after(self, step: int) -> timedelta:
        """Return the delay after so many doublings."""
        doubled: int = 2 ** min(step, 20)
        return min(self.longest, self.first * doubled)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryTerms:
    """Every limit on retries: the outbox of Stripe's events (G-12), and calls to Stripe by what follows a failure."""

    outbox_attempts_max: int = 12
    """After so many attempts, some seven hours after the first by the other defaults, the event goes to a person."""
    outbox: Delays = Delays(first=timedelta(minutes=2), longest=timedelta(hours=1))
    same_key: Delays = Delays(first=timedelta(seconds=2), longest=timedelta(minutes=15))
    new_attempt: Delays = Delays(first=timedelta(minutes=15), longest=timedelta(hours=6))
    look_up: Delays = Delays(first=timedelta(minutes=1), longest=timedelta(hours=1))


DEFAULT = RetryTerms()
