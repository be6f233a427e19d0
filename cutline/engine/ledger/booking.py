"""Judging a draft against the balances and giving it running balances; it changes no state."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec import Struct

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.accounts import AccountKind, kind_of
from cutline.engine.ledger.events import AccountOpened, Posting
from cutline.engine.ledger.postings import Draft, Legs
from cutline.engine.ledger.state import LedgerState

CURRENCY: Final = re.compile(r"[a-z]{3}")
_EMPTY: Final[dict[str, int]] = {}


@dataclass(slots=True)
class Session:
    """What one decision that books several drafts has booked so far, on top of the state."""

    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    accounts: dict[str, AccountKind] = field(default_factory=dict)
    effects: set[str] = field(default_factory=set)

    def take(self, posting: Posting) -> None:
        """Remember a posting of this decision."""
        self.effects.add(posting.effect_key)
        for account, _, balance in posting.legs:
            self.balances[posting.currency, account] = balance


class Booked(Struct, frozen=True):
    """A draft that holds, and the accounts that must be opened before it."""

    opened: Sequence[AccountOpened]
    posting: Posting


def book(state: LedgerState, draft: Draft, occurred_at: datetime, session: Session | None = None) -> Booked | Rejected:
    """Give a draft its running balances, or refuse it.

    Refused: ACCOUNT_UNKNOWN for a name outside the chart (LED-010), INSUFFICIENT_FUNDS where a floored
    account or a hold would fall below zero. The legs are balanced already.
    """
    currency = draft.currency
    balances = state.books.get(currency, _EMPTY)
    running: dict[str, int] = {}
    floored: list[str] = []
    opened: list[AccountOpened] = []
    legs: list[tuple[str, int, int]] = []
    for account, cents in draft.legs:
        balance = running.get(account)
        if balance is None:
            balance = _standing(balances, account, currency, session)
            kind = state.accounts.get(account) or _open(account, currency, session, opened)
            if kind is None:
                return Rejected(code=RejectCode.ACCOUNT_UNKNOWN, details={"account": account})
            if kind.floored:
                floored.append(account)
        balance += cents
        running[account] = balance
        legs.append((account, cents, balance))
    for account in floored:
        if running[account] > 0:
            return _short(account, running[account], currency)
    if draft.hold_source is not None:
        refusal = _judge_hold(state.holds, draft.legs, draft.hold_source, currency)
        if refusal is not None:
            return refusal
    posting = Posting(
        effect_key=draft.effect_key,
        kind=draft.kind,
        currency=currency,
        legs=tuple(legs),
        occurred_at=occurred_at,
        hold_source=draft.hold_source,
    )
    if session is not None:
        session.take(posting)
    return Booked(opened=opened, posting=posting)


def _open(account: str, currency: str, session: Session | None, opened: list[AccountOpened]) -> AccountKind | None:
    """Open an account of the chart, unless this decision has opened it already."""
    if session is not None and account in session.accounts:
        return session.accounts[account]
    kind = kind_of(account)
    if kind is not None:
        opened.append(AccountOpened(account=account, kind=kind.name, currency=currency))
        if session is not None:
            session.accounts[account] = kind
    return kind


def _standing(balances: Mapping[str, int], account: str, currency: str, session: Session | None) -> int:
    if session is not None:
        balance = session.balances.get((currency, account))
        if balance is not None:
            return balance
    return balances.get(account, 0)


def _judge_hold(holds: Mapping[tuple[str, str, str], int], legs: Legs, source: str, currency: str) -> Rejected | None:
    for account, cents in legs:
        if cents > 0 and account.endswith(":held"):
            left_cents = holds.get((account, source, currency), 0) - cents
            if left_cents < 0:
                return Rejected(
                    code=RejectCode.INSUFFICIENT_FUNDS,
                    details={"account": account, "source": source, "missing_cents": -left_cents},
                )
    return None


def _short(account: str, balance: int, currency: str) -> Rejected:
    return Rejected(
        code=RejectCode.INSUFFICIENT_FUNDS,
        details={"account": account, "currency": currency, "missing_cents": balance},
    )
