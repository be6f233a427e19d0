"""Statements, debts, write-offs, closures and yearly totals of account holders; it must not move a cent itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from cutline.engine import statements
from cutline.engine.csv_text import csv_text
from cutline.engine.errors import RejectCode
from cutline.http.addresses import account_did_of
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, ANYONE, STAFF, Call, Reply, Route
from cutline.http.schemas.accounts import (
    ClosureAsked,
    ClosureGiven,
    DebtsGiven,
    StatementGiven,
    StatementQueried,
    WriteOffAsked,
    WriteOffGiven,
    YearlyTotalsGiven,
    YearQueried,
)
from cutline.http.schemas.base import CSV
from cutline.storage.reports import yearly
from cutline.storage.reports.reading import day_after, start_of
from cutline.storage.reports.statements import statement
from cutline.storage.reports.yearly import yearly_totals
from cutline.storage.sqlite import utc_text

_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


async def read_statement(call: Call) -> Reply:
    """Return a holder's statement to the holder and to staff, of the days `?from=` to `?to=`, as `?format=` says.

    Another's account is as unknown as one that is not: ACCOUNT_UNKNOWN.
    """
    account_did = _own_account(call)
    asked = call.query_as(StatementQueried)
    since = start_of(date.fromisoformat(asked.first)) if asked.first is not None else _EVER[0]
    until = start_of(day_after(date.fromisoformat(asked.last))) if asked.last is not None else _EVER[1]
    trail = await call.ledger.trail(account_did)
    found = await call.report(statement, account_did, trail["log_seqs"], utc_text(since), utc_text(until))
    if not found["found"]:
        raise Refused(RejectCode.ACCOUNT_UNKNOWN, {"account_did": account_did})
    given = StatementGiven.model_validate(found)
    return _in_format(given, asked.format, statements.COLUMNS, found["lines"])


async def read_debts(call: Call) -> Reply:
    """Return what a holder owes and which of their payments are disputed, to the holder and to staff."""
    account_did = _own_account(call)
    return Reply(body=DebtsGiven.model_validate(await call.ledger.debts(account_did)))


async def list_debts(call: Call) -> Reply:
    """Return every debt and open dispute."""
    return Reply(body=DebtsGiven.model_validate(await call.ledger.debts(None)))


async def write_off_debt(call: Call) -> Reply:
    """Give up a debt: what is frozen for it pays its part, the platform bears the rest; asked twice, it happens once.

    Refusals: NOT_FOUND for a loss without a debt, INVALID_STATUS_TRANSITION where the debt was settled another way,
    IDEMPOTENCY_KEY_REUSED for another reason.
    """
    asked = call.body_as(WriteOffAsked)
    done = await call.ledger.write_off(
        loss_event_id=asked.loss_event_id, actor=call.principal.actor, reason=asked.reason
    )
    given = WriteOffGiven(loss_event_id=asked.loss_event_id, deduped=done["deduped"])
    return Reply(status=200 if given.deduped else 201, body=given)


async def close_account(call: Call) -> Reply:
    """Close an account: its money goes to suspense, now and later (POUT-043). Refusal: ACCOUNT_UNKNOWN."""
    asked = call.body_as(ClosureAsked)
    done = await call.ledger.close_account(
        account_did=account_did_of(call.part("account_did")), actor=call.principal.actor, reason=asked.reason
    )
    return Reply(body=ClosureGiven.model_validate(done))


async def read_yearly_totals(call: Call) -> Reply:
    """Return what every winner of `?year=` won, paid and was paid, as `?format=` says."""
    asked = call.query_as(YearQueried)
    year = int(asked.year)
    rows = await call.report(yearly_totals, year)
    given = YearlyTotalsGiven.model_validate({"year": year, "totals": rows})
    return _in_format(given, asked.format, yearly.COLUMNS, rows)


def _own_account(call: Call) -> str:
    account_did = account_did_of(call.part("account_did"))
    if account_did != call.principal.subject and not call.principal.is_staff:
        raise Refused(RejectCode.ACCOUNT_UNKNOWN, {"account_did": account_did})
    return account_did


def _in_format(given: Any, wanted: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> Reply:
    if wanted == "json":
        return Reply(body=given)
    return Reply(body=given, text=csv_text(columns, rows), media_type=CSV)


ROUTES = (
    Route(
        method="GET",
        path="/v1/accounts/yearly-totals",
        handle=read_yearly_totals,
        needs=ADMIN,
        gives=YearlyTotalsGiven,
        summary="Read what every winner won and was paid in a year.",
        query=YearQueried,
        media=(CSV,),
    ),
    Route(
        method="GET",
        path="/v1/accounts/{account_did}/statement",
        handle=read_statement,
        needs=ANYONE,
        gives=StatementGiven,
        summary="Read the statement of an account.",
        query=StatementQueried,
        media=(CSV,),
        refuses=(RejectCode.ACCOUNT_UNKNOWN,),
    ),
    Route(
        method="GET",
        path="/v1/accounts/{account_did}/debts",
        handle=read_debts,
        needs=ANYONE,
        gives=DebtsGiven,
        summary="Read what a holder owes, and open disputes.",
        refuses=(RejectCode.ACCOUNT_UNKNOWN,),
    ),
    Route(
        method="POST",
        path="/v1/accounts/{account_did}/close",
        handle=close_account,
        needs=ADMIN,
        takes=ClosureAsked,
        gives=ClosureGiven,
        summary="Close an account; its money goes to suspense.",
        refuses=(RejectCode.ACCOUNT_UNKNOWN,),
        idempotency="by content",
    ),
    Route(
        method="GET",
        path="/v1/debts",
        handle=list_debts,
        needs=STAFF,
        gives=DebtsGiven,
        summary="List debts and open disputes.",
    ),
    Route(
        method="POST",
        path="/v1/debts/write-off",
        handle=write_off_debt,
        needs=ADMIN,
        takes=WriteOffAsked,
        gives=WriteOffGiven,
        summary="Give up a debt.",
        statuses=(200, 201),
        refuses=(RejectCode.NOT_FOUND, RejectCode.INVALID_STATUS_TRANSITION, RejectCode.IDEMPOTENCY_KEY_REUSED),
        idempotency="by content",
    ),
)
