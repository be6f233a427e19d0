"""What is wrong with one file is found by name: bytes, rows, schema, chain, typed rows and bodies."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path
from typing import Any

import pysqlite3
import pytest

from cutline.storage.files import DataRoot
from cutline.storage.verify import Code, Report, verify_root
from tests.storage.verify.tampering import changed, cut, flip, flip_in, forge, path_of, run, unguarded, value

CONTEST = "contest/open-1"
OTHER = "contest/open-2"


def codes(report: Report) -> set[Code]:
    return {problem.code for problem in report.problems}


def test_an_untouched_root_is_ok_and_says_how_much_was_looked_at(root: Path) -> None:
    report = verify_root(root)
    assert report.problems == ()
    assert report.ok
    assert report.counts["files"] == 7
    assert report.counts["contests"] == 2
    assert report.counts["settlements"] == 1
    assert report.counts["owed"] == 0
    assert report.counts["events"] > 200
    assert report.counts["rows"] > 200


def test_verifying_changes_no_file(root: Path) -> None:
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in root.rglob("*.db")}
    verify_root(root)
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in root.rglob("*.db")} == before


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no data root"):
        verify_root(tmp_path / "nowhere")


def test_every_problem_says_what_to_do(root: Path) -> None:
    path_of(root, CONTEST).unlink()
    for problem in verify_root(root).to_dict()["problems"]:
        assert problem["what_to_do"]
        assert problem["message"]


# Bytes ----------------------------------------------------------------------------------------------------------


def test_a_flipped_byte_in_the_log_breaks_the_chain(root: Path) -> None:
    flip_in(path_of(root, CONTEST), b'"reason":"FINAL_STATUS: final_status_stands')
    assert Code.HASH_MISMATCH in codes(verify_root(root))


def test_a_flipped_byte_in_the_header_is_a_damaged_file(root: Path) -> None:
    flip(path_of(root, "ledger"), 5)
    assert Code.FILE_DAMAGED in codes(verify_root(root))


def test_a_flipped_byte_in_an_index_is_a_damaged_file(root: Path) -> None:
    path = path_of(root, CONTEST)
    page = value(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'entries_account_did_idx'")
    size = value(path, "SELECT page_size FROM pragma_page_size")
    content = path.read_bytes()
    flip(path, content.index(b"did:e", (page - 1) * size) + 4)
    assert Code.FILE_DAMAGED in codes(verify_root(root))


def test_a_truncated_file_is_a_damaged_file(root: Path) -> None:
    path = path_of(root, "payouts")
    path.write_bytes(path.read_bytes()[: 2 * 4096])
    assert Code.FILE_DAMAGED in codes(verify_root(root))


# The log --------------------------------------------------------------------------------------------------------


def test_an_edited_row_breaks_the_chain(root: Path) -> None:
    run(path_of(root, CONTEST), "UPDATE log SET cause = 'nobody' WHERE seq = 5")
    problems = [p for p in verify_root(root).problems if p.code is Code.HASH_MISMATCH]
    assert [(p.file.endswith("open-1.db"), p.where) for p in problems] == [(True, "log seq=5")]


def test_a_row_deleted_from_the_middle_leaves_a_gap(root: Path) -> None:
    run(path_of(root, "ledger"), "DELETE FROM log WHERE seq = 12")
    assert Code.SEQ_GAP in codes(verify_root(root))


def test_a_chain_computed_anew_disagrees_with_the_ledgers_anchor(root: Path) -> None:
    forge(path_of(root, CONTEST), "EntryReserved", lambda event: changed(event, tiebreak=-12))
    assert Code.ANCHOR_MISMATCH in codes(verify_root(root))


def test_rosters_frozen_from_other_entries_than_those_that_played_are_named(root: Path) -> None:
    """CFG-006."""
    forge(path_of(root, CONTEST), "EntryReserved", lambda event: changed(event, tiebreak=-12))
    assert Code.RESULT_DIFFERS in codes(verify_root(root))


def test_altered_rosters_are_named(root: Path) -> None:
    run(path_of(root, CONTEST), "UPDATE rosters SET body = CAST(CAST(body AS TEXT) || ' ' AS BLOB)")
    assert codes(verify_root(root)) == {Code.BODY_ALTERED}


def test_times_that_run_backwards_are_named(root: Path) -> None:
    run(path_of(root, "governance"), "UPDATE log SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 3")
    assert Code.TIME_DECREASED in codes(verify_root(root))


@pytest.mark.parametrize("place", ["$.reason", "$.unheard_of"])
def test_an_event_that_is_nested_beyond_reading_is_named(root: Path, place: str) -> None:
    deep = "[" * 990 + "]" * 990
    change = f"json_set(payload, '{place}', json('{deep}'))"
    run(path_of(root, "governance"), f"UPDATE log SET payload = {change} WHERE type = 'ContestConfirmed'")
    assert {Code.HASH_MISMATCH, Code.EVENT_UNKNOWN} <= codes(verify_root(root))


def test_an_event_of_another_release_is_refused_and_not_guessed(root: Path) -> None:
    run(path_of(root, "governance"), "UPDATE log SET type = 'ContestImagined' WHERE type = 'ContestConfirmed'")
    assert Code.EVENT_UNKNOWN in codes(verify_root(root))


def test_events_that_cannot_follow_each_other_are_named(root: Path) -> None:
    forge(path_of(root, CONTEST), "StatusChanged", lambda event: changed(event, from_status="LIVE"))
    assert Code.FOLD_FAILED in codes(verify_root(root))


def test_two_transactions_of_one_key_are_named(root: Path) -> None:
    """LED-008: what the file's indexes keep apart by effect, folding keeps apart by key."""
    keys: list[str] = []

    def ask_under_the_first_key(event: dict[str, Any]) -> bool:
        keys.append(event["idempotency_key"])
        return len(keys) > 1 and changed(event, idempotency_key=keys[0])

    forge(path_of(root, "ledger"), "TransactionPosted", ask_under_the_first_key)
    [problem] = [problem for problem in verify_root(root).problems if problem.code is Code.FOLD_FAILED]
    assert f"{keys[0]} is the key of another transaction already" in problem.message


