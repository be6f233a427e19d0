"""Score a contest's file again at two points and compare: run against run, or the result with late corrections.

It reads one file and writes none, so that a worker process can do it beside the running engine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from cutline.engine.canonical import canonical_json
from cutline.engine.contest.audit_events import LateChangesReceived
from cutline.engine.contest.changes import Change, read_change
from cutline.engine.contest.events import FeedApplied, SettlementRecorded, SettlementStarted
from cutline.engine.contest.feed_state import FeedState, board_of, evolve
from cutline.engine.contest.settling import inputs_of
from cutline.engine.contest.state import Contest
from cutline.engine.settlement import SettlementInput, settle
from cutline.engine.settlement_difference import Outcome, compare, summary
from cutline.storage import machines
from cutline.storage.errors import StorageError
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import KINDS
from cutline.storage.replay import replay
from cutline.storage.sqlite import open_reader
from cutline.storage.verify.file_check import FOLD_FAILURES

SETTLED = "settled"
"""The point of the run that settled the contest."""
LATE = "late"
"""The point after all that the provider has corrected since."""
CHECKPOINT = "checkpoint:"
"""Begins the name of a point after so many changes of the feed."""
CHANGES_SHOWN = 200


class PointUnknown(ValueError):
    """The file has no such point to score at."""


@dataclass(slots=True)
class _Book:
    """What a contest's log says about its settlement: its runs' inputs, and every change of the feed, late ones too."""

    contest: Contest
    runs: dict[str, tuple[int, SettlementInput]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    settled_run: str | None = None

    def point(self, name: str) -> tuple[int, SettlementInput]:
        """Return the checkpoint and the inputs of a point. Raises PointUnknown."""
        if name == SETTLED and self.settled_run is not None:
            return self.runs[self.settled_run]
        if name in self.runs:
            return self.runs[name]
        if name == LATE and self.settled_run is not None:
            return self._at(len(self.changes))
        digits = name.removeprefix(CHECKPOINT)
        if name.startswith(CHECKPOINT) and digits.isdecimal() and int(digits) <= len(self.changes):
            return self._at(int(digits))
        known = [*self.runs, *((SETTLED, LATE) if self.settled_run else ()), f"{CHECKPOINT}0..{len(self.changes)}"]
        raise PointUnknown(f"{name} is no point of this contest; there are {', '.join(known)}")

    def _at(self, checkpoint: int) -> tuple[int, SettlementInput]:
        state = FeedState()
        for change in self.changes[:checkpoint]:
            evolve(state, read_change(change))
        return checkpoint, replace(inputs_of(self.contest), board=board_of(state))


def compare_points(path: Path, before: str = SETTLED, after: str = LATE) -> dict[str, Any]:
    """Settle a contest's file at two points and return how the outcomes differ (SET-011, SET-012, FAULTS F7).

    A point is a run's id, `settled`, `late`, or `checkpoint:N`. Raises StorageError for a file that cannot be read as
    a contest's, and PointUnknown.
    """
    book = _read(path)
    sides = {name: book.point(point) for name, point in (("before", before), ("after", after))}
    outcomes: dict[str, Outcome] = {name: settle(inputs) for name, (_, inputs) in sides.items()}
    holders = {entry.entry_id: entry.account_did for entry in book.contest.seats.entries.values()}
    difference = compare(outcomes["before"], outcomes["after"], holders)
    first, last = sorted(checkpoint for checkpoint, _ in sides.values())
    between = [
        {"number": number, "type": kind, "payload": dict(payload)}
        for number, (kind, payload) in enumerate(book.changes[first:last], start=first)
    ]
    return {
        "contest_id": book.contest.contest_id,
        "currency": book.contest.created.currency,
        **{
            name: {"point": point, "checkpoint": sides[name][0], **summary(outcomes[name])}
            for name, point in (("before", before), ("after", after))
        },
        "same": difference.same,
        "moved_cents": difference.moved_cents,
        "accounts": dict(difference.accounts),
        "entries": [asdict(entry) for entry in difference.entries],
        "changes_between": len(between),
        "changes": between[:CHANGES_SHOWN],
    }


def _read(path: Path) -> _Book:
    with contextlib.closing(open_reader(path, KINDS["contest"])) as connection:
        connection.execute("BEGIN")
        return _folded(EventLog(connection, KINDS["contest"]))


def _folded(log: EventLog) -> _Book:
    folding = machines.begin("contest")
    runs: dict[str, tuple[int, SettlementInput]] = {}
    changes: list[Change] = []
    settled_run = None
    for entry in log.entries():
        event = folding.take(entry).event
        if isinstance(event, FeedApplied | LateChangesReceived):
            changes += event.changes
        elif isinstance(event, SettlementStarted):
            runs[event.run_id] = (event.checkpoint, inputs_of(folding.state.existing()))
        elif isinstance(event, SettlementRecorded):
            settled_run = event.run_id
    return _Book(contest=folding.state.existing(), runs=runs, changes=changes, settled_run=settled_run)


# In a worker process: paths and names in, bytes out. ------------------------------------------------------------


def compare_json(path: str, before: str, after: str) -> bytes:
    """Compare two points of a file; `{"unknown": ...}` where there is no such point."""
    try:
        return orjson.dumps(compare_points(Path(path), before, after))
    except PointUnknown as unknown:
        return orjson.dumps({"unknown": str(unknown)})


def audit_json(path: str) -> bytes:
    """Read a settled contest's file again and return how it differs from itself, as a list of sentences (SET-009)."""
    return canonical_json(list(_mismatches(Path(path))))


def _mismatches(path: Path) -> Iterator[str]:
    try:
        again = replay(path)
    except (StorageError, *FOLD_FAILURES) as error:
        yield f"the file cannot be read again: {error}"
        return
    yield from again.problems


def read_mismatches(audited: bytes) -> Sequence[str]:
    """Read what `audit_json` wrote."""
    return tuple(orjson.loads(audited))
