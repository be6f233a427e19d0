"""Judging what Stripe says: one event, one commit, once; it never raises for what Stripe sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.ledger.booking import Session, book
from cutline.engine.ledger.events import (
    DeadLettered,
    EventQuarantined,
    Outcome,
    Posting,
    StripeEventRecorded,
    TransactionPosted,
)
from cutline.engine.ledger.mapping import Mapped, UnreadableError, map_event
from cutline.engine.ledger.requests import digest
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import RecordStripeEvent

_FORWARDED: Final = frozenset({"posted", "suspense", "duplicate_effect", "recorded"})
_LATEST_SECOND: Final = 253_402_300_799


def record_stripe_event(state: LedgerState, command: RecordStripeEvent, now: datetime) -> Decision:
    """Record an event, its mapping and its posting (PAY-009 to PAY-017).

    A second delivery changes nothing; the same id with another body is quarantined; a second event about the
    same effect posts nothing; what cannot be read or booked goes to the dead letters, with the event kept.
    """
    known = state.stripe_events.get(command.event_id)
    if known is not None:
        return _redelivered(state, command, known)
    try:
        mapped = map_event(state, command)
    except UnreadableError as error:
        mapped = Mapped(outcome="dead_letter", failure="WEBHOOK_INVALID", facts={"reason": str(error)})
    occurred_at = now
    if 0 <= command.created <= _LATEST_SECOND:
        occurred_at = datetime.fromtimestamp(command.created, UTC)
    outcome: Outcome = mapped.outcome
    failure = mapped.failure
    opened: Any = ()
    posting: Posting | None = None
    session = Session() if mapped.later else None
    draft = mapped.draft
    if draft is not None:
        if draft.effect_key in state.effects:
            outcome = "duplicate_effect"
            failure = None
        else:
            booked = book(state, draft, occurred_at, session)
            if isinstance(booked, Rejected):
                outcome, failure = "dead_letter", booked.code.value
            else:
                opened, posting = booked.opened, booked.posting
    recorded = StripeEventRecorded(
        event_id=command.event_id,
        type=command.type,
        api_version=command.api_version,
        livemode=command.livemode,
        created=command.created,
        account=command.account,
        sha256=command.sha256,
        outcome=outcome,
        posting=posting,
        facts=mapped.facts,
    )
    events: list[Any] = [*opened, recorded]
    if failure is not None:
        events.append(_dead_letter(recorded, failure))
    if session is not None and posting is not None:
        _book_later(state, mapped, occurred_at, session, events)
    return Accepted(events=events, reply=_reply(outcome, deduped=False), blobs={recorded.key: command.body})


def _redelivered(state: LedgerState, command: RecordStripeEvent, known: tuple[str, str]) -> Decision:
    sha256, outcome = known
    if sha256 == command.sha256:
        return Accepted(reply=_reply(outcome, deduped=True))
    foreign = EventQuarantined(
        event_id=command.event_id, type=command.type, recorded_sha256=sha256, sha256=command.sha256
    )
    if foreign.key in state.quarantined:
        return Accepted(reply=_reply("quarantined", deduped=True))
    return Accepted(events=(foreign,), reply=_reply("quarantined", deduped=False), blobs={foreign.key: command.body})


def _reply(outcome: str, *, deduped: bool) -> dict[str, Any]:
    return {"deduped": deduped, "forwarded_to_ledger": outcome in _FORWARDED, "outcome": outcome}


def _dead_letter(recorded: StripeEventRecorded, failure: str) -> DeadLettered:
    return DeadLettered(
        subject=recorded.key,
        event_id=recorded.event_id,
        event_type=recorded.type,
        failure_class=failure,
        details=recorded.facts,
    )


def _book_later(
    state: LedgerState,
    mapped: Mapped,
    occurred_at: datetime,
    session: Session,
    events: list[Any],
) -> None:
    intent = mapped.facts.get("payment_intent")
    for draft in mapped.later:
        if draft.effect_key in state.effects or draft.effect_key in session.effects:
            continue
        booked = book(state, draft, occurred_at, session)
        if isinstance(booked, Rejected):
            continue
        content = {"effect_key": draft.effect_key, "payment_intent": intent or ""}
        events.extend(booked.opened)
        events.append(
            TransactionPosted(
                idempotency_key=draft.effect_key,
                posting=booked.posting,
                content=content,
                content_sha256=digest(content),
            )
        )
