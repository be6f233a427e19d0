"""Deliveries are answered within their connection, without a task; in order, to the end, and beside other requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RecordStripeEvent
from cutline.http import server
from cutline.http.connection import Connection
from cutline.http.server import DoorRunner, serve
from tests.http.standin import StandIn, settings
from tests.http.test_webhook import POSTED, event
from tests.http.test_whole_answer import read_answer, request

Open = Callable[..., Awaitable[str]]
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that aiohttp has had the time to make its own."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(HEALTH)
    assert (await read_answer(reader))[0] == "HTTP/1.1 200 OK"
    async with asyncio.timeout(10):
        yield reader, writer
    writer.close()


def own(runner: DoorRunner) -> Connection:
    """The one connection that is open."""
    assert runner.server is not None
    (connection,) = runner.server.connections
    assert isinstance(connection, Connection)
    return connection


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that aiohttp has run as tasks of their own."""
    run: list[str] = []
    plain = Connection._handle_request

    async def noted(self: Connection, request: Any, *arguments: Any) -> Any:
        run.append(request.path)
        return await plain(self, request, *arguments)

    monkeypatch.setattr(Connection, "_handle_request", noted)
    return run


async def test_a_delivery_costs_no_task_and_whatever_is_unusual_takes_the_ordinary_way(
    engine: StandIn, url: str, tasks: list[str]
) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    async with connected(url) as (reader, writer):
        writer.write(request(event("evt_1")))
        assert (await read_answer(reader))[1]["x-correlation-id"] == "evt_1"
        assert tasks == ["/healthz"]
        writer.write(request(event("evt_2"), path="/v1/stripe/webhook?via=proxy"))
        assert (await read_answer(reader))[1]["x-correlation-id"] == "evt_2"
        whole = request(event("evt_3"))
        writer.write(whole[:-10])
        await asyncio.sleep(0.05)
        writer.write(whole[-10:])
        assert (await read_answer(reader))[1]["x-correlation-id"] == "evt_3"
    assert tasks == ["/healthz", "/v1/stripe/webhook", "/v1/stripe/webhook"]


async def test_answers_keep_the_order_of_requests_of_every_kind(engine: StandIn, url: str) -> None:
    """A quick answer must not overtake a delivery that still waits for its commit."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    engine.hold = asyncio.Event()
    async with connected(url) as (reader, writer):
        writer.write(request(event("evt_1")) + HEALTH + request(event("evt_2")) + HEALTH + HEALTH)
        await engine.first_question.wait()
        writer.write(request(event("evt_3")))
        await asyncio.sleep(0.05)
        engine.hold.set()
        bodies = [orjson.loads((await read_answer(reader))[2]) for _ in range(6)]
    health = {"status": "ok"}
    assert bodies == [POSTED, health, POSTED, health, health, POSTED]


async def test_a_refused_delivery_keeps_its_connection(engine: StandIn, url: str) -> None:
    """A10: what is refused is said by name, with a head of aiohttp's; the next delivery follows."""
    async with connected(url) as (reader, writer):
        writer.write(request(event(), **{"Stripe-Signature": "t=1,v1=00"}))
        first, _, body = await read_answer(reader)
        assert (first.split()[1], orjson.loads(body)["error"]["code"]) == ("401", "SIGNATURE_INVALID")
        engine.answers[RecordStripeEvent] = Rejected(code=RejectCode.MAILBOX_FULL, details={"retry_after_s": 1})
        writer.write(request(event()))
        first, headers, body = await read_answer(reader)
        assert (first.split()[1], headers["retry-after"]) == ("503", "1")
        engine.answers[RecordStripeEvent] = lambda _: POSTED
        writer.write(request(event("evt_2")))
        assert orjson.loads((await read_answer(reader))[2]) == POSTED


