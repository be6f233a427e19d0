"""The webhook's answer is HTTP like every other: byte for byte on the wire, kept alive or closed as the client asks."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import orjson

from cutline.engine.messages import RecordStripeEvent
from tests.http.standin import StandIn
from tests.http.test_webhook import PATH, POSTED, event, signed


def request(body: bytes, *, version: str = "1.1", path: str = PATH, **headers: str) -> bytes:
    sent = {"Host": "x", "Content-Length": str(len(body)), **signed(body), **headers}
    lines = [f"POST {path} HTTP/{version}", *(f"{name.replace('_', '-')}: {value}" for name, value in sent.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return first, headers, await reader.readexactly(int(headers["content-length"]))


async def test_two_deliveries_on_one_connection_are_answered_whole(engine: StandIn, url: str) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    for event_id in ("evt_1", "evt_2"):
        writer.write(request(event(event_id)))
        first, headers, body = await read_answer(reader)
        assert first == "HTTP/1.1 200 OK"
        assert orjson.loads(body) == POSTED
        assert headers["content-type"] == "application/json"
        assert headers["x-correlation-id"] == event_id
        assert parsedate_to_datetime(headers["date"]).tzinfo is not None
    writer.close()


async def test_pipelined_deliveries_are_answered_in_order(engine: StandIn, url: str) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(b"".join(request(event(f"evt_{number}")) for number in range(5)))
    for number in range(5):
        assert (await read_answer(reader))[1]["x-correlation-id"] == f"evt_{number}"
    writer.close()


async def test_a_client_that_wants_the_connection_closed_gets_its_wish(engine: StandIn, url: str) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    for wish in ({"Connection": "close"}, {"version": "1.0"}):
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write(request(event(), **wish))
        assert orjson.loads((await read_answer(reader))[2]) == POSTED
        assert await reader.read() == b"", "the connection is closed after the answer"
        writer.close()


async def test_a_delivery_with_a_query_or_an_expectation_is_taken_all_the_same(engine: StandIn, url: str) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(request(event(), path=f"{PATH}?via=proxy"))
    assert orjson.loads((await read_answer(reader))[2]) == POSTED
    writer.write(request(event(), Expect="100-continue"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert orjson.loads((await read_answer(reader))[2]) == POSTED
    writer.close()


async def test_a_client_that_has_gone_harms_nobody(engine: StandIn, url: str) -> None:
    engine.answers[RecordStripeEvent] = lambda _: POSTED
    _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(request(event()))
    writer.transport.abort()
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(request(event("evt_2")))
    assert (await read_answer(reader))[1]["x-correlation-id"] == "evt_2"
    writer.close()
