"""A handle's method sends one message, to the one actor that it stands for, and gives back what came."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cutline.actors import handles
from cutline.actors.handles import (
    Ask,
    ContestHandle,
    GovernanceHandle,
    LedgerHandle,
    PaymentsHandle,
    PayoutsHandle,
)
from cutline.engine.messages import (
    CancelContest,
    ChangePicks,
    ClaimIntent,
    CreateContest,
    EnterContest,
    IngestSettlement,
    OnboardAccount,
    PlanContest,
    PublishConfig,
    ReadAccount,
    ReadContest,
    ReadDirectory,
    ReadEntries,
    ReadEntry,
    ReadForwarding,
    ReadIntent,
    ReadMoneyHealth,
    ReadSettlement,
    ReadTransfers,
    ReadTrialBalance,
    RecordStripeEvent,
    RefuseStripeEvent,
    RetryForwarding,
    WithdrawEntry,
)

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
PUBLISHED = {"config_id": "small", "config_json": "{}", "config_sha256": "00", "actor": "ada"}
CREATED = {"config_json": "{}", "config_sha256": "00"}
PLANNED = {"contest_id": "c1", "config_id": "small", "actor": "ada"}
CLAIMED = {"contest_id": "c1", "entry_id": "e", "principal": "did:a", "idempotency_key": "k"}
OWN = {"entry_id": "e", "account_did": "did:a"}
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
