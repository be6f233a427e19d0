"""A day of transfers and payouts as their files recorded it, for the daily report; it reads, and sums nothing twice."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pysqlite3 import Connection

from cutline.engine.payout_report import (
    PAYOUT_STATUSES,
    TRANSFER_STATUSES,
    BooksOfDay,
    Paying,
    report_of,
    status_after,
)
from cutline.storage.reports.reading import core_file, day_after, first_seq_at, start_of

_TRANSFERS: Final = """
SELECT t.transfer_key, t.account_did, t.contest_id, t.entry_id, t.currency, t.amount_cents, a.status, a.at
FROM payout_transfers AS t JOIN payout_audit_events AS a ON a.subject = t.transfer_key
WHERE a.log_seq < :after AND t.transfer_key IN (
  SELECT subject FROM payout_audit_events WHERE log_seq >= :first AND log_seq < :after
) ORDER BY t.id, a.id"""
_PAYOUTS: Final = """
WITH changed AS (SELECT DISTINCT subject FROM payout_audit_events WHERE log_seq >= :first AND log_seq < :after)
SELECT p.payout_id, p.account_did, p.currency, p.amount_cents, a.status, a.at
FROM payouts AS p
JOIN payout_audit_events AS a ON a.subject IN ('payout:' || p.payout_id, 'payout:' || p.payout_id || ':transfer')
WHERE a.log_seq < :after
  AND ('payout:' || p.payout_id IN changed OR 'payout:' || p.payout_id || ':transfer' IN changed)
ORDER BY p.id, a.id"""
_MOVED: Final = """
SELECT kind, currency, count(DISTINCT log_seq), sum(amount_cents)
FROM ledger_entries WHERE log_seq >= :first AND log_seq < :after AND amount_cents > 0
GROUP BY kind, currency"""
_BALANCES: Final = """
WITH p AS MATERIALIZED (  -- each leg is taken out of its JSON once
  SELECT log_seq, account, currency, amount_cents FROM ledger_entries WHERE log_seq < :after
)
SELECT CASE
    WHEN p.account GLOB 'user:*:available' THEN 'user:*:available'
    WHEN p.account GLOB 'user:*:held' THEN 'user:*:held'
    WHEN p.account GLOB 'stripe:connected:*' THEN 'stripe:connected:*'
    WHEN p.account GLOB 'receivable:*' THEN 'receivable:*'
    ELSE p.account
  END AS accounts, p.currency,
  sum(CASE WHEN p.log_seq < :first THEN p.amount_cents ELSE 0 END),
  sum(CASE WHEN p.log_seq >= :first THEN p.amount_cents ELSE 0 END)
FROM p
WHERE p.account IN ('stripe:platform', 'clearing:payouts', 'clearing:bank', 'suspense')
  OR p.account GLOB 'user:*' OR p.account GLOB 'stripe:connected:*' OR p.account GLOB 'receivable:*'
GROUP BY accounts, p.currency"""


def payouts_of_day(root: Path, day: str) -> dict[str, Any]:
    """Return the report of a UTC day, from what was recorded until its end (REC-006). Raises StorageError."""
    moment = date.fromisoformat(day)
    with core_file(root, "payouts") as payouts, core_file(root, "ledger") as ledger:
        span = _span(payouts, moment)
        paying = [*_transfers(payouts, span), *_payouts(payouts, span)]
        booked = _span(ledger, moment)
        books = BooksOfDay(
            moved=ledger.execute(_MOVED, booked).fetchall(), balances=ledger.execute(_BALANCES, booked).fetchall()
        )
    return report_of(day, paying, books)


def _span(connection: Connection, day: date) -> dict[str, int]:
    return {
        "first": first_seq_at(connection, start_of(day)),
        "after": first_seq_at(connection, start_of(day_after(day))),
    }


def _transfers(connection: Connection, span: dict[str, int]) -> list[Paying]:
    found = []
    for whose, rows in groupby(connection.execute(_TRANSFERS, span), key=lambda row: row[:6]):
        key, account_did, contest_id, entry_id, currency, amount_cents = whose
        steps = [(status, at) for *_, status, at in rows]
        found.append(
            Paying(
                section="transfer",
                id=key,
                account_did=account_did,
                contest_id=contest_id,
                entry_id=entry_id,
                status=status_after((status for status, _ in steps), TRANSFER_STATUSES) or "pending",
                currency=currency,
                amount_cents=amount_cents,
                created_at=steps[0][1],
                changed_at=steps[-1][1],
            )
        )
    return found


def _payouts(connection: Connection, span: dict[str, int]) -> list[Paying]:
    """Return the payouts to the bank; the transfer that one needs first is a step of it."""
    found = []
    for whose, rows in groupby(connection.execute(_PAYOUTS, span), key=lambda row: row[:4]):
        payout_id, account_did, currency, amount_cents = whose
        steps = [(status, at) for *_, status, at in rows]
        found.append(
            Paying(
                section="payout",
                id=payout_id,
                account_did=account_did,
                contest_id=None,
                entry_id=None,
                status=status_after((status for status, _ in steps), PAYOUT_STATUSES) or "initiated",
                currency=currency,
                amount_cents=amount_cents,
                created_at=steps[0][1],
                changed_at=steps[-1][1],
            )
        )
    return found
