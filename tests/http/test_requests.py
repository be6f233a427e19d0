"""What is wrong with a request is said by name, in one shape, before any actor is asked."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from yarl import URL

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import EnterContest, OnboardAccount, ReadContest
from cutline.http import strict
from tests.http.standin import StandIn, bearer, token

ENTER = "/v1/contests/masters/entries"
GOOD = b'{"picks": ["1", "2"], "tiebreak": -10}'


async def post(
    session: aiohttp.ClientSession, url: str, body: Any, path: str = ENTER, **headers: str
) -> tuple[int, dict[str, Any], Any]:
    sent = {**bearer(token()), "Content-Type": "application/json", "Idempotency-Key": "one", **headers}
    async with session.post(url + path, data=body, headers=sent) as response:
        return response.status, await response.json(), response.headers


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "syntax"),
        (b"{", "syntax"),
        (b'{"picks": ["1"], "tiebreak": NaN}', "not_finite"),
        (b'{"picks": ["1"], "tiebreak": 1e9999}', "not_finite"),
        (b'{"picks": ["1"], "tiebreak": -Infinity}', "not_finite"),
        (b'{"picks": ["1"], "tiebreak": 9223372036854775808}', "too_large"),
        (b'{"picks": ["1"], "picks": ["2"]}', "duplicate_key"),
        (b'{"picks": ["1"], "pick\\u0073": ["2"]}', "duplicate_key"),
        (b'{"picks": ["\\ud800"]}', "encoding"),
        (b'{"picks": ["\xff"]}', "encoding"),
        (b'\xef\xbb\xbf{"picks": ["1"]}', "syntax"),
        (b'{"picks": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b'["1"]', "not_an_object"),
        (b'"1"', "not_an_object"),
        (b"null", "not_an_object"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_not_strict_json_is_refused(
    body: bytes, fault: str, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A1."""
    status, answer, _ = await post(session, url, body)
    assert (status, answer["error"]["code"]) == (400, "REQUEST_INVALID")
    assert answer["error"]["details"]["fault"] == fault
    assert engine.asked == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"{}", "picks"),
        (b'{"picks": []}', "picks"),
        (b'{"picks": "1"}', "picks"),
        (b'{"picks": [1]}', "picks.0"),
        (b'{"picks": [""]}', "picks.0"),
        (b'{"picks": ["1"], "tiebreak": "-10"}', "tiebreak"),
        (b'{"picks": ["1"], "tiebreak": 1.0}', "tiebreak"),
        (b'{"picks": ["1"], "tiebreak": true}', "tiebreak"),
        (b'{"picks": ["1"], "tiebreak": 9223372036854775807}', "tiebreak"),
        (b'{"picks": ["1"], "account_did": "did:player:bert"}', "account_did"),
    ],
)
async def test_every_fault_of_a_body_is_named_by_its_path(
    body: bytes, path: str, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """FRZ-024: types are exact, unknown keys refused; whose entry it is comes from the token alone."""
    status, answer, _ = await post(session, url, body)
    assert (status, answer["error"]["code"]) == (400, "REQUEST_INVALID")
    assert answer["error"]["details"]["faults"][0]["path"] == path
    assert engine.asked == []


@pytest.mark.parametrize("digits", [20, 4000, 5000])
async def test_a_number_beyond_all_bounds_is_the_callers_fault(
    digits: int, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A1: wherever it stands, also where a configuration may hold anything."""
    for path, body in (
        (ENTER, f'{{"picks": ["1"], "tiebreak": {"9" * digits}}}'),
        ("/v1/configs", f'{{"config": {{"id": {"9" * digits}, "event": [-{"9" * digits}]}}}}'),
    ):
        credential = token("ada", "admin", "entrant")
        status, answer, _ = await post(session, url, body.encode(), path, **bearer(credential))
        assert (status, answer["error"]["code"]) in [(400, "REQUEST_INVALID"), (422, "CONFIG_INVALID")]
    assert engine.asked == []


async def _pieces(size: int) -> Any:
    for _ in range(size // 65_536):
        yield b" " * 65_536


@pytest.mark.parametrize("kind", ["declared", "chunked", "gzip bomb"])
async def test_a_body_above_a_mebibyte_is_refused(
    kind: str, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """A2: counted after decompression, and read no further than the limit."""
    headers = {"Content-Encoding": "gzip"} if kind == "gzip bomb" else {}
    body: Any = _pieces(4 * strict.BODY_BYTES_MAX)
    if kind == "declared":
        body = io.BytesIO(b" " * (strict.BODY_BYTES_MAX + 1))
    elif kind == "gzip bomb":
        body = gzip.compress(b" " * 200_000_000, 1)
    status, answer, _ = await post(session, url, body, **headers)
    assert (status, answer["error"]["code"]) == (413, "BODY_TOO_LARGE")
    assert engine.asked == []


async def test_a_slow_body_is_given_up(
    engine: StandIn, url: str, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A3."""
    monkeypatch.setattr(strict, "BODY_WITHIN_S", 0.1)

    async def dripping() -> Any:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.02)

    status, answer, _ = await post(session, url, dripping())
    assert (status, answer["error"]["code"]) == (408, "REQUEST_TIMEOUT")
    assert engine.asked == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
async def test_a_body_must_be_declared_as_json(content_type: str, url: str, session: aiohttp.ClientSession) -> None:
    """RBA-008."""
    status, answer, _ = await post(session, url, GOOD, **{"Content-Type": content_type})
    assert (status, answer["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("key", [None, "", "with space", "ключ", "k" * 256])
async def test_entering_needs_a_legible_idempotency_key(
    key: str | None, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    headers = {**bearer(token()), "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    async with session.post(url + ENTER, data=GOOD, headers=headers) as response:
        code = (await response.json())["error"]["code"]
    assert code == ("IDEMPOTENCY_KEY_REQUIRED" if key is None else "REQUEST_INVALID")
    assert engine.asked == []


@pytest.mark.parametrize("contest_id", ["..%2F..%2Fledger", "A", "-a", "a" * 65, "a%00", "a%0A", "%C3%A9"])
async def test_an_id_that_could_leave_its_folder_is_not_found(
    contest_id: str, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    async with session.get(URL(f"{url}/v1/contests/{contest_id}", encoded=True), headers=bearer(token())) as response:
        answer = await response.json()
    assert (response.status, answer["error"]["code"]) == (404, "NOT_FOUND")
    assert engine.asked == []


async def test_every_refusal_has_the_one_shape_and_the_callers_correlation_id(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    engine.answers[ReadContest] = Rejected(code=RejectCode.ACTOR_TIMEOUT, details={"actor": "contest/masters"})
    headers = {**bearer(token()), "X-Correlation-Id": "order-17"}
    async with session.get(f"{url}/v1/contests/masters", headers=headers) as response:
        answer = await response.json()
        assert response.headers["X-Correlation-Id"] == "order-17"
    assert answer == {
        "error": {
            "code": "ACTOR_TIMEOUT",
            "message": "No answer came in time; the request may still happen.",
            "details": {"actor": "contest/masters", "money_moved": "unknown"},
        },
        "correlation_id": "order-17",
    }
    assert engine.asked[0][2] == "order-17"


@pytest.mark.parametrize("given", [None, "", "with space", "x" * 129])
async def test_a_request_without_a_plain_correlation_id_gets_one(
    given: str | None, url: str, session: aiohttp.ClientSession
) -> None:
    headers = {} if given is None else {"X-Correlation-Id": given}
    async with session.get(f"{url}/v1/contests", headers=headers) as response:
        assert UUID(response.headers["X-Correlation-Id"]).version == 4
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_recorded_refusal_is_a_refusal(engine: StandIn, url: str, session: aiohttp.ClientSession) -> None:
    """LIFE-011: an illegal transition is recorded, so it comes as the reply of an accepted command."""
    engine.answers[EnterContest] = lambda _: Rejected(
        code=RejectCode.INVALID_STATUS_TRANSITION, details={"from": "LIVE"}
    )
    status, answer, _ = await post(session, url, GOOD)
    assert (status, answer["error"]["code"]) == (409, "INVALID_STATUS_TRANSITION")


async def test_a_reply_that_is_not_what_the_route_gives_is_a_fault(
    engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """FRZ-024: responses are validated, too."""
    engine.answers[EnterContest] = lambda _: {"entry_id": 7}
    status, answer, _ = await post(session, url, GOOD)
    assert (status, answer["error"]["code"]) == (500, "INTERNAL_FAULT")
    assert answer["error"]["details"] == {"money_moved": "unknown"}


async def test_unknown_paths_and_methods_are_refused_in_the_same_shape(
    url: str, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{url}/v2/nothing") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "NOT_FOUND")
    async with session.delete(f"{url}/v1/contests/masters") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("email", "taken"),
    [
        ("anna@example.org", True),
        ("\x85@x", True),
        ("\x1f@x", True),
        ("a b@x", False),
        ("\ufeff@x", False),
        ("a@b\u00a0", False),
        ("a@b\n", False),
        ("@x", False),
        ("a@b@c", False),
        ("a" * 250 + "@b.org", False),
    ],
)
async def test_a_pattern_means_what_json_schema_means_by_it(
    email: str, taken: bool, engine: StandIn, url: str, session: aiohttp.ClientSession
) -> None:
    """FRZ-024: languages disagree about what is a space, and the documents speak ECMAScript."""
    engine.answers[OnboardAccount] = Rejected(code=RejectCode.ACCOUNT_REFUSED)
    body = json.dumps({"email": email}).encode()
    status, answer, _ = await post(session, url, body, "/v1/payouts/connect/onboard")
    code = answer["error"]["code"]
    assert (status == 400, code) == (not taken, "ACCOUNT_REFUSED" if taken else "REQUEST_INVALID")
