"""Asks the score provider for a leaderboard, within limits. Neither reads the scores nor judges them.

Speaks to Sportradar Golf v3 directly (CFG-012, ING-019): https://developer.sportradar.com/golf/docs/golf-ig-api-basics.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import quote

import aiohttp

BODY_BYTES_MAX = 4 * 1024 * 1024
POLL_SECONDS_MAX = 10.0
EVIDENCE_BYTES_MAX = 4096
CHUNK_BYTES = 64 * 1024


class PollError(StrEnum):
    """Why a poll brought no leaderboard."""

    DNS_FAILED = "DNS_FAILED"
    TLS_FAILED = "TLS_FAILED"
    CONNECT_FAILED = "CONNECT_FAILED"
    CONNECTION_LOST = "CONNECTION_LOST"
    TIMED_OUT = "TIMED_OUT"
    BAD_HTTP = "BAD_HTTP"
    HTTP_STATUS = "HTTP_STATUS"
    REDIRECTED = "REDIRECTED"
    UNASKED_NOT_MODIFIED = "UNASKED_NOT_MODIFIED"
    NOT_JSON = "NOT_JSON"
    BAD_ENCODING = "BAD_ENCODING"
    TOO_LARGE = "TOO_LARGE"
    EMPTY = "EMPTY"


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """What one poll brought: a `body`, or `not_modified`, or an `error`; exactly one of them.

    `status` is 0 where no answer came. `etag` is what to send next time. `evidence` is the start of a refused
    answer, for the records; it must not be read as a leaderboard.
    """

    status: int
    body: bytes | None = None
    etag: str | None = None
    not_modified: bool = False
    error: PollError | None = None
    detail: str = ""
    evidence: bytes | None = None
    duration_ms: int = 0


class _PollFailed(Exception):
    """An answer that cannot be used."""

    def __init__(self, error: PollError, detail: str, evidence: bytes | None = None) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail
        self.evidence = evidence


class ScoreFeed:
    """A client of one provider and season; the session belongs to the caller, who also closes it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        *,
        api_key: str | None = None,
        body_bytes_max: int = BODY_BYTES_MAX,
        poll_seconds_max: float = POLL_SECONDS_MAX,
    ) -> None:
        """Take `base_url` up to the season, `https://api.sportradar.com/golf/trial/pga/v3/en/2026`."""
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        if api_key is not None:
            self._headers["x-api-key"] = api_key
        self._body_bytes_max = body_bytes_max
        self._poll_seconds_max = poll_seconds_max

    async def poll(self, event_id: str, etag: str | None = None) -> PollResult:
        """Ask once for the leaderboard of `event_id`, sparing the body if it still has `etag`.

        Network trouble never raises: it comes back as a named error (ING-013, ING-018). Redirects are not
        followed, bodies are limited as sent and as unpacked, and the whole poll ends within its time.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        status = 0
        headers = self._headers if etag is None else {**self._headers, "If-None-Match": etag}
        try:
            async with (
                asyncio.timeout(self._poll_seconds_max),
                self._session.get(
                    f"{self._base_url}/tournaments/{quote(event_id, safe='')}/leaderboard.json",
                    headers=headers,
                    allow_redirects=False,
                    auto_decompress=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                status = response.status
                result = await self._read(response, etag)
        except _PollFailed as failure:
            result = _failed(status, failure.error, failure.detail, failure.evidence)
        except (aiohttp.ClientError, OSError) as failure:  # a TimeoutError is an OSError
            result = _failed(status, _named(failure), f"{type(failure).__name__}: {failure}")
        return replace(result, duration_ms=round((loop.time() - began) * 1000))

    async def _read(self, response: aiohttp.ClientResponse, etag: str | None) -> PollResult:
        status = response.status
        if status == HTTPStatus.NOT_MODIFIED:
            if etag is None:
                raise _PollFailed(PollError.UNASKED_NOT_MODIFIED, "304 to a request without an ETag")
            return PollResult(status=status, etag=etag, not_modified=True)
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise _PollFailed(PollError.REDIRECTED, f"to {response.headers.get('Location', 'nowhere')}")
        content = await self._content(response)
        if status != HTTPStatus.OK:
            raise _PollFailed(PollError.HTTP_STATUS, f"{status} {response.reason}", content)
        if response.content_type != "application/json":
            raise _PollFailed(PollError.NOT_JSON, f"content type {response.content_type}", content)
        if not content:
            raise _PollFailed(PollError.EMPTY, "200 without a body")
        return PollResult(status=status, body=content, etag=response.headers.get("ETag"))

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        """Read and unpack the body, stopping at the limit."""
        sent = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            sent += chunk
            if len(sent) > self._body_bytes_max:
                raise _PollFailed(PollError.TOO_LARGE, f"more than {self._body_bytes_max} bytes", bytes(sent))
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding == "identity" or not sent:
            return bytes(sent)
        if encoding != "gzip":
            raise _PollFailed(PollError.BAD_ENCODING, f"content encoding {encoding}", bytes(sent))
        return self._unpacked(bytes(sent))

    def _unpacked(self, packed: bytes) -> bytes:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            content = unpacker.decompress(packed, self._body_bytes_max + 1)
        except zlib.error as error:
            raise _PollFailed(PollError.BAD_ENCODING, str(error), packed) from error
        if len(content) > self._body_bytes_max:
            raise _PollFailed(PollError.TOO_LARGE, f"unpacks to more than {self._body_bytes_max} bytes", content)
        if not unpacker.eof or unpacker.unused_data:
            raise _PollFailed(PollError.BAD_ENCODING, "not one whole gzip member", packed)
        return content


def _named(failure: Exception) -> PollError:
    """Name a failure of the network; the first row that fits counts, the narrow ones come first."""
    for kinds, error in _NAMES:
        if isinstance(failure, kinds):
            return error
    return PollError.CONNECTION_LOST


_NAMES: tuple[tuple[tuple[type[Exception], ...], PollError], ...] = (
    ((TimeoutError,), PollError.TIMED_OUT),
    ((aiohttp.ClientConnectorDNSError,), PollError.DNS_FAILED),
    ((aiohttp.ClientSSLError,), PollError.TLS_FAILED),
    ((aiohttp.ClientConnectorError, aiohttp.InvalidURL), PollError.CONNECT_FAILED),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError), PollError.CONNECTION_LOST),
    ((aiohttp.ClientResponseError,), PollError.BAD_HTTP),
)


def _failed(status: int, error: PollError, detail: str, evidence: bytes | None = None) -> PollResult:
    kept = None if evidence is None else evidence[:EVIDENCE_BYTES_MAX]
    return PollResult(status=status, error=error, detail=detail, evidence=kept)
