"""A published version reaches a contest that is still SCHEDULED, and never its money once a seat is held."""

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.decision import Rejected
from cutline.engine.messages import (
    AdoptConfig,
    CancelContest,
    DeclareContestError,
    RaiseAlert,
    ReadContest,
    WatchEvent,
    WithdrawEntry,
)
from tests.engine.contest.play import BEFORE, LOCK, Play, adopt, create, enter, fee
from tests.engine.driver import minutes, types

LATER_TEE = {"event.first_tee_at": "2026-04-09T13:40:00Z"}
OTHER_PRIZES = {"prizes": {"basis": "percent", "places": [{"from": 1, "to": 1, "percent": 100}]}}


def refused(play: Play, command: AdoptConfig, now: Any = BEFORE) -> Rejected:
    """Send a version that is refused; return the refusal, which is recorded."""
    (event,) = play.contest.send(command, now)
    assert type(event).__name__ == "ConfigChangeRefused"
    assert isinstance(play.contest.reply, Rejected)
    assert play.contest.reply.code is event.code
    play.contest.assert_replays()
    return play.contest.reply


def test_a_scheduled_contest_takes_a_published_version() -> None:
    """LIFE-018, C-28: without entries everything but the event and the currency may change, money too."""
    play = Play()
    wanted = adopt(2, {"entry.fee_cents": 2500, "entry.max_entries": 7, "name": "Another name", **OTHER_PRIZES})
    (changed,) = play.contest.send(wanted, BEFORE)
    assert (changed.version, changed.watch_attempt) == (2, None)
    play.contest.send(ReadContest(), BEFORE)
    said = play.contest.reply
    assert (said["fee_cents"], said["max_entries"], said["name"]) == (2500, 7, "Another name")
    assert (said["config_sha256"], said["config_version"]) == (wanted.config_sha256, 2)
    play.contest.send(enter("e1"), BEFORE)
    assert types(play.contest.send(fee("e1", cents=2500), BEFORE)) == ["EntryActivated"]
    play.contest.assert_replays()


def test_each_version_is_judged_once_and_an_older_one_comes_too_late() -> None:
    """I4: deliveries come twice and in any order."""
    play = Play()
    newer, older = adopt(3, {"entry.max_entries": 7}), adopt(2, {"entry.max_entries": 8})
    assert types(play.contest.send(newer, BEFORE)) == ["ContestConfigChanged"]
    for command in (newer, older):
        assert play.contest.send(command, BEFORE) == []
        assert (play.contest.reply["version"], play.contest.reply["deduped"]) == (3, True)


def test_a_version_with_the_content_that_the_contest_has_is_taken_as_a_version() -> None:
    """Otherwise an older one, delivered late, would undo a rollback."""
    play = Play()
    play.contest.send(adopt(3), BEFORE)
    assert play.contest.send(adopt(2, {"entry.max_entries": 8}), BEFORE) == []


@pytest.mark.parametrize("moment", ["due", "LOCKED", "LIVE", "COMPLETE", "CANCELLED", "ERROR"])
def test_from_the_lock_time_on_no_version_is_taken(moment: str) -> None:
    """LIFE-018, CFG-006: refused by name, and what the contest plays by is as it was, byte for byte."""
    play, now = Play(LATER_TEE), LOCK
    if moment == "LOCKED":
        play.contest.look(LOCK)
    elif moment in ("LIVE", "COMPLETE"):
        play = Play()
        now = play.to_complete() if moment == "COMPLETE" else LOCK
        if moment == "LIVE":
            play.to_live()
    elif moment == "CANCELLED":
        play.contest.send(CancelContest(actor="admin:1", reason="r"), BEFORE)
    elif moment == "ERROR":
        now = BEFORE
        play.contest.send(DeclareContestError(actor="ops", reason="r", runbook="x"), BEFORE)
    assert play.status == ("SCHEDULED" if moment == "due" else moment)
    before = play.contest.state.contest.config_json
    command = adopt(2, {"entry.max_entries": 8, **LATER_TEE})
    said = refused(play, command, now)
    assert (said.code, said.details["status"]) == ("CONTEST_CONFIG_LOCKED", play.status)
    assert play.contest.state.contest.config_json == before
    # Asked again it is the same refusal and no second row; told as data, so that governance owes it no more.
    assert play.contest.send(command, now) == []
    assert play.contest.reply["refusal"] == said
    assert not [e for e in play.contest.effects if isinstance(e, RaiseAlert) and e.name == "contest_config_refused"]


