"""Plays a recorded feed back by time. Never changes what a snapshot says, but for shifting its time."""

from __future__ import annotations

import gzip
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

GZIP_MAGIC = b"\x1f\x8b"


class RecordingInvalid(ValueError):
    """The file is no recording; the message names the line and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One snapshot as served, and since when it was the current one."""

    at_utc: datetime
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The snapshots of one event, oldest first, at least one."""

    event_id: str
    frames: tuple[Frame, ...]

    def index_at(self, at_utc: datetime) -> int | None:
        """Return the place of the frame current at `at_utc`, or None before the first."""
        place = bisect_right(self.frames, at_utc, key=lambda frame: frame.at_utc) - 1
        return place if place >= 0 else None

    def frame_at(self, at_utc: datetime) -> Frame | None:
        """Return the frame current at `at_utc`, or None before the first."""
        place = self.index_at(at_utc)
        return None if place is None else self.frames[place]

    def shifted(self, by: timedelta) -> Recording:
        """Return the event `by` later (or earlier): frames and `generated_at` move, dates of play do not."""
        return Recording(
            event_id=self.event_id,
            frames=tuple(_shifted(frame, by) for frame in self.frames),
        )

    def starting_at(self, at_utc: datetime) -> Recording:
        """Return the same event with its first frame at `at_utc`."""
        return self.shifted(at_utc - self.frames[0].at_utc)


def _shifted(frame: Frame, by: timedelta) -> Frame:
    at_utc = frame.at_utc + by
    return Frame(
        at_utc=at_utc,
        body=orjson.dumps({**orjson.loads(frame.body), "generated_at": at_utc.isoformat()}),
    )


def load_recording(path: Path) -> Recording:
    """Read a recording, gzipped or plain. Raises RecordingInvalid, OSError."""
    content = path.read_bytes()
    if content.startswith(GZIP_MAGIC):
        content = gzip.decompress(content)
    return read_recording(content.splitlines())


def read_recording(lines: Iterable[bytes]) -> Recording:
    """Read snapshots, one a line: one event, times with an offset that only grow. Raises RecordingInvalid."""
    frames: list[Frame] = []
    event_ids: set[str] = set()
    for number, line in enumerate(lines, start=1):
        try:
            snapshot = orjson.loads(line)
            at = datetime.fromisoformat(snapshot["generated_at"])
            event_ids.add(snapshot["id"])
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingInvalid(f"line {number}: no snapshot with id and generated_at ({error})") from error
        if at.tzinfo is None:
            raise RecordingInvalid(f"line {number}: generated_at needs an offset")
        if frames and at <= frames[-1].at_utc:
            raise RecordingInvalid(f"line {number}: not later than the line before")
        frames.append(Frame(at_utc=at.astimezone(UTC), body=line))
    if len(event_ids) != 1:
        raise RecordingInvalid(f"holds {len(event_ids)} events, not one")
    return Recording(event_id=event_ids.pop(), frames=tuple(frames))
