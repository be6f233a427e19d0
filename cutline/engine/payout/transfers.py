"""Judging transfers to winners: one for each winning entry, whatever happens on the line to Stripe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Owed, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import (
    AbandonTransfer,
    CompleteTransfer,
    FailTransfer,
    HolderClosed,
    LockTransfer,
    PayWinners,
    RaiseAlert,
    ReadTransfers,
    TransferLocked,
)
from cutline.engine.payout.accounts import checking
from cutline.engine.payout.events import (
    FundsLocked,
    HolderClosureRecorded,
    TransferAbandoned,
    TransferCompleted,
    TransferFailed,
    TransferLockRequested,
    TransferPlanned,
)
from cutline.engine.payout.lifecycle import TransferStatus
from cutline.engine.payout.ready import first_attempt, lock_request
from cutline.engine.payout.state import PayoutState
from cutline.engine.stripe_call import Judgement

RUNBOOK: Final = "runbooks/payout-stripe-transfer-failure.md"

HOLDER_CLOSED: Final = "holder_closed"
"""Why a transfer to somebody who is gone ends without a call."""

_Ended = TransferLockRequested | TransferCompleted | TransferFailed | TransferAbandoned
"""What the ledger hears of."""


def pay_winners(state: PayoutState, command: PayWinners, now: datetime) -> Decision:
    """Plan one transfer for each prize, once for a contest; no call leaves before the money is held.

    Refused: IDEMPOTENCY_KEY_REUSED for other prizes of the same contest (POUT-044), REQUEST_INVALID for a
    prize that is not above zero or an entry named twice.
    """
    plans = [
        TransferPlanned(
            contest_id=command.contest_id,
            entry_id=prize.entry_id,
            account_did=prize.account_did,
            amount_cents=prize.amount_cents,
            currency=command.currency,
        )
        for prize in command.prizes
    ]
    known = state.by_contest.get(command.contest_id)
    if known is not None:
        if {key: state.transfers[key].plan for key in known} == {plan.key: plan for plan in plans}:
            return Accepted(reply={"deduped": True})
        details = {"idempotency_key": f"settlement:{command.contest_id}:pay", "field": "prizes"}
        return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)
    if any(plan.amount_cents <= 0 for plan in plans) or len({plan.key for plan in plans}) != len(plans):
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": "prizes"})
    return _planned(state, plans, now)


def transfer_locked(state: PayoutState, command: TransferLocked, now: datetime) -> Decision:
    """Call Stripe now that the winnings are held, or wait where the account has become unable meanwhile."""
    key = f"payout:transfer:{command.contest_id}:{command.entry_id}"
    transfer = state.transfers.get(key)
    if transfer is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"transfer": key})
    if transfer.head is not None or transfer.status is TransferStatus.FAILED_TERMINAL:
        return Accepted(reply={"deduped": True})
    locked = FundsLocked(contest_id=command.contest_id, entry_id=command.entry_id, head=command.head)
    account = state.accounts.get(transfer.plan.account_did)
    if account is None or account.stripe_account_id is None or not account.presumed.transfers_active:
        return Accepted(events=(locked,), reply={"deduped": False})
    started, effect = first_attempt(transfer.plan, account.stripe_account_id, command.head, now)
    return Accepted(events=(locked, started), reply={"deduped": False}, effects=(effect,))


def holder_closed(state: PayoutState, command: HolderClosed, _now: datetime) -> Decision:
    """End the transfers to a holder who is gone, as far as Stripe was not called for them yet (POUT-043)."""
    did = command.account_did
    if did in state.closed:
        return Accepted(reply={"deduped": True})
    ended = [_abandoned(state.transfers[key].plan) for key in state.waiting.get(did, {})]
    return Accepted(events=(HolderClosureRecorded(account_did=did), *ended), reply={"deduped": False})


def transfer_answered(state: PayoutState, key: str, judged: Judgement) -> Decision:
    """Record that a transfer is made, or that it never will be."""
    plan = state.transfers[key].plan
    if judged.outcome == "failed":
        failed = TransferFailed(
            contest_id=plan.contest_id, entry_id=plan.entry_id, code=judged.code, message=judged.message
        )
        alert = RaiseAlert(name="transfer_failed", runbook=RUNBOOK, details={"transfer": key, "code": judged.code})
        return Accepted(events=(failed,), effects=(alert,))
    completed = TransferCompleted(
        contest_id=plan.contest_id,
        entry_id=plan.entry_id,
        stripe_transfer_id=str(judged.object["id"]),
        stripe_account_id=str(state.calls.calls[key].parameters["destination"]),
    )
    return Accepted(events=(completed,))


def read_transfers(state: PayoutState, command: ReadTransfers, _now: datetime) -> Decision:
    """Answer where the transfers of one contest, or of all, stand."""
    keys = state.transfers if command.contest_id is None else state.by_contest.get(command.contest_id, [])
    return Accepted(reply=tuple(_as_read(state, key) for key in keys))


def transfer_owed(state: PayoutState, event: object) -> Sequence[Owed]:
    """Return what the ledger must be told of a transfer."""
    message: LockTransfer | CompleteTransfer | FailTransfer | AbandonTransfer
    match event:
        case TransferLockRequested():
            message = LockTransfer(**_money(state, event))
        case TransferCompleted():
            message = CompleteTransfer(
                **_money(state, event),
                stripe_transfer_id=event.stripe_transfer_id,
                stripe_account_id=event.stripe_account_id,
            )
        case TransferFailed():
            message = FailTransfer(**_money(state, event), reason=event.code)
        case TransferAbandoned():
            message = AbandonTransfer(**_money(state, event), reason=event.code)
        case _:
            return ()
    return (Owed(key=event.key, to="ledger", message=message),)


def _planned(state: PayoutState, plans: Sequence[TransferPlanned], now: datetime) -> Accepted:
    events: list[Any] = list(plans)
    effects: list[Any] = []
    for plan in plans:
        account = state.accounts.get(plan.account_did)
        if plan.account_did in state.closed:
            events.append(_abandoned(plan))
        elif account is not None and account.transfers_active:
            events.append(lock_request(plan))
    for did in dict.fromkeys(plan.account_did for plan in plans):
        account = state.accounts.get(did)
        if account is None or account.stripe_account_id is None or account.transfers_active or did in state.closed:
            continue
        checks, asking = checking(state, did, account.stripe_account_id, now, expected=True)
        events.extend(checks)
        effects.extend(asking)
    return Accepted(events=events, reply={"deduped": False}, effects=effects)


def _abandoned(plan: TransferPlanned) -> TransferAbandoned:
    return TransferAbandoned(contest_id=plan.contest_id, entry_id=plan.entry_id, code=HOLDER_CLOSED)


def _money(state: PayoutState, event: _Ended) -> dict[str, Any]:
    plan = state.transfers[f"payout:transfer:{event.contest_id}:{event.entry_id}"].plan
    return {
        "contest_id": plan.contest_id,
        "entry_id": plan.entry_id,
        "account_did": plan.account_did,
        "amount_cents": plan.amount_cents,
        "currency": plan.currency,
    }


def _as_read(state: PayoutState, key: str) -> dict[str, Any]:
    transfer = state.transfers[key]
    call = state.calls.calls.get(key)
    return {
        "transfer": key,
        "contest_id": transfer.plan.contest_id,
        "entry_id": transfer.plan.entry_id,
        "account_did": transfer.plan.account_did,
        "amount_cents": transfer.plan.amount_cents,
        "currency": transfer.plan.currency,
        "status": transfer.status.value,
        "locked": transfer.head is not None,
        "attempts": transfer.attempts,
        "next_attempt_at": None if call is None else call.due_at,
        "stripe_transfer_id": transfer.stripe_transfer_id,
        "reason": transfer.failure,
    }
