"""The edge's way to the ledger: typed questions, and no decision."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import TypedDict

from cutline.actors.handles.asking import Ask, Reply
from cutline.engine.messages import (
    CloseAccount,
    IngestSettlement,
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
    RecordStripeEvent,
    RefuseStripeEvent,
    RetryForwarding,
    RetryNetting,
    ReturnStrandedFee,
    RunNetting,
    WriteOffDebt,
)
from cutline.engine.messages.bank import (
    LockPayout,
)
from cutline.engine.messages.untriggered import ReadPostedSettlements


class Account(TypedDict):
    """What an account holder has: `available` and `held`, in cents, by currency."""

    account_did: str
    balances: dict[str, dict[str, int]]


class Retries(TypedDict):
    """The attempts that a retry has chosen, each as (event, attempt)."""

    selected: Sequence[tuple[str, int]]


class Retried(TypedDict):
    """What came of chosen attempts so far; `open` ones are under way."""

    attempted: int
    forwarded: int
    failed: int
    open: int


class Losses(TypedDict):
    """Debts, and disputes that are still open."""

    debts: list[Reply]
    disputes: list[Reply]


class Trail(TypedDict):
    """The rows of the ledger's log that concern a holder, in order."""

    log_seqs: list[int]


class LedgerHandle:
    """The one actor that moves money in the books."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def record(self, event: RecordStripeEvent | RefuseStripeEvent) -> Awaitable[Reply]:
        """Record Stripe's event and what it does to the books, or keep the dead letter of one that is not ours."""
        return self._ask("ledger", event)

    def ingest(
        self,
        *,
        idempotency_key: str,
        provider_reference: str,
        account_did: str,
        amount_cents: int,
        currency: str,
        day_cap_cents: int,
    ) -> Awaitable[Reply]:
        """Credit an account with what an outside service has collected, within the day's cap (LED-001)."""
        message = IngestSettlement(
            idempotency_key=idempotency_key,
            provider_reference=provider_reference,
            account_did=account_did,
            amount_cents=amount_cents,
            currency=currency,
            day_cap_cents=day_cap_cents,
        )
        return self._ask("ledger", message)

    def settlement(self, provider_reference: str) -> Awaitable[Reply]:
        """Return the settlement of a payment by its provider's reference (LED-002)."""
        return self._ask("ledger", ReadSettlement(provider_reference=provider_reference))

    def retry_forwarding(self, *, limit: int, force: bool, event_id: str | None) -> Awaitable[Retries]:
        """Choose at most `limit` events to post again and start their attempts (FWD-005 to FWD-012)."""
        return self._ask("ledger", RetryForwarding(limit=limit, force=force, event_id=event_id))

    def forwarding(self, attempts: Sequence[tuple[str, int]]) -> Awaitable[Retried]:
        """Return what came of these attempts, each (event, attempt)."""
        return self._ask("ledger", ReadForwarding(events=tuple(attempts)))

    def lock_payout(
        self,
        *,
        payout_id: str,
        account_did: str,
        amount_cents: int,
        currency: str,
        principal: str,
        idempotency_key: str,
    ) -> Awaitable[Reply]:
        """Hold what is to be paid to a holder's bank, and have it paid (POUT-002, POUT-011)."""
        message = LockPayout(
            payout_id=payout_id,
            account_did=account_did,
            amount_cents=amount_cents,
            currency=currency,
            principal=principal,
            idempotency_key=idempotency_key,
        )
        return self._ask("ledger", message)

    def run_netting(
        self,
        *,
        idempotency_key: str,
        currency: str,
        selection_before: datetime | None,
        limit: int | None,
        limit_default: int,
    ) -> Awaitable[Reply]:
        """Start a netting run, or find the one of this key (NET-001)."""
        message = RunNetting(
            idempotency_key=idempotency_key,
            currency=currency,
            selection_before=selection_before,
            limit=limit,
            limit_default=limit_default,
        )
        return self._ask("ledger", message)

    def retry_netting(self, run_id: str) -> Awaitable[Reply]:
        """Take up a netting run that has failed (NET-004)."""
        return self._ask("ledger", RetryNetting(run_id=run_id))

    def netting_run(self, run_id: str) -> Awaitable[Reply]:
        """Return a netting run as it stands (NET-016)."""
        return self._ask("ledger", ReadNettingRun(run_id=run_id))

    def netting_report(self, run_id: str) -> Awaitable[Reply]:
        """Return an applied run, and its entries with their payouts (NET-017)."""
        return self._ask("ledger", ReadNettingReport(run_id=run_id))

    def posted_settlements(self, contest_ids: Sequence[str]) -> Awaitable[Reply]:
        """Return which of these contests' settlements are in the books."""
        return self._ask("ledger", ReadPostedSettlements(contest_ids=tuple(contest_ids)))

    def stranded_fees(self, older_than_minutes: int) -> Awaitable[Reply]:
        """Return the fees that have waited for their contest for so long."""
        return self._ask("ledger", ReadStrandedFees(older_than_minutes=older_than_minutes))

    def return_fee(self, payment_intent: str, older_than_minutes: int) -> Awaitable[Reply]:
        """Give a fee back that has waited for so long for a contest that does not exist."""
        message = ReturnStrandedFee(payment_intent=payment_intent, older_than_minutes=older_than_minutes)
        return self._ask("ledger", message)

    def account(self, account_did: str) -> Awaitable[Account]:
        """Return an account holder's balances."""
        return self._ask("ledger", ReadAccount(account_did=account_did))

    def trial_balance(self) -> Awaitable[dict[str, dict[str, int]]]:
        """Return every account's balance in cents, by currency and account (LED-003)."""
        return self._ask("ledger", ReadTrialBalance())

    def money_health(self) -> Awaitable[Reply]:
        """Return the figures to be watched: the outbox, dead letters, and the platform's funds."""
        return self._ask("ledger", ReadMoneyHealth())

    def trail(self, account_did: str) -> Awaitable[Trail]:
        """Return where in the ledger's log a holder's statement is to be found."""
        return self._ask("ledger", ReadTrail(account_did=account_did))

    def debts(self, account_did: str | None) -> Awaitable[Losses]:
        """Return the debts and open disputes of one holder, or of all."""
        return self._ask("ledger", ReadDebts(account_did=account_did))

    def write_off(self, *, loss_event_id: str, actor: str, reason: str) -> Awaitable[Reply]:
        """Give up what is owed for one loss, once."""
        return self._ask("ledger", WriteOffDebt(loss_event_id=loss_event_id, actor=actor, reason=reason))

    def close_account(self, *, account_did: str, actor: str, reason: str) -> Awaitable[Reply]:
        """Move a holder's money to suspense, now and later (POUT-043)."""
        return self._ask("ledger", CloseAccount(account_did=account_did, actor=actor, reason=reason))
