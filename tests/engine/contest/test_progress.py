"""Transitions by facts, commands and faults, and how the provider's changes are taken."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.decision import Rejected
from cutline.engine.messages import (
    CancelContest,
    CancelIntent,
    DeclareContestError,
    FeedAdvanced,
    FeedPolled,
    Look,
    MoveEntryFee,
    RaiseAlert,
    ReadContest,
    RecordAnchor,
    RecoverContest,
    UnwatchEvent,
    WatchEvent,
)
from cutline.engine.scoring.rosters import Rosters
from tests.engine.contest.play import BEFORE, END, FIELD, LOCK, PICKS, PLAYED, Play, enter, fee
from tests.engine.driver import minutes, types
from tests.engine.golf import CARDS, EVENT_ID

DAY = timedelta(days=1)
TEE_LATER = {"event.first_tee_at": "2026-04-09T13:40:00Z"}
FIXED = {
    "entry.rake_percent": 0,
    "prizes": {"basis": "fixed", "places": [{"from": 1, "to": 1, "cents": 1500}]},
}


def transitions(play: Play) -> list[tuple[str, str]]:
    play.contest.send(ReadContest(), LOCK)
    return [(change["from"], change["to"]) for change in play.contest.reply["transitions"]]


def progress(play: Play) -> Any:
    play.contest.send(ReadContest(), LOCK)
    return play.contest.reply["progress"]


def test_a_look_when_nothing_is_due_records_nothing() -> None:
    play = Play()
    assert play.contest.look(BEFORE) == []
    assert play.contest.look(LOCK - timedelta(milliseconds=1)) == []


def test_locking_expires_what_is_unpaid_and_anchors_the_head() -> None:
    """LIFE-002, LIFE-012."""
    play = Play(TEE_LATER)
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), LOCK - minutes(1))
    expired, frozen, changed = play.contest.look(LOCK)
    assert types([expired, frozen, changed]) == ["EntryExpired", "RostersFrozen", "StatusChanged"]
    packed = play.contest.blobs[frozen.key]
    assert (frozen.entries, frozen.size, frozen.sha256) == (1, len(packed), hashlib.sha256(packed).hexdigest())
    assert [(entry.entry_id, entry.picks) for entry in Rosters.unpack(packed).entries()] == [("e1", PICKS)]
    assert (changed.actor, changed.from_status, changed.to_status) == ("scheduler", "SCHEDULED", "LOCKED")
    assert changed.reason
    assert [m.entry_id for m in play.contest.messages(CancelIntent)] == ["e2"]
    (anchor,) = play.contest.messages(RecordAnchor)
    assert (anchor.address, anchor.seq) == ("contest/c1", play.contest.log[-1].seq)
    assert anchor.hash == play.contest.log[-1].hash.hex()
    assert play.contest.look(LOCK) == []


@pytest.mark.parametrize(
    ("field", "started", "unmet"),
    [
        (False, False, None),
        (True, False, None),
        (False, True, ("field_complete",)),
        (True, True, ()),
    ],
)
def test_live_needs_the_field_and_the_start_time(field: bool, started: bool, unmet: Any) -> None:
    """LIFE-003: four cases; a start that lacks its field leaves a recorded reason, once."""
    play = Play(TEE_LATER)
    if field:
        play.serve(BEFORE + minutes(5), FIELD, "scheduled")
    play.contest.look(LOCK)
    now = LOCK + minutes(120) if started else LOCK + minutes(119)
    events = play.contest.look(now)
    if unmet is None:
        assert events == []
    elif unmet:
        assert events[0].reasons == unmet
        assert play.contest.look(now + minutes(1)) == []
    assert play.status == ("LIVE" if field and started else "LOCKED")
    play.serve(now + minutes(2))
    play.contest.look(now + minutes(125))
    assert play.status == "LIVE"


def test_fixed_prizes_that_the_pot_does_not_cover_cancel_the_contest_at_lock() -> None:
    """POT_SHORT."""
    play = Play(FIXED)
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), LOCK - minutes(1))
    events = play.contest.look(LOCK)
    assert types(events) == ["EntryExpired", "StatusChanged", "EntryCancelled"]
    assert events[1].trigger == "POT_SHORT"
    assert [m.outcome for m in play.contest.messages(MoveEntryFee)] == ["activated", "returned"]
    assert play.status == "CANCELLED"


def test_fixed_prizes_that_the_pot_covers_lock_the_contest() -> None:
    play = Play({**FIXED, **TEE_LATER})
    play.enter_and_pay("e1", "e2")
    play.contest.look(LOCK)
    assert play.status == "LOCKED"


def test_thirty_days_of_silence_after_the_end_complete_nothing() -> None:
    """LIFE-004, LIFE-005, C-02: the reason is recorded once."""
    play = Play()
    play.to_live()
    play.serve(LOCK + minutes(60))
    (refused,) = play.contest.look(END)
    assert refused.reasons == ("final_status_stands", "cards_are_closed")
    for day in range(1, 31):
        assert play.contest.look(END + day * DAY) == []
    assert play.status == "LIVE"


def test_a_final_status_completes_only_after_the_hold_and_three_polls() -> None:
    play = Play()
    play.to_live()
    play.serve(PLAYED, status="complete")
    assert play.contest.look(PLAYED + minutes(29)) == []
    # Half an hour with two polls is not enough, and neither is a third poll before the half hour is over.
    play.poll(PLAYED + minutes(5), None)
    assert play.contest.look(PLAYED + minutes(31)) == []
    play.poll(PLAYED + minutes(29), None)
    assert play.contest.look(PLAYED + minutes(40)) == []
    play.poll(PLAYED + minutes(45), None)
    assert play.contest.machine.due_at(play.contest.state) == PLAYED + minutes(45)
    assert types(play.contest.look(PLAYED + minutes(45))) == ["StatusChanged", "SettlementStarted"]
    assert play.status == "COMPLETE"
    play.contest.assert_replays()
    play.feed.assert_replays()


def test_polls_that_leave_no_event_still_leave_silence_unproven() -> None:
    """Three polls, then the feed is gone for a day: the status has not been seen to stand for half an hour."""
    play = Play()
    play.to_live()
    play.serve(PLAYED, status="complete")
    for count in (1, 2):
        play.poll(PLAYED + minutes(count), None)
    play.contest.look(PLAYED + DAY)
    assert play.status == "LIVE"


def test_a_retracted_final_status_begins_the_hold_anew() -> None:
    """F6: even a retraction that is not believed."""
    play = Play()
    play.to_live()
    play.finish(PLAYED - minutes(10))
    play.serve(PLAYED + minutes(21), status="inprogress")
    assert play.contest.look(PLAYED + minutes(22)) == []
    play.serve(PLAYED + minutes(25), status="complete")
    for count in range(1, 6):
        play.poll(PLAYED + minutes(25 + 5 * count), None)
        assert play.contest.look(PLAYED + minutes(25 + 5 * count)) == []
    play.poll(PLAYED + minutes(55), None)
    play.contest.look(PLAYED + minutes(55))
    assert play.status == "COMPLETE"


def test_a_retraction_that_persists_is_believed_and_the_contest_stays_live() -> None:
    play = Play()
    play.to_live()
    play.serve(PLAYED, status="complete")
    for count in range(1, 5):
        play.serve(PLAYED + minutes(count), status="inprogress")
    play.contest.look(PLAYED + DAY)
    assert play.status == "LIVE"
    assert play.contest.state.contest.feed.board.status == "inprogress"


def test_open_cards_hold_the_completion_back() -> None:
    """SET-021: half a round is no result; the reason is recorded."""
    play = Play()
    play.to_live()
    cards = {**CARDS, "A": (None, [(-3, 18), (-2, 18), (-1, 18), (-2, 12)])}
    done = play.finish(cards=cards)
    (refused,) = play.contest.look(done)
    assert refused.reasons == ("cards_are_closed",)
    assert play.contest.look(done + minutes(1)) == []
    play.serve(done + minutes(5), status="complete")
    play.contest.look(done + minutes(5))
    assert play.status == "COMPLETE"


def test_an_event_that_the_provider_cancels_returns_every_fee() -> None:
    """F8: after the same hold as any final status."""
    play = Play()
    play.enter_and_pay("e1", "e2")
    play.serve(BEFORE + minutes(5), FIELD, "scheduled")
    play.serve(BEFORE + minutes(6), FIELD, "cancelled")
    assert play.contest.look(BEFORE + minutes(7)) == []
    play.finish(BEFORE + minutes(6), "cancelled", FIELD)
    events = play.contest.look(BEFORE + minutes(36))
    assert types(events) == ["StatusChanged", "EntryCancelled", "EntryCancelled"]
    assert [m.outcome for m in play.contest.messages(MoveEntryFee)][2:] == ["returned", "returned"]
    assert play.contest.messages(UnwatchEvent) == [UnwatchEvent(contest_id="c1")]


def test_too_few_completed_rounds_cancel_and_enough_complete() -> None:
    one_round = {player: (status, rounds[:1]) for player, (status, rounds) in CARDS.items()}
    two_rounds = {player: (status, rounds[:2]) for player, (status, rounds) in CARDS.items()}
    for cards, expected in ((one_round, "CANCELLED"), (two_rounds, "COMPLETE")):
        play = Play()
        play.enter_and_pay("e1")
        play.to_live()
        play.contest.look(play.finish(cards=cards))
        assert play.status == expected


def test_a_look_that_comes_days_late_does_every_transition_once_and_in_order() -> None:
    """C2, C5: the box was away from before the lock until after the end."""
    play = Play()
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), LOCK - minutes(40))
    play.serve(BEFORE + minutes(5), FIELD, "scheduled")
    play.serve(LOCK + minutes(60))
    done = play.finish()
    events = play.contest.look(done + 3 * DAY)
    changes = ["StatusChanged"] * 3
    assert types(events) == ["EntryExpired", "RostersFrozen", *changes, "SettlementStarted"]
    assert transitions(play) == [("SCHEDULED", "LOCKED"), ("LOCKED", "LIVE"), ("LIVE", "COMPLETE")]
    assert play.contest.look(done + 3 * DAY) == []
    play.contest.assert_replays()


def test_a_clock_that_goes_back_unlocks_nothing() -> None:
    """C1."""
    play = Play()
    play.contest.look(LOCK)
    play.contest.send(Look(), LOCK - minutes(60))
    assert play.contest.refuse(enter("e1"), LOCK - minutes(60)).code == "CONTEST_LOCKED"
    assert play.status == "LOCKED"


@pytest.mark.parametrize("reached", ["SCHEDULED", "LOCKED", "LIVE", "ERROR"])
def test_cancelling_before_completion_returns_every_fee(reached: str) -> None:
    """LIFE-009."""
    play = Play(TEE_LATER)
    play.enter_and_pay("e1")
    play.contest.send(enter("e2"), LOCK - minutes(1))
    if reached == "LIVE":
        play.serve(LOCK - minutes(1), FIELD, "scheduled")
        play.contest.look(LOCK + minutes(130))
    elif reached == "LOCKED":
        play.contest.look(LOCK)
    elif reached == "ERROR":
        play.contest.send(DeclareContestError(actor="ops", reason="r", runbook="contest-in-error"), LOCK)
    assert play.status == reached
    events = play.contest.send(CancelContest(actor="admin:1", reason="storm"), LOCK + minutes(140))
    assert events[0].actor == "admin:1"
    assert play.status == progress(play) == "CANCELLED"
    assert [m.outcome for m in play.contest.messages(MoveEntryFee)] == ["activated", "returned"]
    late = play.contest.send(fee("e2"), LOCK + minutes(141))
    assert types(late) == ["EntryRefused"]
    play.contest.assert_replays()


def test_an_illegal_transition_is_refused_by_name_and_leaves_its_row() -> None:
    """LIFE-009, LIFE-011: COMPLETE is not cancelled, and nothing but ERROR recovers."""
    play = Play()
    done = play.to_complete()
    for command, target in (
        (CancelContest(actor="admin:1", reason="r"), "CANCELLED"),
        (DeclareContestError(actor="admin:1", reason="r", runbook="x"), "ERROR"),
        (RecoverContest(actor="admin:1", reason="r"), "COMPLETE"),
    ):
        (refused,) = play.contest.send(command, done)
        assert (refused.from_status, refused.to_status) == ("COMPLETE", target)
        assert isinstance(play.contest.reply, Rejected)
        assert play.contest.reply.code == "INVALID_STATUS_TRANSITION"
    assert play.status == "COMPLETE"


def test_an_error_keeps_its_reason_and_runbook_and_goes_back_to_where_it_came_from() -> None:
    """LIFE-010."""
    play = Play()
    play.to_live()
    declared = DeclareContestError(actor="ops", reason="feed", runbook="contest-in-error")
    (changed,) = play.contest.send(declared, LOCK + minutes(5))
    assert (changed.reason, changed.runbook) == ("feed", "contest-in-error")
    assert play.contest.machine.due_at(play.contest.state) is None
    play.serve(LOCK + minutes(60))
    assert play.contest.state.contest.feed.applied == 2
    play.contest.send(RecoverContest(actor="ops", reason="mended"), LOCK + minutes(70))
    play.deliver(LOCK + minutes(70))
    assert [m.attempt for m in play.contest.messages(WatchEvent)] == [1, 2]
    assert play.contest.state.contest.feed.applied == len(play.feed.state.changes) > 2
    assert play.status == "LIVE"
    play.contest.assert_replays()


def advanced(first: int, *changes: Any, at: Any = LOCK) -> FeedAdvanced:
    return FeedAdvanced(provider_event_id=EVENT_ID, first=first, changes=changes, polled_at=at, head="00")


def test_changes_apply_once_in_order_and_across_a_gap_all_are_asked_for_again() -> None:
    """ING-008: duplicates, overlaps and reordered messages."""
    source = Play()
    source.serve(BEFORE, FIELD, "scheduled")
    source.serve(LOCK + minutes(60))
    changes = source.feed.state.changes
    play = Play()
    (gap,) = play.contest.send(advanced(1, *changes[1:]), LOCK)
    assert (gap.expected, gap.first) == (0, 1)
    assert play.contest.send(advanced(2, *changes[2:]), LOCK) == []
    assert [m.attempt for m in play.contest.messages(WatchEvent)] == [1, 2]
    assert types(play.contest.send(advanced(0, *changes[:3]), LOCK)) == ["FeedApplied"]
    assert play.contest.send(advanced(0, *changes[:3]), LOCK) == []
    (applied,) = play.contest.send(advanced(1, *changes[1:]), LOCK)
    assert applied.first == 3
    assert play.contest.state.contest.feed.board == source.contest.state.contest.feed.board
    play.contest.assert_replays()


def test_another_events_changes_are_refused() -> None:
    """ING-022."""
    other = FeedAdvanced(provider_event_id="other", first=0, changes=(), polled_at=LOCK, head="00")
    assert Play().contest.refuse(other, LOCK).code == "FEED_WRONG_EVENT"


@pytest.mark.parametrize("change", [("MoonRose", {}), ("EventStatusReported", {"status": 7})])
def test_a_change_that_cannot_be_read_stops_the_contest_by_name(change: Any) -> None:
    """ING-004, LIFE-010."""
    play = Play()
    (changed,) = play.contest.send(advanced(0, change), LOCK - minutes(1))
    assert (changed.to_status, changed.runbook) == ("ERROR", "runbooks/contest-in-error.md")
    assert changed.reason.startswith("FEED_CHANGE_UNREADABLE")
    assert play.contest.send(advanced(0, change), LOCK - minutes(1)) == []


def test_after_completion_the_event_is_watched_late_for_a_week() -> None:
    """F7: later corrections do not reopen."""
    play = Play()
    done = play.to_complete()
    week = done + timedelta(days=7)
    assert play.contest.messages(UnwatchEvent) == [UnwatchEvent(contest_id="c1", late_until=week)]
    assert (list(play.feed.state.subscribers), list(play.feed.state.late)) == ([], ["c1"])
    assert types(play.feed.look(week)) == ["EventUnwatched"]
    assert play.feed.machine.due_at(play.feed.state) is None


def test_thirty_days_of_silence_complete_nothing_and_ops_have_been_called() -> None:
    """LIFE-005: COMPLETE is never inferred from the absence of updates."""
    play = Play()
    play.feed.pure = False
    play.to_live()
    play.serve(LOCK + minutes(60))
    silent = FeedPolled(http_status=None, body=None, etag=None, error="TIMED_OUT", duration_ms=10_000.0)
    now = END
    while now < END + timedelta(days=30):
        play.feed.send(Look(), now)
        play.feed.send(silent, now)
        play.deliver(now)
        play.contest.look(now)
        now += timedelta(hours=6)
    assert play.status == "LIVE"
    assert [effect.name for effect in play.feed.effects if isinstance(effect, RaiseAlert)] == ["ingestion_lag_exceeded"]


def test_a_cancelled_contest_takes_no_change() -> None:
    play = Play()
    play.contest.send(CancelContest(actor="ada", reason="rain"), LOCK)
    play.deliver(LOCK)
    assert play.contest.send(advanced(0, ("MoonRose", {})), LOCK) == []
    assert play.contest.messages(UnwatchEvent) == [UnwatchEvent(contest_id="c1")]
    assert (play.feed.state.subscribers, play.feed.state.late) == ({}, {})
