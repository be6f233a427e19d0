"""`verify`, `replay` and `score` as scripts and runbooks depend on them: documents, exit codes, what to do next."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from cutline.storage.files import DataRoot
from tests.commands.conftest import Run
from tests.engine.golf import CARDS, GOLDEN, payload, raw
from tests.storage.verify.tampering import changed, forge

CONFIG = """
schema = 1
id = "small-open"
name = "Small Open"
currency = "usd"
[event]
provider_event_id = "7f3b0a52-open"
rounds = 4
cut_after_round = 2
first_tee_at = 2026-04-09T11:40:00Z
ends_at = 2026-04-13T00:00:00Z
time_zone = "America/New_York"
[entry]
fee_cents = 1001
max_entries = 100
max_entries_per_user = 3
lock_at = 2026-04-09T11:40:00Z
rake_percent = 5
payment_minutes = 30
[roster]
size = 3
tiers = []
[scoring]
metric = "to_par"
count_best = 2
count_per = "event"
direction = "low"
round_weights = [1, 1, 1, 1]
entry_cut = { min_made_cut = 2 }
[scoring.not_played]
missed_cut = { rule = "worst_of_day", plus = 1 }
withdrawn = { rule = "drop" }
disqualified = { rule = "fixed", value = 10 }
[ties]
order = ["winning_score_prediction"]
[prizes]
basis = "percent"
places = [
  { from = 1, to = 1, percent = 50 },
  { from = 2, to = 2, percent = 30 },
  { from = 3, to = 3, percent = 20 },
]
[settlement]
hold_minutes = 30
[shortened]
min_rounds = 2
"""
SETTLED = "48dc30aa5c9f4581951b7c574965202880ca5782537f5afe77cd77a9a38c62cf"


def contest_file(data: Path) -> Path:
    return DataRoot(data).path_of("contest/open-1")


def test_help_names_every_command(run_apart: Run) -> None:
    ended = run_apart("--help")
    assert ended.code == 0
    names = {line.split()[0] for line in ended.out.partition("Commands:")[2].splitlines() if line.strip()}
    assert names == {
        *("serve", "demo", "simulate", "verify", "score", "replay", "reconcile", "restore", "export"),
        *("forget", "promote", "token", "config", "contest", "runbook", "schema", "openapi", "emulate", "bench"),
    }


def test_verify_prints_one_document_and_ends_with_0(run_apart: Run, data: Path) -> None:
    ended = run_apart("verify", data, "--json")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert document["ok"] is True
    assert document["problems"] == []
    assert document["counts"]["files"] == 6


def test_verify_says_ok_to_people(run: Run, data: Path) -> None:
    ended = run("verify", data)
    assert ended.code == 0
    assert ended.out.startswith(f"ok: {data} (6 files, ")


def test_verify_names_problems_and_ends_with_1(run: Run, data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(data, tmp_path / "data"))
    contest_file(root).unlink()
    ended = run("verify", root, "--json")
    assert ended.code == 1
    document = json.loads(ended.out)
    assert document["ok"] is False
    assert document["problems"][0]["code"] == "FILE_MISSING"
    assert set(document["problems"][0]) == {"code", "file", "where", "message", "what_to_do"}
    ended = run("verify", root)
    assert ended.code == 1
    assert "FILE_MISSING" in ended.out
    assert "What to do: Stop the engine" in ended.out


@pytest.mark.parametrize("where", ["nowhere", "."])
def test_verify_of_no_data_root_says_what_to_give(run: Run, tmp_path: Path, where: str) -> None:
    ended = run("verify", tmp_path / where)
    assert ended.code == 1
    assert ended.out == ""
    assert "Give the folder" in ended.err
    assert "Traceback" not in ended.err


def test_a_failure_with_json_is_still_one_document(run: Run, tmp_path: Path) -> None:
    ended = run("verify", tmp_path / "nowhere", "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["error"]["what_to_do"]


# Replay ---------------------------------------------------------------------------------------------------------


def test_replay_settles_again_with_the_same_result(run: Run, data: Path) -> None:
    ended = run("replay", contest_file(data), "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["ok"] is True
    assert document["recorded_sha256"] == SETTLED
    assert document["contest"]["progress"] == "PAID_OUT"
    assert document["problems"] == []


def test_replay_stops_where_it_is_told(run: Run, data: Path) -> None:
    ended = run("replay", contest_file(data), "--at", "10", "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["seq"] == 10
    assert document["contest"]["status"] == "SCHEDULED"
    assert document["recorded_sha256"] is None


def test_replay_of_a_forged_result_ends_with_1(run: Run, data: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(contest_file(data), tmp_path / "open-1.db"))
    forge(file, "SettlementRecorded", lambda event: changed(event, rake_cents=0))
    ended = run("replay", file)
    assert ended.code == 1
    assert "problem: rake_cents was recorded as 0; settled again it is 300" in ended.out


def test_replay_of_events_that_cannot_follow_ends_with_1(run: Run, data: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(contest_file(data), tmp_path / "open-1.db"))
    forge(file, "StatusChanged", lambda event: changed(event, from_status="LIVE"))
    ended = run("replay", file)
    assert ended.code == 1
    assert "cannot follow" in ended.out


@pytest.mark.parametrize("arguments", [("ledger", ()), ("contest/none", ()), ("contest/open-1", ("--at", "999999"))])
def test_replay_of_what_is_no_contest_says_what_to_give(
    run: Run, data: Path, arguments: tuple[str, tuple[str, ...]]
) -> None:
    address, options = arguments
    ended = run("replay", DataRoot(data).path_of(address), *options)
    assert ended.code == 1
    assert "Give a" in ended.err


# Score ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def inputs(tmp_path: Path) -> list[object]:
    (tmp_path / "open.toml").write_text(CONFIG)
    (tmp_path / "feed.jsonl").write_bytes(
        raw(payload(CARDS, status="inprogress")) + b"\n" + raw(payload(CARDS)) + b"\n"
    )
    entries = [
        {"entry_id": e.entry_id, "picks": list(e.picks), **({} if e.tiebreak is None else {"tiebreak": e.tiebreak})}
        for e in GOLDEN
    ]
    (tmp_path / "entries.json").write_text(json.dumps(entries))
    files = {"--config": "open.toml", "--feed": "feed.jsonl", "--entries": "entries.json"}
    return [part for option, name in files.items() for part in (option, tmp_path / name)]


def test_score_gives_standings_prizes_and_the_contests_own_hash(run_apart: Run, inputs: list[object]) -> None:
    ended = run_apart("score", *inputs, "--json")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert set(document) == {"standings", "result_sha256", "feed"}
    assert document["result_sha256"] == SETTLED
    assert document["feed"] == {"snapshots": 2, "accepted": 2, "regressions": 0, "rejected": 0}
    first = {"rank": 1, "entry_id": "e2", "status": "ranked", "score": -6, "prize_cents": 2854}
    assert document["standings"][0] == first


def test_score_reads_a_compressed_feed(run: Run, inputs: list[object], tmp_path: Path) -> None:
    (tmp_path / "feed.jsonl.gz").write_bytes(gzip.compress((tmp_path / "feed.jsonl").read_bytes()))
    inputs[inputs.index(tmp_path / "feed.jsonl")] = tmp_path / "feed.jsonl.gz"
    ended = run("score", *inputs)
    assert ended.code == 0
    assert f"result {SETTLED}" in ended.out
    assert "28.54" in ended.out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("open.toml", "schema = 1", "Mend the configuration"),
        ("entries.json", '[{"entry_id": "e1"}]', "Mend the named input"),
        ("entries.json", "[", "Mend the named input"),
        ("feed.jsonl", "no json\n", "Mend the named input"),
        ("feed.jsonl", None, "Give files that exist"),
    ],
)
def test_score_of_bad_input_ends_with_2_and_says_what_to_do(
    run: Run, inputs: list[object], tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    ended = run("score", *inputs)
    assert ended.code == 2
    assert ended.out == ""
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_feed_that_only_pretends_to_be_compressed_is_bad_input(
    run: Run, inputs: list[object], tmp_path: Path
) -> None:
    (tmp_path / "feed.jsonl.gz").write_text("not gzip")
    inputs[inputs.index(tmp_path / "feed.jsonl")] = tmp_path / "feed.jsonl.gz"
    assert run("score", *inputs).code == 2
