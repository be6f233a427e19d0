"""Rows of what is asked of Stripe on the way in: intents, refunds, the calls for them, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cutline.engine.decision import Recorded
from cutline.engine.payment.events import (
    IntentCancelEnded,
    IntentCancelRequested,
    IntentCreated,
    IntentFailed,
    IntentPlanned,
    IntentReportRecorded,
    RefundAdvanced,
    RefundPlanned,
)
from cutline.engine.stripe_attempts import AttemptStarted
from cutline.storage.projections import Rows
from cutline.storage.projections.calls import attempt_row, step_of
from cutline.storage.sqlite import utc_text


def project(recorded: Recorded, blob: bytes | None) -> Rows:  # noqa: ARG001  # every projection has this shape
    """Return the rows of one payments event."""
    return _rows(recorded)


def _rows(recorded: Recorded) -> Iterator[tuple[str, Any]]:
    event = recorded.event
    if isinstance(event, IntentPlanned):
        yield "payment_intents", (event.key, *_request(event), recorded.seq)
    elif isinstance(event, RefundPlanned):
        yield "refunds", (event.key, *_request(event), recorded.seq)
    elif isinstance(event, AttemptStarted):
        yield from attempt_row("payment_attempts", event, recorded)
    happened = _happened(event)
    if happened is not None:
        yield "payment_events", (*happened, utc_text(recorded.at), recorded.seq)


def _request(event: IntentPlanned | RefundPlanned) -> tuple[Any, ...]:
    return (event.contest_id, event.entry_id, event.account_did, event.amount_cents, event.currency)


def _happened(event: object) -> tuple[str, str] | None:
    """Return what an event is about, as an intent's or refund's key, and what it says of it."""
    match event:
        case IntentPlanned() | RefundPlanned():
            return event.key, "planned"
        case IntentCreated():
            return _intent(event), "created"
        case IntentFailed():
            return _intent(event), "failed"
        case IntentCancelRequested():
            return _intent(event), "cancel_requested"
        case IntentCancelEnded():
            return _intent(event), event.outcome
        case IntentReportRecorded():
            return _intent(event), f"reported_{event.status}"
        case RefundAdvanced():
            return f"payment:refund:{event.payment_intent}", event.status
        case _:
            return step_of(event)


def _intent(
    event: IntentCreated | IntentFailed | IntentCancelRequested | IntentCancelEnded | IntentReportRecorded,
) -> str:
    return f"payment:intent:{event.contest_id}:{event.entry_id}"
