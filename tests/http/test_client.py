"""The client sends the very same request again while nobody answers, and nothing twice that is not the same."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import EnterContest, ReadContest
from cutline.http.client import ApiRefused, CutlineClient
from tests.http.standin import StandIn, token

DROP = 0
Served = Callable[..., Awaitable[str]]


class Scripted:
    """A server that answers by a script of statuses (0: it drops the connection), and keeps what it was sent."""

    def __init__(self, *script: int) -> None:
        self.script = deque(script)
        self.seen: list[tuple[str, str, bytes, Mapping[str, str]]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path_qs, await request.read(), request.headers))
        status = self.script.popleft() if self.script else 200
        if status == DROP:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if status >= 400:
            error = {"code": "MAILBOX_FULL", "message": "", "details": {"n": 1}}
            return web.json_response({"error": error, "correlation_id": "theirs"}, status=status)
        return web.json_response({"entry_id": "e", "deduped": False})


@pytest.fixture
async def serve_script() -> AsyncIterator[Callable[[Scripted], Awaitable[str]]]:
    runners: list[web.ServerRunner] = []

    async def serve(script: Scripted) -> str:
        runner = web.ServerRunner(web.Server(script.handle))  # type: ignore[arg-type]  # a low-level handler of web.Request
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield serve
    for runner in runners:
        await runner.cleanup()


def client(session: aiohttp.ClientSession, url: str, **options: Any) -> CutlineClient:
    return CutlineClient(session, url, token(), **{"first_backoff_s": 0.001, **options})


@pytest.mark.parametrize("trouble", [DROP, 502, 503, 504])
async def test_a_retry_is_the_very_same_request(
    trouble: int, serve_script: Served, session: aiohttp.ClientSession
) -> None:
    """A4, A6: the same key, body and correlation id, until there is an answer."""
    script = Scripted(trouble, trouble)
    entered = await client(session, await serve_script(script)).enter("c", ["1"], -9, idempotency_key="c:0001")
    assert entered["entry_id"] == "e"
    assert len(script.seen) == 3
    assert all(seen[:3] == script.seen[0][:3] for seen in script.seen)
    keys = [(headers["Idempotency-Key"], headers["X-Correlation-Id"]) for *_, headers in script.seen]
    assert keys == [("c:0001", "c:0001")] * 3


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500])
async def test_a_refusal_is_not_tried_again(status: int, serve_script: Served, session: aiohttp.ClientSession) -> None:
    script = Scripted(status)
    with pytest.raises(ApiRefused) as refused:
        await client(session, await serve_script(script)).contest("c")
    assert len(script.seen) == 1
    said = refused.value
    assert (said.code, said.status, said.details, said.correlation_id) == ("MAILBOX_FULL", status, {"n": 1}, "theirs")


async def test_patience_ends(serve_script: Served, session: aiohttp.ClientSession) -> None:
    script = Scripted(*[503] * 9)
    with pytest.raises(ApiRefused, match="503"):
        await client(session, await serve_script(script), retries=2).contest("c")
    assert len(script.seen) == 3


async def test_a_dead_server_is_reported_as_what_it_is(session: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await client(session, "http://127.0.0.1:1", retries=1).contest("c")


async def test_pauses_double_without_chance(
    serve_script: Served, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await real_sleep(0)

    url = await serve_script(Scripted(503, 503, 503, 503))
    monkeypatch.setattr("cutline.http.client.wire.asyncio.sleep", noted)
    await client(session, url, first_backoff_s=4.0).contest("c")
    assert [pause for pause in pauses if pause] == [4.0, 8.0, 10.0, 10.0]


async def test_two_worlds_send_the_same_bytes(serve_script: Served, session: aiohttp.ClientSession) -> None:
    """No chance on the client's side: correlation ids follow from what is sent, and from how often."""
    scripts = [Scripted(), Scripted()]
    for script in scripts:
        one = client(session, await serve_script(script))
        await one.create_contest("c", "config")
        await one.create_contest("c", "config")
        await one.withdraw("c", "e")
    ids = [[headers["X-Correlation-Id"] for *_, headers in script.seen] for script in scripts]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


async def test_ids_are_quoted_in_paths(serve_script: Served, session: aiohttp.ClientSession) -> None:
    script = Scripted(404)
    with pytest.raises(ApiRefused):
        await client(session, await serve_script(script)).account("did:player:a/b?c")
    assert script.seen[0][1] == "/v1/accounts/did:player:a%2Fb%3Fc"


async def test_what_is_no_envelope_is_named_so(session: aiohttp.ClientSession) -> None:
    async def page(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404, text="<html>a proxy's page</html>")

    runner = web.ServerRunner(web.Server(page))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with pytest.raises(ApiRefused, match="NO_ANSWER_OF_CUTLINE"):
        await client(session, f"http://127.0.0.1:{runner.addresses[0][1]}").contest("c")
    await runner.cleanup()


async def test_the_doors_retry_after_is_taken_and_the_entry_is_one(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """Against the real doors: the retried command is equal, so its entry is the same."""
    answers = deque([RejectCode.MAILBOX_FULL, RejectCode.ACTOR_TIMEOUT])

    def answer(_: Any) -> Any:
        return Rejected(code=answers.popleft()) if answers else Rejected(code=RejectCode.CONTEST_FULL)

    engine.answers[EnterContest] = answer
    with pytest.raises(ApiRefused, match="CONTEST_FULL"):
        await client(session, url).enter("c", ["1"], None, idempotency_key="one")
    [first, *others] = engine.messages()
    assert others == [first, first]


async def test_a_refused_read_carries_the_engines_code(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.answers[ReadContest] = Rejected(code=RejectCode.NOT_FOUND, details={"actor": "contest/c"})
    with pytest.raises(ApiRefused) as refused:
        await client(session, url).contest("c")
    assert (refused.value.code, refused.value.status) == ("NOT_FOUND", 404)
