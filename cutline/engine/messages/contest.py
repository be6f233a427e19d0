"""The messages to `contest/<id>`; they must not say how a contest judges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct


class CreateContest(Struct, frozen=True, kw_only=True):
    """Create the contest of this file from a published configuration (canonical JSON, frozen at lock)."""

    contest_id: str
    config_json: str
    config_sha256: str


class AdoptConfig(Struct, frozen=True, kw_only=True):
    """From governance, or at an edge's wish: play by this published version, if the contest still may change."""

    config_id: str
    version: int
    config_json: str
    config_sha256: str


class EnterContest(Struct, frozen=True, kw_only=True):
    """Reserve a seat for one entry until its payment succeeds. `entry_id` is the business key, made by the edge."""

    entry_id: str
    account_did: str
    picks: tuple[str, ...]
    tiebreak: int | None = None


class ChangePicks(Struct, frozen=True, kw_only=True):
    """Give an entry other golfers and another prediction before the lock; its payment stays as it is."""

    entry_id: str
    account_did: str
    picks: tuple[str, ...]
    tiebreak: int | None = None


class WithdrawEntry(Struct, frozen=True, kw_only=True):
    """Withdraw an entry before the lock; what was paid is refunded."""

    entry_id: str
    account_did: str


class CancelContest(Struct, frozen=True, kw_only=True):
    """Cancel a contest that is not COMPLETE; every paid fee is refunded."""

    actor: str
    reason: str


class DeclareContestError(Struct, frozen=True, kw_only=True):
    """Stop a contest that is SCHEDULED, LOCKED or LIVE; `runbook` says how it goes on (LIFE-010)."""

    actor: str
    reason: str
    runbook: str


class ForceLock(Struct, frozen=True, kw_only=True):
    """Lock a contest that is SCHEDULED, whatever the time; only within an open runbook execution (LIFE-020, C-31)."""

    actor: str
    reason: str
    runbook: str
    execution_id: str


class RecoverContest(Struct, frozen=True, kw_only=True):
    """Let a contest in ERROR go on in the state that it came from, within an open runbook execution."""

    actor: str
    reason: str
    runbook: str | None = None
    execution_id: str | None = None


class ReadContest(Struct, frozen=True, kw_only=True):
    """Ask for the contest as it is: status, progress, counts and times. Decides nothing."""


class ReadProgress(Struct, frozen=True, kw_only=True):
    """Ask for the steps that the contest has taken, with their times. Decides nothing."""


class ReadEntry(Struct, frozen=True, kw_only=True):
    """Ask for one entry as it is. Decides nothing."""

    entry_id: str


class ReadEntries(Struct, frozen=True, kw_only=True):
    """Ask for some entries as they are, in the order given; those that are unknown are left out. Decides nothing."""

    entry_ids: tuple[str, ...]


class ReadIngestion(Struct, frozen=True, kw_only=True):
    """Ask what the contest has taken of its provider's event, and what came late. Decides nothing."""


class ReadSettlementAudit(Struct, frozen=True, kw_only=True):
    """Ask for every settlement run and every audit of the contest. Decides nothing."""


class FeePaid(Struct, frozen=True, kw_only=True):
    """From the ledger: the fee of an entry lies in escrow; activate the entry or refuse it by commit time."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str


class FeedAdvanced(Struct, frozen=True, kw_only=True):
    """From the feed: numbered changes of the provider's event, in order, from `first` on without a gap.

    `changes` are events of `engine.contest.ingestion`, as `(type name, payload mapping)` pairs.
    """

    provider_event_id: str
    first: int
    changes: tuple[tuple[str, Mapping[str, Any]], ...]
    polled_at: datetime
    head: str


class SettlementComputed(Struct, frozen=True, kw_only=True):
    """From a worker process: what settling the recorded inputs gave (`result_json`), or why it failed (`error`)."""

    run_id: str
    result_json: str | None = None
    error: Mapping[str, Any] | None = None


class ScoresAudited(Struct, frozen=True, kw_only=True):
    """From a worker process: how the recorded settlement differs from its file, or why nobody could look (`error`)."""

    number: int
    mismatches: tuple[str, ...] = ()
    error: Mapping[str, Any] | None = None


class WinningsPaid(Struct, frozen=True, kw_only=True):
    """From the ledger: the transfer of an entry's winnings is completed."""

    contest_id: str
    entry_id: str
    amount_cents: int
    stripe_transfer_id: str


class WinningsUnpayable(Struct, frozen=True, kw_only=True):
    """From the ledger: the transfer failed for good; the money is back in the winner's available balance."""

    contest_id: str
    entry_id: str
    amount_cents: int
    reason: str
