"""Hole results and playoffs: served, checked, believed, and carried to the scorers (ING-004, ING-006, FAULTS F3)."""

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.contest.changes import read_change, write_change
from cutline.engine.contest.feed_events import EventStatusReported, FeedEvent, RegressionHeld, RoundScored
from cutline.engine.contest.feed_state import FeedState, board_of, evolve
from cutline.engine.contest.ingestion import diff
from cutline.engine.contest.leaderboard import FeedFault, Snapshot, parse_snapshot
from cutline.engine.decision import Rejected
from tests.engine.driver import at
from tests.engine.golf import EVENT_ID, raw

NOW = at("2026-04-09 18:00")


def holes(*strokes: int, first: int = 1) -> list[dict[str, int]]:
    return [{"number": first + turn, "par": 4, "strokes": taken} for turn, taken in enumerate(strokes)]


def served(scores: list[dict[str, int]] | None, **changes: Any) -> dict[str, Any]:
    """One golfer's first round with these holes; the round's own figures follow from them."""
    played = [hole for hole in scores or [] if hole["strokes"]]
    taken = sum(hole["strokes"] for hole in played)
    figures = {"sequence": 1, "score": taken - 4 * len(played), "strokes": taken, "thru": len(played)}
    return {**figures, **({} if scores is None else {"scores": scores}), **changes}


def snapshot(*rounds: dict[str, Any], status: str = "inprogress", **line: Any) -> Snapshot | Rejected:
    document = {"id": EVENT_ID, "status": status, "leaderboard": [{"id": "A", "rounds": list(rounds), **line}]}
    return parse_snapshot(raw(document), EVENT_ID, rounds=4)


def read(state: FeedState, *rounds: dict[str, Any], minutes: int = 0) -> list[FeedEvent]:
    found = snapshot(*rounds)
    assert isinstance(found, Snapshot)
    events = diff(state, found, NOW + timedelta(minutes=minutes))
    for event in events:
        evolve(state, event)
    return events


def test_holes_come_in_the_order_of_play() -> None:
    """Who starts on the tenth plays 18 before 1; a hole of 0 strokes is not played yet."""
    scores = [*holes(4, 5), *holes(0, first=3), *holes(3, 4, first=17)]
    found = snapshot(served(scores, starting_hole=17))
    assert isinstance(found, Snapshot)
    assert found.players["A"].rounds[1].holes == ((17, 4, 3), (18, 4, 4), (1, 4, 4), (2, 4, 5))


@pytest.mark.parametrize(
    "wrong",
    [
        served(holes(4, 4), thru=3),
        served(holes(4, 4), strokes=9, score=1),
        served(holes(4, 5), score=0),
        served([*holes(4), *holes(4)]),
    ],
)
def test_holes_that_contradict_their_round_are_refused(wrong: dict[str, Any]) -> None:
    refused = snapshot(wrong)
    assert isinstance(refused, Rejected)
    assert refused.details["reason"] in (FeedFault.HOLES_CONTRADICT, FeedFault.PAR_IMPOSSIBLE)
    assert refused.details["path"].startswith("leaderboard[0].rounds[0]")


@pytest.mark.parametrize("scores", [[{"number": 19, "par": 4, "strokes": 4}], [{"number": 1, "par": 2, "strokes": 2}]])
def test_a_hole_that_cannot_be_is_refused(scores: list[dict[str, int]]) -> None:
    refused = snapshot(served(scores))
    assert isinstance(refused, Rejected)
    assert refused.details["reason"] == FeedFault.OUT_OF_RANGE


def test_holes_reach_the_board_through_the_log() -> None:
    state = FeedState()
    events = read(state, served(holes(4, 3, 5)))
    (scored,) = [event for event in events if isinstance(event, RoundScored)]
    assert read_change(write_change(scored)) == scored
    assert board_of(state).cards[0].rounds[0].holes == ((1, 4, 4), (2, 4, 3), (3, 4, 5))


def test_an_event_of_before_holes_were_known_still_reads() -> None:
    scored = RoundScored(
        player_id="A", round=1, number=1, to_par=0, strokes=72, thru=18, corrects=None, received_at=NOW
    )
    name, payload = write_change(scored)
    old = {key: value for key, value in payload.items() if key != "holes"}
    assert read_change((name, old)) == scored


