"""The viewer of the API's documents, which others wrote; it must not know what the documents say."""

from __future__ import annotations

from aiohttp import web

from cutline.http.pages.frame import PageRoute, Visit, render, show
from cutline.http.routes.documents import PUBLIC


async def _public(visit: Visit) -> web.StreamResponse:
    return show(visit, render(visit, "viewer.html", {"title": "Public API", "document": PUBLIC.path}))


ROUTES = (PageRoute(method="GET", path="/docs", handle=_public, summary="The public API's document, for people."),)
