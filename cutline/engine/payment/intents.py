"""Judging what contests ask about payment intents, and what Stripe says of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import (
    CallStripe,
    CancelIntent,
    ClaimIntent,
    IntentReported,
    ListIntents,
    ReadIntent,
    RequestIntent,
)
from cutline.engine.payment.events import (
    IntentCancelEnded,
    IntentCancelRequested,
    IntentClaimed,
    IntentCreated,
    IntentFailed,
    IntentPlanned,
    IntentReportRecorded,
)
from cutline.engine.payment.lifecycle import IntentStatus
from cutline.engine.payment.state import EntryKey, Intent, PaymentState, subject_of
from cutline.engine.stripe_attempts import AttemptStarted, Parameters
from cutline.engine.stripe_call import Judgement, postpone, start

PURPOSE: Final = "contest_entry_fee"
"""What our intents say of themselves in their metadata, so that the ledger knows whose money comes."""

_CONTENT: Final = ("account_did", "amount_cents", "currency")


def request_intent(state: PaymentState, command: RequestIntent, now: datetime) -> Decision:
    """Plan one intent for an entry and call Stripe; asked again, answer where it stands (PAY-030).

    Refused: IDEMPOTENCY_KEY_REUSED where the entry's intent is for another holder or amount, REQUEST_INVALID
    for an amount that is not above zero.
    """
    entry = (command.contest_id, command.entry_id)
    intent = state.intents.get(entry)
    if intent is not None:
        for name in _CONTENT:
            if getattr(intent.plan, name) != getattr(command, name):
                details = {"idempotency_key": intent.plan.key, "field": name}
                return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)
        return Accepted(reply=_as_read(intent, deduped=True))
    if command.amount_cents <= 0:
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": "amount_cents"})
    plan = IntentPlanned(
        contest_id=command.contest_id,
        entry_id=command.entry_id,
        account_did=command.account_did,
        amount_cents=command.amount_cents,
        currency=command.currency,
    )
    if entry in state.cancelled_unplanned:
        return Accepted(events=(plan,), reply={"deduped": False, "status": IntentStatus.CANCELED.value})
    started, effect = start(plan.key, "create_payment_intent", _parameters(plan), now)
    return Accepted(
        events=(plan, started),
        reply={"deduped": False, "status": IntentStatus.PLANNED.value},
        effects=(effect,),
    )


def cancel_intent(state: PaymentState, command: CancelIntent, now: datetime) -> Decision:
    """Cancel an entry's intent at Stripe, or as soon as it exists; a paid one stays paid."""
    entry = (command.contest_id, command.entry_id)
    intent = state.intents.get(entry)
    requested = IntentCancelRequested(contest_id=command.contest_id, entry_id=command.entry_id, reason=command.reason)
    if intent is None:
        known = entry in state.cancelled_unplanned
        return Accepted(events=() if known else (requested,), reply={"deduped": known})
    over = intent.status not in (IntentStatus.PLANNED, IntentStatus.OPEN)
    if intent.cancel_requested or over:
        return Accepted(reply=_as_read(intent, deduped=True))
    if intent.status is IntentStatus.PLANNED or intent.payment_intent is None:
        return Accepted(events=(requested,), reply={"deduped": False})
    started, effect = _cancellation(entry, intent.payment_intent, now)
    return Accepted(events=(requested, started), reply={"deduped": False}, effects=(effect,))


def intent_reported(state: PaymentState, command: IntentReported, _now: datetime) -> Decision:
    """Take a webhook's word about an intent, each report once; other people's intents are ignored."""
    entry = state.by_payment_intent.get(command.payment_intent)
    if entry is None and command.contest_id is not None and command.entry_id is not None:
        entry = (command.contest_id, command.entry_id)
    report = command.event_id or f"{command.payment_intent}:{command.status}"
    if entry is None or entry not in state.intents or report in state.reports:
        return Accepted(reply={"deduped": report in state.reports})
    event = IntentReportRecorded(
        contest_id=entry[0],
        entry_id=entry[1],
        payment_intent=command.payment_intent,
        status=command.status,
        reason=command.reason,
        report=report,
    )
    return Accepted(events=(event,), reply={"deduped": False})


def read_intent(state: PaymentState, command: ReadIntent, _now: datetime) -> Decision:
    """Answer where an entry's intent stands; the client secret only while it can be paid."""
    intent = state.intents.get((command.contest_id, command.entry_id))
    if intent is None:
        details = {"contest_id": command.contest_id, "entry_id": command.entry_id}
        return Rejected(code=RejectCode.NOT_FOUND, details=details)
    return Accepted(reply=_as_read(intent, deduped=False))


def list_intents(state: PaymentState, command: ListIntents, _now: datetime) -> Decision:
    """List a holder's intents with their places in the holder's own order: the one place that knows all contests."""
    entries = state.by_account.get(command.account_did, [])
    newest = len(entries) if command.before is None else min(len(entries), max(command.before - 1, 0))
    oldest = max(newest - command.limit, 0)
    return Accepted(reply={"intents": [_listed(state, entries, place) for place in range(newest, oldest, -1)]})


