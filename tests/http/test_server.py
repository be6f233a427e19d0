"""The server has deadlines of its own, says what routes it has and whether it is ready, and stops gracefully."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import (
    ReadAccount,
    ReadContest,
    ReadDirectory,
    ReadEntry,
    ReadIntent,
    ReadTransfers,
)
from cutline.http import connection
from cutline.http.app import build_app
from cutline.http.server import serve
from tests.http.standin import ANNA, StandIn, bearer, settings, token

Open = Callable[..., Awaitable[str]]


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_slow_head_is_given_up(sent: bytes, open_doors: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A3: aiohttp alone would wait for an hour."""
    monkeypatch.setattr(connection, "HEADERS_WITHIN_S", 0.1)
    reader, writer = await connect(await open_doors())
    writer.write(sent)
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


async def test_a_second_head_has_a_deadline_too(open_doors: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A3: a kept connection that starts another request must finish its head; one that idles may stay."""
    monkeypatch.setattr(connection, "HEADERS_WITHIN_S", 0.1)
    reader, writer = await connect(await open_doors())
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(2):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(len(b'{"status":"ok"}'))
        await asyncio.sleep(0.2)
    writer.write(request[:20])
    async with asyncio.timeout(3):
        assert await reader.read() == b""
    writer.close()


async def test_what_is_no_http_is_refused_in_the_one_shape(url: str) -> None:
    reader, writer = await connect(url)
    writer.write(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.0 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "REQUEST_INVALID"


async def test_the_first_page_lists_every_route(engine: StandIn, url: str, session: aiohttp.ClientSession) -> None:
    """PAY-056: compared with the router's own table."""
    async with session.get(f"{url}/") as response:
        listed = {(line["method"], line["path"]) for line in (await response.json())["routes"]}
    app = build_app(engine, settings())
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource and route.method not in ("*", "HEAD")
    }
    assert listed == served
    assert ("POST", "/v1/stripe/webhook") in listed


async def test_healthz_answers_without_asking_anybody(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{url}/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    assert engine.asked == []


async def test_readyz_means_that_every_core_actor_answers(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A refusal is an answer; silence, or a disk that takes no writes, is none."""
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    engine.answers[ReadTransfers] = lambda _: ()
    async with session.get(f"{url}/readyz") as response:
        assert (response.status, (await response.json())["status"]) == (200, "ready")
    assert {to for to, _, _ in engine.asked} == {"governance", "ledger", "payments", "payouts"}
    engine.answers[ReadAccount] = Rejected(code=RejectCode.STORAGE_UNAVAILABLE)
    async with session.get(f"{url}/readyz") as response:
        answer = await response.json()
    assert (response.status, answer["status"]) == (503, "not_ready")
    assert answer["actors"]["ledger"] == "STORAGE_UNAVAILABLE"


async def test_readyz_names_jobs_that_the_scheduler_has_stopped_to_run(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """C6: an engine that lets time pass is not ready."""
    engine.answers[ReadDirectory] = lambda _: {"contests": [], "configs": []}
    engine.answers[ReadTransfers] = lambda _: ()
    engine.late_jobs = ["look-at-due", "pay-winners"]
    async with session.get(f"{url}/readyz") as response:
        assert (response.status, (await response.json())["status"]) == (503, "not_ready")
        assert (await response.json())["actors"]["scheduler"] == "LATE: look-at-due, pay-winners"
    async with session.get(f"{url}/metrics") as response:
        page = await response.text()
    assert 'cutline_job_age_seconds{job="look-at-due"} 0.5' in page
    assert "cutline_schedulers_replaced_total 0.0" in page


async def test_metrics_count_by_route_and_never_by_what_callers_send(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.closed["contest/broken"] = "its file is missing"
    for path in ("/v1/contests/one", "/v1/contests/two", "/v1/contests/three/standings", "/no/such/path"):
        await (await session.get(url + path, headers=bearer(token()))).read()
    await (await session.post(f"{url}/v1/stripe/webhook", data=b"{}")).read()
    async with session.get(f"{url}/metrics") as response:
        page = await response.text()
    assert 'cutline_http_requests_total{method="GET",route="/v1/contests/{contest_id}",status="404"} 2.0' in page
    assert 'cutline_http_request_duration_seconds_count{route="/v1/contests/{contest_id}"} 2.0' in page
    assert 'cutline_webhooks_total{result="SIGNATURE_INVALID"} 1.0' in page
    assert 'cutline_refusals_total{code="NOT_FOUND"} 4.0' in page
    assert "cutline_quarantined 1.0" in page
    assert "cutline_undeliverable 0.0" in page
    assert "cutline_asks_in_flight 0.0" in page
    assert "such" not in page


async def test_a_request_in_flight_is_finished_before_the_doors_close(
    engine: StandIn, session: aiohttp.ClientSession
) -> None:
    """P2."""
    engine.hold = asyncio.Event()
    engine.answers[ReadContest] = Rejected(code=RejectCode.CONTEST_QUARANTINED)
    runner, (host, port) = await serve(engine, settings())
    url = f"http://{host}:{port}"

    async def ask() -> tuple[int, Any]:
        async with session.get(f"{url}/v1/contests/c", headers=bearer(token())) as response:
            return response.status, (await response.json())["error"]["code"]

    asking = asyncio.create_task(ask())
    await engine.first_question.wait()
    closing = asyncio.create_task(runner.cleanup())
    await asyncio.sleep(0.05)
    assert not closing.done()
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.get(f"{url}/healthz")
    engine.hold.set()
    assert await asking == (503, "CONTEST_QUARANTINED")
    await closing


@pytest.mark.parametrize(
    ("intent", "status", "code"),
    [
        ({"status": "planned", "payment_intent": None}, 503, "INTENT_NOT_READY"),
        ({"status": "failed", "payment_intent": None, "failure": "card_error"}, 402, "PAYMENT_FAILED"),
        ({"status": "open", "payment_intent": "pi_1", "client_secret": "s"}, 200, None),
    ],
)
async def test_an_intent_is_waited_for_but_not_for_ever(
    intent: dict[str, Any],
    status: int,
    code: str | None,
    engine: StandIn,
    url: str,
    session: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PAY-027."""
    monkeypatch.setattr("cutline.http.asking.PATIENCE_S", 0.1)
    engine.answers[ReadEntry] = lambda _: {"account_did": ANNA, "status": "PENDING_PAYMENT"}
    engine.answers[ReadIntent] = lambda _: {"amount_cents": 1000, "currency": "usd", **intent}
    body = {"contest_id": "c", "entry_id": "e"}
    async with session.post(f"{url}/v1/payments/intents", json=body, headers=bearer(token())) as response:
        answer = await response.json()
    assert (response.status, answer.get("error", {}).get("code")) == (status, code)
    asked = [message for message in engine.messages() if isinstance(message, ReadIntent)]
    assert (len(asked) > 1) == (status == 503)
