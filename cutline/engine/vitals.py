"""The figures of a file that are watched while nobody asks: small, plain, and a function of its state alone.

They are kept in memory for every file, open or closed, so that the metrics page opens none. They decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from cutline.engine.messages.untriggered import SettledContest


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedVitals:
    """How a provider's event is ingested. `last_good_at` is None until a poll was answered since the start."""

    provider_event_id: str
    followers: int
    last_good_at: datetime | None
    failing: bool
    held_regressions: int
    rejected_payloads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestVitals:
    """How a contest's settlement stands; `settlement_seconds` is what the run that settled it took.

    `unheard` names it while it has settled with prizes and knows none of them paid or given up.
    """

    settlement_status: str
    settlement_seconds: float | None
    audits: int
    audit_mismatches: int
    late_corrections: int
    unheard: SettledContest | None = None


Vitals = FeedVitals | ContestVitals


@runtime_checkable
class Measured(Protocol):
    """A machine whose files have figures to be watched."""

    def vitals(self, state: Any) -> Vitals | None:
        """Return the figures of one file, or None where there is nothing to watch."""


def unheard_of(vitals: Iterable[Vitals]) -> tuple[SettledContest, ...]:
    """Return the settled contests that have heard of none of their prizes: few, however many have ever settled."""
    return tuple(one.unheard for one in vitals if isinstance(one, ContestVitals) and one.unheard is not None)
