"""A time in a config is an instant: with its offset, turned into UTC once. Wall times of a zone are never guessed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cutline.engine.tournament import ConfigInvalid, canonical, from_canonical, sha256
from tests.engine.golf import tournament

SPRING_GAP = "2026-03-08T02:30:00"
"""No clock in New York showed it: at 02:00 they were set to 03:00."""
AUTUMN_FOLD = "2026-11-01T01:30:00"
"""Clocks in New York showed it twice."""


def locking_at(lock_at: str, **changes: Any) -> Any:
    times = {"event.first_tee_at": "2026-11-05T12:00:00Z", "event.ends_at": "2026-11-09T12:00:00Z"}
    return tournament({**times, "entry.lock_at": lock_at, **changes})


@pytest.mark.parametrize("wall_time", [SPRING_GAP, AUTUMN_FOLD, "2026-04-09T07:40:00", "2026-04-09"])
def test_a_wall_time_is_refused_whether_it_exists_once_twice_or_never(wall_time: str) -> None:
    """C3, CFG-004: nobody is left to guess which instant was meant."""
    with pytest.raises(ConfigInvalid) as invalid:
        locking_at(wall_time)
    (fault,) = invalid.value.faults
    assert (fault.path, fault.value) == ("entry.lock_at", wall_time)
    assert "with an offset" in fault.right


def test_the_two_instants_of_a_fold_are_told_apart_by_their_offsets() -> None:
    first, second = (locking_at(f"{AUTUMN_FOLD}{offset}").entry.lock_at for offset in ("-04:00", "-05:00"))
    assert (first.tzinfo, second - first) == (UTC, timedelta(hours=1))


def test_an_offset_names_one_instant_in_a_gap_too() -> None:
    before, after = (locking_at(f"{SPRING_GAP}{offset}").entry.lock_at for offset in ("-05:00", "-04:00"))
    assert before == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert after == before - timedelta(hours=1)


def test_what_is_stored_is_utc_and_no_zone_is_read_again() -> None:
    """The zone is for people: naming another one moves no time."""
    config = locking_at(f"{AUTUMN_FOLD}-04:00")
    text = canonical(config)
    assert '"lock_at":"2026-11-01T05:30:00Z"' in text
    assert sha256(from_canonical(text)) == sha256(config)
    elsewhere = locking_at(f"{AUTUMN_FOLD}-04:00", **{"event.time_zone": "Europe/London"})
    assert elsewhere.entry.lock_at == config.entry.lock_at
