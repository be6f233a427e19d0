"""Every metric and every bonus, computed by hand; both scorers must say so (CFG-002, SET-013)."""

from dataclasses import replace
from typing import Any

import pytest

from cutline.engine.scoring.board import Board
from cutline.engine.tournament.point_tables import shown
from tests.engine.golf import board, tournament
from tests.engine.scoring.cards import board_of, both, card, entry, holes

CAUSES = ("missed_cut", "withdrawn", "disqualified")
KEEP = {cause: {"rule": "as_played"} for cause in CAUSES}
ONE: dict[str, Any] = {"roster.size": 1, "scoring.count_best": 1, "scoring.entry_cut.min_made_cut": 0}


def value_of(player: str, changes: dict[str, Any], on: Board) -> int | None:
    """Return what an entry with this one golfer scores."""
    ((_, _, _, score),) = both(tournament({**ONE, **changes}), on, entry("e", player))
    return score


# The cards of one round, in strokes to par by hole; holes left out are pars (par 72).
#
#   X  1: -1  2: -2  3: -1  4: +1  10: +2  11: +3     -1 -2 -1 +1 +2 +3 = +2   74 strokes
#   Y  5: -1  7: -1                                   -2                       70
#   Z  12 (par 3): an ace, -2                         -2                       70
X = holes(1, {1: -1, 2: -2, 3: -1, 4: 1, 10: 2, 11: 3})
Y = holes(1, {5: -1, 7: -1})
Z = holes(1, {12: -2})
ROUND = board_of(card("X", X), card("Y", Y), card("Z", Z), status="inprogress")


def test_stableford_gives_two_points_for_par_and_one_more_a_stroke() -> None:
    """Rule 21.1b. X: 12 pars 24, two birdies 6, an eagle 4, a bogey 1, worse 0: 35. Y: 16 x 2 + 2 x 3 = 38."""
    stableford = {"scoring.metric": "stableford", "scoring.direction": "high", "scoring.not_played": KEEP}
    assert value_of("X", stableford, ROUND) == 35
    assert value_of("Y", stableford, ROUND) == 38
    # Z: 17 pars 34 and 4 for a hole two under par.
    assert value_of("Z", stableford, ROUND) == 38


def test_stableford_with_a_table_of_its_own() -> None:
    """Double eagle 8, eagle 5, birdie 2, par 0, bogey -1, worse -3. X: 2 x 2 + 5 - 1 - 3 - 3 = 2. Y: 2 x 2 = 4."""
    table = [{"to_par": to_par, "points": points} for to_par, points in enumerate((8, 5, 2, 0, -1, -3), start=-3)]
    modified = {"scoring.metric": "stableford", "scoring.direction": "high", "scoring.hole_points": {"table": table}}
    assert value_of("X", modified, ROUND) == 2
    assert value_of("Y", modified, ROUND) == 4
    assert value_of("Z", modified, ROUND) == 5


DRAFTKINGS: dict[str, Any] = {
    "scoring.metric": "draftkings",
    "scoring.direction": "high",
    "scoring.not_played": KEEP,
}


def test_draftkings_points_of_holes_streaks_clean_cards_and_aces() -> None:
    """In half points; the finish of each is known from the totals: Y and Z share the first place, X is third.

    X: 12 pars 6, birdies 3 + 3, eagle 8, bogey -0.5, double -1, triple -1: 17.5; a streak of three (1, 2, 3) 3; the
       third place 18: 38.5. Not a clean card.
    Y: 16 pars 8, two birdies 6: 14; two in a row are no streak, and these are not in a row; clean 3; first 30: 47.
    Z: 17 pars 8.5, an eagle 8: 16.5; the ace 5; clean 3; first 30: 54.5.
    """
    assert value_of("X", DRAFTKINGS, ROUND) == 77
    assert value_of("Y", DRAFTKINGS, ROUND) == 94
    assert value_of("Z", DRAFTKINGS, ROUND) == 109
    scoring = tournament({**ONE, **DRAFTKINGS}).scoring
    assert [shown(scoring, halves) for halves in (77, 94, -1, None)] == [38.5, 47, -0.5, None]


