"""Winners who are gone, here or at Stripe: their transfers end by name, and the money is theirs or in suspense."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.errors import RejectCode
from cutline.engine.ledger.transfers import abandon_transfer
from cutline.engine.messages import (
    AbandonTransfer,
    CloseAccount,
    LockTransfer,
    PayWinners,
    ReadTransfers,
    RecordStripeEvent,
    WinningsUnpayable,
)
from tests.engine.driver import types
from tests.engine.payout.bank import ACCOUNT, DID, READY, Bank, lock

UNABLE = READY | {"capabilities": {"transfers": "inactive"}, "payouts_enabled": False}
CLOSE = CloseAccount(account_did=DID, actor="admin:ada", reason="deleted")
ABANDON = AbandonTransfer(
    contest_id="c1", entry_id="e1", account_did=DID, amount_cents=4000, currency="usd", reason="holder_closed"
)


@pytest.fixture
def bank() -> Bank:
    return Bank()


def transfer(bank: Bank, contest_id: str = "c1") -> dict[str, Any]:
    bank.payouts.send(ReadTransfers(contest_id=contest_id), bank.now)
    (found,) = bank.payouts.reply
    return dict(found)


def wait(bank: Bank) -> None:
    """Let time pass until payouts look at the clock."""
    due = bank.payouts.machine.due_at(bank.payouts.state)
    assert due is not None
    bank.now = due
    bank.payouts.look(bank.now)


def told(bank: Bank) -> list[WinningsUnpayable]:
    return bank.ledger.messages(WinningsUnpayable)


# Gone at Stripe ----------------------------------------------------------------------------------------------------


def refuse_account(bank: Bank, operation: str) -> None:
    """Let Stripe say that there is no such account for us, as it does of one that was closed or disconnected."""
    bank.break_off(operation, "final", code="account_invalid")


def end_by_refusal(bank: Bank) -> None:
    refuse_account(bank, "retrieve_account")
    refuse_account(bank, "create_transfer")
    bank.answer("find_transfers", {"data": []})


def test_winnings_for_an_account_that_stripe_has_closed_end_and_are_paid_later_when_asked_for(bank: Bank) -> None:
    """POUT-036, POUT-043, POUT-045: failed for good by Stripe's code, the money available, and nothing left to ask."""
    bank.onboard(UNABLE)
    bank.win()
    assert (transfer(bank)["status"], bank.funds()) == ("pending", (4000, 0))
    end_by_refusal(bank)
    ended = transfer(bank)
    assert (ended["status"], ended["reason"], bank.funds()) == ("failed_terminal", "account_invalid", (4000, 0))
    assert [(one.entry_id, one.reason) for one in told(bank)] == [("e1", "account_invalid")]
    assert list(bank.payouts.state.calls.calls) == ["payout:account-link:did:a"]
    bank.report()
    bank.send("ledger", lock(cents=4000))
    assert bank.call("create_transfer").parameters["transfer_group"] == "payout:p1"
    bank.assert_replays()


def test_an_account_that_its_owner_disconnects_is_looked_at_at_once(bank: Bank) -> None:
    """POUT-043: the webhook's object is the application, and the account stands beside it."""
    bank.onboard(READY | {"capabilities": {"transfers": "active"}})
    bank.report(transfers=False)
    bank.win()
    bank.answer("retrieve_account", READY | {"capabilities": {"transfers": "inactive"}})
    event = RecordStripeEvent(
        event_id="evt_gone",
        type="account.application.deauthorized",
        api_version=None,
        livemode=False,
        created=int(bank.now.timestamp()),
        account=ACCOUNT,
        object={"id": "ca_1", "object": "application"},
        sha256="0" * 64,
        body=b"{}",
    )
    bank.send("ledger", event)
    assert bank.payouts.state.accounts[DID].payouts_enabled is False
    assert transfer(bank)["status"] == "pending"


def test_a_transfer_whose_money_is_held_ends_as_well(bank: Bank) -> None:
    bank.onboard()
    bank.win()
    bank.report(transfers=False, payouts=False)
    assert transfer(bank)["status"] == "processing"
    bank.win("c2")
    end_by_refusal(bank)
    assert transfer(bank, "c2")["status"] == "failed_terminal"


def test_an_account_that_is_there_again_is_asked_and_paid(bank: Bank) -> None:
    """Stripe may show it again without telling: the next winnings ask first."""
    bank.onboard(UNABLE)
    bank.win()
    end_by_refusal(bank)
    bank.win("c2")
    bank.answer("retrieve_account", UNABLE)
    assert transfer(bank, "c2")["status"] == "pending"
    bank.now += timedelta(minutes=30)
    bank.payouts.look(bank.now)
    bank.answer("retrieve_account", READY)
    bank.answer("create_transfer", {"id": "tr_2"})
    assert transfer(bank, "c2")["status"] == "completed"
    bank.assert_replays()


