"""What an edge holds of an actor: typed methods instead of addresses and messages; a handle must not decide anything.

Each method sends one message and returns what the given `ask` returns, unawaited, so that a handle costs the hot path
no coroutine of its own. Awaiting it gives the committed reply, or raises what `ask` raises. Actors hold no handles:
they are told, and answer by messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypedDict

from cutline.engine.decision import Address
from cutline.engine.messages import (
    CancelContest,
    ChangePicks,
    ClaimIntent,
    CloseAccount,
    CreateContest,
    EnterContest,
    IngestSettlement,
    OnboardAccount,
    PlanContest,
    PollAtOnce,
    PublishConfig,
    ReadAccount,
    ReadContest,
    ReadDebts,
    ReadDirectory,
    ReadEntries,
    ReadEntry,
    ReadFeed,
    ReadForwarding,
    ReadIngestion,
    ReadIntent,
    ReadMoneyHealth,
    ReadNettingReport,
    ReadNettingRun,
    ReadOrphanedIntents,
    ReadRevokedTokens,
    ReadSettlement,
    ReadSettlementAudit,
    ReadStrandedFees,
    ReadTransfers,
    ReadTrialBalance,
    RecordStripeEvent,
    RefuseStripeEvent,
    RetryForwarding,
    RetryNetting,
    ReturnStrandedFee,
    RevokeToken,
    RunNetting,
    WithdrawEntry,
    WriteOffDebt,
)
from cutline.engine.messages.bank import (
    AdmitPayout,
    ListPayouts,
    LockPayout,
    ReadFailedPayouts,
    ReadPayout,
    ReadStuckPayouts,
    RetryPayout,
)
from cutline.engine.messages.reconciliation import ReadReconciliation, ReconcileWithStripe

Ask = Callable[[Address, Any], Awaitable[Any]]
"""Asks the actor at an address and gives its reply; raises on a refusal."""

Reply = dict[str, Any]
"""A reply whose fields the caller's own model checks."""


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


class Intent(TypedDict):
    """The payment intent of an entry; its id is None until Stripe has answered."""

    deduped: bool
    status: str
    payment_intent: str | None
    client_secret: str | None
    amount_cents: int
    currency: str
    failure: str | None


class Entries(TypedDict):
    """Some entries as they are."""

    entries: list[Reply]


class Listing(TypedDict):
    """What governance keeps."""

    configs: list[Reply]
    contests: list[Reply]


class Losses(TypedDict):
    """Debts, and disputes that are still open."""

    debts: list[Reply]
    disputes: list[Reply]


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

    def debts(self, account_did: str | None) -> Awaitable[Losses]:
        """Return the debts and open disputes of one holder, or of all."""
        return self._ask("ledger", ReadDebts(account_did=account_did))

    def write_off(self, *, loss_event_id: str, actor: str, reason: str) -> Awaitable[Reply]:
        """Give up what is owed for one loss, once."""
        return self._ask("ledger", WriteOffDebt(loss_event_id=loss_event_id, actor=actor, reason=reason))

    def close_account(self, *, account_did: str, actor: str, reason: str) -> Awaitable[Reply]:
        """Move a holder's money to suspense, now and later (POUT-043)."""
        return self._ask("ledger", CloseAccount(account_did=account_did, actor=actor, reason=reason))


