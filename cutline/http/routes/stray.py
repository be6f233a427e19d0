"""Money in that stands still, for ops: look at it, and give back what nobody waits for; it decides no case itself."""

from __future__ import annotations

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, STAFF, Call, Reply, Route
from cutline.http.schemas.stray import (
    AgeQueried,
    FeeReturnedGiven,
    OrphanedIntentGiven,
    OrphanedIntentsGiven,
    StrandedFeeGiven,
    StrandedFeesGiven,
)


def _minutes(call: Call) -> int:
    given = call.query_as(AgeQueried).older_than_minutes
    return call.house.settings.payment_orphaned_minutes if given is None else given


async def orphaned_intents(call: Call) -> Reply:
    """List the intents that exist at Stripe and have not ended for `?older_than_minutes=` (PAY-041)."""
    minutes = _minutes(call)
    found = await call.payments.orphaned(minutes)
    intents = [OrphanedIntentGiven.model_validate(one) for one in found["intents"]]
    return Reply(body=OrphanedIntentsGiven(older_than_minutes=minutes, intents=intents))


async def stranded_fees(call: Call) -> Reply:
    """List the fees that have waited for their contest for `?older_than_minutes=`."""
    minutes = _minutes(call)
    found = await call.ledger.stranded_fees(minutes)
    fees = [StrandedFeeGiven.model_validate(one) for one in found["fees"]]
    return Reply(body=StrandedFeesGiven(older_than_minutes=minutes, fees=fees))


async def return_fee(call: Call) -> Reply:
    """Give back a fee that has waited for a day for a contest that does not exist.

    The payment is the business key: asked twice, it happens once. Refusals: NOT_FOUND, FEE_NOT_STRANDED where the
    contest exists, which decides for itself, or the fee has not waited long enough.
    """
    intent, minutes = call.part("payment_intent"), call.house.settings.payment_orphaned_minutes
    waiting = (await call.ledger.stranded_fees(minutes))["fees"]
    contest_id = next((one["contest_id"] for one in waiting if one["payment_intent"] == intent), None)
    if contest_id is not None and await _exists(call, contest_id):
        raise Refused(RejectCode.FEE_NOT_STRANDED, {"contest_id": contest_id})
    return Reply(body=FeeReturnedGiven.model_validate(await call.ledger.return_fee(intent, minutes)))


async def _exists(call: Call, contest_id: str) -> bool:
    """Say whether a contest is there; one that is kept closed is, and refuses as such."""
    try:
        await call.contest(contest_id).read()
    except Refused as refused:
        if refused.code is RejectCode.NOT_FOUND:
            return False
        raise
    return True


ROUTES = (
    Route(
        method="GET",
        path="/v1/payments/intents/ops/orphaned",
        handle=orphaned_intents,
        needs=STAFF,
        gives=OrphanedIntentsGiven,
        summary="List payment intents without an end.",
        query=AgeQueried,
    ),
    Route(
        method="GET",
        path="/v1/payments/fees/ops/stranded",
        handle=stranded_fees,
        needs=STAFF,
        gives=StrandedFeesGiven,
        summary="List fees whose contest does not answer.",
        query=AgeQueried,
    ),
    Route(
        method="POST",
        path="/v1/payments/fees/{payment_intent}/return",
        handle=return_fee,
        needs=ADMIN,
        gives=FeeReturnedGiven,
        summary="Give a fee back whose contest does not exist.",
        refuses=(RejectCode.FEE_NOT_STRANDED, RejectCode.CONTEST_QUARANTINED),
        idempotency="by content",
    ),
)
