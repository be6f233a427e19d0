"""What each winner won, paid and was paid in one year, for whoever reports it to a tax office; sums, no judgement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pysqlite3 import Connection

from cutline.engine.ledger.accounts import holder_of
from cutline.storage.reports.reading import core_file, first_seq_at

COLUMNS: Final = (
    "year", "account_did", "currency", "winnings_cents", "prizes", "fees_cents", "refunds_cents", "transferred_cents",
    "paid_out_cents",
)  # fmt: skip

_SPAN: Final = "t.log_seq >= ? AND t.log_seq < ?"
_AVAILABLE: Final = f"""
SELECT t.account, t.currency, t.kind, -sum(t.amount_cents), count(*)
FROM ledger_entries AS t
WHERE {_SPAN} AND t.kind IN ('settlement', 'entry_payment') AND t.amount_cents < 0 AND t.account GLOB 'user:*:available'
GROUP BY t.account, t.currency, t.kind"""  # noqa: S608 - a constant
_CONNECTED: Final = f"""
SELECT t.account, t.currency, t.kind, sum(t.amount_cents)
FROM ledger_entries AS t
WHERE {_SPAN} AND t.account GLOB 'stripe:connected:*'
GROUP BY t.account, t.currency, t.kind"""  # noqa: S608 - a constant
_REFUNDS: Final = f"""
SELECT paid.account, t.currency, -sum(t.amount_cents)
FROM ledger_entries AS t
JOIN effects AS fee ON fee.effect_key = 'pi:' || coalesce(
  t.payload ->> '$.content.payment_intent', t.payload ->> '$.facts.payment_intent'
) || ':succeeded'
JOIN ledger_entries AS paid ON paid.log_seq = fee.log_seq AND paid.kind = 'entry_payment' AND paid.amount_cents < 0
  AND paid.account GLOB 'user:*:available'
WHERE {_SPAN} AND t.account = 'stripe:platform' AND t.kind IN ('refund_succeeded', 'refund_outside', 'refund_failed')
GROUP BY paid.account, t.currency"""  # noqa: S608 - a constant

Totals = dict[tuple[str, str], dict[str, int]]


def yearly_totals(root: Path, year: int) -> list[dict[str, Any]]:
    """Return a row for each holder and currency with winnings in a UTC year, by holder; amounts in cents.

    What counts is when the ledger recorded it. Refunds are those that Stripe made, less those that came back.
    """
    totals: Totals = defaultdict(lambda: defaultdict(int))
    with core_file(root, "ledger") as connection:
        span = (
            first_seq_at(connection, datetime(year, 1, 1, tzinfo=UTC)),
            first_seq_at(connection, datetime(year + 1, 1, 1, tzinfo=UTC)),
        )
        for holder, currency, name, cents in _sums(connection, span):
            totals[holder, currency][name] += cents
    return [
        {"year": year, "account_did": holder, "currency": currency} | {name: sums[name] for name in COLUMNS[3:]}
        for (holder, currency), sums in sorted(totals.items())
        if sums["winnings_cents"]
    ]


def _sums(connection: Connection, span: tuple[int, int]) -> Iterator[tuple[str, str, str, int]]:
    for account, currency, kind, cents, count in connection.execute(_AVAILABLE, span):
        holder = holder_of(account)
        yield holder, currency, "winnings_cents" if kind == "settlement" else "fees_cents", cents
        if kind == "settlement":
            yield holder, currency, "prizes", count
    for account, currency, kind, cents in connection.execute(_CONNECTED, span):
        holder = account.removeprefix("stripe:connected:")
        if kind in ("payout_paid", "payout_failed_after_paid"):
            yield holder, currency, "paid_out_cents", -cents
        else:
            yield holder, currency, "transferred_cents", cents
    for account, currency, cents in connection.execute(_REFUNDS, span):
        yield holder_of(account), currency, "refunds_cents", cents
