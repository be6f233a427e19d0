"""The ledger's service doors: settlements from outside, their look-up, posting again what broke; it moves no cent."""

from __future__ import annotations

from functools import partial

from cutline.engine.errors import RejectCode
from cutline.http.addresses import idempotency_key_of
from cutline.http.asking import Refused, ask_until
from cutline.http.door import LEDGER, SETTLE, Call, Reply, Route
from cutline.http.schemas.money import (
    ForwardingAsked,
    ForwardingGiven,
    SettlementAsked,
    SettlementGiven,
    SettlementsGiven,
    SettlementsQueried,
)


async def ingest(call: Call) -> Reply:
    """Credit an account with what an outside service has collected: 201, and 200 when it is in the books (LED-001).

    The idempotency key comes in the body or as the header (G-16). Refusals: IDEMPOTENCY_KEY_REUSED for other content
    under a key or a reference, INGEST_CAP_EXCEEDED beyond what a day may bring.
    """
    asked = call.body_as(SettlementAsked)
    ingested = await call.ledger.ingest(
        idempotency_key=_key(call, asked),
        provider_reference=asked.provider_reference,
        account_did=asked.account_did,
        amount_cents=asked.amount_cents,
        currency=asked.currency,
        day_cap_cents=call.house.settings.ledger_ingest_day_cap_cents,
    )
    given = SettlementGiven.model_validate(ingested)
    return Reply(status=200 if given.deduped else 201, body=given)


def _key(call: Call, asked: SettlementAsked) -> str:
    header = call.idempotency_key
    if header is None:
        return idempotency_key_of(asked.idempotency_key)
    if asked.idempotency_key not in (None, header):
        raise Refused(RejectCode.REQUEST_INVALID, {"field": "idempotency_key", "header": "Idempotency-Key"})
    return header


async def find_settlement(call: Call) -> Reply:
    """Return the one settlement of `?provider_reference=`: a payment intent's id or an outside reference (LED-002)."""
    found = await call.ledger.settlement(call.query_as(SettlementsQueried).provider_reference)
    return Reply(body=SettlementsGiven(settlements=[SettlementGiven.model_validate(found)]))


async def retry_forwarding(call: Call) -> Reply:
    """Post again what broke and is due, and say how many did and did not hold (FWD-005 to FWD-012).

    ACTOR_TIMEOUT: the attempts are under way all the same.
    """
    asked = call.body_as(ForwardingAsked)
    chosen = await call.ledger.retry_forwarding(limit=asked.limit, force=asked.force, event_id=asked.event_id)
    ask = partial(call.ledger.forwarding, chosen["selected"])
    done = await ask_until(ask, lambda reply: not reply["open"], otherwise=RejectCode.ACTOR_TIMEOUT)
    return Reply(body=ForwardingGiven.model_validate(done))


ROUTES = (
    Route(
        method="POST",
        path="/v1/payments/settlements/ingest",
        handle=ingest,
        needs=LEDGER,
        takes=SettlementAsked,
        gives=SettlementGiven,
        summary="Credit what an outside service has collected.",
        statuses=(200, 201),
        refuses=(RejectCode.IDEMPOTENCY_KEY_REQUIRED, RejectCode.INGEST_CAP_EXCEEDED),
        idempotency="taken",
    ),
    Route(
        method="GET",
        path="/v1/payments/settlements",
        handle=find_settlement,
        needs=LEDGER,
        gives=SettlementsGiven,
        summary="Find a settlement.",
        query=SettlementsQueried,
        refuses=(RejectCode.NOT_FOUND,),
    ),
    Route(
        method="POST",
        path="/v1/stripe/forwarding/retry",
        handle=retry_forwarding,
        needs=SETTLE,
        takes=ForwardingAsked,
        gives=ForwardingGiven,
        summary="Post again Stripe's events whose posting broke.",
        idempotency="by content",
    ),
)
