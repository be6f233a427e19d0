"""The recorded Masters 2026, scored from its feed, gives the real standings (SET-013)."""

import csv
import gzip
from pathlib import Path

import pytest

from cutline.engine.contest.feed_state import board_of
from cutline.engine.feed_scoring import read_feed
from cutline.engine.scoring.board import Board
from cutline.engine.scoring.standings import Entry
from cutline.engine.tournament import load
from tests.engine.golf import tournament
from tests.engine.scoring.cards import both

TOURNAMENTS = Path(__file__).parents[3] / "config" / "tournaments"


@pytest.fixture(scope="module")
def final_board() -> Board:
    config = load((TOURNAMENTS / "masters-2026.toml").read_text("utf-8"))
    with gzip.open(TOURNAMENTS / "masters-2026.feed.jsonl.gz") as lines:
        # The last word of the provider is the whole leaderboard.
        *_, last = lines
    state, count = read_feed(config, [last])
    assert (count.accepted, count.rejected) == (1, 0)
    return board_of(state)


@pytest.fixture(scope="module")
def facts() -> list[dict[str, str]]:
    with (TOURNAMENTS / "data" / "masters-2026" / "players.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def standings(on: Board, facts: list[dict[str, str]], metric: str) -> dict[str, tuple[int, int | None]]:
    """Rank every golfer who finished, each as the only pick of an entry."""
    config = tournament(
        {"roster.size": 1, "scoring.count_best": 1, "scoring.entry_cut.min_made_cut": 0, "scoring.metric": metric}
    )
    finished = [row["player_id"] for row in facts if row["r4"]]
    entries = [Entry(entry_id=player, picks=(player,)) for player in finished]
    return {entry_id: (rank, score) for rank, entry_id, _, score in both(config, on, *entries)}


def test_every_golfer_has_his_real_total_and_place(final_board: Board, facts: list[dict[str, str]]) -> None:
    """54 finished, the winner at -12 and 276, one ahead; places are those of the real totals."""
    finished = [row for row in facts if row["r4"]]
    rounds = {row["player_id"]: [int(row[f"r{number}"]) for number in range(1, 5)] for row in finished}
    totals = {player: sum(strokes) for player, strokes in rounds.items()}
    to_par, strokes = standings(final_board, facts, "to_par"), standings(final_board, facts, "strokes")
    assert len(strokes) == len(finished) == 54
    for player, total in totals.items():
        place = 1 + sum(other < total for other in totals.values())
        assert strokes[player] == (place, total)
        assert to_par[player] == (place, total - 4 * 72)
    (winner,) = [player for player, (place, _) in to_par.items() if place == 1]
    assert to_par[winner] == (1, -12)
    assert sorted(score for _, score in to_par.values() if score is not None)[1] == -11
    named = next(row for row in facts if row["player_id"] == winner)
    assert named["name"] == "Rory McIlroy"
