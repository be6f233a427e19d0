"""The shipped recording is the real event: times, holes, cut and final scores (ING-017, CFG-001)."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from cutline.simulation.facts import Facts, read_facts
from cutline.simulation.recording import main, pack, record

TOURNAMENTS = Path(__file__).parents[2] / "config" / "tournaments"
FACTS = TOURNAMENTS / "data" / "masters-2026"
SHIPPED = TOURNAMENTS / "masters-2026.feed.jsonl.gz"

Snapshot = dict[str, Any]


@cache
def facts() -> Facts:
    return read_facts(FACTS)


@cache
def snapshots() -> tuple[Snapshot, ...]:
    return tuple(orjson.loads(line) for line in gzip.decompress(SHIPPED.read_bytes()).splitlines())


def rows(snapshot: Snapshot) -> dict[str, Snapshot]:
    return {row["id"]: row for row in snapshot["leaderboard"]}


def marked(snapshot: Snapshot, mark: str) -> set[str]:
    return {row["id"] for row in snapshot["leaderboard"] if row.get("status") == mark}


def at_utc(snapshot: Snapshot) -> datetime:
    return datetime.fromisoformat(snapshot["generated_at"])


def test_the_shipped_recording_is_what_the_command_makes(tmp_path: Path) -> None:
    again = tmp_path / "again.feed.jsonl.gz"
    assert main([str(FACTS), str(again)]) == 0
    # The unpacked bytes are compared, since another zlib may pack the same bytes otherwise.
    assert gzip.decompress(again.read_bytes()) == gzip.decompress(SHIPPED.read_bytes())
    assert pack(record(facts())) == again.read_bytes()


def test_the_recording_is_small_and_carries_no_time_or_name_of_its_making() -> None:
    packed = SHIPPED.read_bytes()
    assert len(packed) < 1_000_000
    assert packed[3] == 0  # no file name
    assert packed[4:8] == bytes(4)  # no time


def test_every_line_is_a_snapshot_of_the_one_event_with_the_whole_field() -> None:
    field = set(facts().golfers)
    for snapshot in snapshots():
        assert snapshot["id"] == facts().event.event_id
        assert set(rows(snapshot)) == field
        assert len(snapshot["leaderboard"]) == len(field) == 92


def test_times_only_grow_and_the_week_before_is_covered() -> None:
    times = [at_utc(snapshot) for snapshot in snapshots()]
    assert times == sorted(set(times))
    assert times[0] == facts().event.first_tee_at_utc - timedelta(days=7)
    assert all(time.utcoffset() == timedelta(0) for time in times)


def test_the_event_goes_from_scheduled_to_closed_and_never_back() -> None:
    order = ["scheduled", "inprogress", "complete", "closed"]
    places = [order.index(snapshot["status"]) for snapshot in snapshots()]
    assert places == sorted(places)
    assert set(places) == {0, 1, 2, 3}
    started = next(snapshot for snapshot in snapshots() if snapshot["status"] == "inprogress")
    assert at_utc(started) == facts().event.first_tee_at_utc


def test_before_the_first_tee_there_are_no_scores() -> None:
    for snapshot in snapshots():
        if snapshot["status"] == "scheduled":
            assert all(row["rounds"] == [] and row["score"] == 0 for row in snapshot["leaderboard"])
            assert not any("position" in row for row in snapshot["leaderboard"])


def test_at_the_first_tee_everyone_who_starts_has_an_empty_card() -> None:
    started = next(snapshot for snapshot in snapshots() if snapshot["status"] == "inprogress")
    cards = [row["rounds"] for row in started["leaderboard"] if "status" not in row]
    assert len(cards) == 91
    assert all(len(card) == 1 and card[0]["sequence"] == 1 and card[0]["thru"] == 0 for card in cards)


def test_each_hole_shows_at_the_time_it_was_seen_and_not_before() -> None:
    for snapshot in snapshots():
        shown = sum(card["thru"] for row in snapshot["leaderboard"] for card in row["rounds"])
        assert shown == sum(result.seen_at_utc <= at_utc(snapshot) for result in facts().holes)
    moments = {result.seen_at_utc for result in facts().holes}
    assert moments <= {at_utc(snapshot) for snapshot in snapshots()}


def test_no_card_ever_goes_back() -> None:
    thru: dict[tuple[str, int], int] = {}
    for snapshot in snapshots():
        served = {
            (row["id"], card["sequence"]): card["thru"] for row in snapshot["leaderboard"] for card in row["rounds"]
        }
        assert all(served.get(key, -1) >= value for key, value in thru.items())
        thru = served


def test_totals_are_the_sums_of_the_rounds() -> None:
    for snapshot in snapshots():
        for row in snapshot["leaderboard"]:
            assert row["score"] == sum(card["score"] for card in row["rounds"])
            assert row["strokes"] == sum(card["strokes"] for card in row["rounds"])
            assert [card["sequence"] for card in row["rounds"]] == list(range(1, len(row["rounds"]) + 1))


def test_the_cut_is_made_once_when_the_second_round_is_in_and_stands() -> None:
    cut = {golfer.player_id for golfer in facts().golfers.values() if golfer.fate == "cut"}
    steps = [marked(snapshot, "CUT") for snapshot in snapshots()]
    made = next(place for place, marks in enumerate(steps) if marks)
    assert len(cut) == 37
    assert all(marks == set() for marks in steps[:made])
    assert all(marks == cut for marks in steps[made:])
    last_seen_utc = max(result.seen_at_utc for result in facts().holes if result.round_number == 2)
    assert at_utc(snapshots()[made]) == last_seen_utc + facts().event.official_after
    assert [entry["status"] for entry in snapshots()[made]["rounds"][:3]] == ["closed", "closed", "scheduled"]


def test_cut_golfers_get_no_third_card() -> None:
    final = snapshots()[-1]
    for player_id in marked(final, "CUT"):
        assert len(rows(final)[player_id]["rounds"]) == 2


def test_the_withdrawal_is_marked_before_play_and_stands() -> None:
    steps = [marked(snapshot, "WD") for snapshot in snapshots()]
    made = next(place for place, marks in enumerate(steps) if marks)
    assert snapshots()[made]["status"] == "scheduled"
    assert steps[0] == set()
    assert all(marks == {"40000991"} for marks in steps[made:])
    assert rows(snapshots()[-1])["40000991"]["rounds"] == []


def test_final_scores_are_those_of_the_event() -> None:
    final = rows(snapshots()[-1])
    finishers = cut = 0
    with (FACTS / "players.csv").open(encoding="utf-8", newline="") as lines:
        for player in csv.DictReader(lines):
            row = final[player["player_id"]]
            totals = [int(player[name]) for name in ("r1", "r2", "r3", "r4") if player[name]]
            assert f"{row['first_name']} {row['last_name']}" == player["name"]
            assert [card["strokes"] for card in row["rounds"]] == totals
            assert [card["score"] for card in row["rounds"]] == [total - 72 for total in totals]
            assert (row["strokes"], row["score"]) == (int(player["total"]), int(player["to_par"]))
            finishers += player["status"] == "active"
            cut += player["status"] == "cut"
    assert (finishers, cut) == (54, 37)


def test_positions_count_ties_and_belong_to_those_who_play_on() -> None:
    for snapshot in snapshots():
        placed = [row for row in snapshot["leaderboard"] if "position" in row]
        for row in placed:
            better = sum(other["score"] < row["score"] for other in placed)
            equal = sum(other["score"] == row["score"] for other in placed)
            assert (row["position"], row["tied"]) == (better + 1, equal > 1)
            assert "status" not in row
    winner, second = snapshots()[-1]["leaderboard"][:2]
    assert (winner["last_name"], winner["position"], winner["score"]) == ("McIlroy", 1, -12)
    assert (second["last_name"], second["position"], second["score"]) == ("Scheffler", 2, -11)


def test_it_is_complete_after_the_last_hole_and_closed_an_hour_later() -> None:
    complete, closed = snapshots()[-2:]
    last_seen_utc = max(result.seen_at_utc for result in facts().holes)
    assert (complete["status"], closed["status"]) == ("complete", "closed")
    assert at_utc(complete) - last_seen_utc == timedelta(minutes=5)
    assert at_utc(closed) - at_utc(complete) == timedelta(hours=1)
    assert all(entry["status"] == "closed" for entry in complete["rounds"])


def test_hole_tallies_add_up_to_the_holes_played() -> None:
    names = ("eagles", "birdies", "pars", "bogeys", "double_bogeys", "other_scores")
    for row in snapshots()[-1]["leaderboard"]:
        for card in row["rounds"]:
            assert sum(card[name] for name in names) == card["thru"] == 18
    assert sum(card["holes_in_one"] for row in snapshots()[-1]["leaderboard"] for card in row["rounds"]) == 1


@pytest.mark.parametrize("wrong", [[], ["one"]])
def test_the_command_refuses_missing_arguments(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert "usage" in capsys.readouterr().err
