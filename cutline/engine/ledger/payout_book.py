"""What the ledger remembers for payouts to the bank: whose they are, and what of a holder's money is spoken for.

It holds no balance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cutline.engine.ledger.events import PayoutAdmitted, TransferEndedUnlocked
from cutline.engine.messages import Prize
from cutline.engine.messages.bank import PayoutOutcome

_ENDS: Mapping[str, PayoutOutcome] = {
    "payout_paid": "paid",
    "payout_failed": "failed",
    "payout_failed_after_paid": "failed",
}


@dataclass(slots=True, kw_only=True)
class AdmittedPayout:
    """One payout whose money was held. `outcome` is the last end that is booked."""

    plan: PayoutAdmitted
    transferred: bool = False
    outcome: PayoutOutcome | None = None


@dataclass(slots=True)
class PayoutBook:
    """Every payout by its id, the open ones of each account holder, and the winnings that wait for their transfer."""

    payouts: dict[str, AdmittedPayout] = field(default_factory=dict)
    abandoned: dict[tuple[str, str], TransferEndedUnlocked] = field(default_factory=dict)
    """Transfers that ended before anything was held for them, by contest and entry."""
    _open: dict[str, dict[str, None]] = field(default_factory=dict)
    _awaiting: Counter[tuple[str, str]] = field(default_factory=Counter)

    def admit(self, event: PayoutAdmitted) -> None:
        """Remember a payout whose money is held."""
        self.payouts[event.payout_id] = AdmittedPayout(plan=event)
        self._open.setdefault(event.account_did, {})[event.payout_id] = None

    def award(self, prizes: Iterable[Prize], currency: str) -> None:
        """Remember that prizes wait for the transfers that bring them to their winners' accounts."""
        for prize in prizes:
            self._awaiting[prize.account_did, currency] += prize.amount_cents

    def abandon(self, event: TransferEndedUnlocked) -> None:
        """Let winnings wait no more for a transfer that will not come."""
        self.abandoned[event.contest_id, event.entry_id] = event
        self._awaiting[event.account_did, event.currency] -= event.amount_cents

    def post(self, kind: str, content: Mapping[str, str]) -> None:
        """Follow a posting, if it locks winnings or is one of a payout that was admitted here."""
        if kind == "transfer_locked" and "entry_id" in content:
            self._awaiting[content["account_did"], content["currency"]] -= int(content["amount_cents"])
            return
        payout = self.payouts.get(content.get("payout_id", ""))
        if payout is None:
            return
        if kind == "payout_transferred":
            payout.transferred = True
        elif kind in _ENDS:
            payout.outcome = _ENDS[kind]
            self._open[payout.plan.account_did].pop(payout.plan.payout_id, None)

    def awaiting_cents(self, account_did: str, currency: str) -> int:
        """Return what of the holder's available money are winnings whose transfer has not begun."""
        return self._awaiting.get((account_did, currency), 0)

    def claimed_cents(self, account_did: str, currency: str) -> int:
        """Return what open payouts will still take of the holder's connected account, beyond what they bring to it."""
        plans = (self.payouts[payout_id] for payout_id in self._open.get(account_did, ()))
        return sum(
            payout.plan.amount_cents - (0 if payout.transferred else payout.plan.transfer_cents)
            for payout in plans
            if payout.plan.currency == currency
        )
