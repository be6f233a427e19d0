"""The doors of one engine: every route there is, and the application that serves them; it must not decide anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from cutline.actors.handles import GovernanceHandle
from cutline.http.asking import Asking, Engine
from cutline.http.auth import Authenticator
from cutline.http.door import CATCH_ALL, STRIPE, Bare, Handler, House, Operation, Route, nothing_here, wrap
from cutline.http.limits import Bucket, Limits
from cutline.http.pages.frame import PageRoute
from cutline.http.pages.site import add_pages
from cutline.http.routes import (
    accounts,
    configs,
    contests,
    dead_letters,
    documents,
    entries,
    life,
    money,
    netting,
    payouts,
    probes,
    reconciliation,
    records,
    runbooks,
    settlements,
    standings,
    stray,
    tokens,
    webhook,
)
from cutline.http.standings import StandingsPages
from cutline.http.strict import BODY_BYTES_MAX
from cutline.settings import Settings

WEBHOOKS: web.AppKey[webhook.WebhookDoor] = web.AppKey("WEBHOOKS")
"""The door for webhooks, for connections that deliver them without asking the router."""

ROUTES: tuple[Route, ...] = (
    *accounts.ROUTES,
    *configs.ROUTES,
    *contests.ROUTES,
    *dead_letters.ROUTES,
    *documents.ROUTES,
    *entries.ROUTES,
    *life.ROUTES,
    *money.ROUTES,
    *netting.ROUTES,
    *payouts.ROUTES,
    *reconciliation.ROUTES,
    *records.ROUTES,
    *runbooks.ROUTES,
    *settlements.ROUTES,
    *standings.ROUTES,
    *stray.ROUTES,
    *tokens.ROUTES,
)
"""The operations behind the common door."""

BARE: tuple[Bare, ...] = (*documents.OPERATIONS, *probes.OPERATIONS, webhook.OPERATION)
"""Those with a door of their own."""

OPERATIONS: tuple[Operation, ...] = (*ROUTES, *BARE)
"""The one table of what this API can do."""


def build_app(engine: Engine, settings: Settings) -> web.Application:
    """Return the aiohttp application in front of an engine. Raises ValueError for secrets that protect nothing."""
    house = House(
        engine=engine,
        settings=settings,
        authenticator=_authenticator(settings),
        limits=_limits(settings),
        standings=StandingsPages(engine, standings.rendered),
    )
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app[WEBHOOKS] = webhook.WebhookDoor(house)
    for bare in BARE:
        _add(app, bare, bare.door(house))
    for route in ROUTES:
        _add(app, route, wrap(route, house))
    pages = add_pages(app, house)
    _add(app, probes.FIRST_PAGE, probes.routes_page(house, describe_routes(pages)))
    app.on_startup.append(_learn_revoked(house))
    app.router.add_route("*", CATCH_ALL, nothing_here(house))
    return app


def _add(app: web.Application, operation: Operation, handler: Handler) -> None:
    app.router.add_route(operation.method, operation.path, handler)
    if operation.method == "GET":
        # aiohttp sends the head of the answer alone (RFC 9110, 9.3.2).
        app.router.add_route("HEAD", operation.path, handler)


def describe_routes(pages: Iterable[PageRoute]) -> list[dict[str, Any]]:
    """Return a line for every route: method, path, the scopes of which one is needed, and what it does (PAY-056)."""
    listed: tuple[Operation | PageRoute, ...] = (*OPERATIONS, probes.FIRST_PAGE, *pages)
    lines = [
        {
            "method": operation.method,
            "path": operation.path,
            "needs": ["stripe signature"] if operation.needs == STRIPE else sorted(operation.needs),
            "summary": operation.summary,
        }
        for operation in listed
    ]
    return sorted(lines, key=lambda line: (line["path"], line["method"]))


def _authenticator(settings: Settings) -> Authenticator:
    return Authenticator(
        jwt_secrets=settings.jwt_secrets,
        settle_admin_keys=settings.settle_admin_keys,
        ledger_admin_keys=settings.ledger_admin_keys,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        principals=Bucket(settings.cutline_principal_requests_per_minute),
        addresses=Bucket(settings.cutline_address_requests_per_minute),
        failures=Bucket(settings.cutline_failed_logins_per_minute),
    )


def _learn_revoked(house: House) -> Callable[[web.Application], Awaitable[None]]:
    async def learn(_app: web.Application) -> None:
        """Without the list of revoked tokens no door opens: what governance refuses here stops the start."""
        asking = Asking(house.engine, house.tally, "boot")
        house.authenticator.deny(*(await GovernanceHandle(asking.ask).revoked_tokens())["revoked"])

    return learn
