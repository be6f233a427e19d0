"""The door for Stripe's webhooks: raw bytes, signature, livemode, one question to the ledger; nothing else.

It is the hot path, so it stands outside the common wrapper: no models, no middleware, one log line. In this order
(PAY-024): a bad signature is 401 before anything else is looked at and leaves no trace in any file (PAY-007), then
the body must be an event, then its livemode must be this installation's, then the ledger records and posts it in
one commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson
import structlog
from aiohttp import web

from cutline.actors.clock import utc_now
from cutline.actors.failures import place_of
from cutline.actors.handles import LedgerHandle
from cutline.actors.stripe_reading import recording_of
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RecordStripeEvent, RefuseStripeEvent
from cutline.gateways.stripe_webhook import SignatureInvalid, WebhookInvalid, parse_event, verify_signature
from cutline.http import errors
from cutline.http.asking import Asking, Refused
from cutline.http.door import STRIPE, Bare, Handler, House
from cutline.http.schemas.webhook import StripeEventTaken, WebhookGiven
from cutline.http.strict import read_body
from cutline.http.whole_answer import whole_answer
from cutline.settings import Settings

PATH = "/v1/stripe/webhook"
SIGNATURE_HEADER = "Stripe-Signature"
FOR_A_PERSON = frozenset({"quarantined", "suspense", "dead_letter", RejectCode.LIVEMODE_MISMATCH.value})
"""Results that are kept and moved no entry's money: their log line is an error, and alerts (PAY-032)."""


class WebhookDoor:
    """Takes webhooks for one engine."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._secrets = house.settings.webhook_secrets
        self._livemodes = house.settings.livemodes
        # Bound once: a lazy logger would bind itself anew for every line.
        self._log = structlog.get_logger(__name__).bind()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Answer one delivery: 200 once the event is committed or was before (PAY-015, PAY-016)."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        correlation_id = request.headers.get(errors.CORRELATION_HEADER)
        if correlation_id is not None and not errors.is_correlation_id(correlation_id):
            correlation_id = None
        event_id: str | None = None
        response: web.StreamResponse
        try:
            command = self._judge(request.headers, await read_body(request))
            event_id = command.event_id
            # Stripe names no request, so the event's id does, unless it is not plain enough for logs.
            cause = _plain(event_id)
            correlation_id = correlation_id or cause
            reply = await LedgerHandle(Asking(self._house.engine, self._house.tally, cause).ask).record(command)
            result = reply["outcome"]
            response = whole_answer(request, orjson.dumps(reply), correlation_id)
        except Refused as refused:
            result = refused.code.value
            response = errors.refusal(refused.code, refused.details, correlation_id or errors.correlation_of(request))
        except Exception as failure:  # noqa: BLE001  # logged by its place; Stripe is told by name and sends the event again
            result = RejectCode.INTERNAL_FAULT.value
            correlation_id = correlation_id or errors.correlation_of(request)
            # Not the exception's own words: they may quote the body (PAY-039).
            self._log.error("request_failed", correlation_id=correlation_id, route=PATH, error=place_of(failure))
            response = errors.refusal(RejectCode.INTERNAL_FAULT, {}, correlation_id)
        seconds = loop.time() - started
        self._count(response.status, result, seconds)
        say = self._log.error if result in FOR_A_PERSON else self._log.info
        say("stripe_webhook", event_id=event_id, duration_ms=round(seconds * 1000, 3), result=result)
        return response

    def _judge(self, headers: Mapping[str, str], body: bytes) -> RecordStripeEvent | RefuseStripeEvent:
        """Return the command that a delivery amounts to, or raise Refused.

        An event of the wrong livemode is the ledger's to refuse, which keeps a dead letter of it (C-11).
        """
        try:
            verify_signature(body, headers.get(SIGNATURE_HEADER), self._secrets, utc_now())
            event = parse_event(body)
        except SignatureInvalid as invalid:
            raise Refused(RejectCode.SIGNATURE_INVALID) from invalid
        except WebhookInvalid as invalid:
            raise Refused(RejectCode.WEBHOOK_INVALID, {"fault": str(invalid)}) from invalid
        if event.livemode not in self._livemodes:
            return RefuseStripeEvent(
                event_id=event.id,
                type=event.type,
                livemode=event.livemode,
                expected_livemode=expected_livemode(self._house.settings),
            )
        return recording_of(event, body)

    def _count(self, status: int, result: str, seconds: float) -> None:
        tally = self._house.tally
        tally.request("POST", PATH, status, seconds)
        tally.webhook(result)
        if status >= 400:
            tally.refusal(result)


def expected_livemode(settings: Settings) -> bool:
    """Return what `livemode` this installation expects (PAY-019)."""
    return True in settings.livemodes


def _plain(event_id: str) -> str:
    return event_id if errors.is_correlation_id(event_id) else "stripe-event"


def webhook_handler(house: House) -> Handler:
    """Return the webhook's handler as aiohttp calls it."""
    return WebhookDoor(house).receive


def is_webhook(request: web.BaseRequest) -> bool:
    """Tell a delivery from every other request without asking the router; one that expects 100 is the router's."""
    return request.raw_path == PATH and request.method == "POST" and "Expect" not in request.headers


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
