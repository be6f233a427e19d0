"""How long nothing sound has come: measured, alerted once beyond an hour, and ended by the next sound answer."""

from datetime import timedelta
from typing import Any

import pytest

from cutline.engine.feed import FeedMachine
from cutline.engine.messages import FeedPolled, PollAtOnce, RaiseAlert, ReadFeed
from tests.engine.driver import File, minutes, types
from tests.engine.feed.test_feed_machine import PLAYING, TEE, advances, answer, watched


def alerts(file: File) -> list[RaiseAlert]:
    return [effect for effect in file.effects if isinstance(effect, RaiseAlert)]


def down(file: File, since: Any, until: Any) -> list[Any]:
    """Let every poll of a stretch fail, as the machine asks for them; return the events left."""
    events, now = [], since
    while now <= until:
        events += file.look(now)
        events += file.send(answer(error="TIMED_OUT", status=0), now)
        now = file.machine.due_at(file.state)
    return events


def lag_of(file: File, now: Any) -> float:
    file.send(ReadFeed(), now)
    seconds: float = file.reply["lag_seconds"]
    return seconds


def test_lag_is_the_time_since_something_sound_came_and_not_modified_is_sound() -> None:
    """ING-010: after 3601 s without an answer it reads 3601."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    assert lag_of(file, TEE + timedelta(seconds=3601)) == 3601
    file.send(answer(), TEE + minutes(70))
    assert lag_of(file, TEE + minutes(71)) == 60
    vitals = file.machine.vitals(file.state)  # type: ignore[attr-defined]  # the driver knows the common shape only
    assert (vitals.last_good_at, vitals.followers, vitals.failing) == (TEE + minutes(70), 1, False)


@pytest.mark.parametrize(("after_s", "called"), [(3600, 0), (3601, 1)])
def test_at_an_hour_nobody_is_called_and_beyond_it_ops_are(after_s: int, called: int) -> None:
    """ING-011."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    file.send(answer(error="TIMED_OUT", status=0), TEE + minutes(1))
    file.look(TEE + timedelta(seconds=after_s))
    assert len(alerts(file)) == called
    if called:
        alert = alerts(file)[0]
        assert alert.name == "ingestion_lag_exceeded"
        assert alert.runbook == "runbooks/ingestion-lag-exceeds-threshold.md"
        assert alert.details["ingestion_lag_seconds"] == after_s
        assert file.log[-1].event.since == TEE


def test_a_long_outage_is_one_call_and_a_handful_of_rows_and_the_next_has_its_own() -> None:
    """ING-018: nobody does anything, and it ends by itself."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    assert types(down(file, TEE + minutes(1), TEE + minutes(300))) == ["PollFailed", "IngestionLagged"]
    assert types(file.send(answer(PLAYING), TEE + minutes(301))) == ["PollRecovered", "IngestionCaughtUp"]
    assert len(alerts(file)) == 1
    assert lag_of(file, TEE + minutes(301)) == 0
    assert types(down(file, TEE + minutes(302), TEE + minutes(400))) == ["PollFailed", "IngestionLagged"]
    assert [alert.details["failing"] for alert in alerts(file)] == ["TIMED_OUT", "TIMED_OUT"]
    file.assert_replays()


def test_a_restart_in_an_outage_remembers_when_it_began() -> None:
    file = watched()
    file.send(answer(PLAYING), TEE)
    file.send(answer(error="TIMED_OUT", status=0), TEE + minutes(2))
    again = file.replayed()
    assert lag_of(again, TEE + minutes(32)) == 30 * 60
    assert types(down(again, TEE + minutes(32), TEE + minutes(70))) == ["IngestionLagged"]


def test_a_restart_after_a_quiet_week_is_no_lag() -> None:
    """Polls that find nothing leave no event, so an old last event says nothing about the provider."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    again = file.replayed()
    again.look(TEE + timedelta(days=3))
    assert alerts(again) == []
    again.send(ReadFeed(), TEE)
    assert again.reply["lag_seconds"] is None


