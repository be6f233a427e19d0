"""A handle's method sends one message, to the one actor that it stands for, and gives back what came."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cutline.actors import handles
from cutline.actors.handles import (
    Ask,
    ContestHandle,
    FeedHandle,
    GovernanceHandle,
    LedgerHandle,
    PaymentsHandle,
    PayoutsHandle,
)
from cutline.engine.messages import (
    CancelContest,
    ChangePicks,
    ClaimIntent,
    CloseAccount,
    CreateContest,
    EnterContest,
    IngestSettlement,
    ListIntents,
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
    ReadTrail,
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
from cutline.engine.messages.untriggered import ReadPostedSettlements, ReadUntriggered, SettledContest

REFUSED = RefuseStripeEvent(event_id="evt_1", type="charge.failed", livemode=True, expected_livemode=False)

RECORDED = RecordStripeEvent(
    event_id="evt_2",
    type="charge.failed",
    api_version=None,
    livemode=False,
    created=1,
    account=None,
    object={},
    sha256="00",
    body=b"{}",
)
SETTLED: dict[str, Any] = {
    "idempotency_key": "k",
    "provider_reference": "wire-1",
    "account_did": "did:a",
    "amount_cents": 500,
    "currency": "usd",
    "day_cap_cents": 1000,
}
ENTERED: dict[str, Any] = {"entry_id": "e", "account_did": "did:a", "tiebreak": 7}
PUBLISHED: dict[str, Any] = {
    "config_id": "small",
    "config_json": "{}",
    "config_sha256": "00",
    "actor": "ada",
    "needs_validation": True,
}
UNHEARD = SettledContest(contest_id="c1", settled_at=datetime(2026, 4, 13, tzinfo=UTC), prizes=3)
CREATED = {"config_json": "{}", "config_sha256": "00"}
PLANNED = {"contest_id": "c1", "config_id": "small", "actor": "ada"}
CLAIMED = {"contest_id": "c1", "entry_id": "e", "principal": "did:a", "idempotency_key": "k"}
PAID_OUT: dict[str, Any] = {
    "payout_id": "po",
    "account_did": "did:a",
    "amount_cents": 500,
    "currency": "usd",
    "principal": "did:a",
    "idempotency_key": "k",
}
LISTED: dict[str, Any] = {
    "created_from": datetime(2026, 4, 1, tzinfo=UTC),
    "created_before": datetime(2026, 5, 1, tzinfo=UTC),
    "account_did": None,
    "status": "paid",
    "after": None,
    "limit": 5,
}
GIVEN_UP = {"actor": "admin:ada", "reason": "gone"}
OWN = {"entry_id": "e", "account_did": "did:a"}
REVOKED = {"jti": "a-token", "actor": "admin:ada", "reason": "lost"}
NETTED: dict[str, Any] = {
    "idempotency_key": "k",
    "currency": "usd",
    "selection_before": None,
    "limit": 3,
    "limit_default": 5,
}
RETRIED: dict[str, Any] = {"limit": 3, "force": True, "event_id": "evt_1"}

Use = Callable[[Ask], Awaitable[Any]]


def contest(ask: Ask) -> ContestHandle:
    return ContestHandle(ask, "c1")


USES: dict[str, tuple[Use, str, Any]] = {
    "LedgerHandle.record": (lambda ask: LedgerHandle(ask).record(RECORDED), "ledger", RECORDED),
    "LedgerHandle.record, of a refusal": (lambda ask: LedgerHandle(ask).record(REFUSED), "ledger", REFUSED),
    "LedgerHandle.ingest": (lambda ask: LedgerHandle(ask).ingest(**SETTLED), "ledger", IngestSettlement(**SETTLED)),
    "LedgerHandle.settlement": (
        lambda ask: LedgerHandle(ask).settlement("wire-1"),
        "ledger",
        ReadSettlement(provider_reference="wire-1"),
    ),
    "LedgerHandle.retry_forwarding": (
        lambda ask: LedgerHandle(ask).retry_forwarding(**RETRIED),
        "ledger",
        RetryForwarding(**RETRIED),
    ),
    "LedgerHandle.forwarding": (
        lambda ask: LedgerHandle(ask).forwarding([("evt_1", 2)]),
        "ledger",
        ReadForwarding(events=(("evt_1", 2),)),
    ),
    "LedgerHandle.account": (
        lambda ask: LedgerHandle(ask).account("did:a"),
        "ledger",
        ReadAccount(account_did="did:a"),
    ),
    "LedgerHandle.trial_balance": (lambda ask: LedgerHandle(ask).trial_balance(), "ledger", ReadTrialBalance()),
    "LedgerHandle.money_health": (lambda ask: LedgerHandle(ask).money_health(), "ledger", ReadMoneyHealth()),
    "LedgerHandle.trail": (lambda ask: LedgerHandle(ask).trail("did:a"), "ledger", ReadTrail(account_did="did:a")),
    "LedgerHandle.debts": (lambda ask: LedgerHandle(ask).debts("did:a"), "ledger", ReadDebts(account_did="did:a")),
    "LedgerHandle.write_off": (
        lambda ask: LedgerHandle(ask).write_off(loss_event_id="dp_1", **GIVEN_UP),
        "ledger",
        WriteOffDebt(loss_event_id="dp_1", **GIVEN_UP),
    ),
    "LedgerHandle.close_account": (
        lambda ask: LedgerHandle(ask).close_account(account_did="did:a", **GIVEN_UP),
        "ledger",
        CloseAccount(account_did="did:a", **GIVEN_UP),
    ),
    "LedgerHandle.run_netting": (
        lambda ask: LedgerHandle(ask).run_netting(**NETTED),
        "ledger",
        RunNetting(**NETTED),
    ),
    "LedgerHandle.retry_netting": (
        lambda ask: LedgerHandle(ask).retry_netting("r"),
        "ledger",
        RetryNetting(run_id="r"),
    ),
    "LedgerHandle.netting_run": (
        lambda ask: LedgerHandle(ask).netting_run("r"),
        "ledger",
        ReadNettingRun(run_id="r"),
    ),
    "LedgerHandle.netting_report": (
        lambda ask: LedgerHandle(ask).netting_report("r"),
        "ledger",
        ReadNettingReport(run_id="r"),
    ),
    "LedgerHandle.stranded_fees": (
        lambda ask: LedgerHandle(ask).stranded_fees(5),
        "ledger",
        ReadStrandedFees(older_than_minutes=5),
    ),
    "LedgerHandle.posted_settlements": (
        lambda ask: LedgerHandle(ask).posted_settlements(["c1"]),
        "ledger",
        ReadPostedSettlements(contest_ids=("c1",)),
    ),
    "PayoutsHandle.untriggered": (
        lambda ask: PayoutsHandle(ask).untriggered([UNHEARD], 30),
        "payouts",
        ReadUntriggered(settled=(UNHEARD,), older_than_minutes=30),
    ),
    "LedgerHandle.return_fee": (
        lambda ask: LedgerHandle(ask).return_fee("pi_1", 5),
        "ledger",
        ReturnStrandedFee(payment_intent="pi_1", older_than_minutes=5),
    ),
    "PaymentsHandle.intents": (
        lambda ask: PaymentsHandle(ask).intents(account_did="did:a", before=7, limit=2),
        "payments",
        ListIntents(account_did="did:a", before=7, limit=2),
    ),
    "PaymentsHandle.orphaned": (
        lambda ask: PaymentsHandle(ask).orphaned(5),
        "payments",
        ReadOrphanedIntents(older_than_minutes=5),
    ),
    "ContestHandle.create": (
        lambda ask: contest(ask).create(**CREATED),
        "contest/c1",
        CreateContest(contest_id="c1", **CREATED),
    ),
    "ContestHandle.read": (lambda ask: contest(ask).read(), "contest/c1", ReadContest()),
    "ContestHandle.cancel": (
        lambda ask: contest(ask).cancel(actor="ada", reason="rain"),
        "contest/c1",
        CancelContest(actor="ada", reason="rain"),
    ),
    "ContestHandle.enter": (
        lambda ask: contest(ask).enter(picks=["A", "B"], **ENTERED),
        "contest/c1",
        EnterContest(picks=("A", "B"), **ENTERED),
    ),
    "ContestHandle.entry": (lambda ask: contest(ask).entry("e"), "contest/c1", ReadEntry(entry_id="e")),
    "ContestHandle.withdraw": (lambda ask: contest(ask).withdraw(**OWN), "contest/c1", WithdrawEntry(**OWN)),
    "ContestHandle.ingestion": (lambda ask: contest(ask).ingestion(), "contest/c1", ReadIngestion()),
    "ContestHandle.settlement_audit": (
        lambda ask: contest(ask).settlement_audit(),
        "contest/c1",
        ReadSettlementAudit(),
    ),
    "FeedHandle.read": (lambda ask: FeedHandle(ask, "event").read(7), "feed/event", ReadFeed(applied=7)),
    "FeedHandle.poll_at_once": (lambda ask: FeedHandle(ask, "event").poll_at_once(), "feed/event", PollAtOnce()),
    "ContestHandle.entries": (
        lambda ask: contest(ask).entries(["e", "f"]),
        "contest/c1",
        ReadEntries(entry_ids=("e", "f")),
    ),
    "ContestHandle.change_picks": (
        lambda ask: contest(ask).change_picks(picks=["A", "B"], **ENTERED),
        "contest/c1",
        ChangePicks(picks=("A", "B"), **ENTERED),
    ),
    "PaymentsHandle.intent": (
        lambda ask: PaymentsHandle(ask).intent(contest_id="c1", entry_id="e"),
        "payments",
        ReadIntent(contest_id="c1", entry_id="e"),
    ),
    "PaymentsHandle.claim": (lambda ask: PaymentsHandle(ask).claim(**CLAIMED), "payments", ClaimIntent(**CLAIMED)),
    "PayoutsHandle.onboard": (
        lambda ask: PayoutsHandle(ask).onboard(account_did="did:a", email="a@example.org"),
        "payouts",
        OnboardAccount(account_did="did:a", email="a@example.org"),
    ),
    "PayoutsHandle.transfers": (
        lambda ask: PayoutsHandle(ask).transfers("c1"),
        "payouts",
        ReadTransfers(contest_id="c1"),
    ),
    "PayoutsHandle.reconcile": (
        lambda ask: PayoutsHandle(ask).reconcile("2026-04-09"),
        "payouts",
        ReconcileWithStripe(day="2026-04-09"),
    ),
    "PayoutsHandle.reconciliation": (
        lambda ask: PayoutsHandle(ask).reconciliation("2026-04-09"),
        "payouts",
        ReadReconciliation(day="2026-04-09"),
    ),
    "LedgerHandle.lock_payout": (
        lambda ask: LedgerHandle(ask).lock_payout(**PAID_OUT),
        "ledger",
        LockPayout(**PAID_OUT),
    ),
    "PayoutsHandle.admit": (
        lambda ask: PayoutsHandle(ask).admit(payout_id="po", account_did="did:a"),
        "payouts",
        AdmitPayout(payout_id="po", account_did="did:a"),
    ),
    "PayoutsHandle.payout": (lambda ask: PayoutsHandle(ask).payout("po"), "payouts", ReadPayout(payout_id="po")),
    "PayoutsHandle.payouts": (lambda ask: PayoutsHandle(ask).payouts(**LISTED), "payouts", ListPayouts(**LISTED)),
    "PayoutsHandle.retry": (
        lambda ask: PayoutsHandle(ask).retry("po", actor="ada"),
        "payouts",
        RetryPayout(payout_id="po", actor="ada"),
    ),
    "PayoutsHandle.stuck": (
        lambda ask: PayoutsHandle(ask).stuck(minutes=60, limit=5),
        "payouts",
        ReadStuckPayouts(minutes=60, limit=5),
    ),
    "PayoutsHandle.failed": (
        lambda ask: PayoutsHandle(ask).failed(limit=5),
        "payouts",
        ReadFailedPayouts(limit=5),
    ),
    "GovernanceHandle.revoke_token": (
        lambda ask: GovernanceHandle(ask).revoke_token(jti="j", **GIVEN_UP),
        "governance",
        RevokeToken(jti="j", **GIVEN_UP),
    ),
    "GovernanceHandle.revoked_tokens": (
        lambda ask: GovernanceHandle(ask).revoked_tokens(),
        "governance",
        ReadRevokedTokens(),
    ),
    "GovernanceHandle.publish": (
        lambda ask: GovernanceHandle(ask).publish(**PUBLISHED),
        "governance",
        PublishConfig(**PUBLISHED),
    ),
    "GovernanceHandle.plan": (lambda ask: GovernanceHandle(ask).plan(**PLANNED), "governance", PlanContest(**PLANNED)),
    "GovernanceHandle.directory": (lambda ask: GovernanceHandle(ask).directory(), "governance", ReadDirectory()),
}


@pytest.mark.parametrize(("use", "address", "message"), USES.values(), ids=USES)
async def test_a_method_sends_one_message_and_gives_back_its_reply(use: Use, address: str, message: Any) -> None:
    asked: list[tuple[str, Any]] = []
    reply = {"said": "so"}

    async def ask(to: str, question: Any) -> Any:
        asked.append((to, question))
        return reply

    assert await use(ask) is reply
    assert asked == [(address, message)]


async def test_a_refusal_of_the_actor_reaches_the_caller() -> None:
    async def refuse(to: str, question: Any) -> Any:
        raise LookupError(to, question)

    with pytest.raises(LookupError, match="ledger"):
        await LedgerHandle(refuse).trial_balance()


def test_every_method_of_every_handle_is_tried_here() -> None:
    found = {
        f"{name}.{method}"
        for name, handle in inspect.getmembers(handles, inspect.isclass)
        if name.endswith("Handle")
        for method, _ in inspect.getmembers(handle, inspect.isfunction)
        if not method.startswith("_")
    }
    assert found == {use.partition(",")[0] for use in USES}
