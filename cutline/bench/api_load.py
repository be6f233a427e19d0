"""Asks an API as fast as it answers, from a process of its own: `python -m cutline.bench.api_load SPEC`.

It knows three questions about a crowd's contests: a page of standings, the state of an entry, and a new entry. Any
server that has these routes can be asked, so that ours can be compared with another.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import orjson
import uvloop

from cutline.bench.crowd import account_did, entry_id
from cutline.bench.load import LoadResult, call_until_over
from cutline.bench.measurement import quantile_ms
from cutline.http.auth import mint_token

Question = Literal["standings", "entry", "enter"]

LIVE: Final = "crowd-live"
OPEN: Final = "crowd-open"
CALLERS: Final = 500
"""So many people ask, in turn; a token for each is signed before the time runs."""
PAGE_ROWS: Final = 50
_OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSpec:
    """What to ask whom: the contests have `entries` each, entered with these `picks`; `run` sets new entries apart."""

    question: Question
    port: int
    jwt_secret: str
    entries: int
    picks: tuple[str, ...]
    run: str
    connections: int
    warm_up_s: float
    seconds: float


class ApiLoad:
    """One run of the loop over one question."""

    def __init__(self, spec: ApiSpec) -> None:
        self._spec = spec
        now, scopes = datetime.now(UTC), ["entrant"]
        callers = range(min(CALLERS, spec.entries))
        self._tokens = [
            mint_token(spec.jwt_secret, account_did(number), scopes, now=now, lifetime=timedelta(hours=1))
            for number in callers
        ]
        self._entry_ids = [entry_id(number) for number in callers]
        self._body = orjson.dumps({"picks": spec.picks, "tiebreak": -9})
        self._asked = 0
        self._latencies_s: list[float] = []
        self.result = LoadResult()
        self.counts_from = time.perf_counter() + spec.warm_up_s
        self.ends_at = self.counts_from + spec.seconds

    def next_number(self) -> tuple[int, bool]:
        """Return the number of the next request; none is sent twice."""
        self._asked += 1
        return self._asked, False

    def request(self, number: int) -> bytes:
        """Return the bytes of a request, in the name of the next caller in turn."""
        caller = number % len(self._tokens)
        match self._spec.question:
            case "standings":
                head = f"GET /v1/contests/{LIVE}/standings?limit={PAGE_ROWS} HTTP/1.1\r\n"
            case "entry":
                head = f"GET /v1/contests/{LIVE}/entries/{self._entry_ids[caller]} HTTP/1.1\r\n"
            case "enter":
                head = (
                    f"POST /v1/contests/{OPEN}/entries HTTP/1.1\r\nContent-Type: application/json\r\n"
                    f"Idempotency-Key: {self._spec.run}-{number}\r\nContent-Length: {len(self._body)}\r\n"
                )
        sent = f"{head}Host: 127.0.0.1:{self._spec.port}\r\nAuthorization: Bearer {self._tokens[caller]}\r\n\r\n"
        return sent.encode() + (self._body if self._spec.question == "enter" else b"")

    def answered(self, number: int, repeated: bool, status: int, sent_at: float, now: float, answer: bytes) -> None:  # noqa: ARG002  # the protocol's names
        """Count one answer; one that does not say what was asked for counts as refused."""
        self.result.requests += 1
        if status not in _OK or not self._fits(answer):
            self.result.refused += 1
            self.result.first_refusal = self.result.first_refusal or answer[:300].decode("utf-8", "replace")
        if self.counts_from <= now <= self.ends_at:
            self._latencies_s.append(now - sent_at)

    def _fits(self, answer: bytes) -> bool:
        # A search, not a parse: the sender must not cost what it measures.
        if self._spec.question == "standings":
            return answer.count(b'"rank"') == min(PAGE_ROWS, self._spec.entries)
        return b'"entry_id"' in answer

    def finish(self) -> LoadResult:
        """Return the result."""
        self.result.done = len(self._latencies_s)
        self.result.p50_ms = quantile_ms(self._latencies_s, 0.50)
        self.result.p99_ms = quantile_ms(self._latencies_s, 0.99)
        return self.result


async def run_api_load(spec: ApiSpec) -> LoadResult:
    """Ask until the time is over and every connection has its last answer."""
    load = ApiLoad(spec)
    await call_until_over(load, spec.connections, spec.port)
    return load.finish()


def main() -> None:
    """Read the specification from the command line, run, and write the result to standard output as JSON."""
    given = orjson.loads(sys.argv[1])
    spec = ApiSpec(**{**given, "picks": tuple(given["picks"])})
    sys.stdout.write(orjson.dumps(asdict(uvloop.run(run_api_load(spec)))).decode() + "\n")


if __name__ == "__main__":
    main()
