"""Refunds that Stripe does not make: what was due pays what the same payment cost us, and the rest is its holder's."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.errors import RejectCode
from cutline.engine.ledger.state import balances
from cutline.engine.messages import IngestSettlement, RaiseAlert, ReadDebts, ReadMoneyHealth, WriteOffDebt
from tests.engine.ledger.books import Books, fee
from tests.engine.ledger.setbacks import HOLDER, REFUNDED, dispute, play, refund

UNMADE = replace(REFUNDED, succeeded=False, stripe_refund_id=None, reason="charge_disputed")
OURS = {"contest_id": "c1", "entry_id": "e1"}
"""The metadata of a refund that we asked for."""


@pytest.fixture
def books() -> Books:
    books = Books()
    play(books)
    return books


def standing(books: Books) -> dict[str, int]:
    """What is left of the first entry's fee, without what the second one has in the pot."""
    watched = ("refunds:c1", f"receivable:{HOLDER}", f"user:{HOLDER}:available", f"user:{HOLDER}:held")
    return {account: cents for account in watched if (cents := books.balance(account))}


def debts(books: Books) -> list[tuple[str, int]]:
    listed = books.accept(ReadDebts(account_did=HOLDER)).reply["debts"]
    return [(debt["status"], debt["frozen_cents"]) for debt in listed]


def test_a_refund_that_stripe_refuses_is_credited_once_and_a_person_is_told(books: Books) -> None:
    """PAY-035, PAY-042: no money dies of a refusal, and none is silent."""
    books.accept(fee("returned"))
    refused = books.accept(UNMADE)
    [alert] = refused.effects
    assert isinstance(alert, RaiseAlert)
    assert (alert.name, alert.runbook) == ("refund_refused", "runbooks/money-went-back.md")
    assert (alert.details["credited_cents"], alert.details["debt_paid_cents"]) == (2500, 0)
    for again in (UNMADE, replace(UNMADE, reason="resource_missing", stripe_refund_id="re_1")):
        assert books.accept(again).events == ()
    assert balances(books.state, HOLDER, "usd") == (2500, 0)
    assert standing(books) == {f"user:{HOLDER}:available": -2500}


def test_a_payment_that_was_refunded_outside_is_not_given_back_twice(books: Books) -> None:
    """The refund from outside made a debt; the fee that was due pays it, and nobody owes anything."""
    books.accept(refund("succeeded", "evt_out"))
    books.accept(fee("returned"))
    books.accept(UNMADE)
    assert standing(books) == {}
    assert debts(books) == [("paid", 0)]
    refusal = books.refuse(WriteOffDebt(loss_event_id="re_1", actor="admin:ada", reason="gone"))
    assert refusal.code is RejectCode.INVALID_STATUS_TRANSITION
    assert books.accept(ReadMoneyHealth()).reply["losses"]["receivable"] == {}


def test_of_a_payment_that_was_refunded_in_part_the_rest_is_its_holders(books: Books) -> None:
    books.accept(refund("succeeded", "evt_out", amount=400))
    books.accept(fee("returned"))
    books.accept(UNMADE)
    assert standing(books) == {f"user:{HOLDER}:available": -2100}
    assert debts(books) == [("paid", 0)]


def test_while_a_dispute_is_open_the_fee_is_frozen_and_its_verdict_decides(books: Books) -> None:
    """PAY-043: a cancelled contest gives everybody their money, also whoever won the dispute for us."""
    books.accept(dispute("funds_withdrawn"))
    books.accept(fee("returned"))
    books.accept(UNMADE)
    assert standing(books) == {f"user:{HOLDER}:held": -2500}
    books.accept(dispute("won"))
    assert standing(books) == {f"user:{HOLDER}:available": -2500}


