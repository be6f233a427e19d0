"""Judging what a contest asks of its entrants' money: fees, the settlement, and what became of refunds."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.refused_refunds import refund_refused
from cutline.engine.ledger.requests import answered, content_of, post, said
from cutline.engine.ledger.state import LedgerState, Payment
from cutline.engine.messages import MoveEntryFee, PostSettlement, Prize, RefundOutcome
from cutline.engine.messages.untriggered import ReadPostedSettlements

_DRAFTS: Final = {
    "activated": (postings.entry_activated, "escrow"),
    "refused": (postings.entry_refused, "escrow"),
    "returned": (postings.entry_returned, "pot"),
}
"""The posting of each outcome, and where the fee must lie before it."""


def move_entry_fee(state: LedgerState, command: MoveEntryFee, now: datetime) -> Decision:
    """Move one fee, once for each entry and outcome.

    Refused: NOT_FOUND and AMOUNT_MISMATCH where the payment is not the one named, INVALID_STATUS_TRANSITION
    where the fee does not lie where it would leave from (an owed message that overtook another holds when it
    is sent again).
    """
    drafting, place = _DRAFTS[command.outcome]
    draft = drafting(command.contest_id, command.entry_id, command.amount_cents, command.currency)
    content = content_of(command)
    payment = state.payments.get(command.payment_intent)
    if command.outcome == "refused" and payment is not None and _names_another(state, draft.effect_key, command):
        further = command.payment_intent
        draft = postings.entry_refused(
            command.contest_id, command.entry_id, command.amount_cents, command.currency, further=further
        )
    answer = answered(state, draft.effect_key, content)
    if answer is not None:
        return answer
    refusal = _mismatch(payment, command)
    if refusal is not None:
        return refusal
    if payment is None or payment.place != place:
        return _misplaced(payment, place, early=command.outcome == "returned")
    if command.outcome == "activated" and f"settlement:{command.contest_id}" in state.effects:
        return Rejected(code=RejectCode.SETTLEMENT_ALREADY_POSTED, details={"contest_id": command.contest_id})
    return post(state, draft, now, content)


def _names_another(state: LedgerState, key: str, command: MoveEntryFee) -> bool:
    """Say whether this entry's refusal was posted for another payment: an entry may be paid for more than once."""
    before = said(state, key)
    return before is not None and json.loads(before)["payment_intent"] != command.payment_intent


def post_settlement(state: LedgerState, command: PostSettlement, now: datetime) -> Decision:
    """Divide a contest's pot, once. An identical second settlement is answered, another is refused by name.

    Refused: SETTLEMENT_NOT_READY while a fee waits in escrow, TRANSACTION_UNBALANCED where prizes and rake
    are not the pot to the cent, SETTLEMENT_ALREADY_POSTED for other content (score_version is content).
    """
    prizes = command.prizes
    content = content_of(command, leave_out=frozenset({"prizes"})) | {"prizes_sha256": _digest(prizes)}
    key = f"settlement:{command.contest_id}"
    answer = answered(state, key, content, reused=RejectCode.SETTLEMENT_ALREADY_POSTED)
    if answer is not None:
        return answer
    book = state.books.get(command.currency, {})
    waiting_cents = -book.get(accounts.escrow(command.contest_id), 0)
    pot_cents = -book.get(accounts.pot(command.contest_id), 0)
    if waiting_cents:
        return Rejected(code=RejectCode.SETTLEMENT_NOT_READY, details={"escrow_cents": waiting_cents})
    if len({prize.entry_id for prize in prizes}) != len(prizes):
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": "prizes", "reason": "repeated"})
    divided_cents = sum(prize.amount_cents for prize in prizes) + command.rake_cents
    negative = command.rake_cents < 0 or any(prize.amount_cents < 0 for prize in prizes)
    if negative or not divided_cents == command.pot_cents == pot_cents:
        return Rejected(
            code=RejectCode.TRANSACTION_UNBALANCED,
            details={"divided_cents": divided_cents, "pot_cents": pot_cents, "said_cents": command.pot_cents},
        )
    if not pot_cents:
        return Accepted(reply={"deduped": False, "idempotency_key": key})
    winners = tuple(prize for prize in prizes if prize.amount_cents)
    draft = postings.settlement(command.contest_id, winners, command.rake_cents, command.currency)
    return post(state, draft, now, content, prizes=winners)


def read_posted_settlements(state: LedgerState, command: ReadPostedSettlements, _now: datetime) -> Decision:
    """Answer which of these contests' pots have been divided: whoever waits for another waits for this ledger."""
    posted = [one for one in command.contest_ids if f"settlement:{one}" in state.effects]
    return Accepted(reply={"contest_ids": posted})


def refund_outcome(state: LedgerState, command: RefundOutcome, now: datetime) -> Decision:
    """Book what became of a refund that we asked for, unless a webhook has said so before."""
    if not command.succeeded:
        return _refund_failed(state, command, now)
    if command.stripe_refund_id is None:
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": "stripe_refund_id"})
    source = accounts.refunds(command.contest_id)
    draft = postings.refund_succeeded(command.stripe_refund_id, source, command.amount_cents, command.currency)
    if draft.effect_key in state.effects:
        return post(state, draft, now, {})
    payment = state.payments.get(command.payment_intent)
    refusal = _mismatch(payment, command)
    if refusal is not None:
        return refusal
    if payment is None or payment.place != "refunds":
        return _misplaced(payment, "refunds", early=False)
    return post(state, draft, now, content_of(command))


def _refund_failed(state: LedgerState, command: RefundOutcome, now: datetime) -> Decision:
    refund_id = command.stripe_refund_id
    if refund_id is not None and f"refund:{refund_id}:succeeded" in state.effects:
        draft = postings.refund_failed(refund_id, command.account_did, command.amount_cents, command.currency)
        return post(state, draft, now, content_of(command))
    if f"refund:{command.payment_intent}:refused" in state.effects:
        return Accepted(reply={"deduped": True})
    payment = state.payments.get(command.payment_intent)
    refusal = _mismatch(payment, command)
    if refusal is not None:
        return refusal
    if payment is None or payment.place != "refunds":
        return _misplaced(payment, "refunds", early=False)
    return refund_refused(state, command, now)


def _mismatch(payment: Payment | None, command: MoveEntryFee | RefundOutcome) -> Rejected | None:
    if payment is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"payment_intent": command.payment_intent})
    for name in ("contest_id", "entry_id", "account_did"):
        if getattr(payment, name) != getattr(command, name):
            return Rejected(code=RejectCode.NOT_FOUND, details={"field": name})
    for name in ("amount_cents", "currency"):
        if getattr(payment, name) != getattr(command, name):
            details = {"field": name, "paid": getattr(payment, name), "said": getattr(command, name)}
            return Rejected(code=RejectCode.AMOUNT_MISMATCH, details=details)
    return None


def _misplaced(payment: Payment | None, place: str, *, early: bool) -> Rejected:
    """Refuse a move from where the money is not; a return that overtook its activation is only too early."""
    found = None if payment is None else payment.place
    early = early and found == "escrow"
    code = RejectCode.MESSAGE_TOO_EARLY if early else RejectCode.INVALID_STATUS_TRANSITION
    return Rejected(code=code, details={"from": found, "needed": place})


def _digest(prizes: tuple[Prize, ...]) -> str:
    text = "\n".join(f"{prize.entry_id}\t{prize.account_did}\t{prize.amount_cents}" for prize in prizes)
    return sha256(text.encode()).hexdigest()
