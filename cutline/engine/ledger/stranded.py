"""Fees that wait in escrow for a contest that does not answer: found, shown, and given back at a person's word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.entry_fees import move_entry_fee
from cutline.engine.ledger.events import FeeCalledBack
from cutline.engine.ledger.state import LedgerState, Payment
from cutline.engine.messages import (
    LookForStrandedFees,
    MoveEntryFee,
    RaiseAlert,
    ReadStrandedFees,
    ReturnStrandedFee,
)

RUNBOOK: Final = "runbooks/fees-stranded.md"

REASON: Final = RejectCode.NOT_FOUND.value
"""The word of a contest that does not know the entry: should it come after all, it asks for the same once more."""


def read_stranded_fees(state: LedgerState, command: ReadStrandedFees, now: datetime) -> Decision:
    """List the fees that have been in escrow for so long, oldest first."""
    found = _stranded(state, now - timedelta(minutes=command.older_than_minutes))
    return Accepted(reply={"fees": [_shown(intent, payment, at) for at, intent, payment in found]})


def look_for_stranded_fees(state: LedgerState, command: LookForStrandedFees, now: datetime) -> Decision:
    """Raise an alert, at every look, while there are such fees; it names the oldest and its contest."""
    found = list(_stranded(state, now - timedelta(minutes=command.older_than_minutes)))
    if not found:
        return Accepted()
    at, intent, payment = found[0]
    details = {
        "count": len(found),
        "oldest": intent,
        "contest_id": payment.contest_id,
        "waits_since": at.isoformat(),
    }
    return Accepted(effects=(RaiseAlert(name="fees_stranded", runbook=RUNBOOK, details=details),))


def return_stranded_fee(state: LedgerState, command: ReturnStrandedFee, now: datetime) -> Decision:
    """Refuse a fee in the place of its contest, so that it is refunded, once (PAY-042).

    Whether the contest exists is the caller's to know. One that comes after all does not hear of the fee, so that
    nobody plays for money that has gone back. Refused: NOT_FOUND for an unknown payment, FEE_NOT_STRANDED for
    one that does not wait in escrow or not for long enough.
    """
    payment = state.payments.get(command.payment_intent)
    if payment is None or payment.contest_id is None or payment.entry_id is None or payment.account_did is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"payment_intent": command.payment_intent})
    since = state.escrowed.get(command.payment_intent)
    returned = payment.place in ("refunds", "refunded")
    if not returned and (since is None or since > now - timedelta(minutes=command.older_than_minutes)):
        details = {"place": payment.place, "waits_since": None if since is None else since.isoformat()}
        return Rejected(code=RejectCode.FEE_NOT_STRANDED, details=details)
    move = MoveEntryFee(
        contest_id=payment.contest_id,
        entry_id=payment.entry_id,
        account_did=payment.account_did,
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        payment_intent=command.payment_intent,
        outcome="refused",
        reason=REASON,
    )
    decision = move_entry_fee(state, move, now)
    if isinstance(decision, Rejected):
        return decision
    called_back = FeeCalledBack(payment_intent=command.payment_intent, contest_id=payment.contest_id)
    events = (*decision.events, called_back) if decision.events else ()
    shown = {**_shown(command.payment_intent, payment, since or now), "deduped": decision.reply["deduped"]}
    return Accepted(events=events, reply=shown)


def _stranded(state: LedgerState, before: datetime) -> Iterator[tuple[datetime, str, Payment]]:
    found = sorted((at, intent) for intent, at in state.escrowed.items() if at <= before)
    return ((at, intent, state.payments[intent]) for at, intent in found)


def _shown(intent: str, payment: Payment, waits_since: datetime) -> dict[str, Any]:
    return {
        "payment_intent": intent,
        "contest_id": payment.contest_id,
        "entry_id": payment.entry_id,
        "account_did": payment.account_did,
        "amount_cents": payment.amount_cents,
        "currency": payment.currency,
        "waits_since": waits_since,
    }
