"""What the ledger remembers of money that went back: disputes, debts, freezes and closed accounts; it judges nothing.

A loss is named by what caused it: the dispute, or the refund that was made outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from cutline.engine.ledger.events import Posting

_RECEIVABLE: Final = "receivable:"
_CONNECTED: Final = "stripe:connected:"


@dataclass(slots=True, kw_only=True)
class Dispute:
    """One dispute that Stripe has withdrawn money for. Without `account_did` nobody here is known to have paid."""

    account_did: str | None
    payment_intent: str | None
    amount_cents: int
    currency: str
    since: datetime
    status: Literal["open", "won", "lost"] = "open"


@dataclass(slots=True, kw_only=True)
class Debt:
    """What an account holder owes for one loss, in cents, until it is paid or written off."""

    account_did: str
    amount_cents: int
    currency: str
    cause: Literal["dispute", "refund"]
    since: datetime
    payment_intent: str | None = None
    """The payment that went back, where it is known."""
    paid_cents: int = 0
    """How much of it a refund has paid that was due to the holder and that Stripe did not make."""
    written_off: bool = False

    @property
    def left_cents(self) -> int:
        """What is still owed."""
        return 0 if self.written_off else self.amount_cents - self.paid_cents


@dataclass(slots=True)
class Losses:
    """Disputes, debts and freezes by the loss's name, and the holders whose credits are claimed as they come."""

    charges: dict[str, str] = field(default_factory=dict)
    """The payment intent of each charge: half of all disputes name no other."""
    transfers: dict[str, str] = field(default_factory=dict)
    """The account holder of each of Stripe's transfers."""
    disputes: dict[str, Dispute] = field(default_factory=dict)
    debts: dict[str, Debt] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    """How often each freeze has been added to."""
    freezing: dict[str, dict[str, None]] = field(default_factory=dict)
    """The losses for which a holder's money is to be frozen, oldest first."""
    closed: dict[str, int] = field(default_factory=dict)
    """Closed accounts, and how often something of theirs went to suspense."""


def open_dispute(losses: Losses, posting: Posting, facts: Mapping[str, str], at: datetime) -> None:
    """Remember a dispute that has just been booked, and that its payer's money is to be frozen."""
    dispute = Dispute(
        account_did=facts.get("account_did"),
        payment_intent=facts.get("payment_intent"),
        amount_cents=int(facts["amount_cents"]),
        currency=posting.currency,
        since=at,
    )
    name = facts["dispute"]
    losses.disputes[name] = dispute
    if dispute.account_did is not None:
        losses.freezing.setdefault(dispute.account_did, {})[name] = None


def remember_transfer(losses: Losses, posting: Posting, stripe_transfer_id: str) -> None:
    """Remember to whom Stripe's transfer went: a reversal names nobody else."""
    for account, _, _ in posting.legs:
        if account.startswith(_CONNECTED):
            losses.transfers[stripe_transfer_id] = account.removeprefix(_CONNECTED)


def fold_posting(losses: Losses, posting: Posting, at: datetime) -> None:
    """Fold what a posting of one of `KINDS` says of a loss."""
    _FOLDINGS[posting.kind](losses, posting, at)


def remember_payment(losses: Losses, posting: Posting, payment_intent: str) -> None:
    """Remember which payment was refunded outside: its refund by us would give the money back twice."""
    debt = losses.debts.get(_subject(posting))
    if debt is not None:
        debt.payment_intent = payment_intent


def debts_of(losses: Losses, payment_intent: str, currency: str) -> Iterator[tuple[str, Debt]]:
    """Yield what is still owed because this payment went back, oldest first, with the name of each loss."""
    for name, debt in losses.debts.items():
        if (debt.payment_intent, debt.currency) == (payment_intent, currency) and debt.left_cents > 0:
            yield name, debt


def paid_off(losses: Losses, posting: Posting) -> dict[str, int]:
    """Return which debts a refused refund pays, in cents by the loss's name; it changes nothing."""
    paid: dict[str, int] = {}
    left_cents = -sum(cents for account, cents, _ in posting.legs if account.startswith(_RECEIVABLE))
    for name, debt in debts_of(losses, _subject(posting), posting.currency):
        if left_cents > 0:
            paid[name] = min(left_cents, debt.left_cents)
            left_cents -= paid[name]
    return paid


def _refund_refused(losses: Losses, posting: Posting, _at: datetime) -> None:
    for name, cents in paid_off(losses, posting).items():
        losses.debts[name].paid_cents += cents
        if not losses.debts[name].left_cents:
            _stop_freezing(losses, name)


def _won(losses: Losses, posting: Posting, _at: datetime) -> None:
    name = _subject(posting)
    if name in losses.disputes:
        losses.disputes[name].status = "won"
        _stop_freezing(losses, name)


def _lost(losses: Losses, posting: Posting, at: datetime) -> None:
    name = _subject(posting)
    if name in losses.disputes:
        losses.disputes[name].status = "lost"
        _owe(losses, name, posting, "dispute", at)
        if name in losses.debts:
            losses.debts[name].payment_intent = losses.disputes[name].payment_intent


def _refunded_outside(losses: Losses, posting: Posting, at: datetime) -> None:
    _owe(losses, _subject(posting), posting, "refund", at)


def _written_off(losses: Losses, posting: Posting, _at: datetime) -> None:
    name = _subject(posting)
    if name in losses.debts:
        losses.debts[name].written_off = True
        _stop_freezing(losses, name)


def _frozen(losses: Losses, posting: Posting, _at: datetime) -> None:
    name = _subject(posting)
    losses.parts[name] = losses.parts.get(name, 0) + 1


def _closed(losses: Losses, posting: Posting, _at: datetime) -> None:
    for account, cents, _ in posting.legs:
        did = account.removeprefix("user:").removesuffix(":available")
        if cents > 0 and did in losses.closed:
            losses.closed[did] += 1


def _owe(losses: Losses, name: str, posting: Posting, cause: Literal["dispute", "refund"], at: datetime) -> None:
    for account, cents, _ in posting.legs:
        if account.startswith(_RECEIVABLE) and cents > 0:
            losses.debts[name] = Debt(
                account_did=account.removeprefix(_RECEIVABLE),
                amount_cents=cents,
                currency=posting.currency,
                cause=cause,
                since=at,
            )


def _subject(posting: Posting) -> str:
    """Return the loss that an effect names: `dispute:<id>:lost`, `refund:<id>:succeeded`, `loss-event:<id>:…`.

    An edge with the ledger's key may post any kind under any effect: what names no loss here changes none.
    """
    parts = posting.effect_key.split(":", 2)
    return parts[1] if len(parts) == 3 else ""


def _stop_freezing(losses: Losses, name: str) -> None:
    for wanting in losses.freezing.values():
        wanting.pop(name, None)
    losses.freezing = {did: wanting for did, wanting in losses.freezing.items() if wanting}


_FOLDINGS: Final[Mapping[str, Callable[[Losses, Posting, datetime], None]]] = {
    "dispute_won": _won,
    "dispute_lost": _lost,
    "refund_outside": _refunded_outside,
    "refund_refused": _refund_refused,
    "written_off": _written_off,
    "loss_hold": _frozen,
    "account_closed": _closed,
}
KINDS: Final = frozenset(_FOLDINGS)