class ContestHandle:
    """One contest."""

    __slots__ = ("_address", "_ask", "_contest_id")

    def __init__(self, ask: Ask, contest_id: str) -> None:
        self._ask = ask
        self._contest_id = contest_id
        self._address: Address = f"contest/{contest_id}"

    def create(self, *, config_json: str, config_sha256: str) -> Awaitable[Reply]:
        """Create the contest's file, and the contest in it, from a published configuration."""
        message = CreateContest(contest_id=self._contest_id, config_json=config_json, config_sha256=config_sha256)
        return self._ask(self._address, message)

    def read(self) -> Awaitable[Reply]:
        """Return the contest as it is."""
        return self._ask(self._address, ReadContest())

    def cancel(self, *, actor: str, reason: str) -> Awaitable[Reply]:
        """Cancel the contest before it is COMPLETE and give every fee back (LIFE-009)."""
        return self._ask(self._address, CancelContest(actor=actor, reason=reason))

    def enter(self, *, entry_id: str, account_did: str, picks: Sequence[str], tiebreak: int | None) -> Awaitable[Reply]:
        """Reserve a seat until its fee is paid."""
        message = EnterContest(entry_id=entry_id, account_did=account_did, picks=tuple(picks), tiebreak=tiebreak)
        return self._ask(self._address, message)

    def entry(self, entry_id: str) -> Awaitable[Reply]:
        """Return one entry as it is."""
        return self._ask(self._address, ReadEntry(entry_id=entry_id))

    def withdraw(self, *, entry_id: str, account_did: str) -> Awaitable[Reply]:
        """Withdraw an entry before the lock; what was paid is given back."""
        return self._ask(self._address, WithdrawEntry(entry_id=entry_id, account_did=account_did))

    def ingestion(self) -> Awaitable[Reply]:
        """Return what the contest has taken of its provider's event."""
        return self._ask(self._address, ReadIngestion())

    def settlement_audit(self) -> Awaitable[Reply]:
        """Return every settlement run and every audit."""
        return self._ask(self._address, ReadSettlementAudit())

    def entries(self, entry_ids: Sequence[str]) -> Awaitable[Entries]:
        """Return some entries as they are, in the order given; unknown ones are left out."""
        return self._ask(self._address, ReadEntries(entry_ids=tuple(entry_ids)))

    def change_picks(
        self, *, entry_id: str, account_did: str, picks: Sequence[str], tiebreak: int | None
    ) -> Awaitable[Reply]:
        """Give an entry other golfers before the lock."""
        message = ChangePicks(entry_id=entry_id, account_did=account_did, picks=tuple(picks), tiebreak=tiebreak)
        return self._ask(self._address, message)


class FeedHandle:
    """One provider event's feed."""

    __slots__ = ("_address", "_ask")

    def __init__(self, ask: Ask, provider_event_id: str) -> None:
        self._ask = ask
        self._address: Address = f"feed/{provider_event_id}"

    def read(self, applied: int | None = None) -> Awaitable[Reply]:
        """Return the feed as it is, and what waits for a follower that has `applied` so many changes."""
        return self._ask(self._address, ReadFeed(applied=applied))

    def poll_at_once(self) -> Awaitable[Reply]:
        """Poll the provider now."""
        return self._ask(self._address, PollAtOnce())


