"""A recording plays by time, and a file that is none is refused with its line (ING-004, ING-017)."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from cutline.simulation.playback import RecordingInvalid, load_recording, read_recording

NOON = datetime(2026, 4, 9, 12, tzinfo=UTC)


def line(minutes: int, event_id: str = "e1") -> bytes:
    at_utc = NOON + timedelta(minutes=minutes)
    return orjson.dumps({"id": event_id, "generated_at": at_utc.isoformat(), "leaderboard": []})


def test_the_current_frame_is_the_last_one_not_later_than_now() -> None:
    recording = read_recording([line(0), line(10)])
    assert recording.frame_at(NOON - timedelta(seconds=1)) is None
    assert recording.frame_at(NOON) == recording.frames[0]
    assert recording.frame_at(NOON + timedelta(minutes=9, seconds=59)) == recording.frames[0]
    assert recording.frame_at(NOON + timedelta(minutes=10)) == recording.frames[1]
    assert recording.frame_at(NOON + timedelta(days=900)) == recording.frames[1]


def test_a_shifted_recording_says_its_new_times() -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    shifted = read_recording([line(0), line(10)]).starting_at(start)
    assert [frame.at_utc for frame in shifted.frames] == [start, start + timedelta(minutes=10)]
    assert orjson.loads(shifted.frames[1].body)["generated_at"] == "2030-01-01T00:10:00+00:00"


def test_plain_and_gzipped_files_are_read_alike(tmp_path: Path) -> None:
    lines = line(0) + b"\n" + line(10) + b"\n"
    (tmp_path / "plain.jsonl").write_bytes(lines)
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(lines))
    assert load_recording(tmp_path / "plain.jsonl") == load_recording(tmp_path / "packed.jsonl.gz")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds 0 events"),
        ([line(0), b"{"], "line 2: no snapshot"),
        ([b"[]"], "line 1: no snapshot"),
        ([b'{"id": "e1"}'], "line 1: no snapshot"),
        ([b'{"id": "e1", "generated_at": "noon"}'], "line 1: no snapshot"),
        ([b'{"id": "e1", "generated_at": "2026-04-09T12:00:00"}'], "line 1: generated_at needs an offset"),
        ([line(5), line(5)], "line 2: not later"),
        ([line(5), line(4)], "line 2: not later"),
        ([line(0), line(1, "e2")], "holds 2 events"),
    ],
)
def test_what_is_no_recording_is_refused(lines: list[bytes], message: str) -> None:
    with pytest.raises(RecordingInvalid, match=message):
        read_recording(lines)
