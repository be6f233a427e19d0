"""The files that pages load: style, our few lines of script, and what others wrote; no page and no data."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from aiohttp import web

from cutline.http.pages.frame import SAFE, PageRoute, Visit

PREFIX: Final = "/static"
FOREVER: Final = "public, max-age=31536000, immutable"
_NAMES: Final[Mapping[str, str]] = {
    "style.css": "text/css; charset=utf-8",
    "viewer.js": "text/javascript; charset=utf-8",
    "vendor/htmx.min.js": "text/javascript; charset=utf-8",
    "vendor/htmx-ext-sse.min.js": "text/javascript; charset=utf-8",
    "vendor/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "vendor/swagger-ui.css": "text/css; charset=utf-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file; its URL names its content, so that a browser may keep it for ever."""

    url: str
    content_type: str
    body: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """Return every file by its name, read once."""
    folder = files("cutline.http.pages") / "static"
    found: dict[str, Asset] = {}
    for name, content_type in _NAMES.items():
        body = folder.joinpath(*name.split("/")).read_bytes()
        url = f"{PREFIX}/{hashlib.sha256(body).hexdigest()[:12]}/{name.rpartition('/')[2]}"
        found[name] = Asset(url=url, content_type=content_type, body=body)
    return found


def url_of(name: str) -> str:
    """Return where a page loads a file from. Raises KeyError for one that is not served."""
    return assets()[name].url


def _serve(asset: Asset) -> Callable[[Visit], Awaitable[web.StreamResponse]]:
    async def handle(_visit: Visit) -> web.StreamResponse:
        headers = {**SAFE, "Content-Type": asset.content_type, "Cache-Control": FOREVER}
        return web.Response(body=asset.body, headers=headers)

    return handle


def asset_routes() -> tuple[PageRoute, ...]:
    """Return a route for every file."""
    return tuple(
        PageRoute(method="GET", path=asset.url, handle=_serve(asset), summary=f"{name}, loaded by pages.")
        for name, asset in assets().items()
    )
