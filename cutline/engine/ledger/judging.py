"""What a Stripe event comes to against the books as they are: posted, kept aside, or broken; it records nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from cutline.engine.decision import Rejected
from cutline.engine.error_registry import REGISTRY
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.booking import Session, book
from cutline.engine.ledger.events import AccountOpened, DeadLettered, Outcome, Posting, TransactionPosted
from cutline.engine.ledger.mapping import map_event
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.state import LedgerState
from cutline.engine.ledger.stripe_objects import Mapped, UnreadableError
from cutline.engine.messages import RaiseAlert, RecordStripeEvent

_LATEST_SECOND: Final = 253_402_300_799


class Judged(Struct, frozen=True):
    """An event that holds: its posting, what must be written before and after it, and why a person must look."""

    outcome: Outcome
    facts: Mapping[str, str]
    opened: Sequence[AccountOpened] = ()
    posting: Posting | None = None
    failure: str | None = None
    later: Sequence[Any] = ()
    alerts: Sequence[RaiseAlert] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A posting that the books refuse as they are now; the same event may hold later."""

    code: str
    http_status: int
    reason: str


def judge(state: LedgerState, command: RecordStripeEvent, now: datetime) -> Judged | Broken:
    """Map an event and book what it says, changing nothing.

    Broken: an account would fall below zero, or what it speaks of is not in the books yet. What can never be read is
    no break: it goes to a person at once.
    """
    try:
        mapped = map_event(state, command)
    except UnreadableError as error:
        return Judged(outcome="dead_letter", failure="WEBHOOK_INVALID", facts={"reason": str(error)})
    draft = mapped.draft
    if mapped.too_early is not None:
        return _broken(Rejected(code=RejectCode.MESSAGE_TOO_EARLY, details={"missing": mapped.too_early}))
    if draft is None:
        return Judged(outcome=mapped.outcome, facts=mapped.facts, failure=mapped.failure, alerts=mapped.alerts)
    if draft.effect_key in state.effects:
        return Judged(outcome="duplicate_effect", facts=mapped.facts)
    return _booked(state, mapped, draft, _occurred_at(command, now))


def _booked(state: LedgerState, mapped: Mapped, draft: Draft, occurred_at: datetime) -> Judged | Broken:
    session = Session() if mapped.later else None
    booked = book(state, draft, occurred_at, session)
    if isinstance(booked, Rejected):
        return _broken(booked)
    later: list[Any] = []
    if session is not None:
        _book_later(state, mapped, occurred_at, session, later)
    return Judged(
        outcome=mapped.outcome,
        facts=mapped.facts,
        opened=booked.opened,
        posting=booked.posting,
        failure=mapped.failure,
        later=later,
        alerts=mapped.alerts,
    )


def _book_later(state: LedgerState, mapped: Mapped, occurred_at: datetime, session: Session, events: list[Any]) -> None:
    """Book what comes with the posting; what does not hold stops nothing, and goes to a person."""
    intent = mapped.facts.get("payment_intent")
    for draft in mapped.later:
        if draft.effect_key in state.effects or draft.effect_key in session.effects:
            continue
        booked = book(state, draft, occurred_at, session)
        if isinstance(booked, Rejected):
            events.extend(_unbooked(state, draft, booked))
            continue
        content = {"effect_key": draft.effect_key, "payment_intent": intent or ""}
        events.extend(booked.opened)
        events.append(
            TransactionPosted(
                idempotency_key=draft.effect_key,
                posting=booked.posting,
                content=content,
            )
        )


def _unbooked(state: LedgerState, draft: Draft, refusal: Rejected) -> tuple[DeadLettered, ...]:
    subject = f"effect:{draft.effect_key}"
    if subject in state.dead_letters:
        return ()
    details = {name: str(value) for name, value in refusal.details.items()}
    letter = DeadLettered(
        subject=subject, event_id=None, event_type=None, failure_class=refusal.code.value, details=details
    )
    return (letter,)


def _broken(refusal: Rejected) -> Broken:
    reason = ", ".join(f"{name} {value}" for name, value in refusal.details.items())
    return Broken(code=refusal.code.value, http_status=REGISTRY[refusal.code].http_status, reason=reason)


def _occurred_at(command: RecordStripeEvent, now: datetime) -> datetime:
    """Read when it happened by Stripe's clock; a figure that is no time of this calendar counts as now."""
    if 0 <= command.created <= _LATEST_SECOND:
        return datetime.fromtimestamp(command.created, UTC)
    return now