def test_a_lost_dispute_is_paid_by_the_fee_that_was_due_and_its_freeze_ends(books: Books) -> None:
    """What was frozen of other money is free again; later credits are frozen no more."""
    books.accept(
        IngestSettlement(
            idempotency_key="k", provider_reference="till-7", account_did=HOLDER, amount_cents=4000, currency="usd",
            day_cap_cents=4000,
        )
    )  # fmt: skip
    books.accept(dispute("funds_withdrawn"))
    books.accept(dispute("lost"))
    before = {f"receivable:{HOLDER}": 2500, f"user:{HOLDER}:available": -1500, f"user:{HOLDER}:held": -2500}
    assert standing(books) == before
    books.accept(fee("returned"))
    books.accept(UNMADE)
    assert standing(books) == {f"user:{HOLDER}:available": -4000}
    assert debts(books) == [("paid", 0)]


def test_a_dispute_of_a_part_is_paid_and_the_rest_is_not_frozen_for_it(books: Books) -> None:
    """The credit of the same commit is claimed by no freeze whose debt it has just paid."""
    part = {"id": "txn_w", "object": "balance_transaction", "amount": -400, "fee": 1500, "net": -1900}
    for step in ("funds_withdrawn", "lost"):
        books.accept(dispute(step, amount=400, balance_transactions=[part]))
    books.accept(fee("returned"))
    books.accept(UNMADE)
    assert standing(books) == {f"user:{HOLDER}:available": -2100}
    assert debts(books) == [("paid", 0)]


def test_a_debt_of_another_payment_is_not_paid_by_this_one(books: Books) -> None:
    """Set-off is by payment: what the holder owes otherwise stays a debt, to be agreed upon with them."""
    books.accept(refund("succeeded", "evt_out", id="re_2", payment_intent="pi_e2"))
    owing = replace(UNMADE, entry_id="e2", account_did="did:e2", payment_intent="pi_e2")
    books.accept(fee("returned"))
    books.accept(UNMADE)
    assert standing(books) == {f"user:{HOLDER}:available": -2500}
    assert books.balance("receivable:did:e2") == 2500
    books.accept(fee("returned", "e2"))
    books.accept(owing)
    assert (books.balance("receivable:did:e2"), books.balance("user:did:e2:available")) == (0, 0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_refund_of_ours_that_failed_ends_with_its_holder_in_every_order(books: Books, order: tuple[int, ...]) -> None:
    """T9: Stripe's two words about it, and what payments make of the failure."""
    books.accept(fee("returned"))
    said: list[Any] = [
        refund("succeeded", "evt_s", metadata=OURS),
        refund("failed", "evt_f", metadata=OURS),
        replace(REFUNDED, succeeded=False, reason="expired_or_canceled_card"),
    ]
    for number in order:
        books.accept(said[number])
    assert standing(books) == {f"user:{HOLDER}:available": -2500}


@pytest.mark.parametrize("metadata", [{}, OURS], ids=["by hand", "as ours"])
def test_a_refund_after_the_refusal_takes_the_credit_and_what_was_spent_is_a_debt(
    books: Books, metadata: dict[str, str]
) -> None:
    books.accept(fee("returned"))
    books.accept(UNMADE)
    books.accept(refund("succeeded", "evt_s", metadata=metadata, amount=1000))
    assert standing(books) == {f"user:{HOLDER}:available": -1500}
    books.accept(refund("succeeded", "evt_t", metadata=metadata, amount=2000, id="re_3"))
    assert standing(books) == {f"user:{HOLDER}:available": -1500, f"receivable:{HOLDER}": 2000}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (UNMADE, RejectCode.INVALID_STATUS_TRANSITION),
        (replace(UNMADE, amount_cents=1), RejectCode.AMOUNT_MISMATCH),
        (replace(UNMADE, account_did="did:e2"), RejectCode.NOT_FOUND),
        (replace(UNMADE, payment_intent="pi_x"), RejectCode.NOT_FOUND),
    ],
    ids=["plays", "amount", "holder", "payment"],
)
def test_only_what_was_due_can_be_refused(books: Books, command: Any, code: RejectCode) -> None:
    assert books.refuse(command).code is code
