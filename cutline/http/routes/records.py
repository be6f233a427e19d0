"""What stands behind a result: ingestion, settlement runs, audits, what-if comparisons; it must not change a score."""

from __future__ import annotations

from typing import Any

from cutline.actors.handles import FeedHandle
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.http.addresses import contest_id_of
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, STAFF, Call, Reply, Route
from cutline.http.schemas.records import (
    IngestionGiven,
    IngestionRestartedGiven,
    SettlementAuditGiven,
    SettlementDifferenceGiven,
    SettlementsCompared,
)


async def read_ingestion(call: Call) -> Reply:
    """Return how a contest's provider is doing, what waits, what is held, what happened last (ING-012 to ING-015)."""
    contest = await call.contest(call.part("contest_id")).ingestion()
    feed = FeedHandle(call.asking.ask, contest["provider_event_id"])
    provider: dict[str, Any] | None
    try:
        provider = await feed.read(contest["changes_applied"])
    except Refused as refused:
        if refused.code is not RejectCode.NOT_FOUND:
            raise
        provider = None
    return Reply(body=IngestionGiven.model_validate({**contest, "provider": provider}))


async def restart_ingestion(call: Call) -> Reply:
    """Open the feed's actor again from its file and poll at once; nothing is lost or taken twice (ING-014)."""
    contest = await call.contest(call.part("contest_id")).ingestion()
    refused = await call.house.engine.restart(f"feed/{contest['provider_event_id']}")
    if refused is not None:
        raise Refused(refused, {"provider_event_id": contest["provider_event_id"]})
    await FeedHandle(call.asking.ask, contest["provider_event_id"]).poll_at_once()
    return Reply(body=IngestionRestartedGiven.model_validate({**contest, "restarted": True}))


async def read_settlement_audit(call: Call) -> Reply:
    """Return every settlement run, failed ones with their errors, and every audit (SET-005)."""
    audit = await call.contest(call.part("contest_id")).settlement_audit()
    return Reply(body=SettlementAuditGiven.model_validate(audit))


async def compare_settlements(call: Call) -> Reply:
    """Settle a contest at two points and show what differs, entry by entry and in cents (SET-011, SET-012).

    `?before=` and `?after=` name points: a run's id, `settled`, `late`, or `checkpoint:N`. Without them the result is
    compared with what it would have been with all late corrections. Refusals: NOT_FOUND for a contest without a file
    and for a point that the contest does not have.
    """
    contest_id = contest_id_of(call.part("contest_id"))
    asked = call.query_as(SettlementsCompared)
    compared = await call.house.engine.rescoring.compare(contest_id, asked.before, asked.after)
    if isinstance(compared, Rejected):
        raise Refused(compared.code, compared.details)
    return Reply(body=SettlementDifferenceGiven.model_validate(compared))


ROUTES = (
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/ingestion",
        handle=read_ingestion,
        needs=STAFF,
        gives=IngestionGiven,
        summary="Read how a contest's scores come in.",
    ),
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/ingestion/restart",
        handle=restart_ingestion,
        needs=ADMIN,
        gives=IngestionRestartedGiven,
        summary="Open the feed of a contest again from its file.",
        idempotency="by content",
    ),
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/settlement-audit",
        handle=read_settlement_audit,
        needs=STAFF,
        gives=SettlementAuditGiven,
        summary="Read a contest's settlement runs and audits.",
    ),
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/settlement-audit/diff",
        handle=compare_settlements,
        needs=STAFF,
        gives=SettlementDifferenceGiven,
        summary="Compare two settlements of a contest.",
        query=SettlementsCompared,
    ),
)
