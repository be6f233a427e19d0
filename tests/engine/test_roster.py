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
