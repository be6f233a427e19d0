"""Statements, yearly totals and the daily report of a contest that was played to its paid winners."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.decision import Accepted
from cutline.engine.ledger.accounts import PLATFORM
from cutline.engine.ledger.trails import read_trail
from cutline.engine.messages import ReadTrail
from cutline.engine.messages.bank import LockPayout
from cutline.engine.payout_report import PAYOUT_STATUSES, TRANSFER_STATUSES, status_after
from cutline.engine.statements import bucket_of
from cutline.storage.event_log import EventLog
from cutline.storage.files import kind_of
from cutline.storage.machines import begin
from cutline.storage.reports import statements
from cutline.storage.reports.contest_audit import contest_audit
from cutline.storage.reports.journals import transactions
from cutline.storage.reports.payout_days import payouts_of_day
from cutline.storage.reports.platform_days import compare_day
from cutline.storage.reports.reading import core_file, first_seq_at, start_of
from cutline.storage.reports.yearly import yearly_totals
from cutline.storage.verify import Code, verify_root
from tests.engine.golf import GOLDEN
from tests.storage.verify.staging import BEFORE, PLAYED, Box, box
from tests.storage.verify.tampering import forge, path_of, run, value


def statement(root: Path, account_did: str, since: str, until: str) -> dict[str, Any]:
    """The statement as the engine finds it: the ledger's memory, folded from its file, says where to look."""
    folding = begin("ledger")
    with core_file(root, "ledger") as connection:
        for entry in EventLog(connection, kind_of("ledger")).entries():
            folding.take(entry)
    decision = read_trail(folding.state, ReadTrail(account_did=account_did), BEFORE)
    assert isinstance(decision, Accepted)
    return statements.statement(root, account_did, decision.reply["log_seqs"], since, until)


EVER = ("2000", "9999")
WINNER = "did:e3"


PAYOUT = LockPayout(
    payout_id="po-1", account_did="", amount_cents=100, currency="usd", principal="", idempotency_key="k"
)  # fmt: skip


def pay_to_the_bank(made: Box, account_did: str) -> None:
    """Let a winner have one dollar paid out, and the bank confirm it a day later."""
    made.send("ledger", replace(PAYOUT, account_did=account_did, principal=account_did))
    state = made.actor("payouts").folding.state
    account, payout = state.accounts[account_did], state.bank.payouts["po-1"]
    made.now += timedelta(days=1)
    body = {"id": payout.stripe_payout_id, "object": "payout", "metadata": {"payout_id": "po-1"}}
    made.stripe_says("evt_po_1", "payout.paid", body, account=account.stripe_account_id)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "data"
    with box(path) as made:
        made.play("open-1")
        pay_to_the_bank(made, WINNER)
    return path


def holders(root: Path) -> set[str]:
    return {
        account.removeprefix("user:").removesuffix(":available")
        for entry in transactions(root)
        for account, _, _ in entry.legs
        if account.startswith("user:") and account.endswith(":available")
    }


def test_every_statement_ends_with_the_balances_of_the_books(root: Path) -> None:
    """LED-017, REC-007: whoever took part, the last line is what the ledger says."""
    books: dict[str, int] = {}
    for entry in transactions(root):
        books.update({account: balance for account, _, balance in entry.legs})
    found = holders(root)
    assert len(found) == len(GOLDEN) + 1
    for did in found:
        last = statement(root, did, *EVER)["lines"][-1]
        for account, cents in books.items():
            bucket = bucket_of(account, did)
            if bucket is not None:
                assert abs(cents) == last[f"{bucket}_cents"], (did, account)


