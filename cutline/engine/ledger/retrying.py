"""The outbox's timetable: when a posting that broke is tried again, and which ones are due; it posts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import ReadForwarding, ReopenStripeEvents, RetryForwarding
from cutline.engine.retries import RetryTerms


class Attempted(Protocol):
    """What tells how an attempt ended: a fresh event, or the outbox's memory of the last one."""

    @property
    def code(self) -> str:
        """Why it broke."""

    @property
    def http_status(self) -> int:
        """How the ledger would have answered."""

    @property
    def next_retry_at(self) -> datetime | None:
        """When it is tried again."""


def retry_at(terms: RetryTerms, attempt: int, now: datetime) -> datetime | None:
    """Return when the attempt after this one is due; None after the last, when the event goes to a person (G-12)."""
    return None if attempt >= terms.outbox_attempts_max else now + terms.outbox.after(attempt - 1)


def refused_for_now(broke: Attempted) -> Rejected:
    """Refuse an event that is kept and will be tried again (FWD-008, FWD-009)."""
    due_at = broke.next_retry_at
    details = {
        "retry_scheduled": due_at is not None,
        "next_retry_at": None if due_at is None else due_at.isoformat(),
        "ledger_status": broke.http_status,
        "ledger_code": broke.code,
    }
    return Rejected(code=RejectCode.LEDGER_INGEST_FAILED, details=details)


def retry_forwarding(state: LedgerState, command: RetryForwarding, now: datetime) -> Decision:
    """Choose what to post again, by (next_retry_at, event_id), and have its bodies opened (FWD-004, FWD-007).

    A forwarded event is in no outbox, so nothing can choose it (FWD-011).
    """
    due = sorted(_due(state, command, now))[: command.limit]
    chosen = tuple((event_id, attempts + 1) for _, event_id, attempts in due)
    effects: tuple[Any, ...] = (ReopenStripeEvents(events=chosen),) if chosen else ()
    return Accepted(reply={"selected": chosen}, effects=effects)


def read_forwarding(state: LedgerState, command: ReadForwarding, _now: datetime) -> Decision:
    """Count what came of chosen attempts; `open` ones are still under way."""
    forwarded = failed = 0
    for event_id, attempt in command.events:
        row = state.outbox.get(event_id)
        if row is None:
            forwarded += 1
        elif row.attempts >= attempt:
            failed += 1
    attempted = len(command.events)
    counts = {"attempted": attempted, "forwarded": forwarded, "failed": failed}
    return Accepted(reply={**counts, "open": attempted - forwarded - failed})


def _due(state: LedgerState, command: RetryForwarding, now: datetime) -> Iterator[tuple[datetime, str, int]]:
    for event_id, row in state.outbox.items():
        if command.event_id not in (None, event_id):
            continue
        if command.force or (row.next_retry_at is not None and row.next_retry_at <= now):
            yield row.next_retry_at or now, event_id, row.attempts
