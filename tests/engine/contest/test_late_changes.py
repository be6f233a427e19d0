"""What the provider changes after a contest is COMPLETE: noted, shown, and paid to nobody (FAULTS F7, SET-018)."""

from datetime import timedelta
from typing import Any

from cutline.engine.contest.feed_state import board_of
from cutline.engine.messages import (
    FeedAdvanced,
    PostSettlement,
    RaiseAlert,
    ReadIngestion,
    ReadSettlementAudit,
)
from tests.engine.contest.play import Play
from tests.engine.driver import minutes, types
from tests.engine.golf import CARDS, Cards, board

PENALTY: Cards = {**CARDS, "A": (None, [*CARDS["A"][1][:3], (-2, 18)])}


def settled() -> tuple[Play, Any]:
    play = Play()
    play.enter_and_pay("e1", "e2")
    done = play.to_complete()
    play.settle(done)
    return play, done


def late_polls(play: Play, start: Any, cards: Cards, count: int = 3) -> Any:
    now = start
    for _ in range(count):
        now = max(now + minutes(1), play.feed.machine.due_at(play.feed.state) or now)
        play.feed.look(now)
        play.serve(now, cards, "complete")
    return now


def test_a_late_correction_is_noted_and_alerted_and_changes_neither_board_nor_prizes() -> None:
    play, done = settled()
    contest = play.contest.state.contest
    before = (dict(contest.settlement.results), len(play.contest.messages(PostSettlement)), play.status)
    late_polls(play, done, PENALTY)
    contest = play.contest.state.contest
    assert (dict(contest.settlement.results), len(play.contest.messages(PostSettlement)), play.status) == before
    assert board_of(contest.feed.board) == board(status="complete")
    assert contest.late.corrections == 1
    assert board_of(contest.late.board) == board(PENALTY, "complete")
    alerts = [effect for effect in play.contest.effects if isinstance(effect, RaiseAlert)]
    assert [(alert.name, alert.runbook) for alert in alerts] == [("late_correction", "runbooks/late-correction.md")]
    assert alerts[0].details["corrects"] == ["score:A:4:1"]
    play.contest.assert_replays()
    play.feed.assert_replays()


def test_a_complete_contest_is_polled_for_slowly_and_quicker_while_something_is_held() -> None:
    play, done = settled()
    feed = play.feed
    now = late_polls(play, done, CARDS, 1)
    assert feed.machine.due_at(feed.state) == now + timedelta(hours=6)
    now = late_polls(play, now, PENALTY, 1)
    assert feed.machine.due_at(feed.state) == now + timedelta(minutes=15)


def test_a_final_status_that_still_stands_costs_a_complete_contest_no_row() -> None:
    play, done = settled()
    rows = (len(play.feed.log), len(play.contest.log))
    late_polls(play, done, CARDS, 5)
    assert (len(play.feed.log), len(play.contest.log)) == rows


def test_a_late_watch_ends_after_a_week_and_polls_no_more() -> None:
    play, done = settled()
    assert types(play.feed.look(done + timedelta(days=7))) == ["EventUnwatched"]
    assert play.feed.machine.due_at(play.feed.state) is None
    assert late_polls_are_ignored(play, done + timedelta(days=8))


def late_polls_are_ignored(play: Play, now: Any) -> bool:
    before = len(play.contest.log)
    assert play.serve(now, PENALTY, "complete") == []
    return len(play.contest.log) == before


def test_late_changes_are_taken_once_and_in_order() -> None:
    """ING-008: what is sent twice is noted once; what comes too early stays owed."""
    play, done = settled()
    known = play.contest.state.contest.feed.applied
    change = (
        "RoundScored",
        {
            "player_id": "A",
            "round": 4,
            "number": 2,
            "to_par": -2,
            "strokes": 70,
            "thru": 18,
            "corrects": "score:A:4:1",
            "received_at": done.isoformat(),
        },
    )

    def advanced(first: int, *changes: Any) -> FeedAdvanced:
        event = play.contest.state.contest.created.provider_event_id
        return FeedAdvanced(provider_event_id=event, first=first, changes=changes, polled_at=done, head="00")

    assert play.contest.refuse(advanced(known + 1, change), done).code == "MESSAGE_TOO_EARLY"
    assert types(play.contest.send(advanced(known, change), done)) == ["LateChangesReceived"]
    assert play.contest.send(advanced(known, change), done) == []
    assert play.contest.refuse(advanced(known + 1, ("MoonRose", {})), done).code == "FEED_INVALID"


def test_ops_read_what_came_late() -> None:
    play, done = settled()
    late_polls(play, done, PENALTY)
    play.contest.send(ReadIngestion(), done)
    said = play.contest.reply
    assert (said["late_corrections"], said["field_complete"], said["field_count"]) == (1, True, 8)
    assert said["changes_applied"] == len(play.feed.state.changes)
    play.contest.send(ReadSettlementAudit(), done)
    assert play.contest.reply["late_corrections"] == 1