def test_a_winners_statement_tells_the_whole_story(root: Path) -> None:
    others = [row for row in yearly_totals(root, 2026) if row["account_did"] != WINNER]
    winner = max(others, key=lambda row: int(row["winnings_cents"]))
    told = statement(root, winner["account_did"], *EVER)
    assert [line["kind"] for line in told["lines"]] == ["fee", "winnings", "transfer_hold", "transfer"]
    assert [line["amount_cents"] for line in told["lines"]][1:] == [winner["winnings_cents"]] * 3
    last = told["lines"][-1]
    assert (last["available_cents"], last["held_cents"], last["connected_cents"]) == (
        winner["winnings_cents"], 0, winner["winnings_cents"],
    )  # fmt: skip
    assert {line["contest_id"] for line in told["lines"]} == {"open-1"}
    assert len({line["entry_id"] for line in told["lines"]}) == 1
    assert told["totals"]["usd"]["winnings"] == winner["winnings_cents"]


def test_whoever_withdrew_reads_of_the_fee_and_its_return(root: Path) -> None:
    told = statement(root, "did:gone", *EVER)
    assert [line["kind"] for line in told["lines"]] == ["fee", "refund_due", "refund"]
    assert told["totals"]["usd"]["fee"] == told["totals"]["usd"]["refund"] == 1001


def test_a_span_shows_its_lines_alone_and_balances_from_the_beginning(root: Path) -> None:
    winner = WINNER
    after = statement(root, winner, "2026-04-12", "2026-04-15")
    assert "fee" not in {line["kind"] for line in after["lines"]}
    assert after["lines"][-1] == statement(root, winner, *EVER)["lines"][-1]
    assert statement(root, "did:nobody", *EVER)["found"] is False


def test_yearly_totals_are_what_the_statements_say(root: Path) -> None:
    rows = yearly_totals(root, 2026)
    assert [row["account_did"] for row in rows] == sorted(row["account_did"] for row in rows)
    for row in rows:
        totals = statement(root, row["account_did"], *EVER)["totals"]["usd"]
        assert (row["winnings_cents"], row["fees_cents"]) == (totals["winnings"], totals["fee"])
        assert (row["transferred_cents"], row["refunds_cents"]) == (totals["transfer"], 0)
        assert row["prizes"] == 1
    assert sum(row["winnings_cents"] for row in rows) > 0
    assert yearly_totals(root, 2025) == yearly_totals(root, 2027) == []


def test_an_effect_that_nothing_booked_is_not_in_the_audit_file_of_its_contest(root: Path, tmp_path: Path) -> None:
    forged = Path(shutil.copytree(root, tmp_path / "data"))
    run(path_of(forged, "ledger"), "INSERT INTO effects VALUES ('payout:transfer:open-1:forged', 1)")
    assert contest_audit(forged, "open-1") == contest_audit(root, "open-1")
    assert {problem.code for problem in verify_root(forged).problems} == {Code.ROW_EXTRA}


@pytest.mark.parametrize(
    ("time", "whose"),
    [("05T23:59:59.999999", "05"), ("06T00:00:00", "06"), ("06T00:00:00.000001", "06"), ("06T00:00:00.000999", "06")],
)
def test_a_time_belongs_to_its_day_to_the_microsecond(root: Path, tmp_path: Path, time: str, whose: str) -> None:
    def moved(event: dict[str, Any]) -> bool:
        event["posting"]["occurred_at"] = f"2026-04-{time}Z"
        return any(account == PLATFORM for account, _, _ in event["posting"]["legs"])

    forged = Path(shutil.copytree(root, tmp_path / "data"))
    forge(path_of(forged, "ledger"), "StripeEventRecorded", lambda event: bool(event["posting"]) and moved(event))
    before = {day: compare_day(root, f"2026-04-{day}", [], []).ledger_lines for day in ("05", "06")}
    after = {day: compare_day(forged, f"2026-04-{day}", [], []).ledger_lines for day in ("05", "06")}
    was = value(path_of(root, "ledger"), f"SELECT occurred_at FROM ledger_entries WHERE account = '{PLATFORM}'")[8:10]
    assert Counter(after) == Counter(before) - Counter([was]) + Counter([whose])


def test_the_rows_of_a_moment_are_found_by_halves(root: Path) -> None:
    with core_file(root, "ledger") as connection:
        times = [at for (at,) in connection.execute("SELECT at FROM log ORDER BY seq")]
        for moment in (start_of(BEFORE.date()), BEFORE, PLAYED, start_of(date(2030, 1, 1))):
            text = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            expected = 1 + sum(1 for at in times if at < text)
            assert first_seq_at(connection, moment) == expected


