"""Scoring by hand, and two scorers that agree to the byte (SET-001, SET-013, CFG-002)."""

from dataclasses import replace
from typing import Any

import pytest

from cutline.engine.scoring import matrix, plain
from cutline.engine.scoring.board import Board, rounds_begun, unfinished_players
from cutline.engine.scoring.standings import Entry
from cutline.engine.tournament import Tournament
from tests.engine.golf import CARDS, GOLDEN, board, tournament

Row = tuple[int, str, str, int | None]


def both(config: Tournament, on: Board, *entries: Entry) -> list[Row]:
    """Score by both scorers, which must agree, and return (rank, entry, status, score)."""
    slow, fast = plain.standings(config, on, entries), matrix.standings(config, on, entries)
    assert slow.canonical() == fast.canonical()
    return [(row.rank, row.entry_id, row.status, row.score) for row in slow.rows()]


def entry(entry_id: str, picks: str, tiebreak: int | None = None) -> Entry:
    return Entry(entry_id=entry_id, picks=tuple(picks), tiebreak=tiebreak)


def score_of(picks: str, changes: dict[str, Any], on: Board | None = None) -> tuple[str, int | None]:
    config = tournament({"roster.size": len(picks), "scoring.entry_cut.min_made_cut": 0, **changes})
    ((_, _, status, score),) = both(config, on or board(), entry("e", picks))
    return status, score


# The golden contest. To par by round; the worst finished score of the day in brackets:
#
#        R1  R2  R3  R4  total
#   A    -3  -2  -1  -4   -10     the winner
#   B    -1  -1   0  -2    -4
#   C     0  -2  +1  -1    -2
#   D    +1   0  -3  +2     0
#   E    +2  +1  +3   0    +6
#   F    +4  +5  +4  +3   +16     missed the cut: worst of the day plus 1: R3 (+3)+1, R4 (+2)+1
#   G    -2   .   .   .     -     withdrew after 7 holes of R2: dropped
#   H     0   0  -1 +10    +9     disqualified before R4: fixed +10
#
# Best 2 of 3 count; an entry with fewer than 2 golfers through the cut is cut.
#   e1  A F G   -10 +16         =  +6   one through (A): cut
#   e2  B C H    -4  -2 (+9)    =  -6   rank 1
#   e3  A E G   -10  +6         =  -4   predicts -9, one off
#   e4  A E F   -10  +6 (+16)   =  -4   predicts -11, one off
#   e5  B D E    -4   0 (+6)    =  -4   predicts nothing
#   e6  F G H   +16  +9         = +25   one through (H played R3): cut
#   (e5 predicts -9 in the settlement's tests, and nothing here.)
ENTRIES = (*GOLDEN[:4], replace(GOLDEN[4], tiebreak=None), GOLDEN[5])


def test_the_golden_contest_scores_as_computed_by_hand() -> None:
    """Equidistant predictions stay tied; no prediction is further off than any; the cut rank last, by score."""
    assert both(tournament(), board(), *ENTRIES) == [
        (1, "e2", "ranked", -6),
        (2, "e3", "ranked", -4),
        (2, "e4", "ranked", -4),
        (4, "e5", "ranked", -4),
        (5, "e1", "cut", 6),
        (6, "e6", "cut", 25),
    ]


def test_without_a_tie_break_equal_scores_share_their_rank() -> None:
    rows = both(tournament({"ties.order": []}), board(), *ENTRIES)
    assert [row[:2] for row in rows] == [(1, "e2"), (2, "e3"), (2, "e4"), (2, "e5"), (5, "e1"), (6, "e6")]


def test_the_closest_prediction_wins_the_tie() -> None:
    rows = both(tournament(), board(), entry("a", "AEG", -13), entry("b", "AEF", -8), entry("c", "ABG", 5))
    assert [row[:2] for row in rows] == [(1, "c"), (2, "b"), (3, "a")]


def test_in_strokes_the_winning_score_is_in_strokes() -> None:
    fixed = {"scoring.not_played.disqualified": {"rule": "fixed", "value": 80}}
    config = tournament({"scoring.metric": "strokes", **fixed})
    rows = both(config, board(), entry("a", "AEG", 281), entry("b", "AEF", 278), entry("c", "BCH"))
    # A took 278, E 294, B 284, C 286.
    assert rows == [(1, "c", "ranked", 570), (2, "b", "ranked", 572), (3, "a", "ranked", 572)]


