"""Rows of netting in the ledger's file: runs, entries, and the payouts of each entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from cutline.engine.decision import Recorded
from cutline.engine.ledger.netting_events import (
    NettingEntryApplied,
    NettingEntryFailed,
    NettingRunApplied,
    NettingRunCreated,
    NettingRunStarted,
)
from cutline.storage.projections import Rows
from cutline.storage.sqlite import utc_text


def project(recorded: Recorded) -> Rows:
    """Return the rows of an event of netting; of any other event none."""
    rows = _ROWS.get(type(recorded.event))
    return () if rows is None else rows(recorded.event, utc_text(recorded.at), recorded.seq)


def _created(event: NettingRunCreated, at: str, seq: int) -> Iterator[tuple[str, Any]]:
    yield (
        "netting_run_requests",
        (
            event.run_id,
            event.idempotency_key,
            event.payload_sha256,
            event.currency,
            utc_text(event.selection_before),
            event.through_seq,
            event.stop - event.start,
            len(event.entries),
            event.total_cents,
            at,
            seq,
        ),
    )
    yield "netting_run_steps", (event.run_id, 0, "created", None, None, at, seq)
    for entry in event.entries:
        yield (
            "netting_entry_plans",
            (entry.entry_id, event.run_id, entry.group_key, entry.payout_count, entry.amount_cents, seq),
        )


def _started(event: NettingRunStarted, at: str, seq: int) -> Iterator[tuple[str, Any]]:
    yield "netting_run_steps", (event.run_id, event.attempt, "running", None, None, at, seq)


def _entry_applied(event: NettingEntryApplied, at: str, seq: int) -> Iterator[tuple[str, Any]]:
    yield "netting_entry_steps", (event.entry_id, "applied", None, at, seq)
    for payout_id, movement, cents, posting_seq in event.payouts:
        yield "netting_entry_payouts", (event.entry_id, payout_id, movement, cents, posting_seq, seq)


def _entry_failed(event: NettingEntryFailed, at: str, seq: int) -> Iterator[tuple[str, Any]]:
    error = orjson.dumps({"code": event.code, "entry_id": event.entry_id, "reason": event.reason}).decode()
    yield "netting_entry_steps", (event.entry_id, "failed", error, at, seq)
    yield "netting_run_steps", (event.run_id, event.attempt, "failed", error, None, at, seq)


def _applied(event: NettingRunApplied, at: str, seq: int) -> Iterator[tuple[str, Any]]:
    yield "netting_run_steps", (event.run_id, event.attempt, "applied", None, event.artifact_sha256, at, seq)


_ROWS: Final[Mapping[type, Callable[[Any, str, int], Rows]]] = {
    NettingRunCreated: _created,
    NettingRunStarted: _started,
    NettingEntryApplied: _entry_applied,
    NettingEntryFailed: _entry_failed,
    NettingRunApplied: _applied,
}
