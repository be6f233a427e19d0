"""What an entry may pick."""

from typing import Any

import pytest

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.roster import check_picks
from tests.engine.golf import tournament

TIERS = {
    "roster.tiers": [
        {"name": "1", "pick": 1, "players": ["A", "B"]},
        {"name": "2", "pick": 2, "players": ["C", "D", "E"]},
    ]
}


def test_one_of_each_tier_as_often_as_it_asks_may_play() -> None:
    assert check_picks(tournament(TIERS), ["C", "A", "D"], set("ABCDE")) is None
    assert check_picks(tournament(), ["X", "Y", "Z"]) is None


@pytest.mark.parametrize(
    ("picks", "details"),
    [
        ("AC", {"reason": "size", "expected": 3, "picked": 2}),
        ("ACC", {"reason": "repeated", "players": ["C"]}),
        ("ACX", {"reason": "not_in_a_tier", "players": ["X"]}),
        ("ABC", {"reason": "tier", "tier": "1", "expected": 1, "picked": 2}),
        ("ACE", {"reason": "not_in_the_field", "players": ["E"]}),
    ],
)
def test_a_roster_that_may_not_play_is_refused_with_its_reason(picks: str, details: dict[str, Any]) -> None:
    refused = check_picks(tournament(TIERS), list(picks), set("ABCD"))
    assert isinstance(refused, Rejected)
    assert refused.code is RejectCode.ROSTER_INVALID
    assert refused.details == details


def test_a_prediction_beyond_any_score_is_refused() -> None:
    assert check_picks(tournament(TIERS), ["A", "C", "D"], tiebreak=-10_000) is None
    refused = check_picks(tournament(TIERS), ["A", "C", "D"], tiebreak=10_001)
    assert isinstance(refused, Rejected)
    assert refused.details["reason"] == "prediction"


COSTS = {"A": 9, "B": 8, "C": 7, "D": 6, "E": 5}
SALARY = {"cap": 20, "costs": COSTS}


def test_a_salary_cap_is_kept_and_names_what_was_spent() -> None:
    """C, D and E cost 18; B, C and D 21."""
    config = tournament({"roster.salary": SALARY})
    assert check_picks(config, ("C", "D", "E")) is None
    assert check_picks(config, ("A", "D", "E")) is None
    refused = check_picks(config, ("B", "C", "D"))
    assert refused is not None
    assert refused.code is RejectCode.ROSTER_INVALID
    assert refused.details == {"reason": "salary_cap", "cap": 20, "spent": 21}


def test_a_bonus_pick_is_the_dearest_and_costs_nothing() -> None:
    """B, C and D cost 13 without B; two free picks leave only the cheapest to pay."""
    assert check_picks(tournament({"roster.salary": {**SALARY, "free_picks": 1}}), ("D", "B", "C")) is None
    short = {"roster.salary": {"cap": 5, "costs": COSTS, "free_picks": 2}}
    assert check_picks(tournament(short), ("A", "E", "B")) is None
    refused = check_picks(tournament(short), ("A", "D", "B"))
    assert refused is not None
    assert refused.details == {"reason": "salary_cap", "cap": 5, "spent": 6}


def test_who_has_no_salary_cannot_be_picked_under_a_cap() -> None:
    refused = check_picks(tournament({"roster.salary": SALARY}), ("Z", "A", "Y"))
    assert refused is not None
    assert refused.details == {"reason": "without_a_salary", "players": ["Y", "Z"]}


def test_of_a_limited_group_only_so_many_may_be_picked() -> None:
    config = tournament({"roster.limits": [{"name": "top three", "most": 1, "players": ["A", "B", "C"]}]})
    assert check_picks(config, ("A", "D", "E")) is None
    refused = check_picks(config, ("A", "D", "C"))
    assert refused is not None
    assert refused.details == {"reason": "limit", "limit": "top three", "most": 1, "picked": 2}
