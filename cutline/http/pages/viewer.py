"""The API's documents and the viewer of them, which others wrote; it must not know what the documents say."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Final

from aiohttp import web

from cutline.http import errors
from cutline.http.contracts.openapi import contract
from cutline.http.operation import Document, Operation
from cutline.http.pages.frame import SAFE, PageRoute, Visit, render, show

_TITLES: Final[dict[Document, str]] = {"public": "Public API", "admin": "Admin API"}


def _viewer(document: Document) -> Callable[[Visit], Awaitable[web.StreamResponse]]:
    async def handle(visit: Visit) -> web.StreamResponse:
        context = {"title": _TITLES[document], "document": _path(document)}
        return show(visit, render(visit, "viewer.html", context))

    return handle


def _served(document: Document, operations: tuple[Operation, ...]) -> Callable[[Visit], Awaitable[web.StreamResponse]]:
    @cache
    def body() -> bytes:
        return contract(document, operations).text.encode()

    async def handle(visit: Visit) -> web.StreamResponse:
        headers = {
            **SAFE,
            "Content-Type": "application/json",
            "Cache-Control": "no-cache",
            "ETag": f'"{hashlib.sha256(body()).hexdigest()[:32]}"',
            errors.CORRELATION_HEADER: visit.correlation_id,
        }
        return web.Response(body=body(), headers=headers)

    return handle


def _path(document: Document) -> str:
    return f"/openapi/{document}.json"


def routes(operations: Iterable[Operation]) -> tuple[PageRoute, ...]:
    """Return the routes of both documents and of the pages that show them."""
    table = tuple(operations)
    return (
        *(_page("/docs" if document == "public" else "/docs/admin", document) for document in _TITLES),
        *(_document(document, table) for document in _TITLES),
    )


def _page(path: str, document: Document) -> PageRoute:
    summary = f"The {document} API's document, for people."
    return PageRoute(method="GET", path=path, handle=_viewer(document), summary=summary)


def _document(document: Document, table: tuple[Operation, ...]) -> PageRoute:
    summary = f"The {document} API's OpenAPI document."
    return PageRoute(method="GET", path=_path(document), handle=_served(document, table), summary=summary)
