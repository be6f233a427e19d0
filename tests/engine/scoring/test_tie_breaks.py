"""Every tie-break and the substitutes, computed by hand (CFG-002, SET-013)."""

from typing import Any

from cutline.engine.scoring.board import Board
from tests.engine.golf import CARDS, board, tournament
from tests.engine.scoring.cards import board_of, both, card, entry, holes

CAUSES = ("missed_cut", "withdrawn", "disqualified")
# Totals: A -10, B -4, C -2, D 0, E +6. Best 2 of 3 count.
NO_CUT = {"scoring.entry_cut.min_made_cut": 0}


def ranks(order: list[str], *entries: Any, on: Board | None = None, **changes: Any) -> list[tuple[int, str]]:
    config = tournament({**NO_CUT, "ties.order": order, **changes})
    return [row[:2] for row in both(config, on or board(), *entries)]


def test_the_under_side_wins_between_predictions_equally_far_off() -> None:
    """The winning score is -10: -11 is not over it, -9 is; both one off. None is further off than any."""
    tied = (entry("over", "AEF", -9), entry("under", "AEG", -11), entry("none", "AEH"), entry("far", "AEF", -14))
    assert ranks(["winning_score_prediction"], *tied) == [(1, "over"), (1, "under"), (3, "far"), (4, "none")]
    both_rules = ["winning_score_prediction", "prediction_not_over"]
    assert ranks(both_rules, *tied) == [(1, "under"), (2, "over"), (3, "far"), (4, "none")]


def test_the_best_single_golfer_decides_then_the_second() -> None:
    """P -6 and p +2 make -4, as Q -4 and q 0 do; the best golfer of the one is -6."""
    on = board({"P": (None, [(-6, 18)]), "p": (None, [(2, 18)]), "Q": (None, [(-4, 18)]), "q": (None, [(0, 18)])})
    one_round: dict[str, Any] = {"roster.size": 2, "shortened.min_rounds": 1}
    tied = (entry("q", "Qq"), entry("p", "Pp"))
    assert ranks([], *tied, on=on, **one_round) == [(1, "p"), (1, "q")]
    assert ranks(["best_golfer"], *tied, on=on, **one_round) == [(1, "p"), (2, "q")]


def test_the_second_golfer_decides_where_the_best_is_shared() -> None:
    """Best one of three counts: A -10 for all; then B -4, C -2 and E +6; nobody (F and G are dropped) is last."""
    changes: dict[str, Any] = {
        "scoring.count_best": 1,
        "scoring.not_played": {cause: {"rule": "drop"} for cause in CAUSES},
    }
    tied = (entry("c", "ACE"), entry("b", "ABE"), entry("e", "AEF"), entry("alone", "AFG"))
    assert ranks(["best_golfer"], *tied, **changes) == [(1, "alone"), (1, "b"), (1, "c"), (1, "e")]
    order = ["best_golfer", "second_golfer"]
    assert ranks(order, *tied, **changes) == [(1, "b"), (2, "c"), (3, "e"), (4, "alone")]


def test_with_high_wins_the_best_golfer_is_the_highest() -> None:
    """Best one counts, high wins: E +6 for both; the second is D 0 before C -2."""
    changes: dict[str, Any] = {"scoring.count_best": 1, "scoring.direction": "high"}
    tied = (entry("c", "ECB"), entry("d", "EDB"))
    order = ["best_golfer", "second_golfer"]
    assert ranks(order, *tied, **changes) == [(1, "d"), (2, "c")]


def test_owning_the_champion_decides() -> None:
    """Best one of two by the third round alone (A -1, D -3, C +1, B 0): D -3 for both; one has A, the champion."""
    changes: dict[str, Any] = {"scoring.count_best": 1, "roster.size": 2, "scoring.round_weights": [0, 0, 1, 0]}
    tied = (entry("without", "DB"), entry("with", "DA"))
    assert ranks([], *tied, **changes) == [(1, "with"), (1, "without")]
    assert ranks(["owns_champion"], *tied, **changes) == [(1, "with"), (2, "without")]


def test_the_champion_is_who_won_the_playoff() -> None:
    on = board_of(card("A", holes(1), playoff=2), card("B", holes(1), playoff=1))
    one: dict[str, Any] = {"roster.size": 1, "scoring.count_best": 1}
    assert ranks(["owns_champion"], entry("a", "A"), entry("b", "B"), on=on, **one) == [(1, "b"), (2, "a")]


def test_owning_the_low_amateur_decides() -> None:
    """Amateurs are D (fourth), E (fifth) and F, who missed the cut and has no place: D is the low amateur."""
    changes: dict[str, Any] = {"scoring.count_best": 1, "roster.size": 2, "event.amateurs": ["D", "E", "F"]}
    tied = (entry("e", "AE"), entry("d", "AD"), entry("f", "AF"))
    assert ranks(["owns_low_amateur"], *tied, **changes) == [(1, "d"), (2, "e"), (2, "f")]
    nobody: dict[str, Any] = {**changes, "event.amateurs": ["F"]}
    assert ranks(["owns_low_amateur"], *tied, **nobody) == [(1, "d"), (1, "e"), (1, "f")]


