"""From a settlement to its transfers: what a message lost on the way changes, which is nothing."""

from __future__ import annotations

from cutline.engine.messages import PayWinners, ReadTransfers
from tests.engine.payout.bank import Bank


def test_a_settlement_owes_its_transfers_until_they_are_planned_and_plans_them_once() -> None:
    """POUT-030, POUT-042, POUT-050: committed with the settlement, owed again after a restart, planned by the first."""
    bank = Bank()
    bank.onboard()
    bank.post_settlement()
    again = bank.ledger.replayed()
    assert again.messages(PayWinners) == bank.ledger.messages(PayWinners) != []
    bank.payouts.send(ReadTransfers(), bank.now)
    assert bank.payouts.reply == ()
    for _ in range(10):
        bank.redeliver()
    assert [call.idempotency_key for call in bank.calls("create_transfer")] == ["payout:transfer:c1:e1"]
    bank.answer("create_transfer", {"id": "tr_1"})
    bank.redeliver()
    assert (len(bank.calls("create_transfer")), bank.postings("transfer_completed")) == (1, 1)
    bank.assert_replays()
