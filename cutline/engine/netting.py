"""The rules of netting that need no books: steps of runs and entries, how payouts are grouped, the report's text.

It must not post anything. What was paid to people's banks stands on two clearing accounts at once; a run closes them
against each other, entry by entry.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Literal, NamedTuple
from uuid import UUID, uuid5

PAYOUTS_AN_ENTRY_MAX: Final = 500
"""An entry is posted in one commit, and whoever comes meanwhile waits for it: twice as many doubled their wait."""

_NAMES: Final = UUID("0b1a8f6e-5a0d-5c5b-8f0a-1f8f4d1d7a52")
"""The namespace of run and entry ids. It never changes: a replay of an old request must find its run."""

CSV_HEADER: Final = b"entry_id,group_key,payout_id,movement,amount_cents,currency,finalized_at,ledger_seq\n"


class RunStatus(StrEnum):
    """Where a run stands (NET-004)."""

    CREATED = "created"
    RUNNING = "running"
    APPLIED = "applied"
    FAILED = "failed"


class EntryStatus(StrEnum):
    """Where an entry of a run stands (NET-005). `applying`: the running run is at it."""

    PENDING = "pending"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"


RUN_STEPS: Final = frozenset(
    {
        (RunStatus.CREATED, RunStatus.RUNNING),
        (RunStatus.FAILED, RunStatus.RUNNING),
        (RunStatus.RUNNING, RunStatus.APPLIED),
        (RunStatus.RUNNING, RunStatus.FAILED),
    }
)
"""Every step that a run can take; what is applied stays applied (NET-006)."""

ENTRY_STEPS: Final = frozenset(
    {
        (EntryStatus.PENDING, EntryStatus.APPLYING),
        (EntryStatus.FAILED, EntryStatus.APPLYING),
        (EntryStatus.APPLYING, EntryStatus.APPLIED),
        (EntryStatus.APPLYING, EntryStatus.FAILED),
    }
)
"""Every step that an entry can take."""

MovementKind = Literal["paid", "returned"]


class Movement(NamedTuple):
    """One payout's way through the clearing accounts: paid, or come back after it was paid (then below zero).

    Movements sort by (finalized_at, payout_id), which is the order of every selection (NET-002). `finalized_at` is
    when the ledger booked it, so that a selection up to a moment is a cut of the log and never grows afterwards.
    """

    finalized_at: datetime
    payout_id: str
    kind: MovementKind
    cents: int
    ledger_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEntry:
    """One entry of a run: the payouts of one UTC day, at most 500 of them."""

    entry_id: str
    group_key: str
    payout_count: int
    amount_cents: int


def run_id_of(idempotency_key: str) -> str:
    """Return the id of the run that this key means: a key is one run, however often it is sent (NET-001)."""
    return str(uuid5(_NAMES, f"run:{idempotency_key}"))


def entry_id_of(run_id: str, group_key: str) -> str:
    """Return an entry's id, which depends on its run and group alone (NET-003)."""
    return str(uuid5(_NAMES, f"entry:{run_id}:{group_key}"))


def plan_entries(run_id: str, movements: Sequence[Movement]) -> tuple[PlannedEntry, ...]:
    """Group sorted movements by the UTC day on which they became final, in parts of at most 500 (NET-003)."""
    entries: list[PlannedEntry] = []
    start = 0
    while start < len(movements):
        day = movements[start].finalized_at.astimezone(UTC).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), UTC)
        day_ends = bisect_left(movements, midnight, lo=start, key=lambda movement: movement.finalized_at)
        for part, first in enumerate(range(start, day_ends, PAYOUTS_AN_ENTRY_MAX), 1):
            chosen = movements[first : min(first + PAYOUTS_AN_ENTRY_MAX, day_ends)]
            group_key = f"{day.isoformat()}/{part:04d}"
            entries.append(
                PlannedEntry(
                    entry_id=entry_id_of(run_id, group_key),
                    group_key=group_key,
                    payout_count=len(chosen),
                    amount_cents=sum(movement.cents for movement in chosen),
                )
            )
        start = day_ends
    return tuple(entries)


def csv_lines(entry: PlannedEntry, movements: Iterable[Movement], currency: str) -> bytes:
    """Return an entry's lines of the report. No field can hold a comma, a quote, or what a spreadsheet would run."""
    return "".join(
        f"{entry.entry_id},{entry.group_key},{payout_id},{kind},{cents},{currency},{_written(at)},{seq}\n"
        for at, payout_id, kind, cents, seq in movements
    ).encode()


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ReportDigest:
    """The sha256 of a run's report, taken while its entries are applied (NET-009).

    Equal digests are equal objects, and a copy goes its own way, as a state needs.
    """

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = hashlib.sha256(CSV_HEADER)

    def take(self, lines: bytes) -> None:
        """Add the next lines of the report."""
        self._hash.update(lines)

    def after(self, lines: bytes) -> str:
        """Return what the digest would be after these lines, in hexadecimal, changing nothing."""
        ahead = self._hash.copy()
        ahead.update(lines)
        return ahead.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReportDigest) and self._hash.digest() == other._hash.digest()

    __hash__ = None  # type: ignore[assignment]  # it changes, so it must not be a key

    def __deepcopy__(self, _memo: object) -> ReportDigest:
        copied = ReportDigest()
        copied._hash = self._hash.copy()
        return copied