@pytest.mark.parametrize(
    ("picks", "changes", "expected"),
    [
        # Best k of n, per event.
        ("ABD", {"scoring.count_best": 1}, ("ranked", -10)),
        ("ABD", {"scoring.count_best": 3}, ("ranked", -14)),
        # Per round: -3-1, -2-1, -3-1, -4-2.
        ("ABD", {"scoring.count_per": "round"}, ("ranked", -17)),
        ("ABD", {"scoring.count_per": "round", "scoring.count_best": 1}, ("ranked", -12)),
        # Weights: A is -3-2-2-12, D +1 0 -6 +6.
        ("AD", {"scoring.round_weights": [1, 1, 2, 3]}, ("ranked", -18)),
        # A weight of 0 takes a round out: A -7, D +3.
        ("AD", {"scoring.round_weights": [1, 0, 0, 1]}, ("ranked", -4)),
        # High wins: the worst for others is the best here: E +6 and D 0.
        ("ADE", {"scoring.direction": "high"}, ("ranked", 6)),
        # Dropped: F and G cannot count, A alone is not two.
        ("AFG", {"scoring.not_played.missed_cut": {"rule": "drop"}}, ("cut", -10)),
        ("FG", {"scoring.not_played.missed_cut": {"rule": "drop"}}, ("cut", None)),
        # Per round a dropped golfer counts in the rounds he played: R1 A -3, F +4; then F +5; A alone in R3 and R4.
        (
            "AF",
            {"scoring.count_per": "round", "scoring.not_played.missed_cut": {"rule": "drop"}},
            ("cut", -10 + 9),
        ),
        # Alone he has a score of the rounds that he played: F +4 +5.
        (
            "F",
            {
                "scoring.count_best": 1,
                "scoring.count_per": "round",
                "scoring.not_played.missed_cut": {"rule": "drop"},
            },
            ("cut", 9),
        ),
        # So it is beside another cause that lacks an average.
        (
            "AF",
            {
                "scoring.count_per": "round",
                "scoring.not_played.missed_cut": {"rule": "drop"},
                "scoring.not_played.withdrawn": {"rule": "average_of_played"},
            },
            ("cut", -10 + 9),
        ),
        # Fixed in strokes: F 76 + 77 + 80 + 80, A 278.
        (
            "AF",
            {"scoring.metric": "strokes", "scoring.not_played.missed_cut": {"rule": "fixed", "value": 80}},
            ("ranked", 278 + 313),
        ),
        # A weight multiplies a penalty as it does a score: F +4 +5 +16 +24.
        (
            "AF",
            {"scoring.round_weights": [1, 1, 2, 3], "scoring.not_played.missed_cut": {"rule": "fixed", "value": 8}},
            ("ranked", -19 + 49),
        ),
        # Worst of the day without a plus: F +4 +5 +3 +2.
        ("AF", {"scoring.not_played.missed_cut": {"rule": "worst_of_day"}}, ("ranked", -10 + 14)),
        # An unfinished round of a withdrawn golfer does not count: G -2 +8 +8 +8.
        ("AG", {"scoring.not_played.withdrawn": {"rule": "fixed", "value": 8}}, ("ranked", -10 + 22)),
        # High wins: the worst of the day is the lowest: R3 -3, R4 -4; F +4 +5 -3 -4.
        (
            "AF",
            {"scoring.direction": "high", "scoring.not_played.missed_cut": {"rule": "worst_of_day"}},
            ("ranked", -10 + 2),
        ),
        # A golfer who is not on the board has withdrawn.
        ("AZ", {"scoring.not_played.withdrawn": {"rule": "fixed", "value": 8}}, ("ranked", -10 + 32)),
        ("AZ", {}, ("cut", -10)),
    ],
)
def test_each_rule_as_computed_by_hand(picks: str, changes: dict[str, Any], expected: tuple[str, int | None]) -> None:
    assert score_of(picks, changes) == expected


