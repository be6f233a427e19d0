"""The ledger's machine: which message is judged where. It reaches no file, no clock and no Stripe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from cutline.engine.decision import Accepted, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.ledger import netting_events, trails
from cutline.engine.ledger.balance_transactions import book_balance_transactions, listing_due_at, look
from cutline.engine.ledger.bank_payouts import book_payout_transfer, finalize_payout, lock_payout
from cutline.engine.ledger.booking import CURRENCY
from cutline.engine.ledger.claims import claimed
from cutline.engine.ledger.entry_fees import (
    move_entry_fee,
    post_settlement,
    read_posted_settlements,
    refund_outcome,
)
from cutline.engine.ledger.events import EVENTS, AnchorRecorded
from cutline.engine.ledger.health import platform_balance_read, read_money_health
from cutline.engine.ledger.ingesting import ingest_settlement, read_settlement
from cutline.engine.ledger.losses import close_account, read_debts, write_off
from cutline.engine.ledger.netting import (
    apply_netting_entry,
    netting_entry_broke,
    read_netting_report,
    read_netting_run,
    resume_netting,
    retry_netting,
    run_netting,
)
from cutline.engine.ledger.netting_state import follow
from cutline.engine.ledger.owing import owes
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.recording import keep_what_broke, post_again, record_stripe_event, refuse_stripe_event
from cutline.engine.ledger.requests import answered, content_of, post
from cutline.engine.ledger.retrying import read_forwarding, retry_forwarding
from cutline.engine.ledger.state import LedgerState, fold, trial_balance
from cutline.engine.ledger.stranded import look_for_stranded_fees, read_stranded_fees, return_stranded_fee
from cutline.engine.ledger.transfers import abandon_transfer, complete_transfer, fail_transfer, lock_transfer
from cutline.engine.ledger.undelivered import all_events_listed, fetch_undelivered, undelivered_listed
from cutline.engine.messages import (
    AbandonTransfer,
    AllEventsListed,
    ApplyNettingEntry,
    BalanceTransactionsListed,
    CloseAccount,
    CommandBroke,
    CompleteTransfer,
    FailTransfer,
    FetchUndelivered,
    IngestSettlement,
    ListBalanceTransactions,
    ListUndelivered,
    LockTransfer,
    Look,
    LookForStrandedFees,
    MoveEntryFee,
    PlatformBalanceRead,
    PostAgain,
    PostSettlement,
    PostTransaction,
    ReadAccount,
    ReadDebts,
    ReadForwarding,
    ReadMoneyHealth,
    ReadNettingReport,
    ReadNettingRun,
    ReadSettlement,
    ReadStrandedFees,
    ReadTrail,
    ReadTrialBalance,
    RecordAnchor,
    RecordStripeEvent,
    RefundOutcome,
    RefuseStripeEvent,
    RetryForwarding,
    RetryNetting,
    ReturnStrandedFee,
    RunNetting,
    UndeliveredListed,
    WriteOffDebt,
)
from cutline.engine.messages.bank import BookPayoutTransfer, FinalizePayout, LockPayout
from cutline.engine.messages.untriggered import ReadPostedSettlements
from cutline.engine.retries import DEFAULT, RetryTerms

_RESERVED: Final = (
    "stripe:event:",
    "account:",
    "account-closed:",
    "anchor:",
    "dead-letter:",
    "called-back:",
    "balance-listing:",
    "balance-read:",
    "undelivered:",
    "listed-again:",
    "funds:",
    "ingest-key:",
    "netting:",
    "transfer-ended:",
)
"""Prefixes of business keys that no request from outside may use."""


class LedgerMachine:
    """The rules of `ledger.db`: double entry, every effect once, no balance below zero."""

    kind = "ledger"
    events: Mapping[str, type] = {**EVENTS, **netting_events.EVENTS}

    def __init__(self, retries: RetryTerms = DEFAULT) -> None:
        self._retries = retries

    def initial(self) -> LedgerState:
        """Return empty books."""
        return LedgerState(retries=self._retries)

    def decide(self, state: LedgerState, command: Any, now: datetime) -> Decision:
        """Judge a message addressed to the ledger."""
        decision = _DECISIONS.get(type(command))
        if decision is None:
            raise InvariantViolated(f"the ledger does not understand {type(command).__name__}")
        return claimed(state, decision(state, command, now), now)

    def evolve(self, state: LedgerState, recorded: Recorded) -> None:
        """Fold one recorded event."""
        if not follow(state.netting, recorded):
            fold(state, recorded.event, recorded.at)
            trails.follow(state, recorded.seq, recorded.event)

    def owes(self, _state: LedgerState, recorded: Recorded) -> Sequence[Owed]:
        """Return what an event owes to contests, payments and payouts."""
        return owes(recorded)

    def resume(self, state: LedgerState, _now: datetime) -> Sequence[Any]:
        """Ask for what was missed while nobody listened; what is listed twice is recorded and booked once.

        A list of balance transactions that was asked for may be lost as well. Netting goes on where it was.
        """
        lost = (ListBalanceTransactions(after=state.balance_cursor),) if state.listing_outstanding else ()
        return (ListUndelivered(), *lost, *resume_netting(state.netting))

    def due_at(self, state: LedgerState) -> datetime | None:
        """Return when Stripe's balance transactions are to be listed next."""
        return listing_due_at(state)


