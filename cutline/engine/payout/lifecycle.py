"""The life of a transfer as a table; a pair that is missing is a bug.

A transfer waits in PENDING until its account is ready and the ledger holds the money; only then is Stripe
called. While a call has no usable outcome it is RETRYABLE. Both ends are final: nothing follows a completed
or a failed transfer, so that an entry is paid at most once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cutline.engine.errors import InvariantViolated


class TransferStatus(StrEnum):
    """Where a transfer stands (POUT-036, POUT-037)."""

    PENDING = "pending"
    PROCESSING = "processing"
    RETRYABLE = "retryable"
    COMPLETED = "completed"
    FAILED_TERMINAL = "failed_terminal"


class TransferFact(StrEnum):
    """What can happen to a transfer.

    CALLED: an attempt, its repetition or its look-up goes out. ABANDONED: it ends without a call, its winner is gone.
    """

    LOCK_REQUESTED = "lock_requested"
    LOCKED = "locked"
    CALLED = "called"
    DEFERRED = "deferred"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"


_S, _F = TransferStatus, TransferFact

TRANSFERS: Final[Mapping[tuple[TransferStatus, TransferFact], TransferStatus]] = {
    (_S.PENDING, _F.LOCK_REQUESTED): _S.PENDING,
    (_S.PENDING, _F.LOCKED): _S.PENDING,
    (_S.PENDING, _F.CALLED): _S.PROCESSING,
    (_S.PENDING, _F.ABANDONED): _S.FAILED_TERMINAL,
    (_S.PROCESSING, _F.CALLED): _S.PROCESSING,
    (_S.PROCESSING, _F.DEFERRED): _S.RETRYABLE,
    (_S.PROCESSING, _F.COMPLETED): _S.COMPLETED,
    (_S.PROCESSING, _F.FAILED): _S.FAILED_TERMINAL,
    (_S.RETRYABLE, _F.CALLED): _S.PROCESSING,
    (_S.RETRYABLE, _F.COMPLETED): _S.COMPLETED,
}
"""A late success may complete a retryable transfer; a failure counts only as the answer to a call."""


def next_transfer(status: TransferStatus, fact: TransferFact) -> TransferStatus:
    """Return where a transfer stands after a fact. Raises `InvariantViolated` for a pair outside the table."""
    after = TRANSFERS.get((status, fact))
    if after is None:
        raise InvariantViolated(f"a transfer that is {status} cannot be {fact}")
    return after
