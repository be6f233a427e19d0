"""The figures that somebody should watch: funds against debts, outbox, dead letters; it moves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cutline.engine.decision import Accepted, Decision
from cutline.engine.ledger.accounts import SUSPENSE
from cutline.engine.ledger.events import Funds, PlatformFundsRead
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import PlatformBalanceRead, RaiseAlert, ReadMoneyHealth

FUNDS_SHORT: Final = "platform_funds_short"
RUNBOOK: Final = "runbooks/platform-funds-short.md"


def platform_balance_read(state: LedgerState, command: PlatformBalanceRead, now: datetime) -> Decision:
    """Compare what the platform has at Stripe with what is owed, and raise an alert where it does not suffice.

    Only what Stripe calls available counts: a transfer cannot use what is pending.
    """
    if state.funds_read_at == now:
        return Accepted()
    read = {currency: (available, pending) for currency, available, pending in command.balances}
    funds = tuple(_funds(state, currency, *read.get(currency, (0, 0))) for currency in sorted({*read, *state.books}))
    alerts = tuple(_alert(one) for one in funds if one.available_cents < one.owed_cents)
    return Accepted(events=(PlatformFundsRead(read_at=now, funds=funds),), effects=alerts)


def read_money_health(state: LedgerState, _command: ReadMoneyHealth, _now: datetime) -> Decision:
    """Answer with the outbox's depth and oldest age, the dead letters, and the funds as last read (FWD-020)."""
    waiting = [row for row in state.outbox.values() if row.next_retry_at is not None]
    return Accepted(
        reply={
            "outbox_pending": len(waiting),
            "outbox_failed": len(state.outbox) - len(waiting),
            "outbox_oldest_at": min((row.since for row in state.outbox.values()), default=None),
            "dead_letters": len(state.dead_letters),
            "funds": state.funds,
            "losses": _losses(state),
        }
    )


def _losses(state: LedgerState) -> dict[str, dict[str, int]]:
    """Return what is owed to the platform, what open disputes have withdrawn, and what is nobody's, by currency."""
    receivable: dict[str, int] = {}
    disputed: dict[str, int] = {}
    for debt in state.losses.debts.values():
        if debt.left_cents:
            receivable[debt.currency] = receivable.get(debt.currency, 0) + debt.left_cents
    for dispute in state.losses.disputes.values():
        if dispute.status == "open":
            disputed[dispute.currency] = disputed.get(dispute.currency, 0) + dispute.amount_cents
    suspense = {currency: -book[SUSPENSE] for currency, book in sorted(state.books.items()) if SUSPENSE in book}
    return {"receivable": receivable, "disputed": disputed, "suspense": suspense}


def owed_cents(book: Mapping[str, int]) -> int:
    """Return what one currency's holders and refunds could be asked for today, less what lies in their own accounts.

    Fees in escrow and pots are not due yet; money that a completed transfer has moved is no longer the platform's.
    """
    return sum(-balance for account, balance in book.items() if _is_due(account))


def _is_due(account: str) -> bool:
    return account.startswith(("user:", "refunds:", "stripe:connected:"))


def _funds(state: LedgerState, currency: str, available_cents: int, pending_cents: int) -> Funds:
    return Funds(
        currency=currency,
        available_cents=available_cents,
        pending_cents=pending_cents,
        owed_cents=max(0, owed_cents(state.books.get(currency, {}))),
    )


def _alert(funds: Funds) -> RaiseAlert:
    details = {
        "currency": funds.currency,
        "available_cents": funds.available_cents,
        "pending_cents": funds.pending_cents,
        "owed_cents": funds.owed_cents,
    }
    return RaiseAlert(name=FUNDS_SHORT, runbook=RUNBOOK, details=details)
