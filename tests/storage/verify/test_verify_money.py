"""What is wrong with the money is found by name, in the books and between the files that tell of it (I1-I4)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Any, get_args

import msgspec
import pysqlite3
import pytest

from cutline.engine.ledger.events import Posting
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.messages import (
    CompleteTransfer,
    FeePaid,
    LockTransfer,
    MoveEntryFee,
    PayWinners,
    PostSettlement,
    RefundEntry,
    TransferLocked,
    WinningsPaid,
)
from cutline.storage.machines import rules_of
from cutline.storage.verify import Code, Report, verify_root
from tests.storage.verify.staging import box
from tests.storage.verify.tampering import changed, forge, path_of, run, unguarded, value

CONTEST = "contest/open-1"


def codes(report: Report) -> set[Code]:
    return {problem.code for problem in report.problems}


def test_a_forged_balance_is_named_and_breaks_the_chain(root: Path) -> None:
    path = path_of(root, "ledger")
    seq = value(path, "SELECT log_seq FROM transactions WHERE kind = 'settlement'")
    change = "json_set(payload, '$.posting.legs[1][2]', json_extract(payload, '$.posting.legs[1][2]') - 100000)"
    run(path, f"UPDATE log SET payload = {change} WHERE seq = {seq}")
    assert {Code.FORGED_BALANCE, Code.HASH_MISMATCH} <= codes(verify_root(root))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE postings SET balance_cents = 0",
        "DELETE FROM postings",
        "INSERT INTO postings VALUES (1, 9, 'rake', 5, 5)",
    ],
)
def test_legs_have_no_rows_beside_the_log_that_could_be_forged(root: Path, statement: str) -> None:
    with (
        contextlib.closing(pysqlite3.connect(str(path_of(root, "ledger")))) as editor,
        pytest.raises(pysqlite3.OperationalError, match="because it is a view"),
    ):
        editor.execute(statement)
    assert verify_root(root).ok


def test_the_view_of_postings_shows_every_leg_that_the_log_says(root: Path) -> None:
    codec = rules_of("ledger").codec
    with contextlib.closing(pysqlite3.connect(str(path_of(root, "ledger")))) as reader:
        said = [
            (seq, leg, *entry)
            for seq, kind, payload in reader.execute("SELECT seq, type, payload FROM log ORDER BY seq").fetchall()
            if (posting := getattr(codec.decode(kind, payload), "posting", None)) is not None
            for leg, entry in enumerate(posting.legs)
        ]
        columns = "log_seq, leg, account, amount_cents, balance_cents"
        shown = reader.execute(f"SELECT {columns} FROM postings ORDER BY log_seq, leg").fetchall()
        entries = reader.execute(f"SELECT {columns} FROM ledger_entries ORDER BY log_seq, leg").fetchall()
    assert said
    assert shown == entries == said


def test_every_event_that_posts_keeps_its_legs_where_the_view_looks() -> None:
    """Transactions that were asked for, and those that a Stripe event brought, at once or later."""
    posting = {
        kind.__name__: field.encode_name
        for kind in LedgerMachine.events.values()
        for field in msgspec.structs.fields(kind)
        if Posting in (field.type, *get_args(field.type))
    }
    assert posting == dict.fromkeys(("StripeEventForwarded", "StripeEventRecorded", "TransactionPosted"), "posting")
    assert [field.encode_name for field in msgspec.structs.fields(Posting) if field.name == "legs"] == ["legs"]


def test_a_forged_balance_in_the_log_is_named_though_the_chain_was_computed_anew(root: Path) -> None:
    def richer(event: dict[str, Any]) -> bool:
        if event["posting"]["kind"] != "settlement":
            return False
        event["posting"]["legs"][1][2] -= 100_000
        return True

    forge(path_of(root, "ledger"), "TransactionPosted", richer)
    assert Code.FORGED_BALANCE in codes(verify_root(root))


def test_a_deleted_transaction_is_named(root: Path) -> None:
    path = path_of(root, "ledger")
    seq = value(path, "SELECT log_seq FROM transactions WHERE kind = 'settlement'")
    run(path, f"DELETE FROM effects WHERE log_seq = {seq}")
    found = codes(verify_root(root))
    assert found == {Code.TRANSACTION_MISSING}


def test_a_transaction_deleted_with_its_event_leaves_a_gap(root: Path) -> None:
    path = path_of(root, "ledger")
    seq = value(path, "SELECT log_seq FROM transactions WHERE kind = 'settlement'")
    run(path, f"DELETE FROM effects WHERE log_seq = {seq}", f"DELETE FROM log WHERE seq = {seq}")
    assert {Code.SEQ_GAP, Code.DELIVERY_LOST, Code.PRIZES_DISAGREE} <= codes(verify_root(root))


def _leg(event: dict[str, Any], kind: str, place: int, cents: int) -> bool:
    if event["posting"]["kind"] != kind:
        return False
    event["posting"]["legs"][place][1] += cents
    event["posting"]["legs"][place][2] += cents
    return True


def test_an_unbalanced_transaction_is_named_and_so_is_the_trial_balance(root: Path) -> None:
    forge(path_of(root, "ledger"), "TransactionPosted", lambda event: _leg(event, "settlement", 1, -7))
    assert {Code.TRANSACTION_UNBALANCED, Code.TRIAL_BALANCE_OFF} <= codes(verify_root(root))


def test_an_account_below_zero_is_named(root: Path) -> None:
    def too_much(event: dict[str, Any]) -> bool:
        return _leg(event, "entry_activated", 0, 9_000) and _leg(event, "entry_activated", 1, -9_000)

    forge(path_of(root, "ledger"), "TransactionPosted", too_much)
    assert Code.NEGATIVE_BALANCE in codes(verify_root(root))


def test_an_effect_that_was_posted_twice_is_named(root: Path) -> None:
    def again(event: dict[str, Any]) -> bool:
        if event["content"].get("entry_id") != "e2" or event["posting"]["kind"] != "entry_activated":
            return False
        event["posting"]["effect_key"] = "entry:open-1:e1:activated"
        return True

    forge(path_of(root, "ledger"), "TransactionPosted", again)
    assert Code.EFFECT_POSTED_TWICE in codes(verify_root(root))


def test_a_fee_in_the_pot_that_no_active_entry_paid_is_named(root: Path) -> None:
    def other(event: dict[str, Any]) -> bool:
        if event["posting"]["kind"] != "entry_activated" or event["content"]["entry_id"] != "e1":
            return False
        event["content"]["entry_id"] = "nobody"
        return True

    forge(path_of(root, "ledger"), "TransactionPosted", other)
    report = verify_root(root)
    assert Code.FEES_DISAGREE in codes(report)
    assert any("nobody" in problem.message for problem in report.problems)


def test_prizes_that_the_ledger_divided_otherwise_are_named(root: Path) -> None:
    def other(event: dict[str, Any]) -> bool:
        if event["posting"]["kind"] != "settlement":
            return False
        event["prizes"][0]["amount_cents"], event["prizes"][1]["amount_cents"] = 951, 2854
        return True

    forge(path_of(root, "ledger"), "TransactionPosted", other)
    assert Code.PRIZES_DISAGREE in codes(verify_root(root))


def test_a_result_that_settling_again_does_not_give_is_named(root: Path) -> None:
    def swapped(event: dict[str, Any]) -> bool:
        first, second = event["entries"][0], event["entries"][1]
        first["prize_cents"], second["prize_cents"] = second["prize_cents"], first["prize_cents"]
        return True

    forge(path_of(root, CONTEST), "SettlementRecorded", swapped)
    report = verify_root(root)
    assert Code.RESULT_DIFFERS in codes(report)
    assert any("e2: recorded as (1, 'ranked', -6, 951)" in problem.message for problem in report.problems)


def test_a_forged_result_hash_is_named(root: Path) -> None:
    forge(path_of(root, CONTEST), "SettlementRecorded", lambda event: changed(event, result_sha256="0" * 64))
    assert Code.RESULT_DIFFERS in codes(verify_root(root))


def test_one_transfer_booked_for_two_entries_is_paid_twice(root: Path) -> None:
    def same(event: dict[str, Any]) -> bool:
        if event["posting"]["kind"] != "transfer_completed":
            return False
        event["content"]["stripe_transfer_id"] = "transfer_1"
        return True

    forge(path_of(root, "ledger"), "TransactionPosted", same, times=4)
    assert Code.PAID_TWICE in codes(verify_root(root))


def test_a_prize_that_the_contest_believes_paid_but_nobody_transferred_is_named(root: Path) -> None:
    with unguarded(path_of(root, CONTEST)) as connection:
        connection.execute("UPDATE log SET payload = json_set(payload, '$.amount_cents', 1) WHERE type = 'PrizePaid'")
    assert {Code.HASH_MISMATCH, Code.PRIZES_DISAGREE} <= codes(verify_root(root))


@pytest.mark.parametrize(
    "held",
    [
        FeePaid,
        MoveEntryFee,
        RefundEntry,
        PostSettlement,
        PayWinners,
        LockTransfer,
        TransferLocked,
        CompleteTransfer,
        WinningsPaid,
    ],
)
def test_what_a_stopped_engine_still_owes_is_no_problem(tmp_path: Path, held: type) -> None:
    with box(tmp_path / "data") as made:
        # Fees go before the settlement, as their sender puts them.
        made.held |= {held, PostSettlement} if held is MoveEntryFee else {held}
        made.play()
    report = verify_root(tmp_path / "data")
    assert report.problems == ()
    assert report.counts["owed"] > 0


def test_a_root_that_an_engine_runs_on_can_be_verified(root: Path) -> None:
    handle = os.open(root / "engine.lock", os.O_RDWR | os.O_CREAT)
    with contextlib.closing(os.fdopen(handle, "w")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert verify_root(root).ok
        path_of(root, CONTEST).unlink()
        assert Code.FILE_MISSING in codes(verify_root(root))
