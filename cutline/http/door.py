"""What every route but the webhook has in common: who asks, what body, which answer, one refusal; no rule of a route.

A route is an operation with a handler that asks actors. This wraps it for aiohttp without middlewares, which every
route would pay for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel

from cutline.actors.handles import ContestHandle, GovernanceHandle, LedgerHandle, PaymentsHandle, PayoutsHandle
from cutline.engine.error_registry import REGISTRY
from cutline.engine.errors import RejectCode
from cutline.http import answers, errors
from cutline.http.addresses import contest_id_of, idempotency_key_of
from cutline.http.answers import Reply
from cutline.http.asking import Asking, Engine, Refused
from cutline.http.auth import NOBODY, Authenticator, Principal
from cutline.http.limits import Limits, address_of
from cutline.http.operation import ADMIN, ANYONE, ENTRANT, LEDGER, OPEN, SETTLE, STAFF, STRIPE, Operation
from cutline.http.standings import StandingsPages
from cutline.http.strict import read_model, read_query
from cutline.http.tally import Tally
from cutline.settings import Settings
from cutline.storage.errors import StorageError

__all__ = ["ADMIN", "ANYONE", "ENTRANT", "LEDGER", "OPEN", "SETTLE", "STAFF", "STRIPE", "Operation", "Reply"]
"""Modules of routes take all that they need from here."""

log = structlog.get_logger(__name__)

CHANNEL_HEADER = "X-Client-Channel"
"""How an app says which kind of build it is, such as `testflight` (ENV-015)."""

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all doors share."""

    engine: Engine
    settings: Settings
    authenticator: Authenticator
    limits: Limits
    standings: StandingsPages
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One admitted request: who asks, what for, and the way to the actors.

    `idempotency_key` is None where the operation takes none, or takes one and got none.
    """

    house: House
    request: web.Request
    principal: Principal
    correlation_id: str
    body: Any
    query: Any
    idempotency_key: str | None
    asking: Asking

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def body_as(self, model: type[M]) -> M:
        """Return the body, which the door has read as the route's model; raises TypeError if the route says another."""
        if not isinstance(self.body, model):
            raise TypeError(f"the route takes no {model.__name__}")
        return self.body

    async def report(self, build: Callable[..., T], *arguments: Any) -> T:
        """Return what a report says that is read from the files, beside the actors; raises Refused where it cannot."""
        try:
            return await self.house.engine.report(build, *arguments)
        except StorageError as error:
            raise Refused(RejectCode.STORAGE_UNAVAILABLE, {"retry_after_s": 1}) from error

    def query_as(self, model: type[M]) -> M:
        """Return the query as the route's model; raises TypeError if the route says another."""
        if not isinstance(self.query, model):
            raise TypeError(f"the route's query is no {model.__name__}")
        return self.query

    @property
    def key(self) -> str:
        """The Idempotency-Key of an operation that requires one."""
        if self.idempotency_key is None:
            raise TypeError("the route requires no Idempotency-Key")
        return self.idempotency_key

    def contest(self, contest_id: str) -> ContestHandle:
        """Return the way to one contest; raises Refused for an id that could name none."""
        return ContestHandle(self.asking.ask, contest_id_of(contest_id))

    @property
    def ledger(self) -> LedgerHandle:
        """The way to the ledger. What any handle asks raises Refused by the actor's code."""
        return LedgerHandle(self.asking.ask)

    @property
    def payments(self) -> PaymentsHandle:
        """The way to payments."""
        return PaymentsHandle(self.asking.ask)

    @property
    def payouts(self) -> PayoutsHandle:
        """The way to payouts."""
        return PayoutsHandle(self.asking.ask)

    @property
    def governance(self) -> GovernanceHandle:
        """The way to governance."""
        return GovernanceHandle(self.asking.ask)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Operation):
    """An operation behind the common door, and what handles it. Its id is the handler's name unless it gives one."""

    handle: Callable[[Call], Awaitable[Reply]]

    @property
    def name(self) -> str:
        """The operation's id: `read_contest` is `readContest`."""
        first, *rest = self.handle.__name__.split("_")
        return self.operation_id or first + "".join(word.title() for word in rest)

    @property
    def behind_the_common_door(self) -> bool:
        """Whether `wrap` serves it."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare(Operation):
    """An operation with a door of its own: it reads and answers aiohttp's requests itself."""

    door: Callable[[House], Handler]


