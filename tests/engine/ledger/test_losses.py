"""Money that goes back: disputes freeze and are won or lost, debts are written off, closed accounts keep nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.errors import RejectCode
from cutline.engine.ledger.events import DeadLettered
from cutline.engine.ledger.state import balances
from cutline.engine.messages import (
    CloseAccount,
    CompleteTransfer,
    FailTransfer,
    LockTransfer,
    PostTransaction,
    RaiseAlert,
    ReadDebts,
    ReadMoneyHealth,
    RetryForwarding,
    WriteOffDebt,
)
from tests.engine.ledger.books import NOW, Books, paid
from tests.engine.ledger.setbacks import HOLDER, SETTLE, WON, dispute, play, refund, reversal, transfer, win

WRITE_OFF = WriteOffDebt(loss_event_id="dp_1", actor="admin:ada", reason="gone")
CLOSE = CloseAccount(account_did=HOLDER, actor="admin:ada", reason="deleted")


@pytest.fixture
def books() -> Books:
    return Books()


def alerts(decision: Any) -> list[str]:
    return [effect.name for effect in decision.effects if isinstance(effect, RaiseAlert)]


def debts(books: Books) -> Any:
    return books.accept(ReadDebts(account_did=HOLDER)).reply


def test_a_dispute_is_booked_when_stripe_withdraws_whichever_event_says_so_first(books: Books) -> None:
    """DISP-002: the same effect by three events is one posting; before the money moves there is none."""
    play(books)
    assert books.accept(dispute("created")).reply["outcome"] == "recorded"
    taken = books.accept(dispute("funds_withdrawn"))
    assert (taken.reply["outcome"], alerts(taken)) == ("posted", ["dispute_opened"])
    assert books.accept(dispute("updated")).reply["outcome"] == "duplicate_effect"
    assert books.balance("disputes:dp_1") == 2500
    assert books.owed_types().count("IntentReported") == 2, "a dispute is no word about its payment (LOSS-023)"


def test_a_dispute_freezes_what_its_payer_has_and_tops_up_from_later_credits(books: Books) -> None:
    """LED-021: min(A, amount), then from every credit until it suffices; the rest stays usable."""
    play(books)
    books.accept(
        PostTransaction(
            idempotency_key="k1",
            effect_key="in",
            kind="gift",
            currency="usd",
            legs=(("clearing:provider", 700), (f"user:{HOLDER}:available", -700)),
            occurred_at=NOW,
        )
    )
    books.accept(dispute("funds_withdrawn"))
    assert balances(books.state, HOLDER, "usd") == (0, 700)
    books.accept(SETTLE)
    assert balances(books.state, HOLDER, "usd") == (2200, 2500)
    assert debts(books)["disputes"][0]["frozen_cents"] == 2500
    books.accept(dispute("won"))
    assert balances(books.state, HOLDER, "usd") == (4700, 0)
    assert debts(books) == {"debts": [], "disputes": []}


def test_two_disputes_are_served_in_order_and_what_one_gives_back_goes_to_the_other(books: Books) -> None:
    play(books)
    books.accept(dispute("funds_withdrawn"))
    other = {"id": "dp_2", "charge": "ch_e1"}
    books.accept(dispute("funds_withdrawn", "evt_w2", **other))
    books.accept(SETTLE)
    assert [one["frozen_cents"] for one in debts(books)["disputes"]] == [2500, 1500]
    books.accept(dispute("won"))
    assert [one["frozen_cents"] for one in debts(books)["disputes"]] == [2500]
    assert balances(books.state, HOLDER, "usd") == (1500, 2500)


def test_a_lost_dispute_is_a_debt_and_its_hold_stays_until_the_write_off(books: Books) -> None:
    """DISP-004: the entry plays on; only `receivable` carries the debt."""
    win(books)
    books.accept(dispute("funds_withdrawn"))
    ended = books.accept(dispute("lost"))
    assert alerts(ended) == ["dispute_lost"]
    [debt] = debts(books)["debts"]
    assert (debt["status"], debt["amount_cents"], debt["frozen_cents"], debt["cause"]) == (
        "owed", 2500, 2500, "dispute",
    )  # fmt: skip
    assert balances(books.state, HOLDER, "usd") == (1500, 2500)
    books.accept(WRITE_OFF)
    assert balances(books.state, HOLDER, "usd") == (1500, 0)
    assert (books.balance(f"receivable:{HOLDER}"), books.balance("disputes:dp_1")) == (0, 0)
    assert debts(books)["debts"][0]["status"] == "written_off"


def test_what_a_failed_transfer_gives_back_is_frozen_first_and_a_write_off_happens_once(books: Books) -> None:
    win(books)
    books.accept(LockTransfer(**WON))
    books.accept(dispute("funds_withdrawn"))
    books.accept(dispute("lost"))
    assert balances(books.state, HOLDER, "usd") == (0, 4000), "the transfer holds it all"
    books.accept(FailTransfer(**WON, reason="closed"))
    assert balances(books.state, HOLDER, "usd") == (1500, 2500), "what comes back is frozen first"
    assert books.accept(WRITE_OFF).reply["deduped"] is False
    assert books.accept(WRITE_OFF).reply["deduped"] is True
    refusal = books.refuse(replace(WRITE_OFF, reason="another"))
    assert (refusal.code, refusal.details["field"]) == (RejectCode.IDEMPOTENCY_KEY_REUSED, "reason")


def test_a_write_off_needs_a_debt(books: Books) -> None:
    win(books)
    assert books.refuse(WRITE_OFF).code is RejectCode.NOT_FOUND
    books.accept(dispute("funds_withdrawn"))
    assert books.refuse(WRITE_OFF).code is RejectCode.NOT_FOUND, "an open dispute is no debt yet"
    books.accept(dispute("lost"))
    repay = (("clearing:provider", 2500), (f"receivable:{HOLDER}", -2500))
    books.accept(
        PostTransaction(
            idempotency_key="k1", effect_key="repaid", kind="repayment", currency="usd", legs=repay, occurred_at=NOW
        )
    )
    assert books.refuse(WRITE_OFF).code is RejectCode.INVALID_STATUS_TRANSITION, "it was paid"


def test_an_end_before_its_beginning_waits_and_is_booked_in_order(books: Books) -> None:
    """Order is not guaranteed: the event is kept, refused for now, and posted once its cause is there."""
    play(books)
    books.accept(dispute("lost"))
    assert books.state.stripe_events["evt_lost"][1] == "pending"
    assert books.balance(f"receivable:{HOLDER}") == 0
    books.accept(dispute("funds_withdrawn"))
    books.now += timedelta(minutes=3)
    [effect] = books.accept(RetryForwarding(limit=10)).effects
    assert effect.events == (("evt_lost", 2),)
    books.accept(dispute("lost"))
    assert books.balance(f"receivable:{HOLDER}") == 2500


@pytest.mark.parametrize(("first", "second"), [("won", "lost"), ("lost", "won")])
def test_a_dispute_ends_once_and_a_second_verdict_goes_to_a_person(books: Books, first: str, second: str) -> None:
    win(books)
    books.accept(dispute("funds_withdrawn"))
    books.accept(dispute(first))
    decision = books.accept(dispute(second))
    assert decision.reply["outcome"] == "dead_letter"
    assert isinstance(decision.events[1], DeadLettered)


def test_other_ends_of_a_dispute_leave_the_money_frozen_and_tell_a_person(books: Books) -> None:
    """G-21."""
    win(books)
    books.accept(dispute("funds_withdrawn"))
    assert alerts(books.accept(dispute("warning_closed"))) == ["dispute_ended_otherwise"]
    assert balances(books.state, HOLDER, "usd") == (1500, 2500)


def test_a_dispute_of_an_unknown_payment_is_booked_and_goes_to_a_person(books: Books) -> None:
    """The money is gone whoever paid it; nobody's balance is touched."""
    win(books)
    stranger = dispute("funds_withdrawn", charge="ch_other")
    decision = books.accept(stranger)
    assert [type(event).__name__ for event in decision.events][-1] == "DeadLettered"
    assert (books.balance("disputes:dp_1"), balances(books.state, HOLDER, "usd")) == (2500, (4000, 0))
    assert books.accept(dispute("lost", charge="ch_other")).reply["outcome"] == "dead_letter"
    known = dispute("lost", "evt_later", charge="ch_e1")
    assert books.accept(known).reply["outcome"] == "posted", "a later word may name the payment"


