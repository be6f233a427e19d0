"""Records what passes between the SDK and the emulator, and judges it by the document. It must change nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from cutline.simulation.emulators.stripe import StripeEmulator
from tests.contracts.stripe.document import Document
from tests.contracts.stripe.schema import Checker, Faults

LATER = {
    "BalanceTransaction.balance_type": "a field since 2025: which of an account's balances moved",
    "account_links.create collection_options": "a parameter since 2023: what onboarding asks for at once",
    "refund.failed": "an event type since 2024; before, `charge.refund.updated` told of failures",
}
"""What API 2026-10-28 has and the document, which is older, does not know: the emulator follows the SDK's version."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its whole answer."""

    method: str
    path: str
    sent: str
    http_status: int
    received: Any


@dataclass(slots=True)
class Recorder:
    """Keeps every exchange of Stripe's API with an emulator, levers excepted."""

    exchanges: list[Exchange] = field(default_factory=list)

    def attach(self, emulator: StripeEmulator) -> None:
        """Listen in on an emulator that is not serving yet."""
        emulator.app.middlewares.append(self._middleware())

    def _middleware(self) -> Any:
        @web.middleware
        async def record(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            sent = await request.text() if request.method == "POST" else request.query_string
            answer = await handler(request)
            if request.path.startswith("/v1/") and isinstance(answer, web.Response) and answer.body:
                assert isinstance(answer.body, bytes)
                received = json.loads(answer.body)
                self.exchanges.append(Exchange(request.method, request.path, sent, answer.status, received))
            return answer

        return record


def faults_of_exchange(document: Document, exchange: Exchange) -> Faults:
    """Judge an exchange: the answer must fit, and a request that does not fit must have been refused."""
    where = f"{exchange.method} {exchange.path} {exchange.http_status}"
    described = document.describe(exchange.method, exchange.path)
    if described is None:
        return [] if exchange.http_status == 404 else [f"{where}: not in the document"]
    answered = described.answer if exchange.http_status == 200 else described.error
    faults = Checker(document, later=frozenset(LATER)).faults(answered, exchange.received, where)
    if exchange.http_status == 200:
        expected = described.form if exchange.method == "POST" else described.query
        sent = {name: value for name, value in decode(exchange.sent).items() if name not in later_parameters(exchange)}
        faults += Checker(document, as_text=True).faults(expected, sent, f"{where} request")
    return faults


def later_parameters(exchange: Exchange) -> frozenset[str]:
    """Return the parameters that an operation has got since the document was written."""
    service = exchange.path.split("/")[2]
    return frozenset(name.split()[1] for name in LATER if name.startswith(f"{service}.create "))


def faults_of_event(document: Document, event: dict[str, Any]) -> Faults:
    """Judge an event: its envelope, its type, and the object in it by the kind that the object names."""
    checker = Checker(document, later=frozenset(LATER))
    faults = checker.faults(document.schemas["event"], event, event["type"])
    if event["type"] not in document.event_types | LATER.keys():
        faults.append(f"{event['type']}: no event type of the document")
    kind = event["data"]["object"]["object"]
    return faults + checker.faults(document.schemas[kind], event["data"]["object"], f"{event['type']} {kind}")


def decode(text: str) -> dict[str, Any]:
    """Read a form independently of the emulator's own reading: `a[b]=c`, `a[]=d`, `a[0]=e` become hashes."""
    decoded: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        parts = [key.partition("[")[0], *re.findall(r"\[([^\]]*)\]", key)]
        node = decoded
        for part in parts[:-1]:
            node = node.setdefault(part, {})
        node[parts[-1] or str(len(node))] = value
    return decoded