class PaymentsHandle:
    """The actor that asks Stripe for fees and gives them back."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def intent(self, *, contest_id: str, entry_id: str) -> Awaitable[Intent]:
        """Return the payment intent of an entry."""
        return self._ask("payments", ReadIntent(contest_id=contest_id, entry_id=entry_id))

    def orphaned(self, older_than_minutes: int) -> Awaitable[Reply]:
        """Return the intents that have been open for so long (PAY-041)."""
        return self._ask("payments", ReadOrphanedIntents(older_than_minutes=older_than_minutes))

    def claim(self, *, contest_id: str, entry_id: str, principal: str, idempotency_key: str) -> Awaitable[Intent]:
        """Return the payment intent of an entry, taken under a key of its holder (PAY-030, PAY-031)."""
        message = ClaimIntent(
            contest_id=contest_id, entry_id=entry_id, principal=principal, idempotency_key=idempotency_key
        )
        return self._ask("payments", message)


class PayoutPage(TypedDict):
    """One page of payouts, and the place of its last one; None where nothing follows."""

    payouts: list[Reply]
    after: tuple[datetime, str] | None


class PayoutsHandle:
    """The actor that pays winners, and holders' money to their banks."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def onboard(self, *, account_did: str, email: str | None) -> Awaitable[Reply]:
        """Create or return the connected account of an account holder (POUT-001)."""
        return self._ask("payouts", OnboardAccount(account_did=account_did, email=email))

    def transfers(self, contest_id: str | None) -> Awaitable[Sequence[Reply]]:
        """Return the transfers of one contest, or of all."""
        return self._ask("payouts", ReadTransfers(contest_id=contest_id))

    def admit(self, *, payout_id: str, account_did: str) -> Awaitable[Reply]:
        """Make sure that an account could be paid to its bank now, or that this payout is known."""
        return self._ask("payouts", AdmitPayout(payout_id=payout_id, account_did=account_did))

    def payout(self, payout_id: str) -> Awaitable[Reply]:
        """Return one payout and its audit events (POUT-003)."""
        return self._ask("payouts", ReadPayout(payout_id=payout_id))

    def payouts(
        self,
        *,
        created_from: datetime,
        created_before: datetime,
        account_did: str | None,
        status: str | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Awaitable[PayoutPage]:
        """Return one page of payouts in order of (created_at, payout_id), beginning behind `after` (POUT-008)."""
        message = ListPayouts(
            created_from=created_from,
            created_before=created_before,
            account_did=account_did,
            status=status,
            after=after,
            limit=limit,
        )
        return self._ask("payouts", message)

    def retry(self, payout_id: str, *, actor: str) -> Awaitable[Reply]:
        """Take the next step of a stuck payout at once (POUT-004)."""
        return self._ask("payouts", RetryPayout(payout_id=payout_id, actor=actor))

    def stuck(self, *, minutes: int, limit: int) -> Awaitable[Reply]:
        """Return the payouts that have waited for so many minutes (POUT-005)."""
        return self._ask("payouts", ReadStuckPayouts(minutes=minutes, limit=limit))

    def failed(self, *, limit: int) -> Awaitable[Reply]:
        """Return the latest payouts that failed (POUT-006)."""
        return self._ask("payouts", ReadFailedPayouts(limit=limit))

    def reconcile(self, day: str) -> Awaitable[Reply]:
        """Compare a UTC day that is over with Stripe, again if it was compared before."""
        return self._ask("payouts", ReconcileWithStripe(day=day))

    def reconciliation(self, day: str | None) -> Awaitable[Reply]:
        """Return the last comparison of a day, or a line for each."""
        return self._ask("payouts", ReadReconciliation(day=day))


class GovernanceHandle:
    """The actor that keeps configurations and the directory of contests."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def publish(
        self, *, config_id: str, config_json: str, config_sha256: str, actor: str, needs_validation: bool
    ) -> Awaitable[Reply]:
        """Publish a configuration's next version; its newest content again changes nothing (CFG-007)."""
        message = PublishConfig(
            config_id=config_id,
            config_json=config_json,
            config_sha256=config_sha256,
            actor=actor,
            needs_validation=needs_validation,
        )
        return self._ask("governance", message)

    def plan(self, *, contest_id: str, config_id: str, actor: str) -> Awaitable[Reply]:
        """Plan a contest on the newest version of a configuration."""
        return self._ask("governance", PlanContest(contest_id=contest_id, config_id=config_id, actor=actor))

    def directory(self) -> Awaitable[Listing]:
        """Return every published configuration and every planned contest."""
        return self._ask("governance", ReadDirectory())

    def revoke_token(self, *, jti: str, actor: str, reason: str) -> Awaitable[Reply]:
        """Let nobody in by the token of this id any more."""
        return self._ask("governance", RevokeToken(jti=jti, actor=actor, reason=reason))

    def revoked_tokens(self) -> Awaitable[Reply]:
        """Return the ids of all revoked tokens, as `revoked`."""
        return self._ask("governance", ReadRevokedTokens())
