"""The memory of payouts, folded from its log; only `fold` changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from cutline.engine.payout import reconciling
from cutline.engine.payout.bank_events import (
    BankEvent,
    PayoutAccepted,
    PayoutFinalized,
    PayoutFunded,
    PayoutInitiated,
    PayoutOutcomeRecorded,
    PayoutRetried,
    payout_key,
)
from cutline.engine.payout.bank_state import Bank
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
from cutline.engine.payout.lifecycle import TransferFact, TransferStatus, next_transfer
from cutline.engine.stripe_attempts import AttemptDeferred, AttemptRepeated, AttemptStarted, CallEvent, LookupStarted
from cutline.engine.stripe_call import CallBook

BankPart = Literal["payout", "payout-transfer", "payout-check"]
Part = Literal["account", "account-link", "account-check", "transfer"] | BankPart

BANK_PARTS: Final[tuple[BankPart, ...]] = ("payout-transfer", "payout", "payout-check")
"""The calls that one payout to the bank may need, in the order in which they are made."""


class Abilities(NamedTuple):
    """What a connected account can do: take transfers, and pay out to its bank."""

    transfers_active: bool
    payouts_enabled: bool


WHOLE: Final = Abilities(transfers_active=True, payouts_enabled=True)


@dataclass(slots=True, kw_only=True)
class Account:
    """One account holder's connected account. `lost`: Stripe does not show it to us any more."""

    plan: AccountPlanned
    stripe_account_id: str | None = None
    transfers_active: bool = False
    payouts_enabled: bool = False
    lost: bool = False
    attempts: int = 1
    refusal: str | None = None
    links: int = 0
    link_url: str | None = None
    link_expires_at: int = 0

    @property
    def abilities(self) -> Abilities:
        """Return what the account can do."""
        return Abilities(self.transfers_active, self.payouts_enabled)

    @property
    def presumed(self) -> Abilities:
        """Return what a call may count on; one for a lost account goes out, so that Stripe's refusal ends it."""
        return WHOLE if self.lost else self.abilities


@dataclass(slots=True, kw_only=True)
class Transfer:
    """One entry's transfer."""

    plan: TransferPlanned
    status: TransferStatus = TransferStatus.PENDING
    lock_requested: bool = False
    head: str | None = None
    attempts: int = 0
    stripe_transfer_id: str | None = None
    failure: str | None = None


@dataclass(slots=True)
class PayoutState:
    """Accounts by holder, transfers by business key, payouts to the bank, and the calls under way."""

    accounts: dict[str, Account] = field(default_factory=dict)
    by_stripe_account: dict[str, str] = field(default_factory=dict)
    reported: dict[str, Abilities] = field(default_factory=dict)
    reports: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    """Account holders who are gone."""
    transfers: dict[str, Transfer] = field(default_factory=dict)
    by_contest: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, dict[str, None]] = field(default_factory=dict)
    subjects: dict[str, tuple[Part, str]] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    bank: Bank = field(default_factory=Bank)
    calls: CallBook = field(default_factory=CallBook)
    reconciliation: reconciling.Reconciliation = field(default_factory=reconciling.Reconciliation)


def account_subject(part: Part, account_did: str) -> str:
    """Return the business key of a call about an account, which is its first key at Stripe."""
    return f"payout:{part}:{account_did}"


def bank_subject(part: BankPart, payout_id: str) -> str:
    """Return the business key of a call for a payout to the bank, which is its first key at Stripe."""
    key = payout_key(payout_id)
    return key if part == "payout" else f"{key}:{part.removeprefix('payout-')}"


def fold(state: PayoutState, event: object, at: datetime) -> None:
    """Fold one event, committed at `at`, into the state."""
    match event:
        case AttemptStarted() | AttemptDeferred() | AttemptRepeated() | LookupStarted():
            _fold_call(state, event, at)
        case (
            PayoutInitiated()
            | PayoutFunded()
            | PayoutAccepted()
            | PayoutOutcomeRecorded()
            | PayoutFinalized()
            | PayoutRetried()
        ):
            _fold_bank(state, event, at)
        case TransferPlanned():
            transfer = state.transfers[event.key] = Transfer(plan=event)
            state.subjects[event.key] = ("transfer", event.key)
            state.by_contest.setdefault(event.contest_id, []).append(event.key)
            state.waiting.setdefault(transfer.plan.account_did, {})[event.key] = None
        case TransferLockRequested() | FundsLocked() | TransferCompleted() | TransferFailed() | TransferAbandoned():
            _fold_transfer(state, event)
        case HolderClosureRecorded():
            state.closed.add(event.account_did)
        case reconciling.DayComparisonStarted() | reconciling.DayReconciled():
            reconciling.fold(state.reconciliation, event)
        case _:
            _fold_account(state, event)


def _fold_call(state: PayoutState, event: CallEvent, at: datetime) -> None:
    state.calls.fold(event)
    part, name = state.subjects[event.subject]
    match part:
        case "transfer":
            _fold_transfer_call(state, name, event)
        case "payout" | "payout-transfer":
            state.bank.fold_call(name, event, at)
        case "payout-check":
            state.bank.fold_check(name, event)
        case _:
            _count_attempt(state, part, name, event)


