"""Netting runs: start one, look at it, fetch its report; it must not choose a payout or move a cent itself."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from cutline.engine.errors import RejectCode
from cutline.engine.netting import CSV_HEADER, Movement, PlannedEntry, csv_lines
from cutline.http.addresses import given_idempotency_key
from cutline.http.asking import Refused, ask_until
from cutline.http.door import ADMIN, Call, Reply, Route
from cutline.http.schemas.netting import (
    NettedEntryGiven,
    NettedPayoutGiven,
    NettingAsked,
    NettingReportGiven,
    NettingReportQueried,
    NettingRunGiven,
)

SHA256_HEADER = "x-clawsettle-report-sha256"
"""The name that readers of reports rely on."""

CSV = "text/csv; charset=utf-8"
_STANDS = frozenset({"applied", "failed"})
Groups = list[tuple[PlannedEntry, list[Movement]]]


async def run_netting(call: Call) -> Reply:
    """Start a run and answer how it stands once it is applied, or after five seconds: 201, and 200 for a known key.

    Refusals: IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_REUSED for another request under the key, DUPLICATE_CONFLICT
    while another run holds some of the payouts (NET-001, NET-015, NET-020).
    """
    asked = call.body_as(NettingAsked)
    started = await call.ledger.run_netting(
        idempotency_key=given_idempotency_key(call.idempotency_key, asked.idempotency_key),
        currency=asked.currency,
        selection_before=asked.selection_before,
        limit=asked.limit,
        limit_default=call.house.settings.netting_run_limit_default,
    )
    given = await _given(call, started)
    return Reply(status=200 if given.deduped else 201, body=given)


async def retry_netting_run(call: Call) -> Reply:
    """Take up a run that has failed, where its request is not at hand (NET-004).

    Refusals: NOT_FOUND, INVALID_STATUS_TRANSITION for a run that is applied.
    """
    return Reply(body=await _given(call, await call.ledger.retry_netting(call.part("run_id"))))


async def _given(call: Call, started: dict[str, Any]) -> NettingRunGiven:
    """Return a run once it stands still, or as it is after five seconds."""
    ask = partial(call.ledger.netting_run, started["run_id"])
    try:
        run = await ask_until(ask, lambda run: run["status"] in _STANDS, otherwise=RejectCode.ACTOR_TIMEOUT)
    except Refused as refused:
        if refused.code is not RejectCode.ACTOR_TIMEOUT:
            raise
        run = await ask()
    return NettingRunGiven.model_validate(run | {"deduped": started["deduped"]})


async def read_netting_run(call: Call) -> Reply:
    """Return a run as it stands (NET-016)."""
    return Reply(body=NettingRunGiven.model_validate(await call.ledger.netting_run(call.part("run_id"))))


async def read_netting_report(call: Call) -> Reply:
    """Return the report of an applied run as JSON or CSV, under the sha256 of the CSV (NET-009, NET-010, NET-017).

    Refusals: NOT_FOUND, NETTING_NOT_APPLIED.
    """
    wanted = call.query_as(NettingReportQueried).format
    report = await call.ledger.netting_report(call.part("run_id"))
    run, groups = report["run"], report["groups"]
    head = NettingReportGiven.model_validate(run | {"entries": []})
    headers = {SHA256_HEADER: head.artifact_sha256}
    if wanted == "csv":
        return Reply(body=head, text=await _csv(run, groups), media_type=CSV, headers=headers)
    return Reply(body=head, text=await _json(head, groups), headers=headers)


async def _csv(run: dict[str, Any], groups: Groups) -> str:
    parts = [CSV_HEADER]
    for entry, movements in groups:
        parts.append(csv_lines(entry, movements, run["currency"]))
        # A report may have a hundred thousand lines; whoever else is at the doors comes in between.
        await asyncio.sleep(0)
    return b"".join(parts).decode()


async def _json(head: NettingReportGiven, groups: Groups) -> str:
    parts = []
    for entry, movements in groups:
        parts.append(_entry(entry, movements).model_dump_json())
        await asyncio.sleep(0)
    frame = head.model_dump_json(exclude={"entries"})
    return f'{frame[:-1]},"entries":[{",".join(parts)}]}}'


def _entry(entry: PlannedEntry, movements: list[Movement]) -> NettedEntryGiven:
    payouts = [
        NettedPayoutGiven(
            payout_id=one.payout_id,
            movement=one.kind,
            amount_cents=one.cents,
            finalized_at=one.finalized_at,
            ledger_seq=one.ledger_seq,
        )
        for one in movements
    ]
    return NettedEntryGiven(
        entry_id=entry.entry_id, group_key=entry.group_key, amount_cents=entry.amount_cents, payouts=payouts
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/netting/runs",
        handle=run_netting,
        needs=ADMIN,
        takes=NettingAsked,
        gives=NettingRunGiven,
        summary="Net the payouts that are final.",
        statuses=(200, 201),
        refuses=(RejectCode.IDEMPOTENCY_KEY_REQUIRED, RejectCode.DUPLICATE_CONFLICT),
        idempotency="taken",
    ),
    Route(
        method="GET",
        path="/v1/netting/runs/{run_id}",
        handle=read_netting_run,
        needs=ADMIN,
        gives=NettingRunGiven,
        summary="Read a netting run.",
    ),
    Route(
        method="POST",
        path="/v1/netting/runs/{run_id}/retry",
        handle=retry_netting_run,
        needs=ADMIN,
        gives=NettingRunGiven,
        summary="Take up a netting run that has failed.",
        refuses=(RejectCode.INVALID_STATUS_TRANSITION,),
        idempotency="by content",
    ),
    Route(
        method="GET",
        path="/v1/netting/runs/{run_id}/report",
        handle=read_netting_report,
        needs=ADMIN,
        gives=NettingReportGiven,
        summary="Fetch the report of an applied netting run.",
        query=NettingReportQueried,
        media=("text/csv",),
        refuses=(RejectCode.NETTING_NOT_APPLIED,),
    ),
)
