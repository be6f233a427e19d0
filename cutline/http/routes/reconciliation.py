"""The daily report of payouts, and how days compare with Stripe; it must not judge a difference."""

from __future__ import annotations

from datetime import date

from cutline.actors.clock import utc_now
from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, SETTLE, STAFF, Call, Reply, Route
from cutline.http.queries import CSV, day_of, format_of, required_day
from cutline.http.schemas.reconciliation import (
    ComparisonAsked,
    ComparisonGiven,
    DailyPayoutsGiven,
    DayGiven,
    DaysGiven,
)
from cutline.storage.reports.payout_days import payouts_of_day

HASH_HEADER = "x-clawsettle-report-sha256"
"""The name that those who compare reports rely on (REC-003)."""


async def daily_payouts(call: Call) -> Reply:
    """Return the report of `?date=`, as `?format=` says, with its hash as a header (REC-001 to REC-006).

    Refusal: REQUEST_INVALID without a date, and for a day that has not begun.
    """
    query = call.request.query
    day, wanted = required_day(query, "date"), format_of(query)
    today = utc_now().date()
    if day > today:
        raise Refused(RejectCode.REQUEST_INVALID, {"query": "date", "reason": "not begun"})
    report = await call.report(payouts_of_day, day.isoformat())
    given = DailyPayoutsGiven.model_validate({**report, "complete": day < today})
    headers = {HASH_HEADER: report["artifact_sha256"]}
    if wanted == "csv":
        return Reply(body=given, headers=headers, text=report["artifact"], media_type=CSV)
    return Reply(body=given, headers=headers)


async def list_days(call: Call) -> Reply:
    """Return every day that was compared with Stripe, the latest first."""
    return Reply(body=DaysGiven.model_validate(await call.payouts.reconciliation(None)))


async def read_day(call: Call) -> Reply:
    """Return one day's last comparison, difference by difference. Refusal: NOT_FOUND for a day never compared."""
    day = day_of({"date": call.part("date")}, "date")
    found = await call.payouts.reconciliation(None if day is None else day.isoformat())
    return Reply(body=DayGiven.model_validate(found))


async def compare_again(call: Call) -> Reply:
    """Start another comparison of a day that is over; its outcome is read with the day (REC-008)."""
    asked = call.body_as(ComparisonAsked)
    try:
        day = date.fromisoformat(asked.date)
    except ValueError as error:
        raise Refused(RejectCode.REQUEST_INVALID, {"field": "date", "expected": "YYYY-MM-DD"}) from error
    started = await call.payouts.reconcile(day.isoformat())
    return Reply(status=202, body=ComparisonGiven.model_validate(started))


ROUTES = (
    Route(
        method="GET",
        path="/v1/reconciliation/payouts/daily",
        handle=daily_payouts,
        needs=ADMIN | SETTLE,
        gives=DailyPayoutsGiven,
        summary="Read the daily report of payouts (?date=, ?format=json|csv).",
    ),
    Route(
        method="GET",
        path="/v1/reconciliation/stripe/days",
        handle=list_days,
        needs=STAFF,
        gives=DaysGiven,
        summary="List the days that were compared with Stripe.",
    ),
    Route(
        method="GET",
        path="/v1/reconciliation/stripe/days/{date}",
        handle=read_day,
        needs=STAFF,
        gives=DayGiven,
        summary="Read where a day differs from Stripe's.",
    ),
    Route(
        method="POST",
        path="/v1/reconciliation/stripe/days",
        handle=compare_again,
        needs=STAFF,
        takes=ComparisonAsked,
        gives=ComparisonGiven,
        summary="Compare a day with Stripe again.",
    ),
)
