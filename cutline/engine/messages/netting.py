"""The messages to `ledger` about netting, and the effect that keeps a run going; they must not know any account."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class RunNetting(Struct, frozen=True, kw_only=True):
    """From an edge: close the clearing accounts over every payout that was final by `selection_before` (NET-001).

    Without `selection_before` every payout that is final now; without `limit` at most `limit_default` of them, the
    oldest first. The key means one run for ever; sent again, it takes up a run that has failed.
    """

    idempotency_key: str
    currency: str
    selection_before: datetime | None
    limit: int | None
    limit_default: int


class RetryNetting(Struct, frozen=True, kw_only=True):
    """From an edge: take up a run that has failed."""

    run_id: str


class ContinueNetting(Struct, frozen=True, kw_only=True):
    """An effect: let the mail that waits go first, then apply this entry. The answer is `ApplyNettingEntry`."""

    run_id: str
    entry_id: str


class ApplyNettingEntry(Struct, frozen=True, kw_only=True):
    """From a task: post this entry of a running run, if it is the next one."""

    run_id: str
    entry_id: str


class ReadNettingRun(Struct, frozen=True, kw_only=True):
    """Ask for a run as it stands. Decides nothing."""

    run_id: str


class ReadNettingReport(Struct, frozen=True, kw_only=True):
    """Ask for an applied run with the payouts of each entry. Decides nothing."""

    run_id: str
