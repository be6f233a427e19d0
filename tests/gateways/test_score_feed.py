"""The client of the score provider: limits, names of failures, entity tags (ING-013, ING-018, ING-019, FAULTS F9)."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from cutline.gateways.score_feed import PollError, ScoreFeed
from tests.engine.golf import EVENT_ID, payload, raw
from tests.ingestion.provider import POLL_SECONDS_MAX, Answer, Line, line

BODY = raw(payload())


@pytest.fixture
async def wire() -> AsyncIterator[Line]:
    async with line() as opened:
        yield opened


@asynccontextmanager
async def raw_server(reply: bytes) -> AsyncIterator[int]:
    """A server that is none of HTTP: it says `reply` to everybody, and hangs up."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


class Nowhere(AbstractResolver):
    """Knows no name."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(f"{host}:{port} ({family}) is not known")

    async def close(self) -> None:
        """Nothing to close."""


async def poll(url: str, connector: aiohttp.TCPConnector | None = None) -> PollError | None:
    async with aiohttp.ClientSession(connector=connector) as session:
        result = await ScoreFeed(session, url, poll_seconds_max=2.0).poll(EVENT_ID)
    assert (result.status, result.body) == (0, None)
    return result.error


async def test_a_leaderboard_comes_with_its_tag_and_costs_nothing_while_it_stands(wire: Line) -> None:
    first = await wire.poll(Answer(body=BODY))
    assert (first.status, first.body, first.error, first.not_modified) == (200, BODY, None, False)
    again = await wire.poll(Answer(body=BODY), first.etag)
    assert (again.status, again.body, again.error, again.not_modified) == (304, None, None, True)
    changed = await wire.poll(Answer(body=raw(payload(status="complete"))), first.etag)
    assert changed.body != BODY
    assert changed.body is not None
    assert wire.provider.asked == [None, first.etag, first.etag]


async def test_what_is_packed_is_unpacked(wire: Line) -> None:
    answer = Answer(body=gzip.compress(BODY), headers={"Content-Encoding": "gzip"})
    assert (await wire.poll(answer)).body == BODY


async def test_what_is_packed_twice_over_is_refused(wire: Line) -> None:
    answer = Answer(body=gzip.compress(BODY) * 2, headers={"Content-Encoding": "gzip"})
    assert (await wire.poll(answer)).error is PollError.BAD_ENCODING


async def test_a_slow_provider_is_given_up_in_time(wire: Line) -> None:
    slow = await wire.poll(Answer(body=BODY, hangs=True))
    assert (slow.error, slow.status) == (PollError.TIMED_OUT, 0)
    assert POLL_SECONDS_MAX * 1000 <= slow.duration_ms < 10 * POLL_SECONDS_MAX * 1000


async def test_what_was_refused_is_kept_by_its_beginning(wire: Line) -> None:
    refused = await wire.poll(Answer(body=b"<html>" + b"x" * 10_000, content_type="text/html"))
    assert refused.error is PollError.NOT_JSON
    assert refused.evidence is not None
    assert refused.evidence.startswith(b"<html>")
    assert len(refused.evidence) <= 4096


async def test_nobody_at_the_port() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert await poll(f"http://127.0.0.1:{held.getsockname()[1]}") is PollError.CONNECT_FAILED


async def test_a_name_that_nobody_knows() -> None:
    connector = aiohttp.TCPConnector(resolver=Nowhere())
    assert await poll("http://scores.invalid", connector) is PollError.DNS_FAILED


async def test_no_tls_where_tls_was_expected() -> None:
    async with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert await poll(f"https://127.0.0.1:{port}") is PollError.TLS_FAILED


@pytest.mark.parametrize(
    ("reply", "error"),
    [(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", PollError.BAD_HTTP), (b"", PollError.CONNECTION_LOST)],
)
async def test_a_server_that_speaks_no_http(reply: bytes, error: PollError) -> None:
    async with raw_server(reply) as port:
        assert await poll(f"http://127.0.0.1:{port}") is error
