"""Polling, numbering and passing on what the provider serves."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cutline.engine.feed import FeedMachine
from cutline.engine.messages import FeedAdvanced, FeedPolled, Look, PollFeed, ReadFeed, UnwatchEvent, WatchEvent
from tests.engine.driver import File, at, minutes, types
from tests.engine.golf import CARDS, EVENT_ID, payload, raw

TEE = at("2026-04-09 11:40")
START = TEE - timedelta(days=7)
FIELD: dict[str, Any] = {player: (None, []) for player in CARDS}
SCHEDULED = raw(payload(FIELD, status="scheduled"))
PLAYING = raw(payload(CARDS, status="inprogress"))
FINAL = raw(payload(CARDS, status="complete"))


def watch(contest_id: str = "c1", attempt: int = 1) -> WatchEvent:
    return WatchEvent(
        contest_id=contest_id, provider_event_id=EVENT_ID, from_at=START, first_tee_at=TEE, attempt=attempt
    )


def answer(body: bytes | None = None, error: str | None = None, status: int | None = None) -> FeedPolled:
    code = status if status is not None else 200 if body else 304
    return FeedPolled(http_status=code, body=body, etag="W/1", error=error, duration_ms=2.0)


def watched() -> File:
    file = File(FeedMachine())
    file.send(watch(), START - timedelta(days=1))
    return file


def advances(file: File) -> list[FeedAdvanced]:
    return file.messages(FeedAdvanced)


def polls(file: File, start: datetime, body: bytes | None, count: int, every: timedelta) -> list[Any]:
    events = []
    for number in range(count):
        file.send(Look(), start + number * every)
        events += file.send(answer(body if number == 0 else None), start + number * every)
    return events


def test_nothing_is_polled_before_it_is_wanted_or_without_followers() -> None:
    file = File(FeedMachine())
    assert file.machine.due_at(file.state) is None
    assert file.look(START) == []
    file.send(watch(), START - minutes(10))
    assert file.machine.due_at(file.state) == START
    assert file.look(START - minutes(1)) == []
    assert file.effects == []
    file.look(START)
    assert file.effects == [PollFeed(provider_event_id=EVENT_ID, etag=None)]


def test_one_poll_is_asked_for_at_a_time_and_a_lost_one_again_later() -> None:
    file = watched()
    file.look(START)
    file.look(START + minutes(1))
    assert len(file.effects) == 1
    file.look(START + minutes(15))
    assert len(file.effects) == 2


@pytest.mark.parametrize(
    ("body", "now", "expected"),
    [
        (SCHEDULED, START, minutes(15)),
        (SCHEDULED, TEE - minutes(5), minutes(5)),
        (SCHEDULED, TEE + minutes(5), minutes(1)),
        (PLAYING, TEE + minutes(60), minutes(1)),
        (FINAL, TEE + minutes(60), minutes(5)),
    ],
)
def test_polls_are_quick_in_play_and_slow_before(body: bytes, now: datetime, expected: timedelta) -> None:
    file = watched()
    file.look(now)
    file.send(answer(body), now)
    assert file.machine.due_at(file.state) == now + expected


def test_a_new_payload_is_kept_raw_and_its_changes_are_numbered() -> None:
    file = watched()
    stored, changed = file.send(answer(SCHEDULED), START)
    assert types([stored, changed]) == ["PayloadStored", "ChangesRecorded"]
    assert file.blobs[stored.key] == SCHEDULED
    (sent,) = advances(file)
    assert (sent.first, len(sent.changes), sent.polled_at) == (0, len(changed.changes), START)
    assert sent.head == file.log[-1].hash.hex()
    again = file.send(answer(PLAYING), TEE)
    assert again[-1].first == len(changed.changes)
    file.assert_replays()


def test_the_same_payload_and_not_modified_cost_no_row() -> None:
    """ING-008."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    for count in range(1, 5):
        file.look(TEE + minutes(count))
        assert file.effects[-1].etag == "W/1"
        assert file.send(answer(PLAYING if count % 2 else None), TEE + minutes(count)) == []


def test_while_a_final_status_stands_every_poll_is_passed_on() -> None:
    file = watched()
    events = polls(file, TEE, FINAL, 6, minutes(5))
    assert types(events)[-3:] == ["PollConfirmed"] * 3
    empty = [sent for sent in advances(file) if not sent.changes]
    assert [sent.polled_at for sent in empty] == [TEE + minutes(15), TEE + minutes(20), TEE + minutes(25)]
    assert {sent.first for sent in empty} == {len(file.state.changes)}
    file.assert_replays()


