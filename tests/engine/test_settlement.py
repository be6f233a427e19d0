"""A settlement is pure, complete, twice scored, and the same bytes everywhere (SET-001, SET-002, SET-016, SET-021)."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cutline.engine.decision import Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.scoring import plain
from cutline.engine.scoring.board import Board
from cutline.engine.scoring.standings import Entry
from cutline.engine.settlement import (
    SettlementInput,
    SettlementResult,
    compare,
    read_input,
    read_outcome,
    score_twice,
    settle,
    settle_json,
    write_input,
)
from cutline.engine.tournament import canonical
from tests.engine.golf import CARDS, GOLDEN, board, tournament

ENGINE = Path(__file__).parents[2] / "cutline" / "engine"

# The golden contest of test_scorers, here with money. Six entries at 1,001 cents are a pot of 6,006; 5 % rake of it is
# 300.30, so 300; the net pot is 5,706:
#   place 1   50 %   2,853.00   2,853 + the cent that remains = 2,854
#   place 2   30 %   1,711.80   1,711
#   place 3   20 %   1,141.20   1,141
# e3, e4 and e5 share the places 2 to 4: 1,711 + 1,141 + 0 = 2,852 = 3 x 950 and 2 cents, to e3 and e4.


def inputs(
    changes: dict[str, Any] | None = None, on: Board | None = None, entries: tuple[Entry, ...] = GOLDEN
) -> SettlementInput:
    return SettlementInput(
        contest_id="c1", config_json=canonical(tournament(changes)), board=on or board(), entries=entries
    )


def settled(given: SettlementInput) -> SettlementResult:
    result = settle(given)
    assert isinstance(result, SettlementResult), result
    return result


def refused(given: SettlementInput) -> Rejected:
    result = settle(given)
    assert isinstance(result, Rejected), result
    return result


def test_the_golden_contest_settles_to_the_cent_as_computed_by_hand() -> None:
    """SET-013, SET-019."""
    result = settled(inputs())
    rows = [
        (row.rank, row.entry_id, row.status, row.score, row.prize_cents, row.remainder_cents)
        for row in result.standings
    ]
    assert rows == [
        (1, "e2", "ranked", -6, 2854, 0),
        (2, "e3", "ranked", -4, 951, 1),
        (2, "e4", "ranked", -4, 951, 1),
        (2, "e5", "ranked", -4, 950, 0),
        (5, "e1", "cut", 6, 0, 0),
        (6, "e6", "cut", 25, 0, 0),
    ]
    assert (result.pot_cents, result.rake_cents, result.surplus_cents) == (6006, 300, 0)
    assert (result.contest_id, result.score_version, result.entries) == ("c1", 1, 6)


def test_settling_again_gives_the_same_hashes_whatever_the_order_of_entries() -> None:
    """SET-002."""
    assert settled(inputs(entries=GOLDEN[::-1])) == settled(inputs())


def test_another_input_has_another_hash_and_another_contest_the_same_result() -> None:
    first, other = settled(inputs()), settled(replace(inputs(), contest_id="c2"))
    assert first.input_sha256 != other.input_sha256
    assert first.result_sha256 == other.result_sha256
    dearer = settled(inputs({"entry.fee_cents": 1002}))
    assert dearer.result_sha256 != first.result_sha256


def test_a_result_crosses_a_process_as_json() -> None:
    assert read_outcome(settle_json(write_input(inputs()))) == settled(inputs())
    short = inputs({"shortened.min_rounds": 4}, on=board({"A": (None, [(0, 18)])}))
    assert read_outcome(settle_json(write_input(short))) == refused(short)


def interpreters() -> list[str]:
    """Return this Python and every other one from 3.11 on that can import the engine.

    They are looked for on the PATH, and among the environments that `make pythons` has made.
    """
    named = [shutil.which(f"python3.{minor}") for minor in range(11, 20)]
    made = sorted(map(str, ENGINE.parents[1].glob(".pythons/*/bin/python")))
    able = []
    for other in filter(None, [*named, *made]):
        probe = [other, "-c", "import msgspec, numpy, orjson, pydantic"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            able.append(other)
    return [sys.executable, *able]


def test_other_processes_pythons_and_hash_seeds_give_the_same_bytes() -> None:
    """SET-001."""
    program = (
        "import sys; from cutline.engine.settlement import settle_json;"
        "sys.stdout.buffer.write(settle_json(sys.stdin.buffer.read()))"
    )
    here = settle_json(write_input(inputs()))
    for interpreter, seed in [(python, seed) for python in interpreters() for seed in ("1", "2")]:
        done = subprocess.run(
            [interpreter, "-c", program],
            input=write_input(inputs()),
            capture_output=True,
            check=True,
            cwd=ENGINE.parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ENGINE.parents[1])},
        )
        assert done.stdout == here


OPEN_CARD = {**CARDS, "E": (None, [(2, 18), (1, 18), (3, 18), (0, 17)])}
TWO_ROUNDS = {player: (status, rounds[:2]) for player, (status, rounds) in CARDS.items()}
ONE_ROUND = {player: (status, rounds[:1]) for player, (status, rounds) in CARDS.items()}


@pytest.mark.parametrize(
    ("on", "reason", "details"),
    [
        (board(OPEN_CARD), "cards_open", {"round": 4, "players": ["E"]}),
        (board({**CARDS, "E": (None, [(2, 17), *CARDS["E"][1][1:]])}), "cards_open", {"round": 1, "players": ["E"]}),
        (board({**CARDS, "Z": (None, [])}), "cards_open", {"round": 1, "players": ["Z"]}),
        (board(TWO_ROUNDS, "inprogress"), "event_not_final", {"event_status": "inprogress", "rounds": 2}),
        (board(TWO_ROUNDS, "suspended"), "event_not_final", {"event_status": "suspended", "rounds": 2}),
        (board(ONE_ROUND), "too_few_rounds", {"rounds": 1, "min_rounds": 2}),
        (Board(event_status="closed", cards=()), "too_few_rounds", {"rounds": 0, "min_rounds": 2}),
        (board(status="cancelled"), "event_cancelled", {}),
    ],
)
def test_nothing_settles_from_partial_data(on: Board, reason: str, details: dict[str, Any]) -> None:
    """SET-021, FAULTS F2."""
    refusal = refused(inputs(on=on))
    assert refusal.code is RejectCode.SETTLEMENT_NOT_READY
    assert refusal.details == {"reason": reason, **details}


def test_all_final_cards_settle_before_the_provider_calls_the_event_closed() -> None:
    assert settled(inputs(on=board(status="inprogress"))).standings == settled(inputs()).standings


def test_a_shortened_event_settles_on_its_completed_rounds() -> None:
    result = settled(inputs({"scoring.entry_cut.min_made_cut": 0}, on=board(TWO_ROUNDS)))
    # After two rounds: A -5, B -2, C -2, D +1, E +3, F +9; G is dropped; H 0 has finished both.
    assert [(row.entry_id, row.score) for row in result.standings][:2] == [("e2", -4), ("e3", -2)]


def test_prizes_that_the_pot_does_not_cover_pay_nobody() -> None:
    places = [{"from": 1, "to": 1, "cents": 90_000}]
    refusal = refused(inputs({"prizes.basis": "fixed", "prizes.places": places}))
    assert refusal.code is RejectCode.POT_SHORT


def test_a_contest_without_entries_settles_to_nothing() -> None:
    result = settled(inputs(entries=()))
    assert (len(result.standings), result.pot_cents, result.rake_cents) == (0, 0, 0)
    assert read_input(write_input(inputs(entries=()))).rosters.size == 0


def test_scorers_that_disagree_settle_nothing_and_say_where() -> None:
    config = tournament()
    good = plain.standings(config, board(), GOLDEN)
    assert compare(good, good) is good
    forged = replace(good, scores=(good.scores[0], -5, *good.scores[2:]))
    refusal = compare(good, forged)
    assert isinstance(refusal, Rejected)
    assert refusal.code is RejectCode.SCORERS_DISAGREE
    said = {"rank": 2, "entry_id": "e3", "status": "ranked"}
    assert refusal.details == {
        "entries": [6, 6],
        "matrix": {**said, "score": good.scores[1]},
        "plain": {**said, "score": -5},
    }
    # The last by rank is missing; what both have is equal.
    shorter = plain.standings(config, board(), GOLDEN[:5])
    refusal = compare(good, shorter)
    assert isinstance(refusal, Rejected)
    assert refusal.details == {"entries": [6, 5]}


def test_entries_scored_twice_have_what_both_scorers_say() -> None:
    """SET-001."""
    config = tournament()
    assert score_twice(config, board(), GOLDEN) == plain.standings(config, board(), GOLDEN)


def test_entries_that_cannot_be_are_a_bug() -> None:
    with pytest.raises(InvariantViolated, match=r"^an entry id is repeated$"):
        settle(inputs(entries=(GOLDEN[0], GOLDEN[0])))
    size = "^a roster has another size than the config asks for$"
    with pytest.raises(InvariantViolated, match=size):
        settle(inputs(entries=(Entry(entry_id="e", picks=("A",)),)))
    with pytest.raises(InvariantViolated, match=size):
        settle(inputs(entries=(GOLDEN[0], Entry(entry_id="e", picks=("A",)))))


def test_a_large_contest_with_heavy_ties_settles_with_both_scorers() -> None:
    picks = [("A", "B", "C"), ("A", "E", "G"), ("B", "D", "E"), ("C", "D", "H"), ("A", "F", "G")]
    entries = tuple(
        Entry(entry_id=f"{number:05d}", picks=picks[number % 5], tiebreak=number % 3) for number in range(2000)
    )
    result = settled(inputs({"entry.max_entries": 2000}, entries=entries))
    assert sum(row.prize_cents for row in result.standings) + result.rake_cents == result.pot_cents == 2_002_000


def test_settlement_computes_and_does_nothing_else() -> None:
    """SET-016: no clock, chance, network, file or actor in what settles."""
    forbidden = {"time", "random", "secrets", "socket", "os", "stripe", "aiohttp", "smtplib", "pykka", "sqlite3"}
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & forbidden, path
            assert not any(name.startswith("cutline.") and not name.startswith("cutline.engine") for name in names), (
                path
            )


def test_the_written_input_names_everything_that_decides_and_is_what_is_hashed() -> None:
    head, _, packed = write_input(inputs()).partition(b"\n")
    assert sorted(json.loads(head)) == ["board", "config_json", "contest_id", "score_version"]
    assert sorted(json.loads(packed)) == ["entry_ids", "picks", "players", "size", "tiebreaks"]
    assert hashlib.sha256(head + b"\n" + packed).hexdigest() == settled(inputs()).input_sha256


def test_a_result_is_named_by_bytes_that_the_standard_library_can_write() -> None:
    """SET-001: whoever has the figures can compute the hash again without the engine."""
    value = {
        "score_version": 1,
        "pot_cents": 6006,
        "rake_cents": 300,
        "surplus_cents": 0,
        "standings": {
            "entry_ids": ["e2", "e3", "e4", "e5", "e1", "e6"],
            "ranks": [1, 2, 2, 2, 5, 6],
            "cut": [False, False, False, False, True, True],
            "scores": [-6, -4, -4, -4, 6, 25],
            "prize_cents": [2854, 951, 951, 950, 0, 0],
            "remainder_cents": [0, 1, 1, 0, 0, 0],
        },
    }
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    assert settled(inputs()).result_sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_an_input_of_another_score_version_is_not_settled() -> None:
    other = write_input(inputs()).replace(b'"score_version":1', b'"score_version":2', 1)
    with pytest.raises(InvariantViolated, match="score version 2"):
        settle_json(other)


def test_settled_rows_are_a_sequence() -> None:
    rows = settled(inputs()).standings
    assert len(rows) == len(list(rows)) == 6
    assert [rows[0], rows[-1]] == [next(iter(rows)), list(rows)[-1]]
    assert rows[1:3] == list(rows)[1:3]
    with pytest.raises(IndexError):
        rows[6]