def test_disputes_on_a_connected_account_and_old_transfers_are_not_the_platforms(books: Books) -> None:
    transfer(books)
    other = replace(dispute("funds_withdrawn"), account="acct_1")
    assert books.accept(other).reply["outcome"] == "ignored"
    old = replace(reversal(("trr_1", 5)), api_version="2016-07-06")
    assert books.accept(old).reply["outcome"] == "dead_letter"
    assert books.balance("stripe:platform") == 1000


def test_every_part_of_a_reversed_transfer_is_booked_once_and_stays_owed_to_the_winner(books: Books) -> None:
    transfer(books)
    first = books.accept(reversal(("trr_1", 1500)))
    assert alerts(first) == ["transfer_reversed"]
    books.accept(reversal(("trr_3", 500), ("trr_2", 2000), ("trr_1", 1500), event_id="evt_trr_2"))
    assert books.balance(f"stripe:connected:{HOLDER}") == 0
    assert balances(books.state, HOLDER, "usd") == (4000, 0)


def test_a_reversal_before_its_transfer_is_booked_waits(books: Books) -> None:
    win(books)
    books.accept(LockTransfer(**WON))
    books.accept(reversal(("trr_1", 1500)))
    assert books.state.outbox["evt_trr"].code == "MESSAGE_TOO_EARLY"
    books.accept(CompleteTransfer(**WON, stripe_transfer_id="tr_1", stripe_account_id="acct_1"))
    books.now += timedelta(minutes=3)
    books.accept(reversal(("trr_1", 1500)))
    assert books.balance(f"stripe:connected:{HOLDER}") == 2500


