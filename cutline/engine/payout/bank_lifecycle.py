"""The life of a payout to the bank as a table; a pair that is missing is a bug.

The money is held before a payout is INITIATED. From the first call on it is SUBMITTED, until somebody reports how it
ended; FINALIZING_* waits for the ledger to book that end, once. A bank may send money back days after it was paid,
which is the one way out of PAID (Stripe, "Payouts", failures).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cutline.engine.errors import InvariantViolated


class PayoutStatus(StrEnum):
    """Where a payout stands (POUT-012)."""

    INITIATED = "initiated"
    SUBMITTED = "submitted"
    FINALIZING_PAID = "finalizing_paid"
    FINALIZING_FAILED = "finalizing_failed"
    PAID = "paid"
    FAILED = "failed"


class PayoutFact(StrEnum):
    """What can happen to a payout.

    CALLED: a call, its repetition or its look-up goes out. FUNDED: the connected account has got what it lacked.
    ACCEPTED: Stripe has made the payout. BOOKED_*: the ledger has booked the end that was reported.
    """

    CALLED = "called"
    DEFERRED = "deferred"
    FUNDED = "funded"
    ACCEPTED = "accepted"
    REPORTED_PAID = "reported_paid"
    REPORTED_FAILED = "reported_failed"
    BOOKED_PAID = "booked_paid"
    BOOKED_FAILED = "booked_failed"
    RETRIED = "retried"


TRANSITIONAL: Final = frozenset(
    {
        PayoutStatus.INITIATED,
        PayoutStatus.SUBMITTED,
        PayoutStatus.FINALIZING_PAID,
        PayoutStatus.FINALIZING_FAILED,
    }
)
"""Where a payout must not stay: a retry is for these alone (POUT-004)."""

_S, _F = PayoutStatus, PayoutFact

PAYOUTS: Final[Mapping[tuple[PayoutStatus, PayoutFact], PayoutStatus]] = {
    (_S.INITIATED, _F.CALLED): _S.SUBMITTED,
    (_S.INITIATED, _F.ACCEPTED): _S.SUBMITTED,
    (_S.INITIATED, _F.RETRIED): _S.INITIATED,
    (_S.SUBMITTED, _F.CALLED): _S.SUBMITTED,
    (_S.SUBMITTED, _F.DEFERRED): _S.SUBMITTED,
    (_S.SUBMITTED, _F.FUNDED): _S.SUBMITTED,
    (_S.SUBMITTED, _F.ACCEPTED): _S.SUBMITTED,
    (_S.SUBMITTED, _F.RETRIED): _S.SUBMITTED,
    (_S.SUBMITTED, _F.REPORTED_PAID): _S.FINALIZING_PAID,
    (_S.SUBMITTED, _F.REPORTED_FAILED): _S.FINALIZING_FAILED,
    (_S.FINALIZING_PAID, _F.RETRIED): _S.FINALIZING_PAID,
    (_S.FINALIZING_PAID, _F.BOOKED_PAID): _S.PAID,
    (_S.FINALIZING_FAILED, _F.RETRIED): _S.FINALIZING_FAILED,
    (_S.FINALIZING_FAILED, _F.BOOKED_FAILED): _S.FAILED,
    (_S.PAID, _F.REPORTED_FAILED): _S.FINALIZING_FAILED,
}
"""INITIATED is ACCEPTED without a call of ours only where the file was restored from before that call."""


def next_payout(status: PayoutStatus, fact: PayoutFact) -> PayoutStatus:
    """Return where a payout stands after a fact. Raises `InvariantViolated` for a pair outside the table."""
    after = PAYOUTS.get((status, fact))
    if after is None:
        raise InvariantViolated(f"a payout that is {status} cannot be {fact}")
    return after
