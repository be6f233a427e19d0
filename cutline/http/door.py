"""What every route but the webhook has in common: who asks, what body, which answer, one refusal; no rule of a route.

A route is data: method, path, who may, which models, and a handler that asks actors. This wraps it for aiohttp
without middlewares, which every route would pay for.
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
from cutline.http import errors
from cutline.http.addresses import contest_id_of
from cutline.http.asking import Asking, Engine, Refused
from cutline.http.auth import NOBODY, Authenticator, Principal
from cutline.http.standings import StandingsPages
from cutline.http.strict import read_model
from cutline.http.tally import Tally
from cutline.settings import Settings

log = structlog.get_logger(__name__)

ENTRANT = frozenset({"entrant"})
ADMIN = frozenset({"admin"})
STAFF = frozenset({"admin", "ops"})
ANYONE = frozenset({"entrant", "admin", "ops"})
LEDGER = frozenset({"ledger"})
SETTLE = frozenset({"settle"})
OPEN: frozenset[str] = frozenset()
"""No credentials needed."""

M = TypeVar("M", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all doors share."""

    engine: Engine
    settings: Settings
    authenticator: Authenticator
    standings: StandingsPages
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One admitted request: who asks, what for, and the way to the actors."""

    house: House
    request: web.Request
    principal: Principal
    correlation_id: str
    body: Any
    asking: Asking

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def body_as(self, model: type[M]) -> M:
        """Return the body, which the door has read as the route's model; raises TypeError if the route says another."""
        if not isinstance(self.body, model):
            raise TypeError(f"the route takes no {model.__name__}")
        return self.body

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
class Reply:
    """A handler's answer: a response model and its status."""

    body: BaseModel
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. `takes` is the request's model (None: no body is read), `gives` the response's (FRZ-024)."""

    method: str
    path: str
    handle: Callable[[Call], Awaitable[Reply]]
    needs: frozenset[str]
    gives: type[BaseModel]
    summary: str
    takes: type[BaseModel] | None = None


def wrap(route: Route, house: House) -> Handler:
    """Return the route as aiohttp calls it: it always answers, and says what it did once."""

    async def handle(request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started = loop.time()
        correlation_id = errors.correlation_of(request)
        principal, code = NOBODY, None
        try:
            if route.needs:
                principal = house.authenticator.admit(request.headers, route.needs)
            body = await read_model(request, route.takes) if route.takes else None
            asking = Asking(house.engine, house.tally, correlation_id)
            reply = await route.handle(
                Call(
                    house=house,
                    request=request,
                    principal=principal,
                    correlation_id=correlation_id,
                    body=body,
                    asking=asking,
                )
            )
            response = _rendered(route, reply, correlation_id)
        except Refused as refused:
            code = refused.code
            response = errors.refusal(code, refused.details, correlation_id)
        except Exception:
            # A bug in one handler is answered by name, and harms no other request.
            code = RejectCode.INTERNAL_FAULT
            log.exception("request_failed", correlation_id=correlation_id, route=route.path)
            response = errors.refusal(code, {}, correlation_id)
        seconds = loop.time() - started
        house.tally.request(route.method, route.path, response.status, seconds)
        if code is not None:
            house.tally.refusal(code.value)
        log.info(
            "request",
            method=route.method,
            route=route.path,
            status=response.status,
            code=code.value if code is not None else None,
            principal=principal.subject or None,
            duration_ms=round(seconds * 1000, 3),
            correlation_id=correlation_id,
        )
        return response

    return handle


def _rendered(route: Route, reply: Reply, correlation_id: str) -> web.Response:
    if not isinstance(reply.body, route.gives):
        raise TypeError(f"{route.method} {route.path} gave a {type(reply.body).__name__}")
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        errors.CORRELATION_HEADER: correlation_id,
    }
    return web.Response(status=reply.status, body=reply.body.model_dump_json().encode(), headers=headers)


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
