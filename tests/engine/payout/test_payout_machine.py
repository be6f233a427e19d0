"""Connected accounts and transfers: one transfer for each winning entry, and none before its money is held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.messages import (
    AccountReported,
    CallStripe,
    CompleteTransfer,
    FailTransfer,
    LockTransfer,
    OnboardAccount,
    PayWinners,
    Prize,
    ReadTransfers,
    StripeAnswered,
    TransferLocked,
)
from cutline.engine.payout.lifecycle import TRANSFERS, TransferFact, TransferStatus, next_transfer
from cutline.engine.payout.machine import PayoutMachine
from cutline.engine.stripe_call import KEY_LIFETIME
from tests.engine.driver import File, types

NOW = datetime(2026, 4, 13, 1, 0, tzinfo=UTC)
PAY = PayWinners(
    contest_id="c1",
    currency="usd",
    prizes=(
        Prize(entry_id="e1", account_did="did:a", amount_cents=4000),
        Prize(entry_id="e2", account_did="did:a", amount_cents=500),
    ),
)
LOCKED = TransferLocked(contest_id="c1", entry_id="e1", head="ab" * 32)
READY = {"id": "acct_1", "capabilities": {"transfers": "active"}, "payouts_enabled": True}
NEW = {"id": "acct_1", "capabilities": {"transfers": "inactive"}}
ABLE = AccountReported(stripe_account_id="acct_1", transfers_active=True, payouts_enabled=True, event_id="evt_1")
KEY = "payout:transfer:c1:e1"


@pytest.fixture
def payouts() -> File:
    return File(PayoutMachine(onboarding_url="https://example.test/onboarding/"))


def call_of(file: File, operation: str) -> CallStripe:
    """Return the last call of an operation."""
    calls = [call for call in file.effects if call.operation == operation]
    assert calls, f"{operation} was not called"
    call = calls[-1]
    assert isinstance(call, CallStripe)
    return call


def done(file: File, operation: str, obj: Mapping[str, Any]) -> StripeAnswered:
    call = call_of(file, operation)
    return StripeAnswered(subject=call.subject, attempt=call.attempt, operation=operation, succeeded=True, object=obj)


def broken(file: File, operation: str, kind: Any, moved: Any = "no", code: str = "some_code") -> StripeAnswered:
    call = call_of(file, operation)
    return StripeAnswered(
        subject=call.subject,
        attempt=call.attempt,
        operation=operation,
        succeeded=False,
        kind=kind,
        code=code,
        message="no",
        money_moved=moved,
    )


def transfer(entry: str = "e1", number: int = 1) -> dict[str, Any]:
    return {"id": f"tr_{number}", "metadata": {"contest_id": "c1", "entry_id": entry}}


def onboarded(file: File, account: Mapping[str, Any] = READY) -> File:
    file.send(OnboardAccount(account_did="did:a", email="a@example.test"), NOW)
    file.send(done(file, "create_account", account), NOW)
    return file


def called(file: File) -> File:
    """Bring the first transfer to its call."""
    onboarded(file)
    file.send(PAY, NOW)
    file.send(LOCKED, NOW)
    return file


def transfers(file: File) -> list[CallStripe]:
    return [call for call in file.effects if call.operation == "create_transfer"]


def status_of(file: File, entry: str = "e1") -> dict[str, Any]:
    file.send(ReadTransfers(contest_id="c1"), NOW)
    (found,) = (one for one in file.reply if one["entry_id"] == entry)
    return dict(found)


def test_an_account_is_made_once_and_its_link_renewed_when_it_is_over(payouts: File) -> None:
    onboard = OnboardAccount(account_did="did:a")
    payouts.send(onboard, NOW)
    assert call_of(payouts, "create_account").idempotency_key == "payout:account:did:a"
    assert payouts.send(onboard, NOW) == []
    payouts.send(done(payouts, "create_account", NEW), NOW)
    link = call_of(payouts, "create_account_link")
    assert link.parameters["return_url"] == "https://example.test/onboarding/return"
    expires = int(NOW.timestamp()) + 300
    payouts.send(done(payouts, "create_account_link", {"url": "https://l/1", "expires_at": expires}), NOW)
    payouts.send(onboard, NOW)
    assert (payouts.reply["status"], payouts.reply["onboarding_url"]) == ("onboarding", "https://l/1")
    payouts.send(onboard, NOW + timedelta(minutes=6))
    assert call_of(payouts, "create_account_link").idempotency_key == "payout:account-link:did:a:2"
    payouts.send(broken(payouts, "create_account_link", "final"), NOW + timedelta(minutes=6))
    payouts.send(ABLE, NOW)
    payouts.send(onboard, NOW)
    assert (payouts.reply["status"], payouts.reply["payouts_enabled"]) == ("ready", True)
    payouts.assert_replays()


def test_an_account_that_stripe_refused_is_attempted_anew_when_asked_again(payouts: File) -> None:
    payouts.send(OnboardAccount(account_did="did:a"), NOW)
    payouts.send(broken(payouts, "create_account", "final"), NOW)
    payouts.send(OnboardAccount(account_did="did:a"), NOW)
    assert call_of(payouts, "create_account").idempotency_key == "payout:account:did:a:2"


def test_a_winner_without_a_ready_account_is_pending_and_no_call_is_made(payouts: File) -> None:
    payouts.send(PAY, NOW)
    assert payouts.effects == []
    assert payouts.owed == []
    onboarded(payouts, NEW)
    assert payouts.messages(LockTransfer) == []
    payouts.send(ABLE, NOW)
    assert [lock.entry_id for lock in payouts.messages(LockTransfer)] == ["e1", "e2"]
    assert transfers(payouts) == []
    assert status_of(payouts)["status"] == "pending"


def test_a_lost_webhook_about_an_account_delays_its_winnings_and_no_more(payouts: File) -> None:
    onboarded(payouts, NEW)
    payouts.send(PAY, NOW)
    payouts.send(done(payouts, "retrieve_account", NEW), NOW)
    payouts.look(NOW + timedelta(minutes=15))
    payouts.send(done(payouts, "retrieve_account", READY), NOW + timedelta(minutes=15))
    assert len(payouts.messages(LockTransfer)) == 2
    assert "payout:account-check:did:a" not in payouts.state.calls.calls
    payouts.assert_replays()


def test_a_webhook_before_the_account_is_known_is_remembered(payouts: File) -> None:
    payouts.send(ABLE, NOW)
    assert payouts.send(ABLE, NOW) == []
    onboarded(payouts, NEW)
    payouts.send(PAY, NOW)
    assert len(payouts.messages(LockTransfer)) == 2


def test_stripe_is_called_only_when_the_money_is_held_and_with_the_exact_parameters(payouts: File) -> None:
    """POUT-032."""
    onboarded(payouts)
    payouts.send(PAY, NOW)
    assert transfers(payouts) == []
    assert types(payouts.send(LOCKED, NOW)) == ["FundsLocked", "AttemptStarted"]
    call = call_of(payouts, "create_transfer")
    assert call.idempotency_key == KEY
    assert call.parameters == {
        "amount": 4000,
        "currency": "usd",
        "destination": "acct_1",
        "transfer_group": "c1",
        "metadata": {"contest_id": "c1", "entry_id": "e1", "account_did": "did:a", "ledger_head": "ab" * 32},
    }
    assert payouts.send(LOCKED, NOW) == []
    payouts.send(done(payouts, "create_transfer", transfer()), NOW)
    (told,) = payouts.messages(CompleteTransfer)
    assert (told.stripe_transfer_id, told.stripe_account_id, told.amount_cents) == ("tr_1", "acct_1", 4000)
    assert status_of(payouts)["status"] == "completed"
    assert payouts.send(LOCKED, NOW) == []
    payouts.assert_replays()


def test_winners_are_planned_once_and_other_prizes_refused(payouts: File) -> None:
    """POUT-044, POUT-050."""
    payouts.send(PAY, NOW)
    assert payouts.send(PAY, NOW) == []
    other = replace(PAY, prizes=PAY.prizes[:1])
    assert payouts.refuse(other, NOW).code is RejectCode.IDEMPOTENCY_KEY_REUSED
    for wrong in ((replace(PAY.prizes[0], amount_cents=0),), PAY.prizes[:1] * 2):
        refusal = payouts.refuse(PayWinners(contest_id="c2", currency="usd", prizes=wrong), NOW)
        assert refusal.code is RejectCode.REQUEST_INVALID
    assert payouts.refuse(replace(LOCKED, entry_id="e9"), NOW).code is RejectCode.NOT_FOUND


def test_an_account_that_became_unable_holds_its_transfer_back(payouts: File) -> None:
    onboarded(payouts)
    payouts.send(PAY, NOW)
    payouts.send(replace(ABLE, transfers_active=False, event_id="evt_2"), NOW)
    assert types(payouts.send(LOCKED, NOW)) == ["FundsLocked"]
    payouts.send(replace(ABLE, event_id="evt_3"), NOW)
    assert len(transfers(payouts)) == 1


def test_a_time_out_repeats_the_same_key(payouts: File) -> None:
    """T1, POUT-033, POUT-037, POUT-038."""
    called(payouts)
    payouts.send(broken(payouts, "create_transfer", "retry_same_key", "unknown"), NOW)
    waiting = status_of(payouts)
    assert (waiting["status"], waiting["attempts"]) == ("retryable", 1)
    assert waiting["next_attempt_at"] == NOW + timedelta(seconds=2)
    payouts.look(NOW + timedelta(seconds=2))
    first, second = transfers(payouts)
    assert first == second
    payouts.send(done(payouts, "create_transfer", transfer()), NOW)
    assert payouts.send(done(payouts, "create_transfer", transfer()), NOW) == []
    assert len(payouts.messages(CompleteTransfer)) == 1


def test_too_little_balance_waits_with_a_new_attempt_and_blocks_nobody(payouts: File) -> None:
    """T7."""
    called(payouts)
    payouts.send(broken(payouts, "create_transfer", "later_new_attempt", code="balance_insufficient"), NOW)
    payouts.send(replace(LOCKED, entry_id="e2"), NOW)
    payouts.send(done(payouts, "create_transfer", transfer("e2", 2)), NOW)
    assert status_of(payouts, "e2")["status"] == "completed"
    assert status_of(payouts)["reason"] == "balance_insufficient"
    payouts.look(NOW + timedelta(minutes=15))
    call = call_of(payouts, "create_transfer")
    assert (call.attempt, call.idempotency_key) == (2, f"{KEY}:2")
    assert call.parameters == transfers(payouts)[0].parameters
    payouts.assert_replays()


def test_a_final_refusal_is_believed_after_a_look(payouts: File) -> None:
    """POUT-036, POUT-039, POUT-046: before money goes back to its winner, Stripe is asked whether a transfer exists."""
    called(payouts)
    payouts.send(broken(payouts, "create_transfer", "final", code="account_invalid"), NOW)
    assert call_of(payouts, "find_transfers").parameters == {"transfer_group": "c1"}
    payouts.send(done(payouts, "find_transfers", {"data": [transfer("e2")]}), NOW)
    (told,) = payouts.messages(FailTransfer)
    assert told.reason == "account_invalid"
    assert status_of(payouts)["status"] == "failed_terminal"
    payouts.assert_replays()


def test_a_final_refusal_after_an_unclear_answer_finds_the_transfer_that_was_made(payouts: File) -> None:
    """I4: the first call had its effect, the second was refused for another reason."""
    called(payouts)
    payouts.send(broken(payouts, "create_transfer", "retry_same_key", "unknown"), NOW)
    payouts.look(NOW + timedelta(seconds=2))
    payouts.send(broken(payouts, "create_transfer", "final"), NOW)
    assert payouts.messages(FailTransfer) == []
    payouts.look(NOW + timedelta(hours=1))
    payouts.send(done(payouts, "find_transfers", {"data": [transfer()]}), NOW)
    assert [told.stripe_transfer_id for told in payouts.messages(CompleteTransfer)] == ["tr_1"]


@pytest.mark.parametrize("found", [True, False])
def test_after_a_day_of_doubt_transfers_are_listed_before_anything_is_made(payouts: File, found: bool) -> None:
    """T3."""
    called(payouts)
    payouts.send(broken(payouts, "create_transfer", "retry_same_key", "unknown"), NOW)
    later = NOW + KEY_LIFETIME
    payouts.look(later)
    assert len(transfers(payouts)) == 1
    payouts.send(broken(payouts, "find_transfers", "retry_same_key"), later)
    payouts.look(later + timedelta(hours=1))
    payouts.send(done(payouts, "find_transfers", {"data": [transfer()] if found else []}), later)
    assert len(payouts.messages(CompleteTransfer)) == int(found)
    assert [call.idempotency_key for call in transfers(payouts)] == ([KEY] if found else [KEY, f"{KEY}:2"])
    payouts.assert_replays()


def test_a_crash_repeats_what_was_under_way_but_never_an_old_key(payouts: File) -> None:
    called(payouts)
    again = payouts.replayed()
    assert again.machine.resume(again.state, NOW) == [call_of(payouts, "create_transfer")]
    assert again.machine.resume(again.state, NOW + KEY_LIFETIME) == []
    again.pure = True
    again.look(NOW + KEY_LIFETIME)
    assert again.effects[-1].operation == "find_transfers"


def test_an_answer_without_an_id_is_no_proof(payouts: File) -> None:
    called(payouts)
    payouts.send(done(payouts, "create_transfer", {}), NOW)
    assert status_of(payouts)["status"] == "retryable"
    assert payouts.messages(CompleteTransfer) == []


def test_payouts_refuse_to_guess_at_a_foreign_message(payouts: File) -> None:
    with pytest.raises(InvariantViolated):
        payouts.send("nonsense", NOW)


@pytest.mark.parametrize("status", TransferStatus)
@pytest.mark.parametrize("fact", TransferFact)
def test_every_pair_of_transfer_status_and_fact_is_in_the_table_or_a_bug(
    status: TransferStatus, fact: TransferFact
) -> None:
    legal = {
        TransferStatus.PENDING: {
            TransferFact.LOCK_REQUESTED,
            TransferFact.LOCKED,
            TransferFact.CALLED,
            TransferFact.ABANDONED,
        },
        TransferStatus.PROCESSING: {
            TransferFact.CALLED,
            TransferFact.DEFERRED,
            TransferFact.COMPLETED,
            TransferFact.FAILED,
        },
        TransferStatus.RETRYABLE: {TransferFact.CALLED, TransferFact.COMPLETED},
        TransferStatus.COMPLETED: set(),
        TransferStatus.FAILED_TERMINAL: set(),
    }
    assert ((status, fact) in TRANSFERS) == (fact in legal[status])
    if fact not in legal[status]:
        with pytest.raises(InvariantViolated):
            next_transfer(status, fact)