def test_a_clean_card_has_no_hole_over_par_and_says_what_its_holes_took() -> None:
    """C, in par, is first: 9, clean 3, 30. A, one over, is second: 17 pars 8.5 and a bogey -0.5, not clean, 20.

    B, two over, is third for 18, and his card says no more than that.
    """
    bogey, silent = holes(1, {4: 1}), replace(holes(1, {4: 2}), holes=None)
    on = board_of(card("A", bogey), card("B", silent), card("C", holes(1)), status="inprogress")
    assert value_of("A", DRAFTKINGS, on) == 2 * (8 + 20)
    assert value_of("B", DRAFTKINGS, on) == 2 * 18
    assert value_of("C", DRAFTKINGS, on) == 2 * (9 + 3 + 30)


def test_draftkings_counts_a_streak_once_a_round_in_the_order_of_play() -> None:
    """Six birdies in a row are one streak: 12 pars 6, 18 for birdies, 3, clean 3, first 30: 60.

    Who starts on the tenth has played 18 and 1 one after the other: 17, 18, 1 under par are a streak for him alone:
    15 pars 7.5, birdies 9, clean 3, first 30: 49.5, and 3 for the streak.
    """
    six = board_of(card("A", holes(1, dict.fromkeys(range(1, 7), -1))), status="inprogress")
    assert value_of("A", DRAFTKINGS, six) == 120
    out = holes(1, {17: -1, 18: -1, 1: -1})
    turned = (out.holes or ())[9:] + (out.holes or ())[:9]
    from_ten = type(out)(number=1, to_par=out.to_par, strokes=out.strokes, thru=18, holes=turned)
    assert value_of("A", DRAFTKINGS, board_of(card("A", out), status="inprogress")) == 99
    assert value_of("A", DRAFTKINGS, board_of(card("A", from_ten), status="inprogress")) == 105


def test_draftkings_gives_five_points_for_all_four_rounds_under_seventy() -> None:
    """A: 3 birdies a round (69): 4 x (9 + 7.5 + clean 3) = 78, apart so that no streak; first 30; all under 70: 5: 113.

    B: the same but a last round of 70: 3 x 19.5 + 6 + 8 + 3 = 75.5; second 20; 95.5.
    """
    low = {2: -1, 6: -1, 13: -1}
    four = board_of(
        card("A", *(holes(number, low) for number in range(1, 5))),
        card("B", *(holes(number, low) for number in range(1, 4)), holes(4, {2: -1, 13: -1})),
    )
    assert value_of("A", DRAFTKINGS, four) == 226
    assert value_of("B", DRAFTKINGS, four) == 191


def test_draftkings_counted_by_rounds_adds_what_belongs_to_the_event_once_a_golfer() -> None:
    """Best one of two each round: A 19.5 in all rounds, B never more: 78; finishes 30 + 20; low rounds 5: 133."""
    low = {2: -1, 6: -1, 13: -1}
    four = board_of(
        card("A", *(holes(number, low) for number in range(1, 5))),
        card("B", *(holes(number, low) for number in range(1, 4)), holes(4, {2: -1, 13: -1})),
    )
    config = tournament({**ONE, **DRAFTKINGS, "roster.size": 2, "scoring.count_per": "round"})
    assert both(config, four, entry("e", "AB")) == [(1, "e", "ranked", 266)]


# Places on the small board: A -10 first, B -4 second, C -2 third, D 0 fourth, E +6 fifth; F cut, G withdrawn, H
# disqualified.
TABLE = [
    {"from": 1, "to": 1, "points": 100},
    {"from": 2, "to": 3, "points": 60},
    {"from": 4, "to": 4, "points": 31},
]
PLACES: dict[str, Any] = {
    "scoring.metric": "position_points",
    "scoring.direction": "high",
    "scoring.position_points": {"table": TABLE},
    "scoring.not_played": {
        "missed_cut": {"rule": "fixed", "value": 5},
        "withdrawn": {"rule": "drop"},
        "disqualified": {"rule": "made_cut_count", "plus": 1},
    },
}


