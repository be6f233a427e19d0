"""A score provider over real sockets that answers as it is told: well, badly, slowly, or not at all."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from cutline.gateways.score_feed import PollResult, ScoreFeed
from tests.engine.golf import EVENT_ID

BODY_BYTES_MAX = 64 * 1024
POLL_SECONDS_MAX = 0.2
PATH = "/golf/trial/pga/v3/en/2026"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the provider says to one request."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    etag: bool = True
    hangs: bool = False
    """Wait for longer than anybody waits."""
    cut: bool = False
    """Promise the whole body, send half of it, and hang up."""
    stale: bool = False
    """Answer 304 whatever was asked."""


def bomb() -> Answer:
    """A small body that unpacks beyond every limit (F9)."""
    return Answer(body=gzip.compress(bytes(16 * BODY_BYTES_MAX)), headers={"Content-Encoding": "gzip"})


class Provider:
    """Serves the next answer; asked with the ETag of that answer, it says 304."""

    def __init__(self) -> None:
        self.next = Answer()
        self.asked: list[str | None] = []

    async def leaderboard(self, request: web.Request) -> web.StreamResponse:
        """Answer one poll."""
        answer = self.next
        self.asked.append(request.headers.get("If-None-Match"))
        if answer.hangs:
            await asyncio.sleep(2 * POLL_SECONDS_MAX)
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        headers = {**answer.headers, **({"ETag": etag} if answer.etag else {})}
        if answer.stale or (answer.etag and request.headers.get("If-None-Match") == etag):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = answer.content_type
        if answer.cut:
            return await self._cut(request, answer, headers)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _cut(self, request: web.Request, answer: Answer, headers: dict[str, str]) -> web.StreamResponse:
        response = web.StreamResponse(headers={**headers, "Content-Length": str(len(answer.body))})
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
        if request.transport is not None:
            request.transport.close()
        return response


@dataclass(frozen=True, slots=True)
class Line:
    """The provider and a client of it."""

    provider: Provider
    client: ScoreFeed

    async def poll(self, answer: Answer, etag: str | None = None) -> PollResult:
        """Have the provider answer one poll."""
        self.provider.next = answer
        return await self.client.poll(EVENT_ID, etag)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    """Connect a provider and its client until the block ends."""
    provider = Provider()
    app = web.Application()
    app.router.add_get(PATH + "/tournaments/{event_id}/leaderboard.json", provider.leaderboard)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base_url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
        async with aiohttp.ClientSession() as session:
            yield Line(
                provider,
                ScoreFeed(session, base_url, body_bytes_max=BODY_BYTES_MAX, poll_seconds_max=POLL_SECONDS_MAX),
            )
    finally:
        await runner.cleanup()