@pytest.mark.parametrize(
    ("address", "lost", "code"),
    [
        (CONTEST, 6, Code.CUT_TAIL),
        (f"feed/{'7f3b0a52-open'}", 15, Code.CUT_TAIL),
        ("ledger", 4, Code.DELIVERY_LOST),
        ("ledger", 12, Code.CUT_TAIL),
        ("payouts", 8, Code.PRIZES_DISAGREE),
        ("payments", 8, Code.DELIVERY_LOST),
        ("governance", 2, Code.DELIVERY_LOST),
    ],
)
def test_a_cut_tail_shows_in_what_other_files_know(root: Path, address: str, lost: int, code: Code) -> None:
    path = path_of(root, address)
    cut(path, value(path, "SELECT max(seq) FROM log") - lost)
    assert code in codes(verify_root(root))


# Schema and identity --------------------------------------------------------------------------------------------


def test_every_guard_is_missed_when_it_is_dropped(root: Path) -> None:
    """SCH-015: append-only is a property of the file, so the file must still have it."""
    with contextlib.closing(pysqlite3.connect(str(path_of(root, "ledger")), isolation_level=None)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").fetchall()
        for (name,) in names:
            connection.execute(f"DROP TRIGGER {name}")
    problems = [p for p in verify_root(root).problems if p.code is Code.SCHEMA_DIFFERS]
    assert sorted(p.message for p in problems) == [f"missing: trigger {name}" for (name,) in names]
    assert len(names) >= 3 * 8


def test_a_strange_table_is_a_changed_schema(root: Path) -> None:
    run(path_of(root, "ledger"), "CREATE TABLE notes (id INTEGER PRIMARY KEY) STRICT")
    problems = [p for p in verify_root(root).problems if p.code is Code.SCHEMA_DIFFERS]
    assert [p.message for p in problems] == ["unknown: table notes"]


def test_a_swapped_contest_is_known_by_what_it_holds(root: Path) -> None:
    first, second = path_of(root, CONTEST), path_of(root, OTHER)
    aside = root / "aside"
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
    swapped = [p for p in verify_root(root).problems if p.code is Code.FILE_SWAPPED]
    assert len(swapped) == 2
    assert "holds open-2" in swapped[0].message + swapped[1].message


def test_a_file_of_another_kind_is_the_wrong_file(root: Path) -> None:
    shutil.copy(path_of(root, "payments"), path_of(root, "payouts"))
    assert Code.WRONG_FILE in codes(verify_root(root))


@pytest.mark.parametrize(
    "address", [CONTEST, OTHER, "ledger", "payouts", "payments", "governance", "feed/7f3b0a52-open"]
)
def test_a_missing_file_is_named(root: Path, address: str) -> None:
    path = path_of(root, address)
    path.unlink()
    missing = [p.file for p in verify_root(root).problems if p.code is Code.FILE_MISSING]
    assert missing == [str(path.relative_to(root))]


def test_a_stray_file_is_named(root: Path) -> None:
    (root / "contests" / "zz").mkdir()
    shutil.copy(path_of(root, CONTEST), root / "contests" / "zz" / "open-1.db")
    assert Code.FILE_STRAY in codes(verify_root(root))


# Typed rows and bodies ------------------------------------------------------------------------------------------


def test_a_typed_row_that_disagrees_with_the_log_is_named_with_both_values(root: Path) -> None:
    run(path_of(root, CONTEST), "UPDATE scores SET prize_cents = 999999 WHERE entry_id = 'e6'")
    (problem,) = verify_root(root).problems
    assert problem.code is Code.ROW_DIFFERS
    assert problem.message == "prize_cents is 999999, the log says 0"


def test_a_typed_row_that_is_gone_is_named(root: Path) -> None:
    run(path_of(root, CONTEST), "DELETE FROM entry_status WHERE status = 'WITHDRAWN'")
    assert codes(verify_root(root)) == {Code.ROW_MISSING}


def test_a_typed_row_that_no_event_left_is_named(root: Path) -> None:
    run(
        path_of(root, CONTEST),
        "INSERT INTO entry_status (entry_id, status, at, log_seq) VALUES ('late', 'ACTIVE', '2026-04-09T12:00:00Z', 3)",
    )
    assert codes(verify_root(root)) == {Code.ROW_EXTRA}


def test_a_sealed_body_that_was_altered_is_named(root: Path) -> None:
    with unguarded(path_of(root, "ledger")) as connection:
        seq, body = connection.execute("SELECT log_seq, body FROM stripe_events").fetchone()
        forged = body[:-1] + bytes([body[-1] ^ 1])
        connection.execute("UPDATE stripe_events SET body = ? WHERE log_seq = ?", (forged, seq))
    assert codes(verify_root(root)) == {Code.BODY_ALTERED}


def test_a_forgotten_month_is_no_problem(root: Path) -> None:
    for key in (root / "keys").iterdir():
        key.unlink()
    assert verify_root(root).ok


def test_an_altered_feed_payload_is_named(root: Path) -> None:
    run(path_of(root, "feed/7f3b0a52-open"), "UPDATE payloads SET body = x'00' WHERE id = 1")
    assert codes(verify_root(root)) == {Code.BODY_ALTERED}


def test_every_file_of_the_root_is_reached(root: Path) -> None:
    assert {a for a, _ in DataRoot(root).all_files()} >= {"ledger", "payouts", "payments", "governance", CONTEST, OTHER}
