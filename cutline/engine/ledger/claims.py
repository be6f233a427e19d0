"""Claims on what is credited later: freezes that are short are topped up, and closed accounts keep nothing.

It looks at the events of one decision, after it is made and before it is committed; it refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import InvariantViolated
from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.booking import Session, book
from cutline.engine.ledger.events import AccountOpened, Posting, TransactionPosted
from cutline.engine.ledger.loss_state import Losses, paid_off
from cutline.engine.ledger.postings import Draft, loss_hold_source
from cutline.engine.ledger.state import LedgerState

_AVAILABLE: Final = ":available"
_ENDING: Final = frozenset({"loss_hold_resolved", "written_off"})


@dataclass(slots=True)
class _News:
    """What one decision books: balances after it, whose available money grew, and which freezes it ends."""

    session: Session = field(default_factory=Session)
    grown: dict[tuple[str, str], None] = field(default_factory=dict)
    ended: set[str | None] = field(default_factory=set)

    def take(self, event: Any, losses: Losses) -> None:
        if isinstance(event, AccountOpened):
            kind = accounts.kind_of(event.account)
            if kind is not None:
                self.session.accounts[event.account] = kind
            return
        posting: Posting | None = getattr(event, "posting", None)
        if posting is None:
            return
        self.session.take(posting)
        if posting.kind in _ENDING:
            self.ended.add(posting.hold_source)
        if posting.kind == "refund_refused":
            paid = paid_off(losses, posting).items()
            self.ended |= {loss_hold_source(name) for name, cents in paid if cents == losses.debts[name].left_cents}
        for account, cents, _ in posting.legs:
            if cents < 0 and account.startswith("user:") and account.endswith(_AVAILABLE):
                self.grown[accounts.holder_of(account), posting.currency] = None


def claimed(state: LedgerState, decision: Decision, now: datetime) -> Decision:
    """Add to a decision what is claimed of the money that it credits (LED-021, POUT-043)."""
    losses = state.losses
    if not (losses.freezing or losses.closed) or not isinstance(decision, Accepted) or not decision.events:
        return decision
    news = _News()
    for event in decision.events:
        news.take(event, losses)
    more: list[Any] = []
    for did, currency in news.grown:
        for draft in _claims(state, news, did, currency):
            booked = book(state, draft, now, news.session)
            if isinstance(booked, Rejected):
                raise InvariantViolated(f"{draft.effect_key}: {booked.code}, though no more is claimed than is there")
            content = {"account_did": did, "effect_key": draft.effect_key}
            posted = TransactionPosted(idempotency_key=draft.effect_key, posting=booked.posting, content=content)
            more += [*booked.opened, posted]
    return replace(decision, events=[*decision.events, *more]) if more else decision


def _claims(state: LedgerState, news: _News, did: str, currency: str) -> Iterator[Draft]:
    """Yield the drafts that take what is available now; a closed account's money goes to suspense and nowhere else."""
    losses = state.losses
    if did in losses.closed:
        cents = _available_cents(state, news, did, currency)
        if cents > 0:
            yield postings.account_closed(did, cents, currency, part=losses.closed[did] + 1)
        return
    for name in losses.freezing.get(did, ()):
        source = loss_hold_source(name)
        dispute = losses.disputes[name]
        if source in news.ended or dispute.currency != currency:
            continue
        missing_cents = dispute.amount_cents - state.holds.get((accounts.held(did), source, currency), 0)
        cents = min(_available_cents(state, news, did, currency), missing_cents)
        if cents > 0:
            yield postings.loss_hold(name, did, cents, currency, part=losses.parts.get(name, 0) + 1)


def _available_cents(state: LedgerState, news: _News, did: str, currency: str) -> int:
    account = accounts.available(did)
    balance = news.session.balances.get((currency, account))
    return -(state.books.get(currency, {}).get(account, 0) if balance is None else balance)
