"""How the client's requests travel: headers, retries, pages, refusals; it must not know any operation.

Every request of this API may be sent again: what it creates has a business key. Nothing here is random, so that a
simulated world is the same every time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID, uuid5

import aiohttp
import orjson

RETRIED_STATUSES = frozenset({502, 503, 504})
PAUSE_MAX_S = 10.0
PAGE_LINES = 200
"""Long lists are read in pages of so many lines."""
_REQUESTS = UUID("0d3b6f0e-4a55-5e0a-8a3f-6d0a9f4f6c52")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_UNREACHED = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)


class ApiRefused(Exception):
    """The API said no: `code` names why (see the registry of refusals), `status` is HTTP's."""

    def __init__(self, code: str, status: int, details: Mapping[str, Any], correlation_id: str) -> None:
        super().__init__(f"{status} {code} {dict(details)} (correlation id {correlation_id})")
        self.code = code
        self.status = status
        self.details = dict(details)
        self.correlation_id = correlation_id


class Wire:
    """How one principal's requests travel. `token` is a bearer token, or a service key."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token: str,
        *,
        retries: int = 4,
        first_backoff_s: float = 0.2,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._authorization = f"Bearer {token}"
        self._retries = retries
        self._first_backoff_s = first_backoff_s
        self._sent = 0

    async def _pages(self, path: str, name: str, lines: int = PAGE_LINES) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = await self._get(with_query(path, limit=lines, cursor=cursor))
            for line in page[name]:
                yield line
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def _get(self, path: str, *, also: Collection[int] = ()) -> dict[str, Any]:
        return await self._insist("GET", path, None, None, also)

    async def _text(self, path: str) -> str:
        """Return what is no JSON, such as CSV, as it is written."""
        raw, _, _ = await self._raw("GET", path, None, None, ())
        return raw.decode()

    async def _post(
        self, path: str, content: Mapping[str, Any] | None, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        body = orjson.dumps(content) if content is not None else None
        return await self._insist("POST", path, body, idempotency_key)

    async def _put(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        return await self._insist("PUT", path, orjson.dumps(content), None)

    async def _insist(
        self, method: str, path: str, body: bytes | None, idempotency_key: str | None, also: Collection[int] = ()
    ) -> dict[str, Any]:
        """Return a success, or an answer of a status in `also`, as the object that it is."""
        raw, status, correlation_id = await self._raw(method, path, body, idempotency_key, also)
        answer = _object(raw)
        if answer is None:
            raise _refusal(status, answer, correlation_id)
        return answer

    async def _raw(
        self, method: str, path: str, body: bytes | None, idempotency_key: str | None, also: Collection[int]
    ) -> tuple[bytes, int, str]:
        """Send a request, and the very same again while nobody can be reached or the engine asks for patience."""
        headers = self._headers(method, path, body, idempotency_key)
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            pause_s = min(self._first_backoff_s * 2.0**attempt, PAUSE_MAX_S)
            try:
                raw, status = await self._send(method, path, body, headers)
            except _UNREACHED:
                if last:
                    raise
            else:
                if status < 400 or status in also:
                    return raw, status, headers["X-Correlation-Id"]
                if last or status not in RETRIED_STATUSES:
                    raise _refusal(status, _object(raw), headers["X-Correlation-Id"])
            await asyncio.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    async def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[bytes, int]:
        async with self._session.request(method, f"{self._base_url}{path}", data=body, headers=headers) as response:
            return await response.read(), response.status

    def _headers(self, method: str, path: str, body: bytes | None, idempotency_key: str | None) -> dict[str, str]:
        self._sent += 1
        headers = {"Authorization": self._authorization}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if idempotency_key is not None and _CORRELATION_ID.fullmatch(idempotency_key):
            headers["X-Correlation-Id"] = idempotency_key
        else:
            said = (body or b"").decode()
            headers["X-Correlation-Id"] = str(uuid5(_REQUESTS, f"{self._sent} {method} {path} {said}"))
        return headers


def part(name: str) -> str:
    """Return a name as a part of a path."""
    return quote(name, safe="")


def with_query(path: str, **asked: str | int | None) -> str:
    """Return a path with those parameters that are not None; `from_` is called `from` on the wire."""
    given = {name.removesuffix("_"): value for name, value in asked.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _refusal(status: int, answer: dict[str, Any] | None, correlation_id: str) -> ApiRefused:
    """Read the envelope; what has none comes from something between us and the API."""
    error = (answer or {}).get("error")
    if not isinstance(error, dict):
        return ApiRefused("NO_ANSWER_OF_CUTLINE", status, {}, correlation_id)
    said = (answer or {}).get("correlation_id", correlation_id)
    return ApiRefused(str(error.get("code")), status, error.get("details") or {}, str(said))
