"""The doors of one engine: every route there is, and the application that serves them; it must not decide anything."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from cutline.http.asking import Engine
from cutline.http.auth import Authenticator
from cutline.http.door import CATCH_ALL, House, Route, nothing_here, wrap
from cutline.http.pages.site import add_pages
from cutline.http.routes import contests, entries, money, probes, settlements, standings, webhook
from cutline.http.standings import StandingsPages
from cutline.http.strict import BODY_BYTES_MAX
from cutline.settings import Settings

ROUTES: tuple[Route, ...] = (*contests.ROUTES, *entries.ROUTES, *money.ROUTES, *settlements.ROUTES, *standings.ROUTES)
"""The routes behind the common door."""

PROBES = {
    "/healthz": (probes.healthz, "Whether the process is alive."),
    "/readyz": (probes.readyz, "Whether every core actor answers."),
    "/metrics": (probes.metrics, "Numbers for Prometheus."),
}


def build_app(engine: Engine, settings: Settings) -> web.Application:
    """Return the aiohttp application in front of an engine. Raises ValueError for secrets that protect nothing."""
    house = House(
        engine=engine, settings=settings, authenticator=_authenticator(settings), standings=StandingsPages(engine)
    )
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_post(webhook.PATH, webhook.webhook_handler(house))
    for route in ROUTES:
        app.router.add_route(route.method, route.path, wrap(route, house))
    for path, (probe, _) in PROBES.items():
        app.router.add_get(path, probe(house), allow_head=False)
    described = sorted([*describe_routes(), *add_pages(app, house)], key=lambda line: (line["path"], line["method"]))
    app.router.add_get("/", probes.routes_page(house, described), allow_head=False)
    app.router.add_route("*", CATCH_ALL, nothing_here(house))
    return app


def describe_routes() -> list[dict[str, Any]]:
    """Return a line for every route: method, path, the scopes of which one is needed, and what it does (PAY-056)."""
    common = [
        {"method": route.method, "path": route.path, "needs": sorted(route.needs), "summary": route.summary}
        for route in ROUTES
    ]
    open_to_all = [
        {"method": "GET", "path": path, "needs": [], "summary": summary}
        for path, summary in [("/", "This list."), *((path, summary) for path, (_, summary) in PROBES.items())]
    ]
    return [*common, *open_to_all, webhook.describe()]


def _authenticator(settings: Settings) -> Authenticator:
    return Authenticator(
        jwt_secret=settings.cutline_jwt_secret.get_secret_value(),
        settle_admin_key=settings.settle_admin_key.get_secret_value(),
        ledger_admin_key=settings.ledger_admin_key.get_secret_value(),
    )
