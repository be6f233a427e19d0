"""The memory of payouts to the bank, folded from the log of payouts; only its own methods change it."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Final

from cutline.engine.payout.bank_events import (
    BankEvent,
    Change,
    PayoutAccepted,
    PayoutFinalized,
    PayoutFunded,
    PayoutInitiated,
    PayoutOutcomeRecorded,
    PayoutRetried,
    change_of,
)
from cutline.engine.payout.bank_lifecycle import PayoutFact, PayoutStatus, next_payout
from cutline.engine.stripe_attempts import AttemptDeferred, AttemptStarted, CallEvent

_Progress = PayoutFunded | PayoutAccepted | PayoutOutcomeRecorded | PayoutFinalized | PayoutRetried

ARRIVES_LATE_AFTER: Final = timedelta(days=1)
"""So long after its expected arrival a payout of which nothing was heard is looked up."""

ARRIVES_WITHIN: Final = timedelta(days=3)
"""When a payout is taken to arrive for which Stripe names no day."""


@dataclass(slots=True, kw_only=True)
class BankPayout:
    """One payout to the bank. `audit` holds every change with its commit time."""

    plan: PayoutInitiated
    status: PayoutStatus = PayoutStatus.INITIATED
    changed_at: datetime
    funded: bool = False
    stripe_transfer_id: str | None = None
    stripe_payout_id: str | None = None
    arrives_at: datetime | None = None
    attempts: int = 0
    checks: int = 0
    retries: int = 0
    failure: str | None = None
    finalized_at: datetime | None = None
    audit: list[tuple[datetime, Change]] = field(default_factory=list)

    @property
    def lacks_cents(self) -> int:
        """Return what must still be transferred to the connected account."""
        return 0 if self.funded else self.plan.transfer_cents


@dataclass(slots=True)
class Bank:
    """Payouts by id and by time, those that wait for their holder's account, and when to ask after those on the way."""

    payouts: dict[str, BankPayout] = field(default_factory=dict)
    by_time: list[tuple[datetime, str]] = field(default_factory=list)
    waiting: dict[str, dict[str, None]] = field(default_factory=dict)
    _asks: list[tuple[datetime, str]] = field(default_factory=list)

    def fold(self, event: BankEvent, at: datetime) -> None:
        """Fold one event of a payout, committed at `at`."""
        if isinstance(event, PayoutInitiated):
            self.payouts[event.payout_id] = BankPayout(plan=event, changed_at=at)
            insort(self.by_time, (event.created_at, event.payout_id))
            self.waiting.setdefault(event.account_did, {})[event.payout_id] = None
        payout = self.payouts[event.payout_id]
        payout.audit.append((at, change_of(event)))
        if not isinstance(event, PayoutInitiated):
            self._fold_progress(payout, event, at)

    def fold_call(self, payout_id: str, event: CallEvent, at: datetime) -> None:
        """Fold one event of a call that moves a payout's money."""
        payout = self.payouts[payout_id]
        deferred = isinstance(event, AttemptDeferred)
        self._move(payout, PayoutFact.DEFERRED if deferred else PayoutFact.CALLED, at)
        if isinstance(event, AttemptDeferred):
            payout.failure = event.code
            payout.audit.append((at, Change(status="deferred", actor="stripe", reason=event.code)))
        elif isinstance(event, AttemptStarted):
            payout.attempts += 1
            payout.audit.append((at, Change(status="submitted", actor="payouts", reason=event.operation)))

    def fold_check(self, payout_id: str, event: CallEvent) -> None:
        """Fold one event of the call that asks after a payout."""
        if isinstance(event, AttemptStarted):
            self.payouts[payout_id].checks = event.attempt
            self._tidy()

    def next_place(self, now: datetime) -> datetime:
        """Return the time at which a payout that begins now stands in the list: behind all that are there (POUT-008).

        Commits may share a moment, and a clock that was set back makes many share one; ids would then sort a new
        payout before those that somebody has already seen.
        """
        return max(now, self.by_time[-1][0] + timedelta(microseconds=1)) if self.by_time else now

    def next_ask_at(self) -> datetime | None:
        """Return when the first payout on its way is to be asked after."""
        return self._asks[0][0] if self._asks else None

    def to_ask(self, now: datetime) -> list[BankPayout]:
        """Return the payouts that should have arrived by now and of which nothing was heard."""
        first_at = self.next_ask_at()
        if first_at is None or first_at > now:
            return []
        due = sorted(payout_id for at, payout_id in self._asks if at <= now)
        return [payout for payout_id in due if _is_on_its_way(payout := self.payouts[payout_id])]

    def _fold_progress(self, payout: BankPayout, event: _Progress, at: datetime) -> None:
        match event:
            case PayoutFunded():
                payout.funded, payout.failure = True, None
                payout.stripe_transfer_id = event.stripe_transfer_id
                fact = PayoutFact.FUNDED
            case PayoutAccepted():
                payout.stripe_payout_id, payout.failure = event.stripe_payout_id, None
                payout.arrives_at = event.arrives_at or at + ARRIVES_WITHIN
                heappush(self._asks, (payout.arrives_at + ARRIVES_LATE_AFTER, payout.plan.payout_id))
                fact = PayoutFact.ACCEPTED
            case PayoutOutcomeRecorded(outcome="paid"):
                payout.failure = None
                fact = PayoutFact.REPORTED_PAID
            case PayoutOutcomeRecorded():
                payout.failure = event.reason
                fact = PayoutFact.REPORTED_FAILED
            case PayoutFinalized():
                payout.finalized_at = event.finalized_at
                fact = PayoutFact.BOOKED_PAID if event.outcome == "paid" else PayoutFact.BOOKED_FAILED
            case PayoutRetried():
                payout.retries = event.number
                fact = PayoutFact.RETRIED
        self._move(payout, fact, at)

    def _move(self, payout: BankPayout, fact: PayoutFact, at: datetime) -> None:
        after = next_payout(payout.status, fact)
        if after is not payout.status:
            payout.status, payout.changed_at = after, at
            self.waiting.get(payout.plan.account_did, {}).pop(payout.plan.payout_id, None)
            self._tidy()

    def _tidy(self) -> None:
        while self._asks and not _is_on_its_way(self.payouts[self._asks[0][1]]):
            heappop(self._asks)


def _is_on_its_way(payout: BankPayout) -> bool:
    """Say whether Stripe has a payout whose end nobody has reported or asked for yet."""
    return payout.status is PayoutStatus.SUBMITTED and payout.stripe_payout_id is not None and not payout.checks