def test_the_lock_is_judged_to_the_millisecond() -> None:
    """I7."""
    last, too_late = Play(), Play()
    assert types(last.contest.send(adopt(2), LOCK - timedelta(milliseconds=1))) == ["ContestConfigChanged"]
    assert refused(too_late, adopt(2), LOCK).code == "CONTEST_CONFIG_LOCKED"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"entry.fee_cents": 2000}, "entry.fee_cents"),
        ({"entry.rake_percent": 6}, "entry.rake_percent"),
        (OTHER_PRIZES, "prizes"),
        ({"ties": {"order": []}}, "ties"),
        ({"shortened": {"min_rounds": 3}}, "shortened"),
    ],
)
@pytest.mark.parametrize("paid", [False, True])
def test_once_a_seat_is_held_nothing_about_money_changes(changes: dict[str, Any], path: str, paid: bool) -> None:
    """LIFE-018: refused by the key's name; the entrant was asked for money under the old terms."""
    play = Play()
    play.contest.send(enter("e1"), BEFORE)
    if paid:
        play.contest.send(fee("e1"), BEFORE)
    said = refused(play, adopt(2, changes))
    assert (said.code, said.details["paths"]) == ("CONFIG_CHANGE_REFUSED", [path])
    (alert,) = [effect for effect in play.contest.effects if isinstance(effect, RaiseAlert)]
    assert (alert.name, alert.details["version"]) == ("contest_config_refused", 2)
    # What is not about money still may change, and so may money once nobody holds a seat.
    assert types(play.contest.send(adopt(3, {"settlement.hold_minutes": 60}), BEFORE)) == ["ContestConfigChanged"]
    play.contest.send(WithdrawEntry(entry_id="e1", account_did="did:e1"), BEFORE)
    assert types(play.contest.send(adopt(4, changes), BEFORE)) == ["ContestConfigChanged"]
    play.contest.assert_replays()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"currency": "eur"}, "currency"),
        ({"event.provider_event_id": "another-open"}, "event.provider_event_id"),
        ({"id": "another"}, "id"),
        ({"entry.lock_at": "2026-04-05T12:00:00Z"}, "entry.lock_at"),
    ],
)
def test_what_a_contest_is_never_changes_and_no_version_locks_it(changes: dict[str, Any], path: str) -> None:
    said = refused(Play(), adopt(2, changes))
    assert (said.code, said.details["paths"]) == ("CONFIG_CHANGE_REFUSED", [path])


def test_nobody_loses_a_seat_or_a_roster_to_a_new_version() -> None:
    play = Play()
    play.enter_and_pay("e1", "e2")
    fewer = refused(play, adopt(2, {"entry.max_entries": 1, "entry.max_entries_per_user": 1}))
    assert fewer.details["paths"] == ["entry.max_entries"]
    smaller = refused(play, adopt(3, {"roster.size": 2, "scoring.entry_cut.min_made_cut": 1}))
    assert smaller.details["paths"] == ["roster"]


def test_a_version_that_this_release_cannot_read_is_refused_by_its_paths() -> None:
    broken = AdoptConfig(config_id="small-open", version=2, config_json="{}", config_sha256="00")
    said = refused(Play(), broken)
    assert said.code == "CONFIG_INVALID"
    assert "entry" in said.details["paths"]


def test_a_first_tee_that_moves_is_watched_for_anew() -> None:
    """ING-013: polling follows the event's new time; the lock moves with its own key."""
    play = Play()
    later = {"event.first_tee_at": "2026-04-10T11:40:00Z", "entry.lock_at": "2026-04-10T11:40:00Z"}
    (changed,) = play.contest.send(adopt(2, later), BEFORE)
    assert changed.watch_attempt == 2
    first, second = play.contest.messages(WatchEvent)
    assert (second.attempt, second.first_tee_at - first.first_tee_at) == (2, timedelta(days=1))
    play.deliver(BEFORE)
    assert play.feed.state.attempts == {"c1": 2}
    assert play.contest.look(LOCK) == []
    play.contest.send(enter("e1"), LOCK + minutes(1))
    play.contest.look(LOCK + timedelta(days=1))
    assert play.status == "LOCKED"
    play.contest.assert_replays()


def test_creating_it_again_changes_nothing_after_a_version() -> None:
    """The plan's own message may come late: it is answered, and is no change of the config."""
    play = Play()
    play.contest.send(adopt(2, {"entry.max_entries": 7}), BEFORE)
    assert play.contest.send(create(), BEFORE) == []
    assert play.contest.reply["deduped"]
    assert play.contest.refuse(create({"entry.max_entries": 7}), BEFORE).code == "CONTEST_EXISTS"
