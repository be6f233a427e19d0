"""The machine of payments: which message is judged where. It reaches no file, no clock and no Stripe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cutline.engine import stripe_call
from cutline.engine.decision import Accepted, Decision, Owed, Recorded
from cutline.engine.errors import InvariantViolated
from cutline.engine.messages import (
    CancelIntent,
    ClaimIntent,
    IntentReported,
    ListIntents,
    Look,
    LookForOrphans,
    ReadIntent,
    ReadOrphanedIntents,
    RefundEntry,
    RefundReported,
    RequestIntent,
    StripeAnswered,
)
from cutline.engine.payment.events import EVENTS, RefundAdvanced
from cutline.engine.payment.intents import (
    cancel_intent,
    cancellation_answered,
    claim_intent,
    intent_answered,
    intent_reported,
    list_intents,
    read_intent,
    request_intent,
)
from cutline.engine.payment.orphans import look_for_orphans, read_orphaned_intents
from cutline.engine.payment.refunds import refund_answered, refund_entry, refund_owed, refund_reported
from cutline.engine.payment.state import PaymentState, fold
from cutline.engine.retries import DEFAULT, RetryTerms
from cutline.engine.stripe_call import CallBook


class PaymentMachine:
    """The rules of `payments.db`: one intent an entry, one refund a payment, whatever Stripe's line does."""

    kind = "payments"
    events: Mapping[str, type] = EVENTS

    def __init__(self, retries: RetryTerms = DEFAULT) -> None:
        self._retries = retries

    def initial(self) -> PaymentState:
        """Return the state of an empty file."""
        return PaymentState(calls=CallBook(terms=self._retries))

    def decide(self, state: PaymentState, command: Any, now: datetime) -> Decision:
        """Judge a message addressed to payments."""
        decision = _DECISIONS.get(type(command))
        if decision is None:
            raise InvariantViolated(f"payments do not understand {type(command).__name__}")
        return decision(state, command, now)

    def evolve(self, state: PaymentState, recorded: Recorded) -> None:
        """Fold one recorded event."""
        fold(state, recorded.event, recorded.at)

    def owes(self, state: PaymentState, recorded: Recorded) -> Sequence[Owed]:
        """Return what an event owes to the ledger."""
        event = recorded.event
        return refund_owed(state, event) if isinstance(event, RefundAdvanced) else ()

    def resume(self, state: PaymentState, now: datetime) -> Sequence[Any]:
        """Return the calls that were under way, with the same keys and exact parameters."""
        return stripe_call.resume(state.calls, now)

    def due_at(self, state: PaymentState) -> datetime | None:
        """Return when the first call wants to be made again."""
        return state.calls.next_due_at()


def _stripe_answered(state: PaymentState, answer: StripeAnswered, now: datetime) -> Decision:
    judged = stripe_call.judge(state.calls, answer, now)
    if judged.outcome in ("late", "waiting"):
        return Accepted(events=judged.events, effects=judged.effects)
    refunded = state.refund_subjects.get(answer.subject)
    if refunded is not None:
        return refund_answered(state, refunded, judged)
    part, entry = state.subjects[answer.subject]
    match part:
        case "intent":
            return intent_answered(state, entry, judged, now)
        case "cancel":
            return cancellation_answered(state, entry, judged, now)


def _look(state: PaymentState, _command: Look, now: datetime) -> Decision:
    events, effects = stripe_call.look(state.calls, now)
    return Accepted(events=events, effects=effects)


_DECISIONS: Final[Mapping[type, Callable[[PaymentState, Any, datetime], Decision]]] = {
    RequestIntent: request_intent,
    CancelIntent: cancel_intent,
    RefundEntry: refund_entry,
    IntentReported: intent_reported,
    RefundReported: refund_reported,
    ListIntents: list_intents,
    ReadIntent: read_intent,
    ClaimIntent: claim_intent,
    ReadOrphanedIntents: read_orphaned_intents,
    LookForOrphans: look_for_orphans,
    StripeAnswered: _stripe_answered,
    Look: _look,
}