@pytest.mark.parametrize(
    ("player", "points"),
    # H: six are through the cut, A to E and himself, who was disqualified after playing on: 6 and 1 more.
    [("A", 100), ("B", 60), ("C", 60), ("D", 31), ("E", 0), ("F", 5), ("G", None), ("H", 7)],
)
def test_position_points_value_a_golfer_by_his_place_or_his_cause(player: str, points: int | None) -> None:
    assert value_of(player, PLACES, board()) == points


def test_a_fixed_price_of_nothing_costs_nothing() -> None:
    nothing = {**PLACES, "scoring.not_played": {cause: {"rule": "fixed", "value": 0} for cause in CAUSES}}
    assert [value_of(player, nothing, board()) for player in "FGH"] == [0, 0, 0]


def test_by_places_a_round_brings_its_bonus_where_it_counts_as_played() -> None:
    """A -4 leads, B -2 is second with an ace: 60 - 5. W withdrew after twelve holes with an ace that does not count."""
    ace = {"scoring.bonuses": [{"kind": "hole_in_one", "value": -5}]}
    fixed = {**PLACES, **ace, "scoring.not_played": {cause: {"rule": "fixed", "value": 5} for cause in CAUSES}}
    on = board_of(
        card("A", holes(1, dict.fromkeys(range(1, 5), -1))),
        card("B", Z),
        card("W", holes(1, {12: -2}, thru=12), status="WD"),
        status="inprogress",
    )
    assert [value_of(player, fixed, on) for player in "ABW"] == [100, 55, 5]


def test_who_has_played_one_hole_has_a_place_and_who_has_played_none_has_not() -> None:
    """A, after a hole at -1, leads B, who is level after a round; C waits on the tee."""
    on = board({"A": (None, [(-1, 1)]), "B": (None, [(0, 18)]), "C": (None, [(0, 0)])}, "inprogress")
    assert [value_of(player, PLACES, on) for player in "ABC"] == [100, 60, 0]


TIED = board({"A": (None, [(-1, 18)]), "B": (None, [(0, 18)]), "C": (None, [(0, 18)]), "D": (None, [(0, 18)])})


def test_tied_golfers_get_the_points_of_the_place_they_share_or_the_average_of_those_they_span() -> None:
    """B, C and D share the second place: 60 each; or (60 + 60 + 31) / 3 = 50.33, so 50."""
    average = {"scoring.position_points": {"table": TABLE, "ties": "average"}}
    for player in "BCD":
        assert value_of(player, PLACES, TIED) == 60
        assert value_of(player, {**PLACES, **average}, TIED) == 50
    assert value_of("A", {**PLACES, **average}, TIED) == 100


def test_places_as_points_make_made_cut_count_the_place_after_the_last() -> None:
    """By places, low wins, a missed cut is worth the number through the cut and one: here 6 + 1, where E is fifth."""
    by_place = {
        **PLACES,
        "scoring.direction": "low",
        "scoring.position_points": {"table": [{"from": place, "to": place, "points": place} for place in range(1, 9)]},
        "scoring.not_played": {cause: {"rule": "made_cut_count", "plus": 1} for cause in CAUSES},
    }
    assert [value_of(player, by_place, board()) for player in "AEF"] == [1, 5, 7]


def test_a_playoff_counts_for_places_and_for_no_score() -> None:
    """A and B end level and play off; B wins: 100 and the champion's -3, A is second; both keep their total of -1."""
    on = board_of(card("A", holes(1, {1: -1}), playoff=2), card("B", holes(1, {1: -1}), playoff=1), card("C", holes(1)))
    assert [value_of(player, PLACES, on) for player in "ABC"] == [60, 100, 60]
    winner = {"scoring.bonuses": [{"kind": "finish", "from": 1, "to": 1, "value": -3}]}
    assert [value_of(player, winner, on) for player in "ABC"] == [-1, -4, 0]
    # Without a playoff both are first.
    level = board_of(card("A", holes(1, {1: -1})), card("B", holes(1, {1: -1})), card("C", holes(1)))
    assert [value_of(player, winner, level) for player in "ABC"] == [-4, -4, 0]