async def test_a_bug_with_one_delivery_harms_no_other_of_the_same_turn(
    engine: StandIn, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    plain = Connection.begin

    def broken(self: Connection) -> None:
        message: Any = self._messages[0][0] if self._messages else None
        if message is not None and "X-Broken" in message.headers:
            raise RuntimeError("a bug")
        plain(self)

    monkeypatch.setattr(Connection, "begin", broken)
    async with connected(url) as (reader, writer), connected(url) as (other_reader, other):
        writer.write(request(event("evt_1"), X_Broken="yes"))
        other.write(request(event("evt_2")))
        assert (await read_answer(other_reader))[1]["x-correlation-id"] == "evt_2"
        assert await reader.read() == b"", "its own connection is closed, and Stripe sends it again"


async def test_a_delivery_in_flight_is_finished_before_the_doors_close(engine: StandIn) -> None:
    """P2: Stripe would send it again, but what is committed should be said."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    engine.hold = asyncio.Event()
    runner, (host, port) = await serve(engine, settings())
    async with connected(f"http://{host}:{port}") as (reader, writer):
        writer.write(request(event()))
        await engine.first_question.wait()
        closing = asyncio.create_task(runner.cleanup())
        await asyncio.sleep(0.05)
        assert not closing.done()
        engine.hold.set()
        assert orjson.loads((await read_answer(reader))[2]) == POSTED
        assert await reader.read() == b""
        await closing


@pytest.mark.parametrize("what", [HEALTH, request(event())], ids=["another request", "delivery"])
async def test_what_arrives_in_the_turn_in_which_the_doors_close_is_answered(engine: StandIn, what: bytes) -> None:
    """P2: it is parsed and not begun, and Stripe would wait for its answer in vain."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    runner, (host, port) = await serve(engine, settings())
    async with connected(f"http://{host}:{port}") as (reader, _):
        own(runner).data_received(what)
        closing = asyncio.create_task(runner.cleanup())
        assert (await read_answer(reader))[0] == "HTTP/1.1 200 OK"
        await closing


async def test_what_arrives_as_the_connection_idles_out_is_answered(engine: StandIn) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    runner, (host, port) = await serve(engine, settings())
    async with connected(f"http://{host}:{port}") as (reader, _):
        connection = own(runner)
        connection._next_keepalive_close_time = 0.0
        connection.data_received(request(event()))
        connection._process_keepalive()
        assert (await read_answer(reader))[0] == "HTTP/1.1 200 OK"
        assert connection._keepalive_handle is not None
    await runner.cleanup()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_a_body_that_follows_its_head_is_no_new_head(engine: StandIn, turns: int) -> None:
    """A3: its deadline would close the connection under a request that takes its time."""
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    runner, (host, port) = await serve(engine, settings())
    async with connected(f"http://{host}:{port}") as (reader, _):
        whole = request(event())
        head = whole.index(b"\r\n\r\n") + 4
        connection = own(runner)
        connection.data_received(whole[:head])
        for _ in range(turns):
            await asyncio.sleep(0)
        connection.data_received(whole[head:])
        assert (await read_answer(reader))[0] == "HTTP/1.1 200 OK"
        assert connection._head_deadline is None
    await runner.cleanup()


async def test_a_connection_is_kept_while_a_delivery_is_under_way_and_closed_when_it_idles(
    engine: StandIn, open_doors: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE_S", 0.2)
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    engine.hold = asyncio.Event()
    async with connected(await open_doors()) as (reader, writer):
        writer.write(request(event()))
        await asyncio.sleep(0.6)
        engine.hold.set()
        assert orjson.loads((await read_answer(reader))[2]) == POSTED
        writer.write(request(event()))
        assert orjson.loads((await read_answer(reader))[2]) == POSTED
        assert await reader.read() == b""


async def test_an_answer_for_a_client_that_has_gone_is_dropped(engine: StandIn, url: str) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    engine.hold = asyncio.Event()
    async with connected(url) as (_, writer):
        writer.write(request(event("evt_1")) + request(event("evt_2")))
        await engine.first_question.wait()
        writer.transport.abort()
        await asyncio.sleep(0.05)
        engine.hold.set()
    async with connected(url) as (reader, writer):
        writer.write(request(event("evt_3")))
        assert (await read_answer(reader))[1]["x-correlation-id"] == "evt_3"
    assert [message.event_id for message in engine.messages()] == ["evt_1", "evt_3"]
