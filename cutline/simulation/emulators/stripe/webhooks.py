"""Signs events and delivers them to webhook endpoints, with Stripe's retries; it must not make events."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import hmac
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import aiohttp
import orjson

from cutline.simulation.emulators.stripe.faults import Faults, WebhookFault
from cutline.simulation.emulators.stripe.platform import Clock, Wire

RETRY_DELAYS_S = (300, 1_800, 7_200, 18_000, 36_000, 36_000, 43_200, 43_200, 43_200)
"""Seconds between attempts: backing off, for not quite three days (Stripe, "Webhooks", live mode)."""

EventsFrom = Literal["both", "connected_accounts", "platform"]

_REORDER_BACKSTOP = timedelta(minutes=1)
_ANSWER_LIMIT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """Where events go. With several secrets each delivery carries a signature of each, as while one is rotated.

    A real endpoint gets either the platform's own events or those of its connected accounts; ours may get `both`.
    """

    url: str
    secrets: tuple[str, ...]
    event_types: frozenset[str] = field(default_factory=lambda: frozenset({"*"}))
    events_from: EventsFrom = "both"

    def wants(self, event: Wire) -> bool:
        """Tell whether the endpoint subscribed to events of this type and origin."""
        origin = "connected_accounts" if "account" in event else "platform"
        return self.events_from in ("both", origin) and bool(self.event_types & {"*", event["type"]})


@dataclass(slots=True, kw_only=True, eq=False)
class _Delivery:
    endpoint: WebhookEndpoint
    event_id: str
    event_type: str
    body: bytes
    is_copy: bool = False
    attempts: int = 0
    ticket: int = 0


def sign(body: bytes, secrets: tuple[str, ...], at: datetime) -> str:
    """Return the `Stripe-Signature` header of a body sent at `at`: HMAC-SHA256 of `t.body` under each secret."""
    timestamp_s = int(at.timestamp())
    signed = f"{timestamp_s}.".encode() + body
    signatures = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp_s}", *(f"v1={signature}" for signature in signatures)])


class Webhooks:
    """The deliveries still owed, by due time; those of one moment leave in the order of their events."""

    def __init__(
        self, clock: Clock, faults: Faults, *, concurrency: int = 1, signing_clock: Clock | None = None
    ) -> None:
        self.endpoints: list[WebhookEndpoint] = []
        self.attempts: list[Wire] = []
        self.retry_delays_s: tuple[int, ...] = RETRY_DELAYS_S
        self.arrived = asyncio.Event()
        self._clock = clock
        self._signing_clock = signing_clock or clock
        self._faults = faults
        self._concurrency = concurrency
        self._queue: list[tuple[datetime, int, _Delivery]] = []
        self._held: list[_Delivery] = []
        self._tickets = 0
        self._owed: Counter[str] = Counter()
        self._open = 0

    def change_secrets(self, url: str, secrets: tuple[str, ...]) -> None:
        """Sign what is sent to an endpoint with these secrets from now on, deliveries already owed included.

        Raises `KeyError` for an endpoint that is not known.
        """
        if url not in {endpoint.url for endpoint in self.endpoints}:
            raise KeyError(url)
        self.endpoints = [
            replace(endpoint, secrets=secrets) if endpoint.url == url else endpoint for endpoint in self.endpoints
        ]

    def secrets_of(self, url: str) -> tuple[str, ...]:
        """Return what deliveries to an endpoint are signed with; raise `KeyError` where it is not known."""
        return {endpoint.url: endpoint.secrets for endpoint in self.endpoints}[url]

    def enqueue(self, event: Wire) -> None:
        """Owe an event to every endpoint that wants it, as the faults permit."""
        endpoints = [endpoint for endpoint in self.endpoints if endpoint.wants(event)]
        event["pending_webhooks"] = self._owed[event["id"]] = len(endpoints)
        fault = self._faults.take_webhook(event["type"], event["data"]["object"].get("metadata") or {})
        if fault is None or fault.kind != "drop":
            body = orjson.dumps(event, option=orjson.OPT_INDENT_2)
            for endpoint in endpoints:
                self._owe(endpoint, event, body, fault)
        self.arrived.set()

    def _owe(self, endpoint: WebhookEndpoint, event: Wire, body: bytes, fault: WebhookFault | None) -> None:
        now = self._clock()
        delivery = _Delivery(endpoint=endpoint, event_id=event["id"], event_type=event["type"], body=body)
        self._open += 1
        if fault is not None and fault.kind == "reorder":
            self._push(delivery, now + _REORDER_BACKSTOP)
            self._held.append(delivery)
            return
        due_at = now + timedelta(seconds=fault.seconds) if fault is not None and fault.kind == "delay" else now
        self._push(delivery, due_at)
        if fault is not None and fault.kind == "duplicate":
            for _ in range(fault.copies):
                self._open += 1
                copy = _Delivery(
                    endpoint=endpoint, event_id=event["id"], event_type=event["type"], body=body, is_copy=True
                )
                self._push(copy, due_at + timedelta(seconds=fault.seconds))
        for held in [one for one in self._held if one.endpoint.url == endpoint.url]:
            self._held.remove(held)
            self._push(held, due_at)

    def _push(self, delivery: _Delivery, due_at: datetime) -> None:
        """Queue a delivery; an earlier place of the same delivery in the queue loses its meaning."""
        self._tickets += 1
        delivery.ticket = self._tickets
        heapq.heappush(self._queue, (due_at, self._tickets, delivery))

    @property
    def pending(self) -> int:
        """How many deliveries have neither succeeded nor used up their attempts."""
        return self._open

    @property
    def next_due_at(self) -> datetime | None:
        """When the next delivery is due, or None."""
        while self._queue and self._queue[0][1] != self._queue[0][2].ticket:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def is_delivered(self, event_id: str) -> bool:
        """Tell whether every endpoint has accepted the event (`delivery_success`)."""
        return self._owed[event_id] == 0

    async def deliver_due(self, session: aiohttp.ClientSession) -> int:
        """Attempt every delivery that is due at the clock's now; return how many attempts were made."""
        made = 0
        while batch := self._pop_due():
            await asyncio.gather(*(self._attempt(delivery, session) for delivery in batch))
            made += len(batch)
        return made

    def _pop_due(self) -> list[_Delivery]:
        now = self._clock()
        batch: list[_Delivery] = []
        while len(batch) < self._concurrency and (due_at := self.next_due_at) is not None and due_at <= now:
            delivery = heapq.heappop(self._queue)[2]
            if delivery in self._held:
                self._held.remove(delivery)
            batch.append(delivery)
        return batch

    async def _attempt(self, delivery: _Delivery, session: aiohttp.ClientSession) -> None:
        delivery.attempts += 1
        now = self._clock()
        status = await self._post(delivery, session)
        record = {"event_id": delivery.event_id, "type": delivery.event_type, "url": delivery.endpoint.url}
        self.attempts.append(record | {"at_utc": now.isoformat(), "http_status": status})
        if status is not None and 200 <= status < 300:
            self._open -= 1
            self._owed[delivery.event_id] -= 0 if delivery.is_copy else 1
        elif delivery.is_copy or delivery.attempts > len(self.retry_delays_s):
            self._open -= 1
        else:
            self._push(delivery, self._clock() + timedelta(seconds=self.retry_delays_s[delivery.attempts - 1]))

    async def _post(self, delivery: _Delivery, session: aiohttp.ClientSession) -> int | None:
        """Send one delivery; return the status, or None where no answer came."""
        secrets = self.secrets_of(delivery.endpoint.url)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(delivery.body, secrets, self._signing_clock()),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with session.post(
                delivery.endpoint.url,
                data=delivery.body,
                headers=headers,
                timeout=_ANSWER_LIMIT,
                allow_redirects=False,
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
