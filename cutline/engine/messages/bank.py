"""The messages about payouts to the bank, between edges, ledger and payouts; they must not know how Stripe is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

PayoutOutcome = Literal["paid", "failed"]


class AdmitPayout(Struct, frozen=True, kw_only=True):
    """From an edge to payouts: could this account be paid to its bank now? Decides nothing."""

    payout_id: str
    account_did: str


class LockPayout(Struct, frozen=True, kw_only=True):
    """From an edge to the ledger: hold what is to be paid to a holder's bank, once, and have it paid (POUT-011).

    `principal` is who asked under `idempotency_key`; both together give `payout_id`.
    """

    payout_id: str
    account_did: str
    amount_cents: int
    currency: str
    principal: str
    idempotency_key: str


class PayoutLocked(Struct, frozen=True, kw_only=True):
    """From the ledger to payouts: the money is held; pay it.

    `transfer_cents` is what the connected account lacks and must be given first; `head` the ledger's chain head.
    """

    payout_id: str
    account_did: str
    amount_cents: int
    currency: str
    transfer_cents: int
    principal: str
    idempotency_key: str
    head: str


class BookPayoutTransfer(Struct, frozen=True, kw_only=True):
    """From payouts to the ledger: Stripe has moved what the connected account lacked."""

    payout_id: str
    stripe_transfer_id: str
    stripe_account_id: str


class PayoutReported(Struct, frozen=True, kw_only=True):
    """From the ledger to payouts: what a webhook says of a payout of ours, and of how much if it says so."""

    payout_id: str
    stripe_payout_id: str
    stripe_account_id: str
    outcome: PayoutOutcome
    reason: str | None
    event_id: str
    amount_cents: int | None = None


class FinalizePayout(Struct, frozen=True, kw_only=True):
    """From payouts to the ledger: the bank has the money, or will not get it; book that, once."""

    payout_id: str
    outcome: PayoutOutcome
    stripe_payout_id: str | None
    reason: str | None


class PayoutBooked(Struct, frozen=True, kw_only=True):
    """From the ledger to payouts: the outcome is in the books."""

    payout_id: str
    outcome: PayoutOutcome


class RetryPayout(Struct, frozen=True, kw_only=True):
    """From an edge: take the next step of a payout that got stuck at once. `actor` is who asked."""

    payout_id: str
    actor: str


class ReadPayout(Struct, frozen=True, kw_only=True):
    """Ask for one payout with its audit events. Decides nothing."""

    payout_id: str


class ListPayouts(Struct, frozen=True, kw_only=True):
    """Ask for the payouts created in `[created_from, created_before)` (UTC), in order of (created_at, payout_id).

    `after` is the last pair that the asker has seen. Decides nothing.
    """

    created_from: datetime
    created_before: datetime
    limit: int
    account_did: str | None = None
    status: str | None = None
    after: tuple[datetime, str] | None = None


class ReadStuckPayouts(Struct, frozen=True, kw_only=True):
    """Ask for the payouts that have waited for so many minutes, the longest wait first. Decides nothing."""

    minutes: int
    limit: int


class ReadFailedPayouts(Struct, frozen=True, kw_only=True):
    """Ask for the payouts that failed, the latest first. Decides nothing."""

    limit: int
