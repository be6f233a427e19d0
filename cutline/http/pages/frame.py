"""What every page has in common: its headers, its counting, and a page for what is refused; no page of its own.

A page loads nothing from another host and runs no script but our files, and its headers tell the browser so.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp_jinja2
import jinja2
import structlog
from aiohttp import web

from cutline.engine.error_registry import REGISTRY
from cutline.engine.errors import RejectCode
from cutline.http import errors
from cutline.http.asking import Asking, Refused
from cutline.http.door import Handler, House
from cutline.http.limits import address_of
from cutline.http.pages import words

log = structlog.get_logger(__name__)

SAFE: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a page."""

    house: House
    request: web.Request
    correlation_id: str

    @property
    def asking(self) -> Asking:
        """The way to the actors, in the name of this request."""
        return Asking(self.house.engine, self.house.tally, self.correlation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoute:
    """One page: who answers it, and what the list of routes says of it. One that `streams` has no end."""

    method: str
    path: str
    handle: Callable[[Visit], Awaitable[web.StreamResponse]]
    summary: str
    needs: frozenset[str] = frozenset()
    streams: bool = False


def set_up_templates(app: web.Application, url_of: Callable[[str], str]) -> None:
    """Let an application render our templates; what is put into them is escaped."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("cutline.http.pages"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(asset=url_of, money=words.money, moment=words.moment)


def render(visit: Visit, template: str, context: Mapping[str, Any]) -> str:
    """Return a template filled in."""
    return aiohttp_jinja2.render_string(template, visit.request, context)


def show(visit: Visit, text: str, *, status: int = 200, personal: bool = False) -> web.Response:
    """Return a page. A public one that has not changed is not sent again; a personal one is kept by nobody."""
    body = text.encode()
    headers = {
        **SAFE,
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store" if personal else "no-cache",
        errors.CORRELATION_HEADER: visit.correlation_id,
    }
    if status == 200 and not personal:
        headers["ETag"] = tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if visit.request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
    return web.Response(status=status, body=body, headers=headers)


def wrap_page(route: PageRoute, house: House) -> Handler:
    """Return a page as aiohttp calls it: it always answers in HTML, and says what it did once."""

    async def handle(request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started = loop.time()
        visit = Visit(house=house, request=request, correlation_id=errors.correlation_of(request))
        code: RejectCode | None = None
        with structlog.contextvars.bound_contextvars(correlation_id=visit.correlation_id):
            try:
                house.limits.admit(address_of(request), started)
                response = await route.handle(visit)
            except Refused as refused:
                code = refused.code
                response = _refused(visit, code)
            except ConnectionResetError:
                # The reader of a stream has gone; there is nobody left to answer.
                raise
            except Exception:
                code = RejectCode.INTERNAL_FAULT
                log.exception("page_failed", route=route.path)
                response = _refused(visit, code)
            seconds = loop.time() - started
            house.tally.request(route.method, route.path, response.status, seconds)
            if code is not None:
                house.tally.refusal(code.value)
            log.info(
                "page",
                method=request.method,
                route=route.path,
                status=response.status,
                code=code.value if code is not None else None,
                duration_ms=round(seconds * 1000, 3),
            )
        return response

    return handle


def _refused(visit: Visit, code: RejectCode) -> web.Response:
    spec = REGISTRY[code]
    headline = "There is no such page" if spec.http_status == 404 else "This page cannot be shown now"
    context = {
        "code": code.value,
        "headline": headline,
        "meaning": spec.meaning,
        "correlation_id": visit.correlation_id,
    }
    return show(visit, render(visit, "refused.html", context), status=spec.http_status, personal=True)
