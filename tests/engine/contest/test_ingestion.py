"""From snapshots to events: what is new, what is held, what corrects what (ING-006, ING-008, FAULTS F2-F6)."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutline.engine.contest.feed_events import (
    EventStatusReported,
    FeedEvent,
    FieldPublished,
    PlayerRenamed,
    PlayerStatusReported,
    RegressionCleared,
    RegressionHeld,
    RoundScored,
    TerminalStatusStood,
)
from cutline.engine.contest.feed_state import FeedState, board_of, evolve
from cutline.engine.contest.ingestion import diff
from cutline.engine.contest.leaderboard import Snapshot, parse_snapshot
from tests.engine.driver import stored
from tests.engine.golf import CARDS, EVENT_ID, Cards, board, payload, raw

START = datetime(2026, 4, 9, 12, tzinfo=UTC)


class Feed:
    """A feed as its actor reads it: every event is written, read again, and folded."""

    def __init__(self) -> None:
        self.state = FeedState()
        self.log: list[FeedEvent] = []
        self.polls = 0

    def poll(self, cards: Cards, status: str = "inprogress") -> list[FeedEvent]:
        snapshot = parse_snapshot(raw(payload(cards, status)), EVENT_ID)
        assert isinstance(snapshot, Snapshot), snapshot
        self.polls += 1
        before = copy.deepcopy(self.state)
        events = diff(self.state, snapshot, START + timedelta(minutes=self.polls))
        assert self.state == before, "reading a snapshot changed what is believed"
        for event in events:
            evolve(self.state, stored(event)[1])
        self.log += events
        return events

    def score(self, player: str, number: int) -> tuple[int, int]:
        scored = self.state.rounds[player][number]
        return scored.to_par, scored.thru


def with_player(player: str, status: str | None, rounds: list[tuple[int, int]]) -> Cards:
    return {**CARDS, player: (status, rounds)}


def started() -> Feed:
    feed = Feed()
    feed.poll(CARDS)
    return feed


def kinds(events: list[FeedEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_the_first_snapshot_publishes_the_field_and_its_hash() -> None:
    """ING-016: the field-complete fact carries count and hash."""
    feed = Feed()
    first = feed.poll({player: (None, []) for player in "BAC"}, "scheduled")
    published, status = first
    assert isinstance(published, FieldPublished)
    assert (published.key, published.count, published.corrects) == ("field:1", 3, None)
    assert [player.player_id for player in published.players] == ["A", "B", "C"]
    assert len(published.sha256) == 64
    assert isinstance(status, EventStatusReported)
    assert (status.key, status.status) == ("event_status:1", "scheduled")


def test_an_unpublished_field_is_no_fact() -> None:
    assert kinds(Feed().poll({}, "scheduled")) == ["EventStatusReported"]


def test_the_whole_board_is_believed_from_one_snapshot() -> None:
    feed = Feed()
    feed.poll(CARDS, "closed")
    assert board_of(feed.state) == board()


def test_the_same_snapshot_again_yields_no_event() -> None:
    """ING-008."""
    feed = started()
    assert feed.poll(CARDS) == []


def test_holes_played_are_events_that_correct_nothing() -> None:
    feed = Feed()
    feed.poll({"A": (None, [(-1, 5)])})
    (scored,) = feed.poll({"A": (None, [(-2, 7)])})
    assert isinstance(scored, RoundScored)
    assert (scored.key, scored.corrects, scored.to_par, scored.strokes, scored.thru) == ("score:A:1:2", None, -2, 26, 7)


def test_a_changed_hole_in_an_open_round_is_believed_and_names_what_it_corrects() -> None:
    """ING-006."""
    feed = Feed()
    feed.poll({"A": (None, [(-1, 5)])})
    (scored,) = feed.poll({"A": (None, [(0, 5)])})
    assert isinstance(scored, RoundScored)
    assert (scored.key, scored.corrects) == ("score:A:1:2", "score:A:1:1")


def test_fewer_strokes_than_further_holes_cost_is_a_correction_too() -> None:
    feed = Feed()
    feed.poll({"A": (None, [(5, 5)])})
    (scored,) = feed.poll({"A": (None, [(0, 6)])})
    assert isinstance(scored, RoundScored)
    assert scored.corrects == "score:A:1:1"


def test_a_status_is_believed_when_it_comes() -> None:
    feed = Feed()
    feed.poll(with_player("F", None, CARDS["F"][1]))
    (reported,) = feed.poll(CARDS)
    assert isinstance(reported, PlayerStatusReported)
    assert (reported.key, reported.status, reported.corrects) == ("status:F:1", "CUT", None)


def test_another_status_corrects_the_first() -> None:
    feed = started()
    (reported,) = feed.poll(with_player("G", "DQ", CARDS["G"][1]))
    assert isinstance(reported, PlayerStatusReported)
    assert (reported.key, reported.status, reported.corrects) == ("status:G:2", "DQ", "status:G:1")


# Each regression: what is served instead, its kind, the subject that holds it.
REGRESSIONS: dict[str, tuple[Cards, str, str]] = {
    "CUT marks vanish": (with_player("F", None, CARDS["F"][1]), "status_vanished", "status:F"),
    "WD retracted": (with_player("G", None, CARDS["G"][1]), "status_vanished", "status:G"),
    "holes taken back": (with_player("G", "WD", [(-2, 18), (1, 5)]), "thru_decreased", "score:G:2"),
    "a finished round opened again": (
        with_player("A", None, [*CARDS["A"][1][:3], (-4, 17)]),
        "thru_decreased",
        "score:A:4",
    ),
    "an older round served again": (with_player("A", None, CARDS["A"][1][:3]), "round_vanished", "score:A:4"),
    "a signed card changed": (
        with_player("A", None, [(-3, 18), (-2, 18), (-1, 18), (-2, 18)]),
        "finished_score_changed",
        "score:A:4",
    ),
}


@pytest.mark.parametrize(("served", "kind", "subject"), REGRESSIONS.values(), ids=REGRESSIONS)
class TestRegression:
    """FAULTS F3, F6; a value that went back is recorded and held, not believed at once."""

    def test_is_recorded_and_not_believed(self, served: Cards, kind: str, subject: str) -> None:
        feed = started()
        (held,) = feed.poll(served)
        assert isinstance(held, RegressionHeld)
        assert (held.kind, held.subject, held.polls, held.key) == (kind, subject, 1, f"held:{subject}:1:1")
        assert board_of(feed.state) == board(status="inprogress")

    def test_is_cleared_when_the_believed_value_comes_back(self, served: Cards, kind: str, subject: str) -> None:
        feed = started()
        feed.poll(served)
        (cleared,) = feed.poll(CARDS)
        assert isinstance(cleared, RegressionCleared)
        assert (cleared.key, cleared.kind) == (f"cleared:{subject}:1", kind)
        assert feed.state.holds == {}
        assert feed.poll(CARDS) == []

    def test_is_believed_after_three_polls_in_a_row(self, served: Cards, kind: str, subject: str) -> None:
        feed = started()
        believed = feed.state.rounds if subject.startswith("score") else feed.state.statuses
        feed.poll(served)
        (second,) = feed.poll(served)
        assert isinstance(second, RegressionHeld)
        assert (second.polls, second.kind) == (2, kind)
        (correction,) = feed.poll(served)
        assert isinstance(correction, RoundScored | PlayerStatusReported)
        assert correction.corrects == f"{subject}:1"
        assert correction.key == f"{subject}:2"
        assert believed is not None
        assert feed.state.holds == {}
        assert feed.poll(served) == []

    def test_begins_anew_when_it_was_interrupted(self, served: Cards, kind: str, subject: str) -> None:
        feed = started()
        for cards in (served, served, CARDS, served, served):
            feed.poll(cards)
        assert feed.state.holds[subject].key == f"held:{subject}:2:2"
        assert board_of(feed.state) == board(status="inprogress")
        assert feed.state.holds[subject].kind == kind


def test_another_regressed_value_is_counted_from_one() -> None:
    """FAULTS F3: 72, 70, 71: no value stood long enough."""
    feed = Feed()
    feed.poll({"A": (None, [(0, 18)])})
    for to_par in (-2, -2, -1, -1):
        feed.poll({"A": (None, [(to_par, 18)])})
    assert feed.score("A", 1) == (0, 18)
    assert feed.state.holds["score:A:1"].polls == 2
    feed.poll({"A": (None, [(-1, 18)])})
    assert feed.score("A", 1) == (-1, 18)


def test_contradicting_corrections_are_each_recorded() -> None:
    """FAULTS F3: 72, 70, 72, each believed in turn."""
    feed = Feed()
    feed.poll({"A": (None, [(0, 18)])})
    for to_par in (-2, -2, -2, 0, 0, 0):
        feed.poll({"A": (None, [(to_par, 18)])})
    scored = [event for event in feed.log if isinstance(event, RoundScored)]
    assert [(event.to_par, event.corrects) for event in scored] == [(0, None), (-2, "score:A:1:1"), (0, "score:A:1:2")]


def test_a_whole_older_snapshot_changes_nothing_that_is_believed() -> None:
    feed = Feed()
    old: Cards = {player: (None, rounds[:1]) for player, (_, rounds) in CARDS.items()}
    feed.poll(old)
    feed.poll(CARDS)
    events = feed.poll(old)
    assert set(kinds(events)) == {"RegressionHeld"}
    assert board_of(feed.state) == board(status="inprogress")


def test_other_values_of_the_same_snapshot_are_believed() -> None:
    feed = Feed()
    feed.poll({"A": (None, [(0, 18)]), "B": (None, [(0, 9)])})
    events = feed.poll({"A": (None, [(0, 12)]), "B": (None, [(-1, 10)])})
    assert kinds(events) == ["RegressionHeld", "RoundScored"]
    assert feed.score("B", 1) == (-1, 10)


def test_half_a_payload_takes_nobody_away_however_long_it_is_served() -> None:
    """FAULTS F2: missing is not zero."""
    feed = started()
    half: Cards = {player: card for player, card in CARDS.items() if player in "ABCD"}
    events = feed.poll(half)
    assert [event.kind for event in events if isinstance(event, RegressionHeld)] == ["player_missing"] * 4
    for _ in range(5):
        assert feed.poll(half) == []
    assert board_of(feed.state) == board(status="inprogress")
    assert kinds(feed.poll(CARDS)) == ["RegressionCleared"] * 4


def test_a_poll_that_leaves_a_golfer_out_interrupts_what_was_served_of_him() -> None:
    feed = started()
    served = with_player("A", None, CARDS["A"][1][:3])
    without: Cards = {player: card for player, card in CARDS.items() if player != "A"}
    for cards in (served, served, without, served, served):
        feed.poll(cards)
    assert feed.score("A", 4) == (-4, 18)


def test_a_player_nobody_knows_gets_no_score_until_he_persists() -> None:
    """FAULTS F4: no silent new player."""
    feed = started()
    more: Cards = {**CARDS, "Z": (None, [(-9, 18)])}
    for _ in range(2):
        assert kinds(feed.poll(more)) == ["RegressionHeld"]
        assert "Z" not in feed.state.rounds
    events = feed.poll(more)
    assert kinds(events) == ["FieldPublished", "RoundScored"]
    assert isinstance(events[0], FieldPublished)
    assert (events[0].key, events[0].count, events[0].corrects) == ("field:2", 9, "field:1")


def test_before_play_a_field_may_change_when_the_change_persists() -> None:
    feed = Feed()
    listed: Cards = {player: (None, []) for player in "ABC"}
    changed: Cards = {player: (None, []) for player in "ABD"}
    feed.poll(listed, "scheduled")
    for _ in range(3):
        feed.poll(changed, "scheduled")
    assert feed.state.player_ids == frozenset("ABD")
    assert feed.state.known == set("ABCD")


def test_before_play_an_empty_field_is_never_believed() -> None:
    feed = Feed()
    feed.poll({"A": (None, [])}, "scheduled")
    for _ in range(5):
        feed.poll({}, "scheduled")
    assert feed.state.player_ids == frozenset("A")


def test_a_name_may_change_but_the_id_counts() -> None:
    """FAULTS F4."""
    feed = started()
    document = payload(status="inprogress")
    document["leaderboard"][0]["last_name"] = "Renamed"
    snapshot = parse_snapshot(raw(document), EVENT_ID)
    assert isinstance(snapshot, Snapshot)
    (renamed,) = diff(feed.state, snapshot, START)
    assert isinstance(renamed, PlayerRenamed)
    assert (renamed.key, renamed.was, renamed.name) == ("name:A:1", "A Golfer", "A Renamed")
    evolve(feed.state, stored(renamed)[1])
    assert diff(feed.state, snapshot, START) == []
    assert board_of(feed.state) == board(status="inprogress")


def test_the_status_of_the_event_moves_forward_at_once_and_comes_last() -> None:
    feed = Feed()
    feed.poll({"A": (None, [(0, 17)])}, "inprogress")
    events = feed.poll({"A": (None, [(0, 18)])}, "complete")
    assert kinds(events) == ["RoundScored", "EventStatusReported"]
    assert isinstance(events[1], EventStatusReported)
    assert (events[1].key, events[1].corrects) == ("event_status:2", None)


def test_a_suspension_is_reported_and_is_not_the_end() -> None:
    feed = started()
    assert kinds(feed.poll(CARDS, "suspended")) == ["EventStatusReported"]
    assert feed.state.terminal_since is None


def test_a_terminal_status_is_counted_until_it_has_stood() -> None:
    feed = started()
    for _ in range(5):
        feed.poll(CARDS, "complete")
    stood = [event for event in feed.log if isinstance(event, TerminalStatusStood)]
    assert [(event.key, event.polls) for event in stood] == [("terminal:2:0:2", 2), ("terminal:2:0:3", 3)]
    assert {event.since for event in stood} == {START + timedelta(minutes=2)}
    assert feed.state.terminal_polls == 3


def test_complete_then_closed_is_no_retraction() -> None:
    feed = started()
    feed.poll(CARDS, "complete")
    (reported,) = feed.poll(CARDS, "closed")
    assert isinstance(reported, EventStatusReported)


@pytest.mark.parametrize(
    ("believed", "served"),
    [
        ("complete", "inprogress"),
        ("closed", "reopened"),
        ("closed", "complete"),
        ("complete", "cancelled"),
        ("cancelled", "scheduled"),
        ("inprogress", "scheduled"),
    ],
)
def test_a_status_taken_back_is_held_and_begins_the_hold_period_anew(believed: str, served: str) -> None:
    """FAULTS F6."""
    feed = Feed()
    feed.poll(CARDS, believed)
    feed.poll(CARDS, believed)
    (held,) = feed.poll(CARDS, served)
    assert isinstance(held, RegressionHeld)
    assert (held.kind, held.believed, held.served) == ("status_retracted", believed, served)
    assert (feed.state.status, feed.state.terminal_polls) == (believed, 0)
    feed.poll(CARDS, served)
    (correction,) = feed.poll(CARDS, served)
    assert isinstance(correction, EventStatusReported)
    assert (correction.status, correction.corrects) == (served, "event_status:1")


def test_after_a_disbelieved_retraction_the_terminal_status_must_stand_again() -> None:
    """FAULTS F6: the new stretch is counted from one, under keys of its own."""
    feed = Feed()
    for status in ("closed", "closed", "inprogress", "closed", "closed", "closed", "closed"):
        feed.poll(CARDS, status)
    stood = [event for event in feed.log if isinstance(event, TerminalStatusStood)]
    assert [event.key for event in stood] == ["terminal:1:0:2", "terminal:1:1:1", "terminal:1:1:2", "terminal:1:1:3"]
    assert feed.state.terminal_since == START + timedelta(minutes=4)


def cards_strategy() -> st.SearchStrategy[Cards]:
    thru = st.sampled_from([0, 5, 9, 17, 18])
    rounds = st.lists(
        thru.flatmap(lambda t: st.tuples(st.integers(-1, 1) if t else st.just(0), st.just(t))), max_size=4
    )
    card = st.tuples(st.sampled_from([None, None, None, "CUT", "WD"]), rounds)
    return st.dictionaries(st.sampled_from("ABCD"), card, min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(
    polls=st.lists(
        st.tuples(cards_strategy(), st.sampled_from(["scheduled", "inprogress", "complete", "closed"])), max_size=12
    )
)
def test_whatever_is_served_keys_are_unique_and_the_log_folds_to_the_same_state(
    polls: list[tuple[Cards, str]],
) -> None:
    """SET-001, ING-008: the log alone gives the state, and no fact is recorded twice."""
    feed = Feed()
    for cards, status in polls:
        feed.poll(cards, status)
    keys = [event.key for event in feed.log]
    assert len(set(keys)) == len(keys)
    again = FeedState()
    for event in feed.log:
        evolve(again, event)
    assert again == feed.state
    corrected: set[Any] = {event.corrects for event in feed.log if hasattr(event, "corrects")} - {None}
    assert corrected <= set(keys)


@settings(max_examples=40, deadline=None)
@given(polls=st.lists(cards_strategy(), max_size=6), last=cards_strategy())
def test_what_is_served_for_long_enough_is_believed(polls: list[Cards], last: Cards) -> None:
    feed = Feed()
    for cards in [*polls, *[last] * 4, *[last] * 3]:
        feed.poll(cards)
    for player, (status, rounds) in last.items():
        reported = feed.state.statuses.get(player)
        assert (reported.status if reported else None) == status
        for number, served in enumerate(rounds, start=1):
            if served[1]:
                assert feed.score(player, number) == served
