"""What ops hear of the feed: values that went back where prizes hang on them, and nothing else."""

from typing import Any

import pytest

from cutline.engine.messages import RaiseAlert
from tests.engine.driver import File, minutes
from tests.engine.feed.test_feed_machine import FIELD, PLAYING, TEE, answer, watched
from tests.engine.golf import CARDS, Cards, payload, raw

OPEN: Cards = {**CARDS, "A": (None, [*CARDS["A"][1][:3], (-1, 9)])}


def served(cards: Cards, status: str = "inprogress") -> bytes:
    return raw(payload(cards, status))


def called(file: File, start: bytes, *bodies: bytes) -> list[tuple[str, Any]]:
    file.send(answer(start), TEE)
    before = len(file.effects)
    for count, body in enumerate(bodies, start=1):
        file.send(answer(body), TEE + minutes(count))
    return [
        (effect.name, effect.details["count"]) for effect in file.effects[before:] if isinstance(effect, RaiseAlert)
    ]


NO_MARKS: Cards = {player: (None, rounds) for player, (_, rounds) in CARDS.items()}
OLDER: Cards = {player: (status, rounds[:2]) for player, (status, rounds) in CARDS.items()}


@pytest.mark.parametrize(
    ("start", "then", "count"),
    [
        (CARDS, NO_MARKS, 3),
        (CARDS, OLDER, 11),
        (CARDS, {**CARDS, "Z": (None, [])}, 1),
        (CARDS, {**CARDS, "A": (None, [*CARDS["A"][1][:3], (-3, 18)])}, 1),
    ],
    ids=["marks vanish", "an older leaderboard", "the field changes in play", "a signed card changes"],
)
def test_one_poll_raises_one_alert_however_many_golfers_it_is_about(start: Cards, then: Cards, count: int) -> None:
    assert called(watched(), served(start), served(then), served(then)) == [("feed_regression_held", count)]


@pytest.mark.parametrize(
    "then",
    [
        {**OPEN, "A": (None, [*CARDS["A"][1][:3], (-1, 5)])},
        {player: card for player, card in OPEN.items() if player != "B"},
        {**OPEN, "A": (None, [*CARDS["A"][1][:3], (0, 9)])},
    ],
    ids=["holes of an open round", "a golfer is missing", "a hole is counted again"],
)
def test_nobody_is_called_where_no_prize_hangs_on_it(then: Cards) -> None:
    assert called(watched(), served(OPEN), served(then)) == []


def test_the_field_may_change_before_play_without_an_alert() -> None:
    other = {**FIELD, "Z": (None, [])}
    bodies = [served(other, "scheduled")] * 3
    assert called(watched(), served(FIELD, "scheduled"), *bodies) == []


def test_a_retracted_final_status_and_a_correction_that_is_believed_are_both_said() -> None:
    """FAULTS F6."""
    bodies = [PLAYING] * 3
    assert called(watched(), served(CARDS, "complete"), *bodies) == [
        ("feed_regression_held", 1),
        ("feed_correction_believed", 1),
    ]