def _fold_bank(state: PayoutState, event: BankEvent, at: datetime) -> None:
    """Fold an event of a payout, and end the calls that it answers."""
    state.bank.fold(event, at)
    match event:
        case PayoutInitiated():
            for part in BANK_PARTS:
                state.subjects[bank_subject(part, event.payout_id)] = (part, event.payout_id)
        case PayoutFunded():
            state.calls.close(bank_subject("payout-transfer", event.payout_id))
        case PayoutAccepted():
            state.calls.close(bank_subject("payout", event.payout_id))
        case PayoutOutcomeRecorded():
            for part in BANK_PARTS:
                state.calls.close(bank_subject(part, event.payout_id))


def _fold_transfer_call(state: PayoutState, name: str, event: CallEvent) -> None:
    transfer = state.transfers[name]
    deferred = isinstance(event, AttemptDeferred)
    transfer.status = next_transfer(transfer.status, TransferFact.DEFERRED if deferred else TransferFact.CALLED)
    transfer.failure = event.code if isinstance(event, AttemptDeferred) else transfer.failure
    if isinstance(event, AttemptStarted):
        transfer.attempts = event.attempt
        state.waiting[transfer.plan.account_did].pop(name, None)


def _count_attempt(state: PayoutState, part: Part, account_did: str, event: CallEvent) -> None:
    if not isinstance(event, AttemptStarted):
        return
    account = state.accounts[account_did]
    match part:
        case "account":
            account.attempts = event.attempt
        case "account-link":
            account.links = event.attempt
        case _:
            state.checks[account_did] = event.attempt


def _fold_transfer(
    state: PayoutState,
    event: TransferLockRequested | FundsLocked | TransferCompleted | TransferFailed | TransferAbandoned,
) -> None:
    key = f"payout:transfer:{event.contest_id}:{event.entry_id}"
    transfer = state.transfers[key]
    match event:
        case TransferLockRequested():
            fact = TransferFact.LOCK_REQUESTED
            transfer.lock_requested = True
        case FundsLocked():
            fact = TransferFact.LOCKED
            transfer.head = event.head
        case TransferCompleted():
            fact = TransferFact.COMPLETED
            transfer.stripe_transfer_id, transfer.failure = event.stripe_transfer_id, None
            state.calls.close(key)
        case TransferFailed():
            fact = TransferFact.FAILED
            transfer.failure = event.code
            state.calls.close(key)
        case TransferAbandoned():
            fact = TransferFact.ABANDONED
            transfer.failure = event.code
            state.waiting[transfer.plan.account_did].pop(key, None)
    transfer.status = next_transfer(transfer.status, fact)


def _fold_account(state: PayoutState, event: object) -> None:
    match event:
        case AccountPlanned(account_did=did):
            state.accounts[did] = Account(plan=event)
            parts: tuple[Part, ...] = ("account", "account-link", "account-check")
            for part in parts:
                state.subjects[account_subject(part, did)] = (part, did)
        case AccountCreated(account_did=did):
            account = state.accounts[did]
            account.stripe_account_id, account.refusal = event.stripe_account_id, None
            account.transfers_active = event.transfers_active
            account.payouts_enabled = event.payouts_enabled
            state.by_stripe_account[event.stripe_account_id] = did
            state.calls.close(account_subject("account", did))
        case AccountRefused(account_did=did):
            state.accounts[did].refusal = event.code
            state.calls.close(account_subject("account", did))
        case AccountLinkEnded(account_did=did):
            account = state.accounts[did]
            account.link_url, account.link_expires_at = event.url, event.expires_at
            state.calls.close(account_subject("account-link", did))
        case AccountStatusRecorded():
            _fold_status(state, event)
        case AccountLost(account_did=did):
            account = state.accounts[did]
            account.lost, account.transfers_active, account.payouts_enabled = True, False, False
            state.reported[str(account.stripe_account_id)] = account.abilities
            state.calls.close(account_subject("account-check", did))
        case _:
            raise TypeError(f"the log of payouts has no {type(event).__name__}")


def _fold_status(state: PayoutState, event: AccountStatusRecorded) -> None:
    state.reports.add(event.report)
    state.reported[event.stripe_account_id] = Abilities(event.transfers_active, event.payouts_enabled)
    did = state.by_stripe_account.get(event.stripe_account_id)
    if did is None:
        return
    account = state.accounts[did]
    account.lost = False
    account.transfers_active, account.payouts_enabled = event.transfers_active, event.payouts_enabled
    if suffices(state, did, account.abilities):
        state.calls.close(account_subject("account-check", did))


def suffices(state: PayoutState, account_did: str, able: Abilities) -> bool:
    """Say whether an account that can do this much keeps nobody waiting."""
    return able.transfers_active and (able.payouts_enabled or not state.bank.waiting.get(account_did))
