"""The daily report of payouts: what was paid out by status, beside the day's books; the same bytes for the same day.

A day ends for good: what is recorded later belongs to later days, so that the report of a day that is over never
changes. The artifact is the CSV text, and its SHA-256 names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cutline.engine.canonical import sha256_hex
from cutline.engine.csv_text import csv_text

COLUMNS: Final = (
    "section", "id", "account_did", "contest_id", "entry_id", "status", "currency", "amount_cents", "count",
    "opening_cents", "closing_cents", "created_at", "changed_at",
)  # fmt: skip

TRANSFER_STATUSES: Final[Mapping[str, str]] = {
    "pending": "pending",
    "lock_requested": "pending",
    "locked": "pending",
    "attempt_started": "processing",
    "attempt_repeated": "processing",
    "lookup_started": "processing",
    "attempt_deferred": "retryable",
    "completed": "completed",
    "failed_terminal": "failed_terminal",
}
PAYOUT_STATUSES: Final[Mapping[str, str]] = {
    "initiated": "initiated",
    "funded": "submitted",
    "accepted": "submitted",
    "attempt_started": "submitted",
    "attempt_repeated": "submitted",
    "lookup_started": "submitted",
    "attempt_deferred": "submitted",
    "finalizing_paid": "finalizing_paid",
    "finalizing_failed": "finalizing_failed",
    "paid": "paid",
    "failed": "failed",
}
"""What each audited step leaves a transfer or a payout as; a step that is not here leaves it as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """A transfer or a payout that was created or changed on the day, as it stood at the day's end."""

    section: str
    id: str
    account_did: str
    contest_id: str | None
    entry_id: str | None
    status: str
    currency: str
    amount_cents: int
    created_at: str
    changed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksOfDay:
    """The ledger's day: what each kind of posting moved, and how groups of accounts stood before and after it.

    `moved` is (kind, currency, transactions, cents debited); `balances` is (group, currency, opening cents, moved
    cents), debit positive.
    """

    moved: Sequence[tuple[str, str, int, int]]
    balances: Sequence[tuple[str, str, int, int]]


def status_after(steps: Iterable[str], statuses: Mapping[str, str]) -> str | None:
    """Return what audited steps, oldest first, leave a transfer or a payout as; None before the first."""
    status: str | None = None
    for step in steps:
        status = statuses.get(step, status)
    return status


def report_of(day: str, paying: Sequence[Paying], books: BooksOfDay) -> dict[str, Any]:
    """Return the report of a UTC day: rows, sums by status, the day's books, the artifact and its hash (REC-002).

    `totals` and `rows` say in numbers what the artifact says in text.
    """
    rows = sorted(_rows(paying), key=lambda row: (row["section"], row["created_at"], row["id"]))
    totals = list(_totals(paying))
    ledger = [*_moved(books), *_balances(books)]
    artifact = csv_text(COLUMNS, [{"section": "day", "id": day}, *rows, *totals, *ledger])
    return {
        "date": day,
        "rows": rows,
        "totals": totals,
        "ledger": ledger,
        "artifact": artifact,
        "artifact_sha256": sha256_hex(artifact.encode()),
    }


def _rows(paying: Iterable[Paying]) -> Iterator[dict[str, Any]]:
    for one in paying:
        yield {
            "section": one.section,
            "id": one.id,
            "account_did": one.account_did,
            "contest_id": one.contest_id,
            "entry_id": one.entry_id,
            "status": one.status,
            "currency": one.currency,
            "amount_cents": one.amount_cents,
            "created_at": one.created_at,
            "changed_at": one.changed_at,
        }


def _totals(paying: Iterable[Paying]) -> Iterator[dict[str, Any]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    cents: Counter[tuple[str, str, str]] = Counter()
    for one in paying:
        key = (one.section, one.status, one.currency)
        counts[key] += 1
        cents[key] += one.amount_cents
    for section, status, currency in sorted(counts):
        key = (section, status, currency)
        yield {
            "section": f"{section}s_by_status",
            "status": status,
            "currency": currency,
            "count": counts[key],
            "amount_cents": cents[key],
        }


def _moved(books: BooksOfDay) -> Iterator[dict[str, Any]]:
    for kind, currency, count, cents in sorted(books.moved):
        yield {"section": "posted", "id": kind, "currency": currency, "count": count, "amount_cents": cents}


def _balances(books: BooksOfDay) -> Iterator[dict[str, Any]]:
    for group, currency, opening_cents, moved_cents in sorted(books.balances):
        yield {
            "section": "balance",
            "id": group,
            "currency": currency,
            "amount_cents": moved_cents,
            "opening_cents": opening_cents,
            "closing_cents": opening_cents + moved_cents,
        }