def test_a_closed_account_keeps_nothing_that_comes_later_either(books: Books) -> None:
    """POUT-043: never lost from the trial balance."""
    play(books)
    assert books.accept(CLOSE).reply["deduped"] is False
    assert books.accept(CLOSE).reply["deduped"] is True
    books.accept(SETTLE)
    assert (balances(books.state, HOLDER, "usd"), books.balance("suspense")) == ((0, 0), -4000)
    stranger = replace(CLOSE, account_did="did:stranger")
    assert books.refuse(stranger).code is RejectCode.ACCOUNT_UNKNOWN


def test_what_was_held_at_the_closing_goes_to_suspense_when_it_is_released(books: Books) -> None:
    win(books)
    books.accept(LockTransfer(**WON))
    books.accept(CLOSE)
    assert balances(books.state, HOLDER, "usd") == (0, 4000)
    books.accept(FailTransfer(**WON, reason="account_closed"))
    assert (balances(books.state, HOLDER, "usd"), books.balance("suspense")) == ((0, 0), -4000)


def test_refunds_that_come_back_or_were_made_outside_are_told(books: Books) -> None:
    play(books)
    assert alerts(books.accept(refund("succeeded", "evt_1"))) == ["refund_made_outside"]
    assert alerts(books.accept(refund("failed", "evt_2"))) == ["refund_came_back"]
    assert alerts(books.accept(refund("failed", "evt_3"))) == []


def test_losses_are_figures_to_watch(books: Books) -> None:
    win(books)
    books.accept(paid("e9", metadata={}))
    books.accept(dispute("funds_withdrawn"))
    losses = books.accept(ReadMoneyHealth()).reply["losses"]
    assert losses == {"receivable": {}, "disputed": {"usd": 2500}, "suspense": {"usd": 2500}}
    books.accept(dispute("lost"))
    losses = books.accept(ReadMoneyHealth()).reply["losses"]
    assert (losses["receivable"], losses["disputed"]) == ({"usd": 2500}, {})


def test_a_kind_that_an_edge_invents_changes_no_loss(books: Books) -> None:
    """The ledger's key may post under any kind: its names mean nothing to disputes and debts."""
    win(books)
    for number, kind in enumerate(("dispute_won", "dispute_lost", "written_off", "account_closed", "loss_hold")):
        command = PostTransaction(
            idempotency_key=f"k{number}",
            effect_key=f"odd-{number}",
            kind=kind,
            currency="usd",
            legs=((f"user:{HOLDER}:available", 1), ("suspense", -1)),
            occurred_at=NOW,
        )
        books.accept(command)
    assert debts(books) == {"debts": [], "disputes": []}
