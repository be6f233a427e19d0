"""Rows of a contest: its entries, what became of them, its scores and its settlement runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from cutline.engine.contest.events import (
    EntryActivated,
    EntryCancelled,
    EntryExpired,
    EntryPicksChanged,
    EntryRefused,
    EntryReserved,
    EntryStatus,
    EntryWithdrawn,
    RostersFrozen,
    SettlementFailed,
    SettlementRecorded,
)
from cutline.engine.decision import Recorded
from cutline.storage.projections import Rows
from cutline.storage.sqlite import utc_text


def project(recorded: Recorded, blob: bytes | None) -> Rows:
    """Return the rows of one contest event; `blob` is the packed rosters, which one kind of event has beside it."""
    if isinstance(recorded.event, RostersFrozen):
        frozen = recorded.event
        return (("rosters", (frozen.sha256, frozen.entries, blob, recorded.seq)),)
    make = _ROWS.get(type(recorded.event))
    return () if make is None else make(recorded, recorded.event)


def _reserved(recorded: Recorded, event: EntryReserved) -> Iterator[tuple[str, Any]]:
    yield (
        "entries",
        (
            event.entry_id,
            event.account_did,
            orjson.dumps(event.picks).decode(),
            event.tiebreak,
            event.fee_cents,
            utc_text(recorded.at),
            recorded.seq,
        ),
    )
    yield from _status(recorded, event.entry_id, EntryStatus.PENDING_PAYMENT)


def _picked(recorded: Recorded, event: EntryPicksChanged) -> Iterator[tuple[str, Any]]:
    picks = orjson.dumps(event.picks).decode()
    yield "entry_picks", (event.entry_id, event.number, picks, event.tiebreak, utc_text(recorded.at), recorded.seq)


def _status(recorded: Recorded, entry_id: str, status: EntryStatus) -> Iterator[tuple[str, Any]]:
    yield "entry_status", (entry_id, str(status), utc_text(recorded.at), recorded.seq)


def _becomes(status: EntryStatus) -> Callable[[Recorded, Any], Rows]:
    return lambda recorded, event: _status(recorded, event.entry_id, status)


def _refused(recorded: Recorded, event: EntryRefused) -> Rows:
    return () if event.entry_status is None else _status(recorded, event.entry_id, event.entry_status)


def _settled(recorded: Recorded, event: SettlementRecorded) -> Iterator[tuple[str, Any]]:
    for entry in event.entries:
        yield (
            "scores",
            (
                event.score_version,
                entry.entry_id,
                entry.rank,
                entry.status,
                entry.score,
                entry.prize_cents,
                recorded.seq,
            ),
        )
    yield "settlement_audit", _audit(recorded, event, "COMPLETE", event.score_version, None, event.result_sha256)


def _failed(recorded: Recorded, event: SettlementFailed) -> Iterator[tuple[str, Any]]:
    error = orjson.dumps(event.error, option=orjson.OPT_SORT_KEYS).decode()
    yield "settlement_audit", _audit(recorded, event, "FAILED", 1, error, None)


def _audit(
    recorded: Recorded, event: Any, status: str, score_version: int, error: str | None, result: str | None
) -> tuple[Any, ...]:
    return (
        event.run_id,
        event.contest_id,
        score_version,
        event.checkpoint,
        status,
        error,
        event.input_sha256,
        result,
        utc_text(event.started_at),
        utc_text(recorded.at),
        recorded.seq,
    )


_ROWS: dict[type, Callable[[Recorded, Any], Rows]] = {
    EntryReserved: _reserved,
    EntryPicksChanged: _picked,
    EntryActivated: _becomes(EntryStatus.ACTIVE),
    EntryRefused: _refused,
    EntryExpired: _becomes(EntryStatus.EXPIRED),
    EntryWithdrawn: _becomes(EntryStatus.WITHDRAWN),
    EntryCancelled: _becomes(EntryStatus.CANCELLED),
    SettlementRecorded: _settled,
    SettlementFailed: _failed,
}
