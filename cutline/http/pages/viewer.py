"""The viewer of the API's documents, which others wrote; it must not know what the documents say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from cutline.http.pages.frame import PageRoute, Visit, render, show


def _viewer(title: str, document: str) -> Callable[[Visit], Awaitable[web.StreamResponse]]:
    async def handle(visit: Visit) -> web.StreamResponse:
        return show(visit, render(visit, "viewer.html", {"title": title, "document": document}))

    return handle


ROUTES = (
    PageRoute(
        method="GET",
        path="/docs",
        handle=_viewer("Public API", "/openapi/public.json"),
        summary="The public API's document, for people.",
    ),
    PageRoute(
        method="GET",
        path="/docs/admin",
        handle=_viewer("Admin API", "/openapi/admin.json"),
        summary="The admin API's document, for people.",
    ),
)
