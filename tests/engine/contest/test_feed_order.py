"""What is believed, and so what is scored, does not depend on the order in which equal events arrive (SET-001)."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cutline.engine.contest.feed_events import EventStatusReported, FeedEvent, PlayerStatusReported, RoundScored
from cutline.engine.contest.feed_state import FeedState, board_of, evolve
from cutline.engine.scoring import plain
from cutline.engine.scoring.board import Board
from tests.engine.driver import at
from tests.engine.golf import CARDS, GOLDEN, board, tournament

NOW = at("2026-04-12 22:00")


def events() -> list[FeedEvent]:
    """Return one event a subject: every round and every status of the small board."""
    found: list[FeedEvent] = [EventStatusReported(number=1, status="closed", corrects=None, received_at=NOW)]
    for player, (status, rounds) in CARDS.items():
        for number, (to_par, thru) in enumerate(rounds, start=1):
            found.append(
                RoundScored(
                    player_id=player,
                    round=number,
                    number=1,
                    to_par=to_par,
                    strokes=thru * 4 + to_par,
                    thru=thru,
                    corrects=None,
                    received_at=NOW,
                )
            )
        if status is not None:
            found.append(
                PlayerStatusReported(player_id=player, number=1, status=status, corrects=None, received_at=NOW)
            )
    return found


def believed(order: list[FeedEvent]) -> Board:
    state = FeedState()
    for event in order:
        evolve(state, event)
    return board_of(state)


@settings(max_examples=30, deadline=None)
@given(shuffled=st.randoms(use_true_random=False))
def test_the_order_of_events_of_different_subjects_changes_no_standing(shuffled: Any) -> None:
    order = events()
    shuffled.shuffle(order)
    assert believed(order) == board()
    assert plain.standings(tournament(), believed(order), GOLDEN) == plain.standings(tournament(), board(), GOLDEN)