def test_the_daily_report_sums_the_transfers_of_the_day_by_status(root: Path) -> None:
    """REC-006: created or changed on the day, as they stood at its end; the books of the same day beside them."""
    played = payouts_of_day(root, "2026-04-12")
    rows = [row for row in played["rows"] if row["section"] == "transfer"]
    counts = Counter(row["status"] for row in rows)
    assert counts == {"completed": len(yearly_totals(root, 2026))}
    [total] = [one for one in played["totals"] if one["section"] == "transfers_by_status"]
    assert (total["count"], total["amount_cents"]) == (len(rows), sum(row["amount_cents"] for row in rows))
    booked = {row["id"]: row for row in played["ledger"] if row["section"] == "posted"}
    assert booked["transfer_locked"]["amount_cents"] == total["amount_cents"]
    balances = {row["id"]: row for row in played["ledger"] if row["section"] == "balance"}
    assert balances["stripe:connected:*"]["closing_cents"] == total["amount_cents"]
    before = payouts_of_day(root, "2026-04-05")
    assert before["rows"] == []
    opening = {row["id"]: row["closing_cents"] for row in before["ledger"] if row["section"] == "balance"}
    assert opening["stripe:platform"] == balances["stripe:platform"]["opening_cents"]
    assert hashlib.sha256(played["artifact"].encode()).hexdigest() == played["artifact_sha256"]


def test_a_payout_to_the_bank_stands_on_each_day_as_that_day_left_it(root: Path) -> None:
    """REC-006: begun on one day and paid on the next; what came later is not in the first day's report."""
    days = [payouts_of_day(root, day) for day in ("2026-04-12", "2026-04-13", "2026-04-14")]
    rows = [[row for row in day["rows"] if row["section"] == "payout"] for day in days]
    assert [[row["status"] for row in found] for found in rows] == [["submitted"], ["paid"], []]
    assert {(row["id"], row["account_did"], row["amount_cents"]) for found in rows for row in found} == {
        ("po-1", WINNER, 100)
    }
    booked = {row["id"]: row for row in days[1]["ledger"] if row["section"] == "posted"}
    assert booked["payout_paid"]["count"] == 1
    told = statement(root, WINNER, *EVER)["lines"]
    assert [line["kind"] for line in told][-2:] == ["payout_hold", "payout"]
    assert [line["amount_cents"] for line in told][-2:] == [100, 100]
    year = next(row for row in yearly_totals(root, 2026) if row["account_did"] == WINNER)
    assert year["paid_out_cents"] == 100
    assert year["transferred_cents"] == year["winnings_cents"]


def test_the_report_is_the_same_bytes_in_every_process(root: Path) -> None:
    """REC-002, REC-005: another process, another hash seed, another time zone."""
    script = (
        "import json, sys; from pathlib import Path;"
        "from cutline.storage.reports.payout_days import payouts_of_day;"
        "print(json.dumps(payouts_of_day(Path(sys.argv[1]), '2026-04-12')))"
    )
    reports: list[Any] = []
    for seed, zone in (("1", "UTC"), ("2", "Pacific/Kiritimati")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        ended = subprocess.run(
            [sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True, env=environment
        )
        reports.append(json.loads(ended.stdout))
    assert reports == [payouts_of_day(root, "2026-04-12")] * 2


def test_a_step_that_changes_no_status_leaves_it_as_it_was() -> None:
    assert status_after([], TRANSFER_STATUSES) is None
    assert status_after(["pending", "locked", "attempt_started", "attempt_deferred"], TRANSFER_STATUSES) == "retryable"
    assert status_after(["initiated", "funded", "accepted", "finalizing_paid", "paid"], PAYOUT_STATUSES) == "paid"
    assert status_after(["initiated", "accepted", "finalizing_failed", "failed", "retried"], PAYOUT_STATUSES) == (
        "failed"
    )