def _post_transaction(state: LedgerState, command: PostTransaction, now: datetime) -> Decision:
    """Post balanced legs for an edge with the ledger's key, once by key and by effect (LED-008).

    The posting says all that was asked, so there is no other content to keep.
    """
    if command.occurred_at.tzinfo not in (UTC, None):
        command = replace(command, occurred_at=command.occurred_at.astimezone(UTC))
    if command.idempotency_key in state.contents:
        answer = answered(state, command.idempotency_key, content_of(command))
        if answer is not None:
            return answer
    invalid = _invalid_field(command)
    if invalid is not None:
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": invalid})
    difference_cents = sum([cents for _, cents in command.legs])
    if difference_cents:
        return Rejected(code=RejectCode.TRANSACTION_UNBALANCED, details={"difference_cents": difference_cents})
    draft = Draft(
        effect_key=command.effect_key,
        kind=command.kind,
        currency=command.currency,
        legs=command.legs,
        hold_source=command.hold_source,
    )
    return post(
        state,
        draft,
        now,
        {},
        idempotency_key=command.idempotency_key,
        occurred_at=command.occurred_at,
    )


def _invalid_field(command: PostTransaction) -> str | None:
    if not command.idempotency_key or command.idempotency_key.startswith(_RESERVED):
        return "idempotency_key"
    if not command.effect_key or not command.kind:
        return "kind" if command.effect_key else "effect_key"
    if CURRENCY.fullmatch(command.currency) is None:
        return "currency"
    if command.occurred_at.tzinfo is None:
        return "occurred_at"
    if len(command.legs) < 2:
        return "legs"
    holds = False
    for account, cents in command.legs:
        if type(cents) is not int or not cents:
            return "legs"
        holds = holds or account.endswith(":held")
    return "hold_source" if holds != (command.hold_source is not None) else None


def _keep_what_broke(state: LedgerState, command: CommandBroke, now: datetime) -> Decision:
    """Keep what must not be lost of a command that raised: Stripe's events, and that a netting run stands still."""
    if isinstance(command.command, ApplyNettingEntry):
        return netting_entry_broke(state, command.command, command.code, command.reason)
    return keep_what_broke(state, command, now)


def _record_anchor(state: LedgerState, command: RecordAnchor, _now: datetime) -> Decision:
    """Keep another file's head once; a second head for the same place is refused."""
    anchor = AnchorRecorded(address=command.address, seq=command.seq, hash=command.hash, reason=command.reason)
    before = state.anchors.get(anchor.key)
    if before is None:
        return Accepted(events=(anchor,), reply={"deduped": False})
    if before == command.hash:
        return Accepted(reply={"deduped": True})
    details = {"idempotency_key": anchor.key, "field": "hash"}
    return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)


def _read_account(state: LedgerState, command: ReadAccount, _now: datetime) -> Decision:
    """Answer what an account holder has in each currency, in cents (LED-003)."""
    did = command.account_did
    names = {"available": f"user:{did}:available", "held": f"user:{did}:held"}
    found = {
        currency: {bucket: -book.get(name, 0) for bucket, name in names.items()}
        for currency, book in sorted(state.books.items())
        if any(name in book for name in names.values())
    }
    if not found:
        return Rejected(code=RejectCode.ACCOUNT_UNKNOWN, details={"account_did": did})
    return Accepted(reply={"account_did": did, "balances": found})


def _read_trial_balance(state: LedgerState, _command: ReadTrialBalance, _now: datetime) -> Decision:
    return Accepted(reply=trial_balance(state))


_DECISIONS: Final[Mapping[type, Callable[[LedgerState, Any, datetime], Decision]]] = {
    RecordStripeEvent: record_stripe_event,
    RefuseStripeEvent: refuse_stripe_event,
    CommandBroke: _keep_what_broke,
    RetryForwarding: retry_forwarding,
    PostAgain: post_again,
    ReadForwarding: read_forwarding,
    FetchUndelivered: fetch_undelivered,
    UndeliveredListed: undelivered_listed,
    AllEventsListed: all_events_listed,
    IngestSettlement: ingest_settlement,
    ReadSettlement: read_settlement,
    PlatformBalanceRead: platform_balance_read,
    ReadMoneyHealth: read_money_health,
    RunNetting: run_netting,
    RetryNetting: retry_netting,
    ApplyNettingEntry: apply_netting_entry,
    ReadNettingRun: read_netting_run,
    ReadNettingReport: read_netting_report,
    MoveEntryFee: move_entry_fee,
    ReadStrandedFees: read_stranded_fees,
    LookForStrandedFees: look_for_stranded_fees,
    ReturnStrandedFee: return_stranded_fee,
    PostSettlement: post_settlement,
    ReadPostedSettlements: read_posted_settlements,
    RecordAnchor: _record_anchor,
    LockTransfer: lock_transfer,
    CompleteTransfer: complete_transfer,
    FailTransfer: fail_transfer,
    AbandonTransfer: abandon_transfer,
    LockPayout: lock_payout,
    BookPayoutTransfer: book_payout_transfer,
    FinalizePayout: finalize_payout,
    RefundOutcome: refund_outcome,
    BalanceTransactionsListed: book_balance_transactions,
    PostTransaction: _post_transaction,
    WriteOffDebt: write_off,
    CloseAccount: close_account,
    ReadDebts: read_debts,
    ReadTrail: trails.read_trail,
    ReadAccount: _read_account,
    ReadTrialBalance: _read_trial_balance,
    Look: look,
}
