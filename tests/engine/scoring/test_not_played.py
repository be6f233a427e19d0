"""What a round costs that a golfer does not play, by cause, computed by hand (CFG-002, SET-013)."""

from dataclasses import replace
from typing import Any

import pytest

from cutline.engine.scoring.board import Board
from cutline.engine.settlement import check_ready
from tests.engine.golf import CARDS, board, tournament
from tests.engine.scoring.cards import board_of, both, card, entry, holes

OPEN: dict[str, Any] = {"scoring.entry_cut.min_made_cut": 0, "scoring.count_best": 1, "roster.size": 1}


def paid(cause: str, rule: dict[str, Any], player: str, on: Board | None = None, **changes: Any) -> int | None:
    config = tournament({**OPEN, f"scoring.not_played.{cause}": rule, **changes})
    ((_, _, _, score),) = both(config, on or board(), entry("e", player))
    return score


@pytest.mark.parametrize(
    ("rule", "score"),
    [
        # F plays R1 +4, R2 +5 and misses the cut. The worst finished rounds are E's R3 +3 and D's R4 +2.
        ({"rule": "drop"}, None),
        ({"rule": "fixed", "value": 10}, 4 + 5 + 10 + 10),
        ({"rule": "worst_of_day"}, 4 + 5 + 3 + 2),
        ({"rule": "worst_of_day", "plus": 1}, 4 + 5 + 4 + 3),
        # The average of +4 and +5 is 4.5, so 4.
        ({"rule": "average_of_played"}, 4 + 5 + 4 + 4),
        ({"rule": "average_of_played", "plus": 1}, 4 + 5 + 5 + 5),
        ({"rule": "as_played"}, 4 + 5),
    ],
)
def test_a_missed_cut(rule: dict[str, Any], score: int | None) -> None:
    assert paid("missed_cut", rule, "F") == score


def test_the_average_is_rounded_down_below_zero_as_well() -> None:
    """R1 -2 and R2 -1 make -1.5, so -2 for each round: -3 - 2 - 2."""
    on = board({**CARDS, "F": ("CUT", [(-2, 18), (-1, 18)])})
    assert paid("missed_cut", {"rule": "average_of_played"}, "F", on) == -7


def test_the_worst_counted_in_the_pool_is_that_of_golfers_whom_somebody_picked() -> None:
    """Picked are A, D and F: the worst of R3 is A's -1 and of R4 D's +2, plus 2: +4 +5 +1 +4; E's +3 is nobody's."""
    rule = {"rule": "worst_of_pool", "plus": 2}
    config = tournament({**OPEN, "scoring.not_played.missed_cut": rule})
    rows = both(config, board(), entry("a", "A"), entry("d", "D"), entry("f", "F"))
    assert rows == [(1, "a", "ranked", -10), (2, "d", "ranked", 0), (3, "f", "ranked", 14)]
    # With E picked as well, R3 costs +3 and 2.
    rows = both(config, board(), entry("a", "A"), entry("d", "D"), entry("e", "E"), entry("f", "F"))
    assert rows[-1] == (4, "f", "ranked", 18)


def test_a_pool_of_which_nobody_finished_has_no_worst_round() -> None:
    assert paid("missed_cut", {"rule": "worst_of_pool", "plus": 2}, "F") == 9


@pytest.mark.parametrize(
    ("rule", "score"),
    [
        # G plays R1 -2 and withdraws after 7 holes of R2 at +1. A round that he did not finish does not count.
        ({"rule": "fixed", "value": 8}, -2 + 8 + 8 + 8),
        ({"rule": "average_of_played"}, -2 - 2 - 2 - 2),
        # What he played of it counts as played.
        ({"rule": "as_played"}, -2 + 1),
        ({"rule": "drop"}, None),
    ],
)
def test_a_withdrawal_in_mid_round(rule: dict[str, Any], score: int | None) -> None:
    assert paid("withdrawn", rule, "G") == score