def test_bonuses_for_a_finish_in_bands() -> None:
    """First 15, second to fifth 10, on Stableford's side: here to par, high wins: A -10 + 15, B -4 + 10, E +6 + 10."""
    bands = [
        {"kind": "finish", "from": 1, "to": 1, "value": 15},
        {"kind": "finish", "from": 2, "to": 5, "value": 10},
    ]
    changes = {"scoring.direction": "high", "scoring.bonuses": bands}
    assert [value_of(player, changes, board()) for player in "ABE"] == [5, 6, 16]
    # F, who missed the cut, has no place: +4 +5, and the worst of R3 (-3) and R4 (-4) with 1 more: +4.
    assert value_of("F", changes, board()) == 4


@pytest.mark.parametrize(
    ("bonus", "scores"),
    [
        # Low rounds: R1 A -3, R2 A and C -2, R3 D -3, R4 A -4. A: three times, C once, D once.
        ({"kind": "low_round", "value": -2}, {"A": -16, "B": -4, "C": -4, "D": -2}),
        # Leaders after R1 to R4: A each time (-3, -5, -6, -10).
        ({"kind": "round_leader", "value": 5}, {"A": 10, "B": -4, "C": -2, "D": 0}),
        # Only after the first two rounds.
        ({"kind": "round_leader", "to": 2, "value": 5}, {"A": 0, "B": -4, "C": -2, "D": 0}),
        # Only the low round of the third day.
        ({"kind": "low_round", "from": 3, "to": 3, "value": -2}, {"A": -10, "C": -2, "D": -2}),
    ],
)
def test_bonuses_of_rounds(bonus: dict[str, Any], scores: dict[str, int]) -> None:
    """All who are equal get it; a round's bonus takes no weight."""
    for player, score in scores.items():
        assert value_of(player, {"scoring.bonuses": [bonus]}, board()) == score
    weighted = {"scoring.bonuses": [bonus], "scoring.round_weights": [2, 2, 2, 2]}
    plain_total = {"A": -10, "B": -4, "C": -2, "D": 0}
    for player, score in scores.items():
        assert value_of(player, weighted, board()) == score + plain_total[player]


def test_a_hole_in_one_is_a_bonus_for_each() -> None:
    """Z's ace and an ace in each of two rounds: -2 - 5; then -4 - 10."""
    ace = {"scoring.bonuses": [{"kind": "hole_in_one", "value": -5}]}
    assert value_of("Z", ace, ROUND) == -7
    assert value_of("Y", ace, ROUND) == -2
    twice = board_of(card("Z", Z, holes(2, {12: -2})), status="inprogress")
    assert value_of("Z", ace, twice) == -14


def test_a_round_bonus_counts_in_its_round_and_a_finish_once() -> None:
    """Best one of A and D each round: R1 A -3 - 2, R2 A -2 - 2, R3 D -3 - 2, R4 A -4 - 2 = -20; A's finish -5: -25."""
    bonuses = [{"kind": "low_round", "value": -2}, {"kind": "finish", "from": 1, "to": 1, "value": -5}]
    config = tournament({**ONE, "roster.size": 2, "scoring.count_per": "round", "scoring.bonuses": bonuses})
    assert both(config, board(), entry("e", "AD")) == [(1, "e", "ranked", -25)]


def test_points_take_the_weight_of_their_round() -> None:
    """X by Stableford 35 in a round of weight 3: 105."""
    stableford = {"scoring.metric": "stableford", "scoring.direction": "high", "scoring.round_weights": [3, 1, 1, 1]}
    assert value_of("X", stableford, ROUND) == 105