@pytest.mark.parametrize(("count_best", "score"), [(1, 1), (2, 3), (3, 6), (4, 10), (5, 16), (7, 31)])
def test_the_best_are_found_wherever_they_were_picked(count_best: int, score: int) -> None:
    """In the order of the picks 9, 1, 8, 2, 7, 3, 6 and 4 over par."""
    on = board(
        {player: (None, [(to_par, 18)]) for player, to_par in zip("PQRSTUVW", (9, 1, 8, 2, 7, 3, 6, 4), strict=True)}
    )
    assert score_of("PQRSTUVW", {"scoring.count_best": count_best}, on) == ("ranked", score)


def test_a_second_cut_goes_by_the_missed_cut_but_is_through_the_first() -> None:
    on = board({**CARDS, "E": ("MDF", [(2, 18), (1, 18), (3, 18)])})
    # E: +6 and the worst of R4, D's +2, plus 1: +9.
    config = tournament({"roster.size": 2})
    assert both(config, on, entry("e", "AE")) == [(1, "e", "ranked", -1)]


@pytest.mark.parametrize(
    ("status", "rounds", "expected"),
    [
        ("WD", [(0, 18), (0, 18)], "cut"),
        ("WD", [(0, 18), (0, 18), (0, 1)], "ranked"),
        ("DQ", [(0, 18), (0, 18), (0, 18)], "ranked"),
        ("CUT", [(0, 18), (0, 18)], "cut"),
        ("MDF", [(0, 18), (0, 18), (0, 18)], "ranked"),
        (None, [(0, 18), (0, 18), (0, 18), (0, 18)], "ranked"),
    ],
)
def test_through_the_cut_is_who_played_on_after_it(status: str | None, rounds: list[Any], expected: str) -> None:
    fixed = {"rule": "fixed", "value": 0}
    rules = dict.fromkeys(("missed_cut", "withdrawn", "disqualified"), fixed)
    config = tournament({"roster.size": 2, "scoring.not_played": rules})
    on = board({**CARDS, "X": (status, rounds)})
    assert both(config, on, entry("e", "AX"))[0][2] == expected


def test_cut_entries_that_lack_fewer_golfers_rank_first() -> None:
    drop = {"scoring.not_played.missed_cut": {"rule": "drop"}, "roster.size": 3}
    rows = both(tournament(drop), board(), entry("a", "FGA"), entry("b", "FGZ"), entry("c", "FHG"))
    assert rows == [(1, "a", "cut", -10), (2, "c", "cut", 9), (3, "b", "cut", None)]


def test_before_the_first_hole_all_stand_level() -> None:
    on = board({player: (None, []) for player in CARDS}, "scheduled")
    rows = both(tournament(), on, entry("b", "ABC", 3), entry("a", "CDE"))
    assert rows == [(1, "a", "ranked", 0), (1, "b", "ranked", 0)]


def test_a_round_nobody_has_begun_costs_nobody() -> None:
    on = board({player: (status, rounds[:2]) for player, (status, rounds) in CARDS.items()}, "inprogress")
    config = tournament({"roster.size": 2, "scoring.entry_cut.min_made_cut": 0})
    assert both(config, on, entry("e", "AF")) == [(1, "e", "ranked", 4)]


def test_a_round_nobody_has_finished_has_no_worst_score_yet() -> None:
    on = board({"A": (None, [(0, 18), (0, 18), (-1, 3)]), "F": ("CUT", [(4, 18), (5, 18)])}, "inprogress")
    config = tournament({"roster.size": 2, "scoring.entry_cut.min_made_cut": 0})
    assert both(config, on, entry("e", "AF")) == [(1, "e", "ranked", 8)]


def test_no_entries_stand_nowhere() -> None:
    assert both(tournament(), board()) == []


def test_what_a_board_says_of_itself() -> None:
    assert rounds_begun(board()) == 4
    assert rounds_begun(Board(event_status="scheduled", cards=())) == 0
    assert unfinished_players(board(), 4) == []
    assert unfinished_players(board({"A": (None, [(0, 17)]), "B": (None, []), "C": ("WD", [])}), 1) == ["A", "B"]


def test_standings_are_not_read_from_columns_of_unequal_length() -> None:
    columns = plain.standings(tournament(), board(), ENTRIES)
    with pytest.raises(ValueError, match="shorter"):
        list(replace(columns, scores=columns.scores[:1]).rows())