@pytest.mark.parametrize(
    ("rounds", "rule", "score"),
    [
        # Before the start: no round to average, so he cannot count; nothing played costs nothing.
        ([], {"rule": "average_of_played"}, None),
        ([], {"rule": "as_played"}, 0),
        ([], {"rule": "fixed", "value": 5}, 20),
        # Mid-round with no holes stored, after a finished one.
        ([(1, 18), (0, 0)], {"rule": "average_of_played"}, 4),
        # After a single hole of R2.
        ([(1, 18), (2, 1)], {"rule": "as_played"}, 3),
        # After 17 holes of R2.
        ([(1, 18), (3, 17)], {"rule": "as_played"}, 4),
        ([(1, 18), (3, 17)], {"rule": "fixed", "value": 5}, 16),
        # After 7 holes of R3.
        ([(1, 18), (1, 18), (-2, 7)], {"rule": "as_played"}, 0),
        ([(1, 18), (1, 18), (-2, 7)], {"rule": "worst_of_day"}, 2 + 3 + 2),
    ],
)
def test_the_four_kinds_of_withdrawal(rounds: list[tuple[int, int]], rule: dict[str, Any], score: int | None) -> None:
    on = board({**CARDS, "G": ("WD", rounds)})
    assert paid("withdrawn", rule, "G", on) == score


def test_a_disqualified_golfer_pays_by_his_own_rule() -> None:
    """H plays three rounds, 0 0 -1: by his own rule +10, by the average of -1/3, rounded down, -1."""
    assert paid("disqualified", {"rule": "fixed", "value": 10}, "H") == 9
    assert paid("disqualified", {"rule": "average_of_played"}, "H") == -2


def test_counting_by_rounds_a_golfer_without_an_average_lacks_in_each() -> None:
    """A alone counts where two are asked for: lacking one golfer in each of four rounds, the entry is cut."""
    config = tournament(
        {
            **OPEN,
            "roster.size": 2,
            "scoring.count_best": 2,
            "scoring.count_per": "round",
            "scoring.not_played.withdrawn": {"rule": "average_of_played"},
        }
    )
    assert both(config, board(), entry("e", "AZ")) == [(1, "e", "cut", -10)]


def test_in_half_points_a_price_is_in_points() -> None:
    """A missed cut at 3 points for each of two rounds: 12 halves, beside two rounds of par: 2 x (18 + 6 for clean)."""
    on = board_of(card("A", *(holes(number) for number in range(1, 5))), card("F", holes(1), holes(2), status="CUT"))
    metric = {"scoring.metric": "draftkings", "scoring.direction": "high"}
    assert paid("missed_cut", {"rule": "fixed", "value": 3}, "F", on, **metric) == 2 * 24 + 12
    # The worst finished R3 and R4 are A's, par and clean: 24 halves each, less 1 point.
    assert paid("missed_cut", {"rule": "worst_of_day", "plus": -1}, "F", on, **metric) == 2 * 24 + 2 * 22


SHORT = {player: (status, rounds[:3]) for player, (status, rounds) in CARDS.items()}
BROKEN_OFF = {**SHORT, "E": (None, [(2, 18), (1, 18), (3, 11)])}


def test_a_round_that_the_event_leaves_unfinished_waits_or_counts_for_nobody() -> None:
    """FAULTS F2: by default an open card holds everything; ignored, R3 is no round: A -5, B -2."""
    waits, ignores = tournament(), tournament({**OPEN, "shortened.incomplete_round": "ignore"})
    over, going = board(BROKEN_OFF), board(BROKEN_OFF, "suspended")
    refused = check_ready(waits, over)
    assert refused is not None
    assert refused.details == {"reason": "cards_open", "round": 3, "players": ["E"]}
    assert check_ready(ignores, over) is None
    still_open = check_ready(ignores, going)
    assert still_open is not None
    assert still_open.details["reason"] == "cards_open"
    assert both(ignores, over, entry("a", "A"), entry("b", "B"))[0] == (1, "a", "ranked", -5)
    # H is disqualified after R3, which does not count any more: he has finished what counts.
    assert both(ignores, over, entry("h", "H")) == [(1, "h", "ranked", 0)]


def test_rules_that_ask_for_holes_wait_for_a_feed_that_has_them() -> None:
    """FAULTS F2: missing is not zero."""
    for changes in (
        {"scoring.metric": "stableford"},
        {"scoring.metric": "draftkings"},
        {"scoring.bonuses": [{"kind": "hole_in_one", "value": 1}]},
        {"ties.order": ["birdies"]},
    ):
        refused = check_ready(tournament(changes), board())
        assert refused is not None
        assert refused.details == {"reason": "holes_missing", "players": list(CARDS)}
    whole = board_of(card("A", *(holes(number) for number in range(1, 5))))
    last = replace(whole.cards[0].rounds[-1], holes=None)
    blind = board_of(replace(whole.cards[0], rounds=(*whole.cards[0].rounds[:-1], last)))
    refused = check_ready(tournament({"scoring.metric": "stableford"}), blind)
    assert refused is not None
    assert refused.details["players"] == ["A"]
    assert check_ready(tournament({"scoring.metric": "stableford"}), whole) is None
