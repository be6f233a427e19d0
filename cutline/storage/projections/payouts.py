"""Rows of what is paid out: connected accounts, transfers, payouts, the calls for them, and every change and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from cutline.engine.canonical import canonical_json
from cutline.engine.decision import Recorded
from cutline.engine.payout.bank_events import BankEvent, PayoutInitiated, change_of, payout_key
from cutline.engine.payout.events import (
    AccountCreated,
    AccountLinkEnded,
    AccountLost,
    AccountPlanned,
    AccountRefused,
    AccountStatusRecorded,
    FundsLocked,
    HolderClosureRecorded,
    TransferAbandoned,
    TransferCompleted,
    TransferFailed,
    TransferLockRequested,
    TransferPlanned,
)
from cutline.engine.stripe_attempts import AttemptDeferred, AttemptStarted
from cutline.storage.projections import Rows
from cutline.storage.projections.calls import attempt_row, step_of
from cutline.storage.sqlite import utc_text

_Change = tuple[str, str, str, str]
"""What an audit row says: subject, status, actor, reason."""


def project(recorded: Recorded, blob: bytes | None) -> Rows:  # noqa: ARG001  # every projection has this shape
    """Return the rows of one payouts event (POUT-036)."""
    return _rows(recorded)


def _rows(recorded: Recorded) -> Iterator[tuple[str, Any]]:
    event, seq = recorded.event, recorded.seq
    if isinstance(event, AccountCreated):
        yield "payout_connect_accounts", (event.account_did, event.stripe_account_id, seq)
    elif isinstance(event, TransferPlanned):
        whose = (event.contest_id, event.entry_id, event.account_did)
        yield "payout_transfers", (event.key, *whose, event.amount_cents, event.currency, seq)
    elif isinstance(event, PayoutInitiated):
        yield "payouts", _payout(event, seq)
    elif isinstance(event, AttemptStarted):
        yield from attempt_row("payout_attempts", event, recorded)
    change = _transfer_change(event) or _account_change(event) or _payout_change(event) or _call_change(event)
    if change is not None:
        subject, status, actor, reason = change
        yield "payout_audit_events", (subject, status, utc_text(recorded.at), actor, reason, seq)


def _transfer_change(event: object) -> _Change | None:
    match event:
        case TransferPlanned():
            return event.key, "pending", "ledger", "the settlement is posted"
        case TransferLockRequested():
            return _transfer(event), "lock_requested", "payouts", "the winner's account is ready"
        case FundsLocked():
            return _transfer(event), "locked", "ledger", "the winnings are held"
        case TransferCompleted():
            return _transfer(event), "completed", "stripe", event.stripe_transfer_id
        case TransferFailed():
            return _transfer(event), "failed_terminal", "stripe", event.code
        case TransferAbandoned():
            return _transfer(event), "failed_terminal", "ledger", event.code
        case _:
            return None


def _account_change(event: object) -> _Change | None:
    match event:
        case AccountPlanned():
            return event.key, "planned", "account_holder", "onboarding was asked for"
        case AccountCreated():
            ability = f"transfers_active={event.transfers_active}, payouts_enabled={event.payouts_enabled}"
            return f"payout:account:{event.account_did}", "created", "stripe", ability
        case AccountRefused():
            return f"payout:account:{event.account_did}", "refused", "stripe", event.code
        case AccountLinkEnded():
            status = "link_refused" if event.url is None else "link_created"
            return f"payout:account:{event.account_did}", status, "stripe", event.code or ""
        case AccountStatusRecorded():
            ability = f"transfers_active={event.transfers_active}, payouts_enabled={event.payouts_enabled}"
            return event.stripe_account_id, "status_recorded", "stripe", ability
        case AccountLost():
            return f"payout:account:{event.account_did}", "lost", "stripe", event.code
        case HolderClosureRecorded():
            return f"payout:account:{event.account_did}", "holder_closed", "ledger", ""
        case _:
            return None


def _payout_change(event: object) -> _Change | None:
    if not isinstance(event, BankEvent):
        return None
    change = change_of(event)
    return payout_key(event.payout_id), change.status, change.actor, change.reason


def _payout(event: PayoutInitiated, seq: int) -> tuple[Any, ...]:
    asked = {"account_did": event.account_did, "amount_cents": event.amount_cents, "currency": event.currency}
    return (
        event.payout_id,
        event.account_did,
        event.amount_cents,
        event.currency,
        event.transfer_cents,
        event.principal,
        event.idempotency_key,
        hashlib.sha256(canonical_json(asked)).hexdigest(),
        utc_text(event.created_at),
        seq,
    )


def _call_change(event: object) -> _Change | None:
    step = step_of(event)
    if step is None:
        return None
    if isinstance(event, AttemptDeferred):
        return (*step, "stripe", event.code)
    return (*step, "payouts", "")


def _transfer(
    event: TransferLockRequested | FundsLocked | TransferCompleted | TransferFailed | TransferAbandoned,
) -> str:
    return f"payout:transfer:{event.contest_id}:{event.entry_id}"