def test_a_payout_that_waits_for_a_lost_account_is_given_back(bank: Bank) -> None:
    """POUT-014: Stripe refuses it by name, and cannot show what an account that is gone has made."""
    bank.onboard()
    bank.credit(5000, at_stripe=True)
    bank.report(payouts=False)
    bank.send("ledger", lock())
    assert bank.funds() == (3800, 1200)
    refuse_account(bank, "retrieve_account")
    refuse_account(bank, "create_payout")
    refuse_account(bank, "find_payouts")
    assert (bank.payout()["status"], bank.payout()["reason"]) == ("failed", "account_invalid")
    assert bank.funds() == (5000, 0)
    bank.assert_replays()


@pytest.mark.parametrize("lost_first", [True, False])
def test_an_unclear_payout_from_a_lost_account_stays_held(bank: Bank, lost_first: bool) -> None:
    """Money that may have left is not given back because Stripe shows nothing; a look that fails proves nothing."""
    bank.onboard()
    bank.credit(5000, at_stripe=True)
    bank.send("ledger", lock())
    if lost_first:
        bank.break_off("create_payout", "retry_same_key", moved="unknown", code="connection_lost")
        wait(bank)
        refuse_account(bank, "create_payout")
        wait(bank)
        refuse_account(bank, "find_payouts")
        assert (bank.payout()["status"], bank.funds()) == ("submitted", (3800, 1200))
        return
    refuse_account(bank, "create_payout")
    bank.break_off("find_payouts", "retry_same_key", code="connection_lost")
    assert bank.funds() == (3800, 1200)
    wait(bank)
    refuse_account(bank, "find_payouts")
    assert (bank.payout()["status"], bank.funds()) == ("failed", (5000, 0))


# Gone here ---------------------------------------------------------------------------------------------------------


def in_suspense(bank: Bank) -> None:
    assert (bank.funds(), bank.balance("suspense")) == ((0, 0), -4000)
    assert (transfer(bank)["status"], transfer(bank)["reason"]) == ("failed_terminal", "holder_closed")
    assert [(one.contest_id, one.entry_id) for one in told(bank)] == [("c1", "e1")]
    assert bank.ledger.state.payouts.awaiting_cents(DID, "usd") == 0
    assert bank.calls("create_transfer") == []
    bank.redeliver()
    assert (bank.funds(), bank.balance("suspense"), len(told(bank))) == ((0, 0), -4000, 1)
    bank.assert_replays()


def test_winnings_that_wait_for_a_holder_who_is_gone_end_in_suspense(bank: Bank) -> None:
    """POUT-043, POUT-049: closed after the settlement, before the account was ready."""
    bank.onboard(UNABLE)
    bank.win()
    bank.send("ledger", CLOSE)
    in_suspense(bank)


def test_winnings_of_a_holder_who_is_gone_already_end_in_suspense(bank: Bank) -> None:
    """POUT-043: closed before the settlement; nothing is asked of Stripe for them."""
    bank.credit(1)
    bank.send("ledger", CLOSE)
    bank.win()
    assert bank.balance("suspense") == -4001
    assert transfer(bank)["status"] == "failed_terminal"
    assert len(told(bank)) == 1
    bank.assert_replays()


def test_winnings_that_are_held_when_their_holder_goes_are_released_into_suspense(bank: Bank) -> None:
    """POUT-043: the money was held, and Stripe not called, for the account had become unable meanwhile."""
    bank.onboard()
    bank.post_settlement()
    bank.payouts.send(bank.ledger.messages(PayWinners)[0], bank.now)
    bank.report(transfers=False, payouts=False)
    assert (transfer(bank)["status"], transfer(bank)["locked"], bank.funds()) == ("pending", True, (0, 4000))
    bank.send("ledger", CLOSE)
    in_suspense(bank)


def test_a_lock_that_arrives_after_the_end_holds_nothing(bank: Bank) -> None:
    """The mail may turn around: what ended first stays ended, and the lock is owed no more."""
    bank.onboard(UNABLE)
    bank.win()
    bank.ledger.send(ABANDON, bank.now)
    assert types([recorded.event for recorded in bank.ledger.log])[-1] == "TransferEndedUnlocked"
    late = LockTransfer(contest_id="c1", entry_id="e1", account_did=DID, amount_cents=4000, currency="usd")
    assert bank.ledger.send(late, bank.now) == []
    assert bank.ledger.send(ABANDON, bank.now) == []
    assert bank.funds() == (4000, 0)


def test_a_transfer_that_nobody_won_is_not_ended(bank: Bank) -> None:
    refused = abandon_transfer(bank.ledger.state, ABANDON, bank.now)
    assert getattr(refused, "code", None) is RejectCode.SETTLEMENT_NOT_READY


def test_what_stripe_was_asked_for_goes_on(bank: Bank) -> None:
    """Whether the transfer was made is Stripe's to say; what comes back of it goes to suspense."""
    bank.onboard()
    bank.win()
    bank.send("ledger", CLOSE)
    assert transfer(bank)["status"] == "processing"
    bank.break_off("create_transfer", "final", code="account_invalid")
    bank.answer("find_transfers", {"data": []})
    assert (bank.funds(), bank.balance("suspense")) == ((0, 0), -4000)
    assert transfer(bank)["reason"] == "account_invalid"