def test_more_birdies_decide() -> None:
    """All four are in par. P has two birdies and two bogeys, Q an eagle, a birdie and a triple: 2 holes under par.

    R has three birdies. All golfers of an entry are looked at, whether they count or not.
    """
    on = board_of(
        card("N", holes(1)),
        card("P", holes(1, {1: -1, 2: -1, 3: 1, 4: 1})),
        card("Q", holes(1, {1: -1, 2: -2, 3: 3})),
        card("R", holes(1, {1: -1, 2: -1, 3: -1, 4: 3})),
    )
    two: dict[str, Any] = {"roster.size": 2, "scoring.count_best": 1}
    tied = (entry("np", "NP"), entry("nq", "NQ"), entry("nr", "NR"), entry("qr", "QR"))
    assert ranks(["birdies"], *tied, on=on, **two) == [(1, "qr"), (2, "nr"), (3, "np"), (3, "nq")]


def test_tie_breaks_are_taken_in_their_order() -> None:
    """Champion first and then the prediction, or the other way round."""
    changes: dict[str, Any] = {"scoring.count_best": 1, "roster.size": 2, "scoring.round_weights": [0, 0, 1, 0]}
    tied = (entry("close", "DB", -10), entry("champion", "DA", 5))
    order = ["owns_champion", "winning_score_prediction"]
    assert ranks(order, *tied, **changes) == [(1, "champion"), (2, "close")]
    assert ranks(order[::-1], *tied, **changes) == [(1, "close"), (2, "champion")]


# Substitutes. A, B and C have played; W, X and Y have gone before they played; nobody knows Z.
GONE = board(
    {
        "A": (None, [(-3, 18)]),
        "B": (None, [(-1, 18)]),
        "C": (None, [(2, 18)]),
        "W": ("WD", []),
        "X": ("WD", [(0, 0)]),
        "Y": ("WD", [(0, 3)]),
    },
    "inprogress",
)
FIXED = {cause: {"rule": "fixed", "value": 9} for cause in CAUSES}


def scores(picks: str, changes: dict[str, Any], on: Board = GONE) -> int | None:
    size = {"roster.size": len(picks), "scoring.count_best": len(picks)}
    config = tournament({**NO_CUT, **size, "scoring.not_played": FIXED, **changes})
    ((_, _, _, score),) = both(config, on, entry("e", picks))
    return score


def ranking(order: str) -> dict[str, Any]:
    return {"roster.substitutes": {"rule": "next_in_ranking", "ranking": list(order)}}


def test_the_next_of_the_ranking_plays_for_who_withdrew_before_he_played() -> None:
    """W's next is B (X has gone as well): B for W. Without the rule W costs 9; Y has played, and withdrew: 9."""
    assert scores("W", {}) == 9
    assert scores("W", ranking("AWXBC")) == -1
    assert scores("Y", ranking("YABC")) == 9
    # Who is not on the board at all has withdrawn too.
    assert scores("Z", ranking("ZCB")) == 2


def test_a_substitute_is_nobody_whom_the_entry_has_already() -> None:
    """W and X are both replaced, in the order of the list: W by B, then X by C; A is picked."""
    assert scores("AWX", ranking("WXABC")) == -3 - 1 + 2
    # Nobody is left for X: he has withdrawn.
    assert scores("ABWX", ranking("WXABC")) == -3 - 1 + 2 + 9
    # W is no better than the last of the list: nobody follows him.
    assert scores("W", ranking("ABCW")) == 9


def test_the_next_of_the_tier_plays_and_nobody_of_another() -> None:
    tiers = [
        {"name": "one", "pick": 1, "players": ["W", "C"]},
        {"name": "two", "pick": 1, "players": ["X", "Y", "B", "A"]},
    ]
    changes: dict[str, Any] = {"roster.tiers": tiers, "roster.substitutes": {"rule": "next_in_tier"}}
    # W by C (+2); X by Y, who is there and withdrew after three holes: 9.
    assert scores("WX", changes) == 2 + 9


def test_substitutes_count_as_picked_for_the_worst_of_the_pool() -> None:
    """F missed the cut; picked are F and, for W, D: the worst of R3 is D's -3 and of R4 D's +2."""
    on = board({**CARDS, "W": ("WD", [])})
    pool = {cause: {"rule": "worst_of_pool"} for cause in CAUSES}
    changes: dict[str, Any] = {**ranking("WD"), "scoring.not_played": pool}
    assert scores("FW", changes, on) == (4 + 5 - 3 + 2) + 0