def wrap(route: Route, house: House) -> Handler:
    """Return the route as aiohttp calls it: it always answers, and says what it did once."""

    async def handle(request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started = loop.time()
        correlation_id = errors.correlation_of(request)
        principal, code = NOBODY, None
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            try:
                address = address_of(request)
                house.limits.admit(address, started)
                if route.needs:
                    principal = _admit(house, route, request, address, started)
                reply = await route.handle(await _call(route, house, request, principal, correlation_id))
                response = answers.answer(route, reply, request, correlation_id)
            except Refused as refused:
                code = refused.code
                response = errors.refusal(code, refused.details, correlation_id)
            except Exception:
                # A bug in one handler is answered by name, and harms no other request.
                code = RejectCode.INTERNAL_FAULT
                log.exception("request_failed", route=route.path)
                response = errors.refusal(code, {}, correlation_id)
            seconds = loop.time() - started
            house.tally.request(route.method, route.path, response.status, seconds)
            if code is not None:
                house.tally.refusal(code.value)
            if not _declared(route, code, response.status):
                # What the documents do not say is a bug of the table, though the answer may be right.
                house.tally.undeclared(route.name, response.status, code)
                log.error("answer_undeclared", route=route.path, status=response.status, code=code)
            log.info(
                "request",
                method=request.method,
                route=route.path,
                status=response.status,
                code=code.value if code is not None else None,
                principal=principal.subject or None,
                duration_ms=round(seconds * 1000, 3),
            )
        return response

    return handle


def _admit(house: House, route: Route, request: web.Request, address: str | None, now_s: float) -> Principal:
    """Return who asks, if they may, and count those who could not prove who they are."""
    try:
        principal = house.authenticator.admit(request.headers, route.needs)
    except Refused as refused:
        if refused.code is RejectCode.UNAUTHENTICATED:
            house.limits.note_failure(address, now_s)
        house.tally.admission(refused.code.value)
        raise
    house.limits.admit_principal(principal, now_s)
    house.tally.admission("ok")
    return principal


async def _call(route: Route, house: House, request: web.Request, principal: Principal, correlation_id: str) -> Call:
    """Judge everything about a request that needs no actor."""
    answers.judge_accept(route, request)
    if request.headers.get(CHANNEL_HEADER, "").lower() in house.settings.refused_channels:
        raise Refused(RejectCode.CLIENT_CHANNEL_REFUSED, {"environment": house.settings.environment})
    key = request.headers.get("Idempotency-Key")
    if route.idempotency == "required" or (route.idempotency == "taken" and key is not None):
        key = idempotency_key_of(key)
    else:
        key = None
    return Call(
        house=house,
        request=request,
        principal=principal,
        correlation_id=correlation_id,
        query=read_query(request, route.query) if route.query else None,
        body=await read_model(request, route.takes) if route.takes else None,
        idempotency_key=key,
        asking=Asking(house.engine, house.tally, correlation_id),
    )


def _declared(route: Route, code: RejectCode | None, status: int) -> bool:
    if code is not None:
        return code in route.codes
    return status in route.statuses or (route.polled and status == answers.NOT_MODIFIED)


def nothing_here(house: House) -> Handler:
    """Return what answers every path that no route has: 404, or 405 where only the method is wrong."""

    async def handle(request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for resource in request.app.router.resources():
            if resource.get_info().get("formatter") == CATCH_ALL_FORMATTER:
                continue
            _, methods = await resource.resolve(request)
            allowed |= methods
        code = RejectCode.METHOD_NOT_ALLOWED if allowed else RejectCode.NOT_FOUND
        headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
        house.tally.refusal(code.value)
        house.tally.request("*", "(no route)", REGISTRY[code].http_status, 0.0)
        return errors.refusal(code, {}, errors.correlation_of(request), headers=headers)

    return handle


CATCH_ALL = "/{anything:.*}"
CATCH_ALL_FORMATTER = "/{anything}"
