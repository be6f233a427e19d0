"""Judging what payouts to the bank ask of the books: hold once, then drain or give back once; it asks no bank."""

from __future__ import annotations

from datetime import datetime

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.booking import CURRENCY
from cutline.engine.ledger.events import PayoutAdmitted
from cutline.engine.ledger.payout_book import AdmittedPayout
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.requests import answered, content_of, post
from cutline.engine.ledger.state import LedgerState, balances
from cutline.engine.messages.bank import BookPayoutTransfer, FinalizePayout, LockPayout


def lock_payout(state: LedgerState, command: LockPayout, now: datetime) -> Decision:
    """Hold what is to be paid out, once, and say what the connected account lacks of it (POUT-011, POUT-015).

    Winnings whose transfer has not begun are not paid out before it: the transfer would find them gone. Refused:
    IDEMPOTENCY_KEY_REUSED for other content under a key (POUT-010), REQUEST_INVALID, INSUFFICIENT_FUNDS.
    """
    content = content_of(command)
    answer = answered(state, f"payout:{command.payout_id}:lock", content)
    if isinstance(answer, Rejected):
        return Rejected(code=answer.code, details={**answer.details, "idempotency_key": command.idempotency_key})
    if answer is not None:
        return answer
    invalid = _invalid_field(command)
    if invalid is not None:
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": invalid})
    spoken_for = _spoken_for(state, command)
    if spoken_for is not None:
        return spoken_for
    draft = postings.payout_locked(command.payout_id, command.account_did, command.amount_cents, command.currency)
    posted = post(state, draft, now, content)
    if isinstance(posted, Rejected):
        return posted
    admitted = PayoutAdmitted(
        payout_id=command.payout_id,
        account_did=command.account_did,
        amount_cents=command.amount_cents,
        currency=command.currency,
        transfer_cents=_lacking_cents(state, command),
        principal=command.principal,
        idempotency_key=command.idempotency_key,
    )
    return Accepted(events=(*posted.events, admitted), reply=posted.reply)


def book_payout_transfer(state: LedgerState, command: BookPayoutTransfer, now: datetime) -> Decision:
    """Book, once, that Stripe moved what the connected account lacked."""
    payout = state.payouts.payouts.get(command.payout_id)
    if payout is None:
        return _too_early(command.payout_id)
    plan = payout.plan
    draft = postings.payout_transferred(plan.payout_id, plan.account_did, plan.transfer_cents, plan.currency)
    content = content_of(command)
    return answered(state, draft.effect_key, content) or post(state, draft, now, content)


def finalize_payout(state: LedgerState, command: FinalizePayout, now: datetime) -> Decision:
    """Book how a payout ended, each end once; a failure after the payout was paid undoes it (LED-005, LED-006).

    Refused: INVALID_STATUS_TRANSITION for a payout that is said to be paid after it failed.
    """
    payout = state.payouts.payouts.get(command.payout_id)
    if payout is None:
        return _too_early(command.payout_id)
    draft = _ending(payout, command)
    content = content_of(command)
    answer = answered(state, draft.effect_key, content)
    if answer is not None:
        return answer
    if payout.outcome == "failed":
        details = {"payout_id": command.payout_id, "from": payout.outcome}
        return Rejected(code=RejectCode.INVALID_STATUS_TRANSITION, details=details)
    return post(state, draft, now, content)


def _ending(payout: AdmittedPayout, command: FinalizePayout) -> Draft:
    plan = payout.plan
    terms = (plan.payout_id, plan.account_did, plan.amount_cents, plan.currency)
    if command.outcome == "paid":
        return postings.payout_paid(*terms)
    return postings.payout_failed(*terms) if payout.outcome is None else postings.payout_failed_after_paid(*terms)


def _spoken_for(state: LedgerState, command: LockPayout) -> Rejected | None:
    """Refuse what could only be paid with winnings that wait for their transfer."""
    awaiting_cents = state.payouts.awaiting_cents(command.account_did, command.currency)
    available_cents, _ = balances(state, command.account_did, command.currency)
    missing_cents = command.amount_cents - (available_cents - awaiting_cents)
    if not awaiting_cents or missing_cents <= 0:
        return None
    details = {
        "account": accounts.available(command.account_did),
        "currency": command.currency,
        "missing_cents": missing_cents,
        "awaiting_transfer_cents": awaiting_cents,
    }
    return Rejected(code=RejectCode.INSUFFICIENT_FUNDS, details=details)


def _lacking_cents(state: LedgerState, command: LockPayout) -> int:
    """Return what of a payout the connected account lacks, for other open payouts have a claim to it too."""
    balance_cents = state.books[command.currency].get(accounts.connected(command.account_did), 0)
    free_cents = balance_cents - state.payouts.claimed_cents(command.account_did, command.currency)
    return command.amount_cents - min(command.amount_cents, max(0, free_cents))


def _invalid_field(command: LockPayout) -> str | None:
    if not accounts.is_owner(command.payout_id):
        return "payout_id"
    if not accounts.is_owner(command.account_did):
        return "account_did"
    if type(command.amount_cents) is not int or command.amount_cents <= 0:
        return "amount_cents"
    return None if CURRENCY.fullmatch(command.currency) else "currency"


def _too_early(payout_id: str) -> Rejected:
    return Rejected(code=RejectCode.MESSAGE_TOO_EARLY, details={"payout_id": payout_id})
