"""The lives of an intent and of a refund as tables; a pair that is missing is a bug (PAY-026).

No report moves a status backwards (PAY-025): what Stripe says of money outweighs what we wanted, and a late
word about an earlier moment leaves the status as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from cutline.engine.errors import InvariantViolated


class IntentStatus(StrEnum):
    """Where an intent stands."""

    PLANNED = "planned"
    OPEN = "open"
    CANCELING = "canceling"
    CANCELED = "canceled"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


class IntentFact(StrEnum):
    """What can happen to an intent."""

    CREATED = "created"
    REFUSED = "refused"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELED = "canceled"
    DECLINED = "declined"
    SUCCEEDED = "succeeded"


_I, _F = IntentStatus, IntentFact

INTENTS: Final[Mapping[tuple[IntentStatus, IntentFact], IntentStatus]] = {
    (_I.PLANNED, _F.CREATED): _I.OPEN,
    (_I.PLANNED, _F.REFUSED): _I.FAILED,
    (_I.PLANNED, _F.CANCEL_REQUESTED): _I.CANCELING,
    (_I.PLANNED, _F.CANCELED): _I.CANCELED,
    (_I.PLANNED, _F.DECLINED): _I.PLANNED,
    (_I.PLANNED, _F.SUCCEEDED): _I.SUCCEEDED,
    (_I.OPEN, _F.CANCEL_REQUESTED): _I.CANCELING,
    (_I.OPEN, _F.CANCELED): _I.CANCELED,
    (_I.OPEN, _F.DECLINED): _I.OPEN,
    (_I.OPEN, _F.SUCCEEDED): _I.SUCCEEDED,
    (_I.CANCELING, _F.CREATED): _I.CANCELING,
    (_I.CANCELING, _F.REFUSED): _I.CANCELED,
    (_I.CANCELING, _F.CANCELED): _I.CANCELED,
    (_I.CANCELING, _F.DECLINED): _I.CANCELING,
    (_I.CANCELING, _F.SUCCEEDED): _I.SUCCEEDED,
    (_I.CANCELED, _F.CREATED): _I.CANCELED,
    (_I.CANCELED, _F.REFUSED): _I.CANCELED,
    (_I.CANCELED, _F.CANCEL_REQUESTED): _I.CANCELED,
    (_I.CANCELED, _F.CANCELED): _I.CANCELED,
    (_I.CANCELED, _F.DECLINED): _I.CANCELED,
    (_I.CANCELED, _F.SUCCEEDED): _I.SUCCEEDED,
    (_I.FAILED, _F.CANCEL_REQUESTED): _I.FAILED,
    (_I.FAILED, _F.CANCELED): _I.FAILED,
    (_I.FAILED, _F.DECLINED): _I.FAILED,
    (_I.FAILED, _F.SUCCEEDED): _I.SUCCEEDED,
    (_I.SUCCEEDED, _F.CREATED): _I.SUCCEEDED,
    (_I.SUCCEEDED, _F.REFUSED): _I.SUCCEEDED,
    (_I.SUCCEEDED, _F.CANCEL_REQUESTED): _I.SUCCEEDED,
    (_I.SUCCEEDED, _F.CANCELED): _I.SUCCEEDED,
    (_I.SUCCEEDED, _F.DECLINED): _I.SUCCEEDED,
    (_I.SUCCEEDED, _F.SUCCEEDED): _I.SUCCEEDED,
}
"""An open intent has no call under way, so CREATED and REFUSED cannot reach it; cancelling is asked once."""


class RefundStatus(StrEnum):
    """Where a refund stands. REFUSED: Stripe never made it. FAILED: it was made and came back."""

    PLANNED = "planned"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REFUSED = "refused"


_R = RefundStatus

REFUNDS: Final[Mapping[tuple[RefundStatus, RefundStatus], RefundStatus]] = {
    (_R.PLANNED, _R.SUBMITTED): _R.SUBMITTED,
    (_R.PLANNED, _R.CONFIRMED): _R.CONFIRMED,
    (_R.PLANNED, _R.FAILED): _R.FAILED,
    (_R.PLANNED, _R.REFUSED): _R.REFUSED,
    (_R.SUBMITTED, _R.SUBMITTED): _R.SUBMITTED,
    (_R.SUBMITTED, _R.CONFIRMED): _R.CONFIRMED,
    (_R.SUBMITTED, _R.FAILED): _R.FAILED,
    (_R.CONFIRMED, _R.SUBMITTED): _R.CONFIRMED,
    (_R.CONFIRMED, _R.CONFIRMED): _R.CONFIRMED,
    (_R.CONFIRMED, _R.FAILED): _R.FAILED,
    (_R.FAILED, _R.SUBMITTED): _R.FAILED,
    (_R.FAILED, _R.CONFIRMED): _R.FAILED,
    (_R.FAILED, _R.FAILED): _R.FAILED,
    (_R.REFUSED, _R.SUBMITTED): _R.SUBMITTED,
    (_R.REFUSED, _R.CONFIRMED): _R.CONFIRMED,
    (_R.REFUSED, _R.FAILED): _R.FAILED,
}
"""By where the refund stood and what is said of it now; only a planned refund can be refused."""


def next_intent(status: IntentStatus, fact: IntentFact) -> IntentStatus:
    """Return where an intent stands after a fact. Raises `InvariantViolated` for a pair outside the table."""
    after = INTENTS.get((status, fact))
    if after is None:
        raise InvariantViolated(f"an intent that is {status} cannot be {fact}")
    return after


def next_refund(status: RefundStatus, said: RefundStatus) -> RefundStatus:
    """Return where a refund stands after a word of Stripe. Raises `InvariantViolated` outside the table."""
    after = REFUNDS.get((status, said))
    if after is None:
        raise InvariantViolated(f"a refund that is {status} cannot be {said}")
    return after
