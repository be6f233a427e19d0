"""The best entries of single rounds, which some pools give prizes to, computed by hand (CFG-002)."""

from typing import Any

from cutline.engine.scoring import matrix, plain
from cutline.engine.scoring.standings import Entry
from cutline.engine.settlement import SettlementInput, SettlementResult, settle
from cutline.engine.tournament import canonical
from tests.engine.golf import board, tournament
from tests.engine.scoring.cards import entry

PRIZES: dict[str, Any] = {
    "scoring.entry_cut.min_made_cut": 0,
    "prizes.places": [{"from": 1, "to": 1, "percent": 60}],
    "prizes.daily": [{"round": 1, "percent": 10}, {"round": 3, "percent": 30}],
}
# By round: A -3 -2 -1 -4, B -1 -1 0 -2, C 0 -2 +1 -1, D +1 0 -3 +2, E +2 +1 +3 0; G -2 and withdrawn: dropped.
ENTRIES = (entry("abc", "ABC"), entry("abe", "ABE"), entry("deg", "DEG"), entry("cdg", "CDG"))


def best(changes: dict[str, Any], entries: tuple[Entry, ...] = ENTRIES) -> tuple[tuple[str, ...], ...]:
    config = tournament({**PRIZES, **changes})
    slow, fast = plain.standings(config, board(), entries), matrix.standings(config, board(), entries)
    assert slow == fast
    return slow.best_of_rounds


def test_the_best_of_a_round_is_the_best_sum_of_that_round_alone() -> None:
    """Best two. R1: A and B -4 for abc and abe; deg -2 + 1 = -1. R3: abc -1 + 0; deg -3 + 3 = 0; cdg -3 + 1 = -2."""
    assert best({}) == (("abc", "abe"), ("cdg",))


def test_an_entry_that_lacks_golfers_in_a_round_is_not_asked() -> None:
    """Best three: in R3 G is gone, so deg and cdg lack one. abc -1 0 +1 = 0; abe -1 0 +3 = 2."""
    assert best({"scoring.count_best": 3})[1] == ("abc",)
    # Where all that are left lack him, nobody is best, whatever the other two make.
    assert best({"scoring.count_best": 3}, ENTRIES[2:])[1] == ()


def test_high_wins_turns_a_day_as_well() -> None:
    """Best two, high: R1 deg +2 +1 = 3; R3 abe +3 + 0 = 3 and deg +3 - 3 = 0."""
    assert best({"scoring.direction": "high"}) == (("deg",), ("abe",))


def test_the_prizes_of_days_are_settled_with_the_others() -> None:
    """Four at 10.01 less 5 % (200.2, so 200): 3,804. 60 % 2,282.4, 10 % 380.4, 30 % 1,141.2: the cent left goes to
    the first place. abc and abe are first or tied by -14 (A -10, B -4): 2,283 shared as 1,142 and 1,141; day one is
    380 shared as 190 each; day three 1,141 is cdg's.
    """
    config = tournament({**PRIZES, "ties.order": []})
    result = settle(SettlementInput(contest_id="c", config_json=canonical(config), board=board(), entries=ENTRIES))
    assert isinstance(result, SettlementResult)
    prizes = {row.entry_id: (row.rank, row.prize_cents, row.remainder_cents) for row in result.standings}
    assert prizes["abc"] == (1, 1142 + 190, 1)
    assert prizes["abe"] == (1, 1141 + 190, 0)
    assert prizes["cdg"][1:] == (1141, 0)
    assert prizes["deg"][1:] == (0, 0)
