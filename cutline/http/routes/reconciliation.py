"""The daily report of payouts, and how days compare with Stripe; it must not judge a difference."""

from __future__ import annotations

from cutline.actors.clock import utc_now
from cutline.engine.errors import RejectCode
from cutline.http.door import ADMIN, SETTLE, STAFF, Call, Reply, Route
from cutline.http.schemas.base import CSV
from cutline.http.schemas.reconciliation import (
    ComparisonAsked,
    ComparisonGiven,
    DailyPayoutsGiven,
    DailyQueried,
    DayGiven,
    DaysGiven,
)
from cutline.storage.reports.payout_days import payouts_of_day

HASH_HEADER = "x-clawsettle-report-sha256"
"""The name that those who compare reports rely on (REC-003)."""


async def read_daily_payouts(call: Call) -> Reply:
    """Return the report of `?date=`, as `?format=` says, with its hash as a header (REC-001 to REC-006).

    Refusal: REQUEST_INVALID without a date.
    """
    asked = call.query_as(DailyQueried)
    report = await call.report(payouts_of_day, asked.date)
    beside = {
        "complete": asked.date < utc_now().date().isoformat(),
        "clearing_did": call.house.settings.payouts_clearing_did,
    }
    given = DailyPayoutsGiven.model_validate(report | beside)
    headers = {HASH_HEADER: report["artifact_sha256"]}
    if asked.format == "csv":
        return Reply(body=given, headers=headers, text=report["artifact"], media_type=CSV)
    return Reply(body=given, headers=headers)


async def list_compared_days(call: Call) -> Reply:
    """Return every day that was compared with Stripe, the latest first."""
    return Reply(body=DaysGiven.model_validate(await call.payouts.reconciliation(None)))


async def read_compared_day(call: Call) -> Reply:
    """Return one day's last comparison, difference by difference. Refusal: NOT_FOUND for a day never compared."""
    found = await call.payouts.reconciliation(call.part("date")[:32])
    return Reply(body=DayGiven.model_validate(found))


async def compare_day(call: Call) -> Reply:
    """Start another comparison of a day; its outcome is read with the day (REC-008).

    Refusal: INVALID_STATUS_TRANSITION for a day that is not over.
    """
    started = await call.payouts.reconcile(call.body_as(ComparisonAsked).date)
    return Reply(status=202, body=ComparisonGiven.model_validate(started))


ROUTES = (
    Route(
        method="GET",
        path="/v1/reconciliation/payouts/daily",
        handle=read_daily_payouts,
        needs=ADMIN | SETTLE,
        gives=DailyPayoutsGiven,
        summary="Read the daily report of payouts.",
        query=DailyQueried,
        media=(CSV,),
    ),
    Route(
        method="GET",
        path="/v1/reconciliation/stripe/days",
        handle=list_compared_days,
        needs=STAFF,
        gives=DaysGiven,
        summary="List the days that were compared with Stripe.",
    ),
    Route(
        method="GET",
        path="/v1/reconciliation/stripe/days/{date}",
        handle=read_compared_day,
        needs=STAFF,
        gives=DayGiven,
        summary="Read where a day differs from Stripe's.",
    ),
    Route(
        method="POST",
        path="/v1/reconciliation/stripe/days",
        handle=compare_day,
        needs=STAFF,
        takes=ComparisonAsked,
        gives=ComparisonGiven,
        summary="Compare a day with Stripe again.",
        statuses=(202,),
        refuses=(RejectCode.INVALID_STATUS_TRANSITION,),
        idempotency="by content",
    ),
)
