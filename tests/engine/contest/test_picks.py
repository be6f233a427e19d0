"""Changing the picks of an entry until the lock, with every refusal by name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.contest.settling import inputs_of
from cutline.engine.contest.state import Contest
from cutline.engine.messages import ChangePicks, ReadEntries, ReadEntry, WithdrawEntry
from tests.engine.contest.play import BEFORE, FIELD, LOCK, PICKS, Play, create, enter
from tests.engine.driver import types

OTHER = ("D", "E", "F")


def change(entry_id: str = "e1", picks: tuple[str, ...] = OTHER, tiebreak: int | None = None, did: str = "") -> Any:
    return ChangePicks(entry_id=entry_id, account_did=did or f"did:{entry_id}", picks=picks, tiebreak=tiebreak)


def entered() -> Play:
    play = Play()
    play.enter_and_pay("e1")
    return play


def test_picks_change_until_the_lock_and_their_entry_stays_paid() -> None:
    """LIFE-018: what is frozen is frozen from the lock on."""
    play = entered()
    assert types(play.contest.send(change(tiebreak=-9), LOCK - timedelta(milliseconds=1))) == ["EntryPicksChanged"]
    play.contest.send(ReadEntry(entry_id="e1"), LOCK)
    shown = play.contest.reply
    assert (shown["picks"], shown["tiebreak"], shown["status"]) == (list(OTHER), -9, "ACTIVE")
    assert play.contest.refuse(change(picks=PICKS), LOCK).code == "CONTEST_LOCKED"


def test_each_change_is_one_event_and_the_same_picks_again_are_none() -> None:
    """SCH: one fact, one key."""
    play = entered()
    for picks in (OTHER, OTHER, PICKS, PICKS):
        play.contest.send(change(picks=picks), BEFORE)
        assert play.contest.reply["picks"] == list(picks)
    assert play.contest.reply["deduped"] is True
    keys = [recorded.event.key for recorded in play.contest.log if "picks" in recorded.event.key]
    assert keys == ["entry:e1:picks:1", "entry:e1:picks:2"]


def test_a_retry_of_entering_is_known_again_after_the_picks_have_changed() -> None:
    """PAY-030 in the manner of entries: the key still means what was asked with it, and nothing else."""
    play = entered()
    play.contest.send(change(), BEFORE)
    assert play.contest.send(enter("e1"), BEFORE) == []
    assert (play.contest.reply["deduped"], play.contest.reply["picks"]) == (True, list(OTHER))
    assert play.contest.refuse(enter("e1", picks=OTHER), BEFORE).details == {"fields": ["picks"]}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (change("e9"), "NOT_FOUND"),
        (change(did="did:another"), "NOT_FOUND"),
        (change(picks=("A", "B")), "ROSTER_INVALID"),
        (change(picks=("A", "A", "B")), "ROSTER_INVALID"),
        (change(picks=("A", "B", "nobody")), "ROSTER_INVALID"),
        (change(tiebreak=100_000), "ROSTER_INVALID"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_name_and_changes_nothing(command: ChangePicks, code: str) -> None:
    play = entered()
    play.serve(BEFORE, FIELD, "scheduled")
    before = len(play.contest.log)
    assert play.contest.refuse(command, BEFORE).code == code
    assert len(play.contest.log) == before


def test_an_entry_that_has_ended_keeps_its_picks() -> None:
    play = entered()
    play.contest.send(WithdrawEntry(entry_id="e1", account_did="did:e1"), BEFORE)
    refused = play.contest.refuse(change(), BEFORE)
    assert (refused.code, refused.details) == ("ENTRY_NOT_PENDING", {"status": "WITHDRAWN"})


def test_a_replayed_log_gives_the_changed_picks_and_settles_them() -> None:
    """SET-001: what plays is what was picked last."""
    play = Play(command=create({"prizes.places": [{"from": 1, "to": 1, "percent": 100}]}))
    play.enter_and_pay("e1", "e2")
    play.contest.send(change("e1", tiebreak=4), BEFORE)
    again = play.contest.replayed().state
    assert again == play.contest.state
    contest: Contest = again.contest
    assert (contest.seats.entries["e1"].picks, contest.seats.entries["e2"].picks) == (OTHER, PICKS)
    play.to_complete()
    assert [entry.picks for entry in inputs_of(play.contest.state.contest).entries] == [OTHER, PICKS]


def test_many_entries_are_read_in_the_order_asked_and_unknown_ones_left_out() -> None:
    play = Play()
    play.enter_and_pay("e1", "e2", "e3")
    play.contest.send(ReadEntries(entry_ids=("e3", "nobody", "e1")), BEFORE)
    assert [entry["entry_id"] for entry in play.contest.reply["entries"]] == ["e3", "e1"]
