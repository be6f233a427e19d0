"""The messages to `ledger` about netting, and the effect that keeps a run going; they must not know any account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNetting:
    """From an edge: close the clearing accounts over every payout that was final by `selection_before` (NET-001).

    Without `selection_before` every payout that is final now; without `limit` at most `limit_default` of them, the
    oldest first. The key means one run for ever; sent again, it takes up a run that has failed.
    """

    idempotency_key: str
    currency: str
    selection_before: datetime | None
    limit: int | None
    limit_default: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryNetting:
    """From an edge: take up a run that has failed."""

    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueNetting:
    """An effect: let the mail that waits go first, then apply this entry. The answer is `ApplyNettingEntry`."""

    run_id: str
    entry_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyNettingEntry:
    """From a task: post this entry of a running run, if it is the next one."""

    run_id: str
    entry_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNettingRun:
    """Ask for a run as it stands. Decides nothing."""

    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNettingReport:
    """Ask for an applied run with the payouts of each entry. Decides nothing."""

    run_id: str
