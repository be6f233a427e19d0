"""Answering about payouts to the bank: one, a page, the stuck, the failed; it decides nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages.bank import ListPayouts, ReadFailedPayouts, ReadPayout, ReadStuckPayouts
from cutline.engine.payout.bank_lifecycle import TRANSITIONAL, PayoutStatus
from cutline.engine.payout.bank_state import BankPayout
from cutline.engine.payout.state import BANK_PARTS, PayoutState, bank_subject

_FIRST_ID: Final = ""
"""Stands before every id."""


def read_payout(state: PayoutState, command: ReadPayout, _now: datetime) -> Decision:
    """Answer with one payout and its audit events (POUT-003)."""
    payout = state.bank.payouts.get(command.payout_id)
    if payout is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"payout_id": command.payout_id})
    audit = [
        {"at": at, "status": change.status, "actor": change.actor, "reason": change.reason}
        for at, change in payout.audit
    ]
    return Accepted(reply={**_as_read(state, payout), "audit_events": audit})


def list_payouts(state: PayoutState, command: ListPayouts, _now: datetime) -> Decision:
    """Answer with one page in order of (created_at, payout_id), and where the next one begins (POUT-008).

    A payout that is added while somebody walks comes after all that are there: nobody sees one twice or misses one.
    """
    by_time = state.bank.by_time
    first = bisect_left(by_time, (command.created_from, _FIRST_ID))
    if command.after is not None:
        first = max(first, bisect_right(by_time, command.after))
    end = bisect_left(by_time, (command.created_before, _FIRST_ID))
    page: list[BankPayout] = []
    for index in range(first, end):
        payout = state.bank.payouts[by_time[index][1]]
        if not _is_wanted(payout, command):
            continue
        if len(page) == command.limit:
            last = page[-1].plan
            return _page(state, page, (last.created_at, last.payout_id))
        page.append(payout)
    return _page(state, page, None)


def read_stuck_payouts(state: PayoutState, command: ReadStuckPayouts, now: datetime) -> Decision:
    """Answer with the payouts that have waited too long, the longest wait first (POUT-005).

    What the bank has is late only when its expected arrival lies as far back.
    """
    limit_at = now - timedelta(minutes=command.minutes)
    stuck = sorted((since, payout.plan.payout_id) for since, payout in _waits(state) if since <= limit_at)
    payouts = [state.bank.payouts[payout_id] for _, payout_id in stuck[: command.limit]]
    return Accepted(reply={"payouts": [_as_read(state, one) for one in payouts], "count": len(stuck)})


def read_failed_payouts(state: PayoutState, command: ReadFailedPayouts, _now: datetime) -> Decision:
    """Answer with the payouts that failed, the latest first (POUT-006)."""
    failed = [one for one in state.bank.payouts.values() if one.status is PayoutStatus.FAILED]
    failed.sort(key=lambda one: (one.changed_at, one.plan.payout_id), reverse=True)
    return Accepted(reply={"payouts": [_as_read(state, one) for one in failed[: command.limit]], "count": len(failed)})


def _waits(state: PayoutState) -> Iterator[tuple[datetime, BankPayout]]:
    for payout in state.bank.payouts.values():
        if payout.status is PayoutStatus.SUBMITTED and payout.arrives_at is not None:
            yield max(payout.changed_at, payout.arrives_at), payout
        elif payout.status in TRANSITIONAL:
            yield payout.changed_at, payout


def _is_wanted(payout: BankPayout, command: ListPayouts) -> bool:
    right_account = command.account_did in (None, payout.plan.account_did)
    return right_account and command.status in (None, payout.status.value)


def _page(state: PayoutState, page: list[BankPayout], after: tuple[datetime, str] | None) -> Accepted:
    return Accepted(reply={"payouts": [_as_read(state, one) for one in page], "after": after})


def _as_read(state: PayoutState, payout: BankPayout) -> dict[str, Any]:
    plan = payout.plan
    calls = state.calls.calls
    call = next(
        (calls[subject] for part in BANK_PARTS if (subject := bank_subject(part, plan.payout_id)) in calls), None
    )
    return {
        "payout_id": plan.payout_id,
        "account_did": plan.account_did,
        "amount_cents": plan.amount_cents,
        "currency": plan.currency,
        "status": payout.status.value,
        "waits_for": _waits_for(payout),
        "created_at": plan.created_at,
        "finalized_at": payout.finalized_at,
        "transfer_cents": plan.transfer_cents,
        "stripe_transfer_id": payout.stripe_transfer_id,
        "stripe_payout_id": payout.stripe_payout_id,
        "arrives_at": payout.arrives_at,
        "attempts": payout.attempts,
        "next_attempt_at": None if call is None else call.due_at,
        "reason": payout.failure,
    }


def _waits_for(payout: BankPayout) -> str | None:
    match payout.status:
        case PayoutStatus.INITIATED:
            return "account"
        case PayoutStatus.SUBMITTED:
            return "stripe" if payout.stripe_payout_id is None else "bank"
        case PayoutStatus.FINALIZING_PAID | PayoutStatus.FINALIZING_FAILED:
            return "ledger"
        case _:
            return None
