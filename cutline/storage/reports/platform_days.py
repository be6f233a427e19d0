"""A day of the platform's balance by the books, for the comparison with Stripe's; it reads, and judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from pysqlite3 import Connection

from cutline.engine.ledger.accounts import PLATFORM
from cutline.engine.reconciliation import Comparison, Line, compare
from cutline.storage.reports.reading import core_file, day_after, first_seq_at, start_of
from cutline.storage.sqlite import utc_text, utc_time

AROUND: Final = timedelta(days=3)
"""Stripe dates what we book by when it happened there, and we may hear of it, or be sure of it, so much later."""

_LINES: Final = """
SELECT effect_key, CASE
    WHEN kind IN ('entry_payment', 'payment', 'suspended_payment') THEN payload ->> '$.facts.charge'
    WHEN kind IN ('transfer_completed', 'payout_transferred') THEN payload ->> '$.content.stripe_transfer_id'
  END, currency, occurred_at, sum(amount_cents)
FROM ledger_entries WHERE account = ? AND log_seq >= ?
GROUP BY log_seq ORDER BY log_seq"""


def compare_day(
    root: Path, day: str, items: Sequence[Mapping[str, Any]], elsewhere: Sequence[Mapping[str, Any]]
) -> Comparison:
    """Compare a UTC day's balance transactions with the ledger as it stands. Raises StorageError."""
    with core_file(root, "ledger") as connection:
        return compare(items, elsewhere, _lines(connection, date.fromisoformat(day)))


def _lines(connection: Connection, day: date) -> list[Line]:
    """Return what was recorded from some days before on: an event is recorded when it happens, or later."""
    since = first_seq_at(connection, start_of(day) - AROUND)
    first, after = utc_text(start_of(day)), utc_text(start_of(day_after(day)))
    return [
        Line(
            effect_key=effect_key,
            source=source,
            currency=currency,
            cents=cents,
            is_of_day=first <= utc_text(utc_time(at)) < after,
        )
        for effect_key, source, currency, at, cents in connection.execute(_LINES, (PLATFORM, since))
    ]
