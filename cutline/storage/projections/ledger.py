"""Rows of the ledger: what Stripe sent, the accounts and the transactions."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import orjson

from cutline.engine.decision import Recorded
from cutline.engine.ledger.events import (
    AccountOpened,
    DeadLettered,
    EventQuarantined,
    Posting,
    PostingBroke,
    StripeEventForwarded,
    StripeEventRecorded,
    TransactionPosted,
)
from cutline.storage.projections import Rows, netting
from cutline.storage.sqlite import utc_text

_DEAD_LETTERS = uuid.UUID("6c3f1c5e-7f0b-5a55-9a6a-0d2f6d1b7c10")


def project(recorded: Recorded, blob: bytes | None) -> Rows:
    """Return the rows of one ledger event; `blob` is the sealed body of a Stripe event."""
    event = recorded.event
    kind = type(event)
    if kind is StripeEventRecorded:
        return _stripe_event(recorded, event, blob)
    if kind is TransactionPosted:
        return _transaction(recorded.seq, event)
    if kind is AccountOpened:
        return (("accounts", (event.account, event.kind, event.currency, recorded.seq)),)
    if kind is PostingBroke or kind is StripeEventForwarded:
        return _attempt(recorded, event)
    if kind is EventQuarantined:
        at = utc_text(recorded.at)
        row = (event.event_id, event.type, event.sha256, at[:7], blob, at, recorded.seq)
        return (("stripe_events_quarantined", row),)
    if kind is DeadLettered:
        return (("stripe_webhook_dead_letters", _dead_letter(recorded, event)),)
    return netting.project(recorded)


def _stripe_event(recorded: Recorded, event: StripeEventRecorded, blob: bytes | None) -> Iterator[tuple[str, Any]]:
    at = utc_text(recorded.at)
    yield (
        "stripe_events",
        (
            event.event_id,
            event.type,
            event.api_version,
            int(event.livemode),
            event.sha256,
            at[:7],
            blob,
            at,
            recorded.seq,
        ),
    )
    if event.posting is not None:
        yield _posting(recorded.seq, event.posting)


def _attempt(recorded: Recorded, event: PostingBroke | StripeEventForwarded) -> Iterator[tuple[str, Any]]:
    """Yield the row of one attempt to post an event, and the rows of the posting where it held."""
    at = utc_text(recorded.at)
    if isinstance(event, StripeEventForwarded):
        yield "outbox_attempts", (event.event_id, event.attempt, "forwarded", None, None, at, recorded.seq)
        if event.posting is not None:
            yield _posting(recorded.seq, event.posting)
        return
    error = orjson.dumps(
        {"code": event.code, "http_status": event.http_status, "reason": event.reason}, option=orjson.OPT_SORT_KEYS
    ).decode()
    due_at = None if event.next_retry_at is None else utc_text(event.next_retry_at)
    yield "outbox_attempts", (event.event_id, event.attempt, "broke", error, due_at, at, recorded.seq)


def _transaction(seq: int, event: TransactionPosted) -> Rows:
    row = _posting(seq, event.posting)
    if event.idempotency_key == event.posting.effect_key:
        return (row,)
    return (row, ("request_keys", (event.idempotency_key, seq)))


def _posting(seq: int, posting: Posting) -> tuple[str, tuple[Any, ...]]:
    """Return the row that keeps a transaction from being booked twice; all else of it stands in the log."""
    return "effects", (posting.effect_key, seq)


def _dead_letter(recorded: Recorded, event: DeadLettered) -> tuple[Any, ...]:
    return (
        str(uuid.uuid5(_DEAD_LETTERS, event.subject)),
        event.event_id,
        event.event_type,
        event.failure_class,
        orjson.dumps(event.details, option=orjson.OPT_SORT_KEYS).decode(),
        utc_text(recorded.at),
        recorded.seq,
    )
