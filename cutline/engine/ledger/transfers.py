"""Judging what the payouts ask of winners' money: lock it, book the transfer, or give it back."""

from __future__ import annotations

from datetime import datetime

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.events import TransferEndedUnlocked
from cutline.engine.ledger.requests import answered, content_of, post
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import AbandonTransfer, CompleteTransfer, FailTransfer, LockTransfer


def lock_transfer(state: LedgerState, command: LockTransfer, now: datetime) -> Decision:
    """Hold an entry's winnings, once, before Stripe is called (LED-004).

    Nothing is held for a transfer that was abandoned, however late this comes. Refused: SETTLEMENT_NOT_READY before
    the contest's settlement, INSUFFICIENT_FUNDS where less is available.
    """
    if (command.contest_id, command.entry_id) in state.payouts.abandoned:
        return Accepted(reply={"deduped": True})
    draft = postings.transfer_locked(
        command.contest_id, command.entry_id, command.account_did, command.amount_cents, command.currency
    )
    content = content_of(command)
    answer = answered(state, draft.effect_key, content)
    if answer is not None:
        return answer
    if f"settlement:{command.contest_id}" not in state.effects:
        return Rejected(code=RejectCode.SETTLEMENT_NOT_READY, details={"contest_id": command.contest_id})
    return post(state, draft, now, content)


def complete_transfer(state: LedgerState, command: CompleteTransfer, now: datetime) -> Decision:
    """Book a transfer that Stripe made, once, and free its hold (LED-020)."""
    draft = postings.transfer_completed(
        command.contest_id, command.entry_id, command.account_did, command.amount_cents, command.currency
    )
    content = content_of(command)
    return answered(state, draft.effect_key, content) or _unlocked(state, command) or post(state, draft, now, content)


def fail_transfer(state: LedgerState, command: FailTransfer | AbandonTransfer, now: datetime) -> Decision:
    """Give the hold of a transfer that failed for good back, once."""
    draft = postings.transfer_failed(
        command.contest_id, command.entry_id, command.account_did, command.amount_cents, command.currency
    )
    content = content_of(command)
    return answered(state, draft.effect_key, content) or _unlocked(state, command) or post(state, draft, now, content)


def abandon_transfer(state: LedgerState, command: AbandonTransfer, now: datetime) -> Decision:
    """End a transfer that Stripe was never called for: give its hold back, or see to it that there will be none."""
    if (command.contest_id, command.entry_id) in state.payouts.abandoned:
        return Accepted(reply={"deduped": True})
    if postings.transfer_key(command.contest_id, command.entry_id) in state.effects:
        return fail_transfer(state, command, now)
    if f"settlement:{command.contest_id}" not in state.effects:
        return Rejected(code=RejectCode.SETTLEMENT_NOT_READY, details={"contest_id": command.contest_id})
    ended = TransferEndedUnlocked(
        contest_id=command.contest_id,
        entry_id=command.entry_id,
        account_did=command.account_did,
        amount_cents=command.amount_cents,
        currency=command.currency,
        reason=command.reason,
    )
    return Accepted(events=(ended,), reply={"deduped": False})


def _unlocked(state: LedgerState, command: CompleteTransfer | FailTransfer | AbandonTransfer) -> Rejected | None:
    """Refuse to end a transfer that is not locked, has ended already, or was locked for another amount."""
    key = postings.transfer_key(command.contest_id, command.entry_id)
    if key not in state.effects:
        return Rejected(code=RejectCode.MESSAGE_TOO_EARLY, details={"transfer": key})
    for ended in ("completed", "failed"):
        if f"{key}:{ended}" in state.effects:
            details = {"from": ended, "transfer": key}
            return Rejected(code=RejectCode.INVALID_STATUS_TRANSITION, details=details)
    locked_cents = state.holds.get((accounts.held(command.account_did), key, command.currency), 0)
    if locked_cents != command.amount_cents:
        details = {"transfer": key, "locked_cents": str(locked_cents)}
        return Rejected(code=RejectCode.AMOUNT_MISMATCH, details=details)
    return None
