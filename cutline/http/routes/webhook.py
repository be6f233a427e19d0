"""The door for Stripe's webhooks: raw bytes, signature, livemode, one question to the ledger; nothing else.

It is the hot path, so it stands outside the common wrapper: no models, no middleware, one log line. In this order
(PAY-024): a bad signature is 401 before anything else is looked at and leaves no trace in any file (PAY-007), then
the body must be an event, then its livemode must be this installation's, then the ledger records and posts it in
one commit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Final

import orjson
import structlog
from aiohttp import web

from cutline.actors.clock import utc_now
from cutline.actors.failures import place_of
from cutline.actors.stripe_reading import recording_of
from cutline.engine.decision import Accepted, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RecordStripeEvent, RefuseStripeEvent
from cutline.gateways.stripe_webhook import SignatureInvalid, WebhookInvalid, parse_event, verify_signature
from cutline.http import errors
from cutline.http.asking import Refused, reply_of
from cutline.http.connection import Answer
from cutline.http.door import STRIPE, Bare, Handler, House
from cutline.http.schemas.webhook import StripeEventTaken, WebhookGiven
from cutline.http.strict import read_body
from cutline.http.whole_answer import whole_answer
from cutline.settings import Settings

PATH: Final = "/v1/stripe/webhook"
LEDGER: Final = "ledger"
SIGNATURE_HEADER = "Stripe-Signature"
FOR_A_PERSON = frozenset({"quarantined", "suspense", "dead_letter", RejectCode.LIVEMODE_MISMATCH.value})
"""Results that are kept and moved no entry's money: their log line is an error, and alerts (PAY-032)."""


class WebhookDoor:
    """Takes webhooks for one engine."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.secrets = house.settings.webhook_secrets
        self.livemodes = house.settings.livemodes
        # Bound once: a lazy logger would bind itself anew for every line.
        self.log = structlog.get_logger(__name__).bind()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer one delivery: 200 once the event is committed or was before (PAY-015, PAY-016)."""
        delivery = _Delivery(self, request.headers)
        try:
            command = delivery.judge(await read_body(request))
            body = delivery.taken(await self._ask(command, delivery.cause))
        except Exception as failure:  # noqa: BLE001  # answered by name, and harms no other request
            return delivery.refused(failure)
        headers = {"Content-Type": "application/json", errors.CORRELATION_HEADER: delivery.correlation_id}
        return web.Response(body=body, headers=headers)

    def deliver(self, headers: Mapping[str, str], body: bytes, answer: Answer) -> None:
        """Answer one delivery that has come whole, as `receive` does, without a task that waits."""
        delivery = _Delivery(self, headers)
        try:
            command = delivery.judge(body)
            self.house.engine.question(LEDGER, command, delivery.cause, partial(self._answered, delivery, answer))
            self.house.tally.asks_in_flight += 1
        except Exception as failure:  # noqa: BLE001  # the same
            answer(delivery.refused(failure))

    async def _ask(self, command: RecordStripeEvent | RefuseStripeEvent, cause: str) -> Accepted | Rejected:
        self.house.tally.asks_in_flight += 1
        try:
            return await self.house.engine.ask(LEDGER, command, cause)
        finally:
            self.house.tally.asks_in_flight -= 1

    def _answered(self, delivery: _Delivery, answer: Answer, said: Accepted | Rejected) -> None:
        self.house.tally.asks_in_flight -= 1
        try:
            content = whole_answer(delivery.taken(said), delivery.correlation_id)
        except Exception as failure:  # noqa: BLE001  # the same
            answer(delivery.refused(failure))
        else:
            answer(content)