def test_holes_that_the_feed_forgets_stay_known() -> None:
    """FAULTS F3: the same figures without holes take nothing back."""
    state = FeedState()
    full = holes(*[4] * 18)
    read(state, served(full))
    bare = {"sequence": 1, "score": 0, "strokes": 72, "thru": 18}
    assert [type(event) for event in read(state, bare, minutes=1)] == []
    assert board_of(state).cards[0].rounds[0].holes is not None


def test_holes_that_come_after_their_round_are_believed_at_once() -> None:
    """They add to a finished score and change none of it."""
    state = FeedState()
    read(state, {"sequence": 1, "score": 0, "strokes": 72, "thru": 18})
    (scored,) = read(state, served(holes(*[4] * 18)), minutes=1)
    assert isinstance(scored, RoundScored)
    assert scored.corrects is None


def test_other_holes_under_a_finished_round_are_held_until_they_persist() -> None:
    """FAULTS F3: a birdie and a bogey for two pars is a correction, though the total stands."""
    state = FeedState()
    read(state, served(holes(*[4] * 18)))
    other = served(holes(3, 5, *[4] * 16))
    for minutes in (1, 2):
        (held,) = read(state, other, minutes=minutes)
        assert isinstance(held, RegressionHeld)
        assert held.kind == "finished_score_changed"
        assert held.served != held.believed
    (scored,) = read(state, other, minutes=3)
    assert isinstance(scored, RoundScored)
    assert scored.corrects == "score:A:1:1"


def playoff(status: str, *lines: tuple[str, int, int | None, str | None]) -> tuple[tuple[str, int], ...]:
    """Return the playoff that a snapshot of (golfer, total to par, position, status) reports."""
    document = {
        "id": EVENT_ID,
        "status": status,
        "leaderboard": [
            {
                "id": player,
                "rounds": [{"sequence": 1, "score": total, "strokes": 72 + total, "thru": 18}],
                **({} if position is None else {"position": position}),
                **({} if gone is None else {"status": gone}),
            }
            for player, total, position, gone in lines
        ],
    }
    found = parse_snapshot(raw(document), EVENT_ID, rounds=4)
    assert isinstance(found, Snapshot)
    state = FeedState()
    for event in diff(state, found, NOW):
        evolve(state, event)
    reported = state.event_status
    assert isinstance(reported, EventStatusReported)
    assert {card.player_id: card.playoff for card in board_of(state).cards if card.playoff} == dict(reported.playoff)
    return reported.playoff


def test_a_playoff_is_known_by_the_places_of_leaders_who_are_level() -> None:
    """It counts for the finish: the provider gives the winner the first place alone."""
    leaders = (("A", -3, 2, None), ("B", -3, 1, None), ("C", -3, 2, None), ("D", -1, 4, None))
    assert playoff("complete", *leaders) == (("A", 2), ("B", 1), ("C", 2))
    assert playoff("closed", *leaders) == (("A", 2), ("B", 1), ("C", 2))
    # While play goes on, positions are nobody's verdict.
    assert playoff("inprogress", *leaders) == ()


@pytest.mark.parametrize("position", ["T1", -1, 0, 501, 2**63, 2**70, True, 1.5, [], None])
def test_a_position_that_is_no_place_refuses_nothing_and_decides_nothing(position: Any) -> None:
    found = snapshot(served(holes(4)), position=position)
    assert isinstance(found, Snapshot)
    assert found.positions == {}


def test_without_different_places_there_was_no_playoff() -> None:
    assert playoff("complete", ("A", -3, 1, None), ("B", -3, 1, None), ("C", 0, 3, None)) == ()
    assert playoff("complete", ("A", -3, 1, None), ("B", -2, 2, None)) == ()
    assert playoff("complete", ("A", -3, None, None), ("B", -3, None, None)) == ()
    # A lower total that does not play any more is no leader's.
    assert playoff("complete", ("A", -3, 2, None), ("B", -3, 1, None), ("C", -9, 70, "WD")) == (("A", 2), ("B", 1))
