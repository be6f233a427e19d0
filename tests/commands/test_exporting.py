"""Journals that other programs accept, and audit files that a lone script checks."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data as beancount

from cutline.engine.journal import Entry, amount_text, beancount_account
from cutline.engine.journal import beancount as journal_of
from cutline.storage.reports.journals import transactions
from tests.commands.conftest import Ended, Run

ROOT = Path(__file__).resolve().parents[2]
CHECKER = ROOT / "docs" / "audit" / "check_contest.py"
BEAN_CHECK = Path(sys.executable).with_name("bean-check")


def balances_of(data: Path) -> dict[str, int]:
    """Every balance as the last posting of each account has it, in cents."""
    found: dict[str, int] = {}
    for entry in transactions(data):
        found.update({account: balance for account, _, balance in entry.legs})
    return found


@pytest.fixture(scope="module")
def journal(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "ledger.beancount"
    path.write_text("".join(journal_of(transactions(data))), "utf-8")
    return path


def test_bean_check_accepts_the_journal_and_its_balances_are_ours(data: Path, journal: Path, run: Run) -> None:
    """LED-016: an independent bookkeeper comes to the same cent in every account."""
    exported = run("export", "ledger", "--format", "beancount", "--data", data)
    assert (exported.code, exported.out) == (0, journal.read_text("utf-8"))
    checked = subprocess.run([BEAN_CHECK, journal], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

    entries, errors, _ = loader.load_file(str(journal))
    assert errors == []
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in entries:
        for posting in entry.postings if isinstance(entry, beancount.Transaction) else ():
            assert posting.units is not None
            sums[posting.account] += posting.units.number or 0
    ours = balances_of(data)
    assert {name: cents * 100 for name, cents in sums.items()} == {
        beancount_account(account): cents for account, cents in ours.items()
    }
    opened = {entry.account: entry.meta["account"] for entry in entries if isinstance(entry, beancount.Open)}
    assert sorted(opened.values()) == sorted(ours), "each name leads back to one account"


def test_a_cent_too_many_is_seen_by_bean_check(journal: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged.beancount"
    text = journal.read_text("utf-8")
    at = text.rindex(" ~ 0 USD")
    forged.write_text(text[: at - 1] + str((int(text[at - 1]) + 1) % 10) + text[at:], "utf-8")
    checked = subprocess.run([BEAN_CHECK, forged], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "Balance failed" in checked.stderr


def test_csv_and_json_say_the_same_as_the_ledger(data: Path, tmp_path: Path, run: Run) -> None:
    page, document = tmp_path / "ledger.csv", tmp_path / "ledger.json"
    for form, path in (("csv", page), ("json", document)):
        assert run("export", "ledger", "--format", form, "--data", data, "--output", path).code == 0
    ours = list(transactions(data))
    with page.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["amount_cents"]) for row in rows] == [cents for one in ours for _, cents, _ in one.legs]
    times = {row[name] for row in rows for name in ("recorded_at", "occurred_at")}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times), (
        "one form for all times"
    )
    exported = json.loads(document.read_text("utf-8"))
    assert [one["effect_key"] for one in exported["transactions"]] == [one.effect_key for one in ours]
    assert exported["balances"] == {"usd": balances_of(data)}
    assert sum(exported["balances"]["usd"].values()) == 0


def test_ids_that_beancount_cannot_write_are_written_all_the_same(tmp_path: Path) -> None:
    """A holder's id may be a mail address; two ids never share a name."""
    holders = ["did:plc:x", "did-plc-x", "Ann@example.org", "ann@example.org", "a%2Bb", "1_2+3", "-", "X"]
    names = [f"user:{holder}:{bucket}" for holder in holders for bucket in ("available", "held")]
    assert len({beancount_account(name) for name in names}) == len(names)
    entries = [
        Entry(
            seq=number,
            recorded_at="2026-04-09T11:40:00.000Z",
            occurred_at="2026-04-09T11:40:00.000Z",
            kind='a "quoted"\\kind\nof two lines',
            effect_key=f"odd:{number}",
            currency="usd" if number % 2 else "jpy",
            legs=((name, 105, 105), ("suspense", -105, -105)),
        )
        for number, name in enumerate(names)
    ]
    text = "".join(journal_of(_running(entries)))
    path = tmp_path / "odd.beancount"
    path.write_text(text, "utf-8")
    checked = subprocess.run([BEAN_CHECK, path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def _running(entries: list[Entry]) -> list[Entry]:
    """Give the entries the running balances that a ledger would."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    made = []
    for entry in entries:
        legs = []
        for account, cents, _ in entry.legs:
            sums[account, entry.currency] += cents
            legs.append((account, cents, sums[account, entry.currency]))
        made.append(
            Entry(
                seq=entry.seq, recorded_at=entry.recorded_at, occurred_at=entry.occurred_at, kind=entry.kind,
                effect_key=entry.effect_key, currency=entry.currency, legs=tuple(legs),
            )
        )  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("cents", "currency", "text"),
    [(2500, "usd", "25.00"), (-5, "usd", "-0.05"), (-105, "eur", "-1.05"), (0, "usd", "0.00"), (-105, "jpy", "-105")],
)
def test_amounts_are_exact_in_the_currencys_unit(cents: int, currency: str, text: str) -> None:
    assert amount_text(cents, currency) == text


# The audit file ---------------------------------------------------------------------------------------------


@pytest.fixture
def audit(data: Path, tmp_path: Path, run: Run) -> Path:
    path = tmp_path / "audit.json"
    assert run("export", "contest", "open-1", "--data", data, "--output", path).code == 0
    return path


def check(path: Path) -> Ended:
    """Run the checker alone: no packages, no environment, no folder of ours."""
    command = [sys.executable, "-I", "-S", str(CHECKER), str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent)
    return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)


def test_the_audit_file_of_a_contest_is_checked_by_the_standard_library_alone(audit: Path) -> None:
    """REC-009: prizes, credits and transfers are equal for every winner, by a script that imports nothing of ours."""
    checked = check(audit)
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.startswith("ok: open-1 (")
    assert "cutline" not in [line for line in CHECKER.read_text("utf-8").splitlines() if line.startswith("import")]


def first(rows: list[Any], kind: str) -> Any:
    return next(row for row in rows if row["kind"] == kind)


def change_payload(audit: Any) -> None:
    audit["log"][0][5] = audit["log"][0][5].replace("{", "{ ", 1)


def cut_the_tail(audit: Any) -> None:
    del audit["log"][audit["anchors"][-1][0] - 1 :]


def drop_a_row(audit: Any) -> None:
    del audit["log"][1]


def pay_more(audit: Any) -> None:
    first(audit["ledger"], "transfer_completed")["legs"][0][1] += 1


def pay_somebody_else(audit: Any) -> None:
    legs = first(audit["ledger"], "settlement")["legs"]
    legs[1][0], legs[2][0] = legs[2][0], legs[1][0]


def send_twice(audit: Any) -> None:
    audit["transfers"].append(audit["transfers"][0] | {"transfer": "another"})


def send_another_amount(audit: Any) -> None:
    audit["transfers"][0]["amount_cents"] += 1


def forget_a_booking(audit: Any) -> None:
    audit["ledger"].remove(first(audit["ledger"], "transfer_completed"))


def invent_a_booking(audit: Any) -> None:
    audit["transfers"][0]["stripe_transfer_id"] = None


def lose_a_fee(audit: Any) -> None:
    audit["ledger"].remove(first(audit["ledger"], "entry_activated"))


def book_twice(audit: Any) -> None:
    audit["ledger"].append(first(audit["ledger"], "settlement"))


def name_another_result(audit: Any) -> None:
    first(audit["ledger"], "settlement")["content"]["result_sha256"] = "0" * 64


def claim_another_format(audit: Any) -> None:
    audit["version"] = 2


FORGERIES: list[tuple[Callable[[Any], None], str]] = [
    (change_payload, "is not what was hashed"),
    (cut_the_tail, "anchored another row"),
    (drop_a_row, "has the number"),
    (pay_more, "out of balance"),
    (pay_somebody_else, "by the settlement, not"),
    (send_twice, "has 2 transfers"),
    (send_another_amount, "is not its prize"),
    (forget_a_booking, "is made and not booked"),
    (invent_a_booking, "no such transfer was made"),
    (lose_a_fee, "were put into a pot"),
    (book_twice, "is booked 2 times"),
    (name_another_result, "name another result"),
    (claim_another_format, "this is no"),
]


@pytest.mark.parametrize(("forge", "says"), FORGERIES, ids=[forge.__name__ for forge, _ in FORGERIES])
def test_what_is_forged_in_an_audit_file_is_named(audit: Path, forge: Callable[[Any], None], says: str) -> None:
    said = json.loads(audit.read_text("utf-8"))
    forge(said)
    audit.write_text(json.dumps(said), "utf-8")
    checked = check(audit)
    assert checked.code == 1
    assert says in checked.out


def test_the_checker_says_what_it_cannot_read(tmp_path: Path) -> None:
    assert check(tmp_path / "none.json").code == 2
    (tmp_path / "odd.json").write_text("{", "utf-8")
    assert check(tmp_path / "odd.json").code == 2


def test_what_is_not_there_is_refused_by_name(data: Path, tmp_path: Path, run: Run) -> None:
    for arguments in (
        ("export", "contest", "never-made", "--data", data),
        ("export", "contest", "../../etc", "--data", data),
        ("export", "ledger", "--data", tmp_path),
    ):
        ended = run(*arguments)
        assert ended.code == 1
        assert ended.err.startswith("error: ")


def test_an_export_goes_to_standard_output_too(data: Path, run_apart: Run) -> None:
    ended = run_apart("export", "contest", "open-1", "--data", data)
    assert json.loads(ended.out)["contest_id"] == "open-1"
    rows = csv.reader(io.StringIO(run_apart("export", "ledger", "--format", "csv", "--data", data).out))
    assert len(list(rows)) > 2