def test_a_served_regression_is_held_counted_and_then_believed() -> None:
    """F3, F6: an older payload that is served again is judged, though it is not kept twice."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    file.send(answer(FINAL), TEE + minutes(1))
    events = polls(file, TEE + minutes(2), PLAYING, 3, minutes(1))
    assert types(events) == ["ChangesRecorded"] * 3
    assert file.state.board.status == "inprogress"


def test_a_new_follower_gets_all_changes_so_far_and_a_repeated_wish_is_deduped() -> None:
    file = watched()
    file.send(answer(SCHEDULED), START)
    file.send(answer(PLAYING), TEE)
    before = len(file.owed)
    assert types(file.send(watch("c2"), TEE)) == ["EventWatched"]
    (sent,) = file.owed[before:]
    assert (sent.to, sent.message.first) == ("contest/c2", 0)
    assert len(sent.message.changes) == len(file.state.changes)
    assert file.send(watch("c2"), TEE) == []
    assert types(file.send(watch("c2", attempt=2), TEE)) == ["EventWatched"]
    file.send(answer(FINAL), TEE + minutes(1))
    assert {owed.to for owed in file.owed[-2:]} == {"contest/c1", "contest/c2"}
    file.assert_replays()


def test_after_the_last_follower_has_gone_nothing_is_polled_or_recorded() -> None:
    file = watched()
    file.send(answer(SCHEDULED), START)
    file.send(UnwatchEvent(contest_id="c1"), START)
    assert file.send(UnwatchEvent(contest_id="c1"), START) == []
    assert file.machine.due_at(file.state) is None
    assert file.send(answer(PLAYING), TEE) == []
    assert file.send(watch(), TEE) == []


def test_another_event_is_not_watched_in_this_file() -> None:
    other = WatchEvent(contest_id="c2", provider_event_id="other", from_at=START)
    assert watched().refuse(other, START).code == "FEED_WRONG_EVENT"


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        (b"<html>", "FEED_INVALID", "syntax"),
        (raw(payload(CARDS, event_id="another")), "FEED_WRONG_EVENT", "wrong_event"),
    ],
)
def test_a_bad_payload_is_kept_with_its_reason_once_and_changes_nothing(body: bytes, code: str, reason: str) -> None:
    """ING-004, ING-005, ING-022."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    rejected, failed = file.send(answer(body), TEE + minutes(1))
    assert (rejected.code, rejected.details["reason"], failed.error) == (code, reason, code)
    assert file.blobs[rejected.key] == body
    assert file.send(answer(body), TEE + minutes(2)) == []
    assert file.send(answer(None), TEE + minutes(3)) == []
    file.look(TEE + minutes(4))
    assert file.effects[-1].etag is None
    assert types(file.send(answer(PLAYING), TEE + minutes(4))) == ["PollRecovered"]
    assert len(advances(file)) == 1
    file.assert_replays()


def test_failing_polls_leave_a_row_only_when_health_changes() -> None:
    """ING-018."""
    file = watched()
    file.send(answer(SCHEDULED), START)
    assert types(file.send(answer(error="timeout", status=0), START + minutes(1))) == ["PollFailed"]
    assert file.send(answer(error="timeout", status=0), START + minutes(2)) == []
    assert types(file.send(answer(error="http_status", status=503), START + minutes(3))) == ["PollFailed"]
    file.look(START + minutes(20))
    assert file.machine.due_at(file.state) == START + minutes(21)
    assert types(file.send(answer(), START + minutes(20))) == ["PollRecovered"]
    file.send(ReadFeed(), START)
    assert file.reply["failing"] is None
    file.assert_replays()


def test_a_restart_polls_at_once_without_an_etag_and_believes_the_same() -> None:
    file = watched()
    file.look(TEE)
    file.send(answer(PLAYING), TEE)
    again = file.replayed()
    assert again.machine.due_at(again.state) == TEE + minutes(1)
    again.look(TEE + minutes(1))
    assert again.effects == [PollFeed(provider_event_id=EVENT_ID, etag=None)]
    assert again.send(answer(PLAYING), TEE + minutes(1)) == []
    # "Not modified" to a poll without an ETag means nothing.
    third = file.replayed()
    assert third.send(answer(), TEE + minutes(1)) == []


def test_a_failing_final_poll_confirms_nothing() -> None:
    """LIFE-005: no answer is no confirmation."""
    file = watched()
    polls(file, TEE, FINAL, 4, minutes(5))
    sent = len(file.owed)
    file.send(answer(error="timeout", status=0), TEE + minutes(20))
    assert len(file.owed) == sent