def _listed(state: PaymentState, entries: Sequence[EntryKey], place: int) -> dict[str, Any]:
    contest_id, entry_id = entry = entries[place - 1]
    return {"place": place, "contest_id": contest_id, "entry_id": entry_id, "status": state.intents[entry].status.value}


def claim_intent(state: PaymentState, command: ClaimIntent, _now: datetime) -> Decision:
    """Answer with an entry's intent, taken under a key of its holder; the same key takes it again (PAY-030).

    Refused: NOT_FOUND, IDEMPOTENCY_KEY_REUSED where the key took another entry's intent, DUPLICATE_INTENT where
    another key has taken this one (PAY-031).
    """
    entry, claim = (command.contest_id, command.entry_id), (command.principal, command.idempotency_key)
    intent = state.intents.get(entry)
    if intent is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"contest_id": entry[0], "entry_id": entry[1]})
    if state.claimed.get(claim, entry) != entry:
        details = {"idempotency_key": command.idempotency_key, "field": "entry_id"}
        return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)
    known = state.claims.get(entry)
    if known == claim:
        return Accepted(reply=_as_read(intent, deduped=True))
    if known is not None:
        details = {"payment_intent": intent.payment_intent or "", "status": intent.status.value}
        return Rejected(code=RejectCode.DUPLICATE_INTENT, details=details)
    claimed = IntentClaimed(
        contest_id=command.contest_id,
        entry_id=command.entry_id,
        principal=command.principal,
        idempotency_key=command.idempotency_key,
    )
    return Accepted(events=(claimed,), reply=_as_read(intent, deduped=False))


def intent_answered(state: PaymentState, entry: EntryKey, judged: Judgement, now: datetime) -> Decision:
    """Record whether Stripe made the intent; one that is not wanted any more is cancelled at once."""
    contest_id, entry_id = entry
    intent = state.intents[entry]
    if judged.outcome == "failed":
        failed = IntentFailed(contest_id=contest_id, entry_id=entry_id, code=judged.code, message=judged.message)
        return Accepted(events=(failed,))
    payment_intent, secret = str(judged.object["id"]), judged.object.get("client_secret")
    created = IntentCreated(
        contest_id=contest_id,
        entry_id=entry_id,
        payment_intent=payment_intent,
        client_secret=secret if isinstance(secret, str) else None,
    )
    if intent.status is not IntentStatus.CANCELING:
        return Accepted(events=(created,))
    started, effect = _cancellation(entry, payment_intent, now)
    return Accepted(events=(created, started), effects=(effect,))


def cancellation_answered(state: PaymentState, entry: EntryKey, judged: Judgement, now: datetime) -> Decision:
    """Record how a cancellation ended; where Stripe refuses it, ask where the intent stands."""
    call = state.calls.calls[subject_of("cancel", entry)]
    asking = call.operation == "retrieve_payment_intent"
    if judged.outcome == "failed":
        if asking:
            return _ended(entry, "canceled")
        return _again(call.subject, "retrieve_payment_intent", call.parameters, now, call.attempt + 1)
    if not asking:
        return _ended(entry, "canceled")
    status = judged.object.get("status")
    if status in ("succeeded", "canceled"):
        return _ended(entry, "succeeded" if status == "succeeded" else "canceled")
    if call.tries == 1:
        waiting = postpone(call, now, "intent_still_open", str(status))
        return Accepted(events=waiting.events, effects=waiting.effects)
    return _again(call.subject, "cancel_payment_intent", call.parameters, now, call.attempt + 1)


def _ended(entry: EntryKey, outcome: Any) -> Accepted:
    return Accepted(events=(IntentCancelEnded(contest_id=entry[0], entry_id=entry[1], outcome=outcome),))


def _again(subject: str, operation: str, parameters: Parameters, now: datetime, attempt: int) -> Accepted:
    started, effect = start(subject, operation, parameters, now, attempt=attempt)
    return Accepted(events=(started,), effects=(effect,))


def _cancellation(entry: EntryKey, payment_intent: str, now: datetime) -> tuple[AttemptStarted, CallStripe]:
    parameters = {"id": payment_intent}
    return start(subject_of("cancel", entry), "cancel_payment_intent", parameters, now)


def _parameters(plan: IntentPlanned) -> Parameters:
    return {
        "amount": plan.amount_cents,
        "currency": plan.currency,
        "metadata": {
            "purpose": PURPOSE,
            "contest_id": plan.contest_id,
            "entry_id": plan.entry_id,
            "account_did": plan.account_did,
            "fee_cents": str(plan.amount_cents),
            "currency": plan.currency,
        },
    }


def _as_read(intent: Intent, *, deduped: bool) -> dict[str, Any]:
    payable = intent.status is IntentStatus.OPEN
    return {
        "deduped": deduped,
        "status": intent.status.value,
        "payment_intent": intent.payment_intent,
        "client_secret": intent.client_secret if payable else None,
        "amount_cents": intent.plan.amount_cents,
        "currency": intent.plan.currency,
        "failure": intent.failure,
    }
