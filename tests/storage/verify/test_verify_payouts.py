"""What is wrong with payouts to the bank is found by name, between the two files that tell of them (I4)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from cutline.engine.messages.bank import FinalizePayout, LockPayout, PayoutBooked, PayoutLocked, PayoutReported
from cutline.storage.verify import Code, Report, verify_root
from tests.storage.verify.staging import Box, box
from tests.storage.verify.tampering import forge, path_of


def codes(report: Report) -> set[Code]:
    return {problem.code for problem in report.problems}


ENDS = ((1, "paid"), (2, "paid"), (2, "failed"))


def pay_out(made: Box, ends: tuple[tuple[int, str], ...] = ENDS) -> None:
    """Two winners have their winnings paid to their banks; the second payout comes back, the third is on its way."""
    for number, entry in enumerate(("e2", "e3", "e3"), start=1):
        ask = LockPayout(
            payout_id=f"p{number}",
            account_did=f"did:{entry}",
            amount_cents=100 + number,
            currency="usd",
            principal=f"did:{entry}",
            idempotency_key=f"key-{number}",
        )
        made.send("ledger", ask)
    for number, said in ends:
        report(made, number, said)


def report(made: Box, number: int, said: str) -> None:
    payout = made.actor("payouts").folding.state.bank.payouts[f"p{number}"]
    if payout.stripe_payout_id is None:
        return
    account = made.actor("payouts").folding.state.accounts[payout.plan.account_did].stripe_account_id
    body = {"id": payout.stripe_payout_id, "metadata": {"payout_id": f"p{number}"}}
    made.stripe_says(f"evt_{number}_{said}", f"payout.{said}", body, account=account)


@pytest.fixture(scope="module")
def paid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("paid-out") / "data"
    with box(path) as made:
        made.play()
        pay_out(made)
    return path


@pytest.fixture
def own(paid_out: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(paid_out, tmp_path / "data"))


def test_payouts_that_went_well_are_no_problem(own: Path) -> None:
    assert verify_root(own).problems == ()


def test_other_terms_than_those_held_for_are_named(own: Path) -> None:
    def richer(event: dict[str, Any]) -> bool:
        event["amount_cents"] += 1
        return True

    forge(path_of(own, "payouts"), "PayoutInitiated", richer)
    assert Code.PAYOUTS_DISAGREE in codes(verify_root(own))


def test_a_payout_that_nothing_is_held_for_is_named(own: Path) -> None:
    def other(event: dict[str, Any]) -> bool:
        if event["payout_id"] != "p3":
            return False
        event["payout_id"] = "p9"
        return True

    forge(path_of(own, "ledger"), "PayoutAdmitted", other)
    messages = {problem.message for problem in verify_root(own).problems}
    assert "the payout has begun, but the ledger holds nothing for it" in messages


def test_an_end_that_the_books_do_not_have_is_named(own: Path) -> None:
    def other(event: dict[str, Any]) -> bool:
        if event["posting"]["kind"] != "payout_paid" or event["content"]["payout_id"] != "p1":
            return False
        event["content"]["payout_id"] = "p9"
        return True

    forge(path_of(own, "ledger"), "TransactionPosted", other)
    assert Code.PAYOUTS_DISAGREE in codes(verify_root(own))


def test_one_of_stripes_payouts_claimed_by_two_is_named(own: Path) -> None:
    def same(event: dict[str, Any]) -> bool:
        event["stripe_payout_id"] = "payout_1"
        return True

    forge(path_of(own, "payouts"), "PayoutAccepted", same, times=3)
    assert Code.PAID_TWICE in codes(verify_root(own))


def test_a_hash_that_the_ledger_never_had_is_named(own: Path) -> None:
    def other(event: dict[str, Any]) -> bool:
        event["head"] = "00" * 32
        return True

    forge(path_of(own, "payouts"), "PayoutInitiated", other)
    assert Code.CUT_TAIL in codes(verify_root(own))


@pytest.mark.parametrize("held", [PayoutLocked, PayoutReported, FinalizePayout, PayoutBooked])
def test_what_a_stopped_engine_still_owes_for_payouts_is_no_problem(tmp_path: Path, held: type) -> None:
    with box(tmp_path / "data") as made:
        made.play()
        made.held = {held}
        pay_out(made, () if held is PayoutLocked else ((1, "paid"), (2, "failed")))
    report = verify_root(tmp_path / "data")
    assert report.problems == ()
    assert report.counts["owed"] > 0
