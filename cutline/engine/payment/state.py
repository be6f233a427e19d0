"""The memory of payments, folded from its log; only `fold` changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from cutline.engine.payment.events import (
    IntentCancelEnded,
    IntentCancelRequested,
    IntentClaimed,
    IntentCreated,
    IntentFailed,
    IntentPlanned,
    IntentReportRecorded,
    RefundAdvanced,
    RefundPlanned,
)
from cutline.engine.payment.lifecycle import IntentFact, IntentStatus, RefundStatus, next_intent, next_refund
from cutline.engine.stripe_attempts import AttemptDeferred, AttemptRepeated, AttemptStarted, LookupStarted
from cutline.engine.stripe_call import CallBook

EntryKey = tuple[str, str]
"""A contest's id and an entry's id."""

Part = Literal["intent", "cancel"]


@dataclass(slots=True, kw_only=True)
class Intent:
    """One entry's payment intent."""

    plan: IntentPlanned
    status: IntentStatus = IntentStatus.PLANNED
    payment_intent: str | None = None
    client_secret: str | None = None
    cancel_requested: bool = False
    failure: str | None = None


@dataclass(slots=True, kw_only=True)
class Refund:
    """One entry's refund."""

    plan: RefundPlanned
    status: RefundStatus = RefundStatus.PLANNED
    stripe_refund_id: str | None = None


@dataclass(slots=True)
class PaymentState:
    """Intents by entry, refunds by payment, the calls under way, and which reports have counted."""

    intents: dict[EntryKey, Intent] = field(default_factory=dict)
    by_account: dict[str, list[EntryKey]] = field(default_factory=dict)
    """Each holder's entries in all contests, in the order in which their fees were asked for."""
    by_payment_intent: dict[str, EntryKey] = field(default_factory=dict)
    cancelled_unplanned: set[EntryKey] = field(default_factory=set)
    claims: dict[EntryKey, tuple[str, str]] = field(default_factory=dict)
    claimed: dict[tuple[str, str], EntryKey] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    """By the payment intent that each gives back: an entry may have been paid for twice."""
    reports: set[str] = field(default_factory=set)
    subjects: dict[str, tuple[Part, EntryKey]] = field(default_factory=dict)
    refund_subjects: dict[str, str] = field(default_factory=dict)
    calls: CallBook = field(default_factory=CallBook)
    open_since: dict[EntryKey, datetime] = field(default_factory=dict)
    """Since when an intent exists at Stripe that has not ended yet (PAY-041)."""


REPORTED: Final[dict[str, IntentFact]] = {
    "succeeded": IntentFact.SUCCEEDED,
    "failed": IntentFact.DECLINED,
    "canceled": IntentFact.CANCELED,
}
"""What each word of a webhook means to an intent: a failed try to pay leaves the intent open."""


def subject_of(part: Part, entry: EntryKey) -> str:
    """Return the business key of a call, which is its first key at Stripe."""
    return f"payment:{part}:{entry[0]}:{entry[1]}"


def fold(state: PaymentState, event: object, at: datetime) -> None:
    """Fold one event, committed at `at`, into the state."""
    match event:
        case AttemptStarted() | AttemptDeferred() | AttemptRepeated() | LookupStarted():
            state.calls.fold(event)
        case IntentPlanned():
            _fold_plan(state, event)
        case IntentClaimed():
            entry, claim = (event.contest_id, event.entry_id), (event.principal, event.idempotency_key)
            state.claims[entry] = claim
            state.claimed[claim] = entry
        case IntentCreated() | IntentFailed() | IntentReportRecorded():
            _fold_intent(state, event)
            _note_whether_open(state, (event.contest_id, event.entry_id), at)
        case IntentCancelRequested() | IntentCancelEnded():
            _fold_cancellation(state, event)
            _note_whether_open(state, (event.contest_id, event.entry_id), at)
        case RefundPlanned():
            state.refunds[event.payment_intent] = Refund(plan=event)
            state.refund_subjects[event.key] = event.payment_intent
        case RefundAdvanced():
            refund = state.refunds[event.payment_intent]
            refund.status = next_refund(refund.status, RefundStatus(event.status))
            refund.stripe_refund_id = event.stripe_refund_id or refund.stripe_refund_id
            state.calls.close(refund.plan.key)
        case _:
            raise TypeError(f"the log of payments has no {type(event).__name__}")


def _fold_plan(state: PaymentState, event: IntentPlanned) -> None:
    entry = (event.contest_id, event.entry_id)
    intent = state.intents[entry] = Intent(plan=event)
    state.by_account.setdefault(event.account_did, []).append(entry)
    for part in ("intent", "cancel"):
        state.subjects[subject_of(part, entry)] = (part, entry)
    if entry in state.cancelled_unplanned:
        intent.cancel_requested = True
        intent.status = IntentStatus.CANCELED


def _fold_intent(state: PaymentState, event: IntentCreated | IntentFailed | IntentReportRecorded) -> None:
    entry = (event.contest_id, event.entry_id)
    intent = state.intents[entry]
    match event:
        case IntentCreated():
            fact = IntentFact.CREATED
            intent.payment_intent, intent.client_secret = event.payment_intent, event.client_secret
            state.by_payment_intent[event.payment_intent] = entry
            state.calls.close(subject_of("intent", entry))
        case IntentFailed():
            fact = IntentFact.REFUSED
            intent.failure = event.code
            state.calls.close(subject_of("intent", entry))
        case IntentReportRecorded():
            fact = REPORTED[event.status]
            intent.failure = event.reason if fact is IntentFact.DECLINED else intent.failure
            intent.payment_intent = intent.payment_intent or event.payment_intent
            state.by_payment_intent.setdefault(event.payment_intent, entry)
            state.reports.add(event.report)
    intent.status = next_intent(intent.status, fact)


def _note_whether_open(state: PaymentState, entry: EntryKey, at: datetime) -> None:
    intent = state.intents.get(entry)
    is_made = intent is not None and intent.payment_intent is not None
    if intent is not None and is_made and intent.status in (IntentStatus.OPEN, IntentStatus.CANCELING):
        state.open_since.setdefault(entry, at)
    else:
        state.open_since.pop(entry, None)


def _fold_cancellation(state: PaymentState, event: IntentCancelRequested | IntentCancelEnded) -> None:
    entry = (event.contest_id, event.entry_id)
    intent = state.intents.get(entry)
    if isinstance(event, IntentCancelEnded):
        state.calls.close(subject_of("cancel", entry))
    if intent is None:
        state.cancelled_unplanned.add(entry)
        return
    fact = IntentFact.CANCEL_REQUESTED
    if isinstance(event, IntentCancelEnded):
        fact = IntentFact.SUCCEEDED if event.outcome == "succeeded" else IntentFact.CANCELED
    intent.cancel_requested = True
    intent.status = next_intent(intent.status, fact)
