"""What machines ask of the doors: alive, ready, numbers, and which routes there are; it must not need a token."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client.registry import Collector
from pydantic import BaseModel

from cutline.actors.clock import utc_now
from cutline.actors.handles import Ask, GovernanceHandle, LedgerHandle, PaymentsHandle, PayoutsHandle
from cutline.engine.errors import RejectCode
from cutline.http import errors
from cutline.http.asking import Asking, Refused
from cutline.http.door import OPEN, Bare, Handler, House, Operation
from cutline.http.schemas.probes import AliveGiven, ReadyGiven, RoutesGiven
from cutline.http.tally import AlertCounts, MoneyHealth, StripeDifferences, exposition
from cutline.http.vital_signs import ClockSigns, VitalSigns

READY_WITHIN_S = 2.0
_NOBODY = "probe"
QUESTIONS: Mapping[str, Callable[[Ask], Awaitable[Any]]] = {
    "governance": lambda ask: GovernanceHandle(ask).directory(),
    "ledger": lambda ask: LedgerHandle(ask).account(_NOBODY),
    "payments": lambda ask: PaymentsHandle(ask).intent(contest_id=_NOBODY, entry_id=_NOBODY),
    "payouts": lambda ask: PayoutsHandle(ask).transfers(_NOBODY),
}
"""A question to each core actor that decides nothing. Any answer proves the actor and its file: even NOT_FOUND."""
_NO_ANSWER = frozenset(
    {
        RejectCode.ACTOR_TIMEOUT,
        RejectCode.CONTEST_QUARANTINED,
        RejectCode.INTERNAL_FAULT,
        RejectCode.MAILBOX_FULL,
        RejectCode.SHUTTING_DOWN,
        RejectCode.STORAGE_UNAVAILABLE,
    }
)


def _json(given: BaseModel, status: int = 200) -> web.Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, body=given.model_dump_json().encode(), headers=headers)


async def _how_is(house: House, question: Callable[[Ask], Awaitable[Any]]) -> str:
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            await question(Asking(house.engine, house.tally, "readyz").ask)
    except TimeoutError:
        return RejectCode.ACTOR_TIMEOUT.value
    except Refused as refused:
        return refused.code.value if refused.code in _NO_ANSWER else "ok"
    return "ok"


def healthz(_house: House) -> Handler:
    """Return the handler that says the event loop turns."""

    async def handle(_request: web.Request) -> web.StreamResponse:
        return _json(AliveGiven(status="ok"))

    return handle


def readyz(house: House) -> Handler:
    """Return the handler that says whether the engine can work: 503 names what cannot.

    Every core actor must answer from its file, and every job must run when it is due.
    """

    async def handle(_request: web.Request) -> web.StreamResponse:
        answers = await asyncio.gather(*(_how_is(house, question) for question in QUESTIONS.values()))
        late = house.engine.timekeeper.late()
        actors = {
            **dict(zip(QUESTIONS, answers, strict=True)),
            "scheduler": f"LATE: {', '.join(late)}" if late else "ok",
        }
        ready = all(answer == "ok" for answer in actors.values())
        given = ReadyGiven(status="ready" if ready else "not_ready", actors=actors)
        return _json(given, 200 if ready else 503)

    return handle


async def _figures(house: House) -> list[Collector]:
    """Ask the ledger and the payouts for their figures; a page without them is better than none."""
    ask = Asking(house.engine, house.tally, "metrics").ask
    figures: list[Collector] = []
    with contextlib.suppress(TimeoutError, Refused):
        async with asyncio.timeout(READY_WITHIN_S):
            figures.append(MoneyHealth(await LedgerHandle(ask).money_health(), utc_now()))
            days = await PayoutsHandle(ask).reconciliation(None)
            figures.append(StripeDifferences(days["open_differences"]))
    return figures


def metrics(house: House) -> Handler:
    """Return the handler of the Prometheus page."""

    async def handle(_request: web.Request) -> web.StreamResponse:
        directory = house.engine.directory
        figures = await _figures(house)
        page = exposition(
            house.tally,
            lambda: len(directory.quarantined()),
            directory.undeliverable,
            AlertCounts(house.engine.alerts),
            VitalSigns(directory.vitals(), utc_now()),
            ClockSigns(house.engine.timekeeper),
            *figures,
        )
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=page, headers=headers)

    return handle


def routes_page(house: House, routes: list[dict[str, Any]]) -> Handler:
    """Return the handler of `GET /`: every route there is (PAY-056)."""
    about = {"environment": house.settings.environment, "api_base_url": house.settings.api_base_url}
    given = RoutesGiven.model_validate({"name": "cutline", **about, "routes": routes})

    async def handle(request: web.Request) -> web.StreamResponse:
        response = _json(given)
        response.headers[errors.CORRELATION_HEADER] = errors.correlation_of(request)
        return response

    return handle


OPERATIONS = (
    Bare(
        method="GET",
        path="/healthz",
        operation_id="readHealth",
        door=healthz,
        needs=OPEN,
        gives=AliveGiven,
        document="public",
        summary="Whether the process is alive.",
    ),
    Bare(
        method="GET",
        path="/readyz",
        operation_id="readReadiness",
        door=readyz,
        needs=OPEN,
        gives=ReadyGiven,
        statuses=(200, 503),
        document="public",
        summary="Whether every core actor answers and every job runs.",
    ),
    Bare(
        method="GET",
        path="/metrics",
        operation_id="readMetrics",
        door=metrics,
        needs=OPEN,
        gives=None,
        media=("text/plain",),
        document="admin",
        summary="Numbers for Prometheus.",
    ),
)

FIRST_PAGE = Operation(
    method="GET",
    path="/",
    operation_id="listRoutes",
    needs=OPEN,
    gives=RoutesGiven,
    document="admin",
    summary="This list.",
)
"""It shows all the others, and so its door is made last."""