class _Delivery:
    """One delivery under way."""

    __slots__ = ("_door", "_headers", "_started", "cause", "correlation_id", "event_id")

    def __init__(self, door: WebhookDoor, headers: Mapping[str, str]) -> None:
        self._door = door
        self._headers = headers
        self._started = time.monotonic()
        given = headers.get(errors.CORRELATION_HEADER)
        self.correlation_id = given if given is not None and errors.is_correlation_id(given) else ""
        self.event_id: str | None = None
        self.cause = ""

    def judge(self, body: bytes) -> RecordStripeEvent | RefuseStripeEvent:
        """Return the command that a delivery amounts to, or raise Refused.

        An event of the wrong livemode is the ledger's to refuse, which keeps a dead letter of it (C-11).
        """
        door = self._door
        try:
            verify_signature(body, self._headers.get(SIGNATURE_HEADER), door.secrets, utc_now())
            event = parse_event(body)
        except SignatureInvalid as invalid:
            raise Refused(RejectCode.SIGNATURE_INVALID) from invalid
        except WebhookInvalid as invalid:
            raise Refused(RejectCode.WEBHOOK_INVALID, {"fault": str(invalid)}) from invalid
        self.event_id = event.id
        # Stripe names no request, so the event's id does, unless it is not plain enough for logs.
        self.cause = event.id if errors.is_correlation_id(event.id) else "stripe-event"
        self.correlation_id = self.correlation_id or self.cause
        if event.livemode not in door.livemodes:
            return RefuseStripeEvent(
                event_id=event.id,
                type=event.type,
                livemode=event.livemode,
                expected_livemode=expected_livemode(door.house.settings),
            )
        return recording_of(event, body)

    def taken(self, answer: Accepted | Rejected) -> bytes:
        """Return the body of a success, counted and logged; raises Refused by the ledger's code."""
        reply = reply_of(answer)
        body = orjson.dumps(reply)
        self._ended(200, reply["outcome"])
        return body

    def refused(self, failure: Exception) -> web.Response:
        """Return the refusal that a failure comes to, counted and logged."""
        correlation_id = self.correlation_id or errors.correlation_in(self._headers)
        if isinstance(failure, Refused):
            code, details = failure.code, failure.details
        else:
            code, details = RejectCode.INTERNAL_FAULT, {}
            # Not the exception's own words: they may quote the body (PAY-039).
            self._door.log.error("request_failed", correlation_id=correlation_id, route=PATH, error=place_of(failure))
        response = errors.refusal(code, details, correlation_id)
        self._ended(response.status, code.value)
        return response

    def _ended(self, status: int, result: str) -> None:
        seconds = time.monotonic() - self._started
        tally = self._door.house.tally
        tally.request("POST", PATH, status, seconds)
        tally.webhook(result)
        if status >= 400:
            tally.refusal(result)
        log = self._door.log
        say = log.error if result in FOR_A_PERSON else log.info
        say("stripe_webhook", event_id=self.event_id, duration_ms=round(seconds * 1000, 3), result=result)


def expected_livemode(settings: Settings) -> bool:
    """Return what `livemode` this installation expects (PAY-019)."""
    return True in settings.livemodes


def webhook_handler(house: House) -> Handler:
    """Return the webhook's handler as aiohttp calls it."""
    return WebhookDoor(house).receive


OPERATION = Bare(
    method="POST",
    path=PATH,
    operation_id="takeStripeEvent",
    door=webhook_handler,
    needs=STRIPE,
    takes=StripeEventTaken,
    gives=WebhookGiven,
    refuses=(
        RejectCode.SIGNATURE_INVALID,
        RejectCode.WEBHOOK_INVALID,
        RejectCode.LIVEMODE_MISMATCH,
        RejectCode.LEDGER_INGEST_FAILED,
        RejectCode.BODY_TOO_LARGE,
        RejectCode.REQUEST_INVALID,
        RejectCode.REQUEST_TIMEOUT,
        RejectCode.MAILBOX_FULL,
        RejectCode.ACTOR_TIMEOUT,
        RejectCode.SHUTTING_DOWN,
        RejectCode.STORAGE_UNAVAILABLE,
        RejectCode.INTERNAL_FAULT,
    ),
    document="public",
    idempotency="by content",
    summary="Take one of Stripe's events.",
)
