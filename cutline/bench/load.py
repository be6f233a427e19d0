"""Sends signed webhooks as fast as they are answered, from a process of its own: `python -m cutline.bench.load SPEC`.

A closed loop over keep-alive connections, close to the sockets so that the sender is not what is measured. It signs
each request afresh, as Stripe does, writes down which events were acknowledged, and judges nothing.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson
import uvloop

from cutline.bench.measurement import quantile_ms
from cutline.bench.stripe_event import HOLDER, UID, body_template

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSpec:
    """What to send where. `redelivered` is the share of requests that repeat an acknowledged event."""

    port: int
    path: str
    secret: str
    connections: int
    warm_up_s: float
    seconds: float
    redelivered: float
    prefix: str
    acknowledged_file: str


@dataclass(slots=True, kw_only=True)
class LoadResult:
    """What came back. `done` and the latencies are those of the measured time, `requests` all."""

    done: int = 0
    requests: int = 0
    refused: int = 0
    broken: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    first_refusal: str = ""


class Asking(Protocol):
    """What a connection is told to send, and whom it tells of the answer."""

    result: LoadResult
    ends_at: float

    def next_number(self) -> tuple[int, bool]:
        """Return the number of the request to send, and whether it was sent before."""

    def request(self, number: int) -> bytes:
        """Return the bytes of a request."""

    def answered(self, number: int, repeated: bool, status: int, sent_at: float, now: float, answer: bytes) -> None:
        """Count one answer."""


class Load:
    """One run of the loop: which event comes next, and what became of those before."""

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec
        self._template = body_template()
        self._keyed = hmac.new(spec.secret.encode(), digestmod="sha256")
        self._head = (
            f"POST {spec.path} HTTP/1.1\r\nHost: 127.0.0.1:{spec.port}\r\n"
            "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n"
            "Content-Type: application/json; charset=utf-8\r\n"
        )
        self._created = 0
        self._repeats_due = 0.0
        self._latencies_s: list[float] = []
        self.acknowledged: list[int] = []
        self.result = LoadResult()
        self.counts_from = time.perf_counter() + spec.warm_up_s
        self.ends_at = self.counts_from + spec.seconds

    def event_id(self, number: int) -> str:
        """Name an event of this run."""
        return f"evt_{self._uid(number)}"

    def _uid(self, number: int) -> str:
        return f"{self._spec.prefix}{number:016x}"

    def next_number(self) -> tuple[int, bool]:
        """Return the number of the event to send, and whether it was acknowledged before."""
        if self.acknowledged:
            self._repeats_due += self._spec.redelivered
            if self._repeats_due >= 1.0:
                self._repeats_due -= 1.0
                # Steps of a large prime visit old and new events alike.
                return self.acknowledged[self.result.requests * 7_919 % len(self.acknowledged)], True
        self._created += 1
        return self._created, False

    def request(self, number: int) -> bytes:
        """Return the bytes of a signed request for an event."""
        body = self._template.replace(UID.encode(), self._uid(number).encode())
        body = body.replace(HOLDER.encode(), f"{HOLDER[:-1]}{number % 10}".encode())
        at = f"{int(time.time())}"
        keyed = self._keyed.copy()
        keyed.update(at.encode() + b"." + body)
        signature = f"Stripe-Signature: t={at},v1={keyed.hexdigest()}\r\nContent-Length: {len(body)}\r\n\r\n"
        return self._head.encode() + signature.encode() + body

    def answered(self, number: int, repeated: bool, status: int, sent_at: float, now: float, answer: bytes) -> None:
        """Count one answer."""
        result = self.result
        result.requests += 1
        if status in _OK:
            if not repeated:
                self.acknowledged.append(number)
        else:
            result.refused += 1
            result.first_refusal = result.first_refusal or answer[:300].decode("utf-8", "replace")
        if self.counts_from <= now <= self.ends_at:
            self._latencies_s.append(now - sent_at)

    def finish(self) -> LoadResult:
        """Write down what was acknowledged and return the result."""
        lines = "\n".join(self.event_id(number) for number in self.acknowledged)
        Path(self._spec.acknowledged_file).write_text(lines, "ascii")
        self.result.done = len(self._latencies_s)
        self.result.p50_ms = quantile_ms(self._latencies_s, 0.50)
        self.result.p99_ms = quantile_ms(self._latencies_s, 0.99)
        return self.result


class Caller(asyncio.Protocol):
    """One connection that sends its next request when the last one is answered."""

    def __init__(self, load: Asking) -> None:
        self._load = load
        self._received = b""
        self._number, self._repeated, self._sent_at = 0, False, 0.0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Send the first request."""
        self._transport = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Count a connection that the server ended while an answer was due."""
        if self._number:
            self._load.result.broken += 1
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(self) -> None:
        self._number, self._repeated = self._load.next_number()
        request = self._load.request(self._number)
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take an answer, or a part of one."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return
        now = time.perf_counter()
        status, number = int(head[9:12]), self._number
        self._received, self._number = b"", 0
        self._load.answered(number, self._repeated, status, self._sent_at, now, body)
        if now < self._load.ends_at:
            self._send()
        else:
            self._transport.close()


async def run_load(spec: LoadSpec) -> LoadResult:
    """Send until the time is over and every connection has its last answer."""
    load = Load(spec)
    await call_until_over(load, spec.connections, spec.port)
    return load.finish()


async def call_until_over(load: Asking, connections: int, port: int) -> None:
    """Open the connections, and return when each has its last answer."""
    loop = asyncio.get_running_loop()
    callers: list[Caller] = []
    for _ in range(connections):
        _, caller = await loop.create_connection(lambda: Caller(load), "127.0.0.1", port)
        callers.append(caller)
    await asyncio.gather(*(caller.closed for caller in callers))


def main() -> None:
    """Read the specification from the command line, run, and write the result to standard output as JSON."""
    spec = LoadSpec(**orjson.loads(sys.argv[1]))
    result = uvloop.run(run_load(spec))
    sys.stdout.write(orjson.dumps(asdict(result)).decode() + "\n")


if __name__ == "__main__":
    main()