def test_a_clock_that_jumped_asks_before_it_complains() -> None:
    """C2: nobody asked for three days, so the provider cannot have failed; one that then stays silent has."""
    file = watched()
    file.look(TEE)
    file.send(answer(PLAYING), TEE)
    woken = TEE + timedelta(days=3)
    file.look(woken)
    assert alerts(file) == []
    file.send(answer(), woken)
    file.look(woken + minutes(1))
    assert alerts(file) == []
    silent = watched()
    silent.look(TEE)
    silent.send(answer(PLAYING), TEE)
    silent.look(woken)
    assert types(silent.look(woken + minutes(1))) == ["IngestionLagged"]


def test_after_thirty_unmodified_answers_the_payload_is_fetched_whole() -> None:
    """FAULTS F9: a broken cache says "not modified" for ever."""
    file = watched()
    file.look(TEE)
    file.send(answer(PLAYING), TEE)
    tags = []
    for count in range(1, 34):
        file.look(TEE + minutes(count))
        tags.append(file.effects[-1].etag)
        file.send(answer(PLAYING if file.effects[-1].etag is None else None), TEE + minutes(count))
    assert tags.index(None) == 30
    assert tags.count(None) == 1
    assert len(advances(file)) == 1


def test_what_was_served_and_is_no_leaderboard_is_kept_as_evidence_once() -> None:
    """ING-005: a page with status 200 is a refused payload: one row, one raw body, one alert."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    page = FeedPolled(
        http_status=200,
        body=None,
        etag=None,
        error="NOT_JSON",
        duration_ms=1.0,
        detail="content type text/html",
        evidence=b"<html>",
    )
    failed, rejected = file.send(page, TEE + minutes(1))
    assert (failed.error, failed.detail) == ("NOT_JSON", "content type text/html")
    assert (rejected.code, rejected.details["reason"], file.blobs[rejected.key]) == (
        "FEED_INVALID",
        "not_json",
        b"<html>",
    )
    assert file.send(page, TEE + minutes(2)) == []
    assert [alert.name for alert in alerts(file)] == ["feed_payload_rejected"]
    assert file.state.rejected == 1


def test_an_outage_with_an_error_page_is_no_refused_payload() -> None:
    file = watched()
    error = FeedPolled(http_status=503, body=None, etag=None, error="HTTP_STATUS", duration_ms=1.0, evidence=b"<html>")
    assert types(file.send(error, TEE)) == ["PollFailed"]
    assert alerts(file) == []


def test_ops_read_what_happened_last_newest_first() -> None:
    """ING-012, ING-013: the provider's last status, how long it took, its last error, and the feed's log."""
    file = watched()
    file.send(answer(PLAYING), TEE)
    file.send(answer(error="HTTP_STATUS", status=503), TEE + minutes(1))
    file.send(answer(b"null"), TEE + minutes(2))
    file.send(ReadFeed(applied=3), TEE + minutes(3))
    said = file.reply
    assert (said["failing"], said["last_poll"]["http_status"], said["last_poll"]["duration_ms"]) == (
        "FEED_INVALID",
        200,
        2.0,
    )
    assert [one["type"] for one in said["recent"]] == [
        "PollFailed",
        "PayloadRejected",
        "PollFailed",
        "ChangesRecorded",
    ]
    assert said["recent"][1]["details"]["details"]["reason"] == "wrong_type"
    assert said["recent"][3]["details"]["changes"]["FieldPublished"] == 1
    assert said["pending"] == said["changes"] - 3
    assert said["pending_since"] is not None


def test_ops_can_have_the_provider_polled_at_once_and_whole() -> None:
    """ING-014."""
    file = watched()
    file.look(TEE)
    file.send(answer(PLAYING), TEE)
    file.send(PollAtOnce(), TEE)
    assert (file.reply, file.effects[-1].etag) == ({"polled": True}, None)
    assert file.send(answer(PLAYING), TEE) == []
    nobody = File(FeedMachine())
    nobody.send(PollAtOnce(), TEE)
    assert (nobody.reply, nobody.effects) == ({"polled": False}, [])
