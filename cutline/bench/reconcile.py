"""Measures the reports over a large ledger: a day held against Stripe, the daily report, a statement, a journal."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from cutline.bench.measurement import BenchmarkFailed, machine
from cutline.engine.decision import Accepted
from cutline.engine.journal import beancount
from cutline.engine.ledger.state import LedgerState
from cutline.engine.ledger.trails import read_trail
from cutline.engine.messages import BalanceTransactionsListed, ReadTrail, RecordStripeEvent
from cutline.storage.event_log import EventLog
from cutline.storage.files import CORE, DataRoot, kind_of
from cutline.storage.machines import Folding, rules_of
from cutline.storage.reports.journals import transactions
from cutline.storage.reports.payout_days import payouts_of_day
from cutline.storage.reports.platform_days import compare_day
from cutline.storage.reports.statements import statement
from cutline.storage.reports.yearly import yearly_totals
from cutline.storage.sqlite import create_file, open_writer

DAY = "2026-04-09"
_NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)
_FEE_CENTS, _STRIPE_CENTS = 2_500, 103
_HOLDERS, _CONTESTS = 5_000, 50
_A_COMMIT = 500

Items = list[dict[str, Any]]


def main(*, json: bool = False, rounds: int = 3, count: int = 100_000, data: Path | None = None) -> int:
    """Measure over a ledger of `count` transactions, print, and return the exit code: 1 if a report was wrong."""
    status = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="cutline-bench-", dir=data or Path.cwd()) as folder:
        try:
            figures = run_reconcile(Path(folder), rounds=rounds, count=count)
        except BenchmarkFailed as failure:
            status.print(f"The figures mean nothing: {failure}", style="red")
            return 1
    if json:
        document = {"benchmark": "reconcile", "machine": machine(), "transactions": count, "rounds": rounds}
        sys.stdout.write(orjson.dumps(document | {"seconds": figures}, option=orjson.OPT_INDENT_2).decode() + "\n")
        return 0
    table = Table(title=f"Reports over {count:,} transactions, in seconds", title_justify="left", title_style="bold")
    for column in ("What", "median", "min", "max"):
        table.add_column(column, justify="left" if column == "What" else "right")
    for what, spread in figures.items():
        table.add_row(what, *(f"{spread[name]:.3f}" for name in ("median", "min", "max")))
    Console().print(table)
    return 0


def run_reconcile(folder: Path, *, rounds: int, count: int) -> dict[str, dict[str, float]]:
    """Return the seconds of each report over a ledger of `count` transactions, half of them fees of Stripe's.

    Raises BenchmarkFailed where a day that agrees is said to differ, or one that differs to agree.
    """
    items, books = _fill(folder, count // 2)
    runs: dict[str, list[float]] = {}
    for _ in range(rounds):
        for what, report, holds in _reports(folder, items, books):
            started = perf_counter()
            outcome = report()
            runs.setdefault(what, []).append(perf_counter() - started)
            if not holds(outcome):
                raise BenchmarkFailed(f"{what} came out wrong")
    return {what: {"median": median(times), "min": min(times), "max": max(times)} for what, times in runs.items()}


def _reports(
    folder: Path, items: Items, books: LedgerState
) -> Iterator[tuple[str, Callable[[], Any], Callable[[Any], bool]]]:
    lines = 2 * len(items)
    agrees = "a day held against Stripe"
    yield agrees, lambda: compare_day(folder, DAY, items, []), lambda said: not said.differences_found
    differs = "the same day, one item missing"
    yield differs, lambda: compare_day(folder, DAY, items[1:], []), lambda said: said.differences_found == 2
    yield "the daily report of payouts", lambda: payouts_of_day(folder, DAY), lambda said: bool(said["ledger"])
    yield (
        "a statement",
        lambda: _statement(folder, books),
        lambda said: len(said["lines"]) == -(-len(items) // _HOLDERS),
    )
    yield "yearly totals", lambda: yearly_totals(folder, 2026), lambda said: said == []
    yield "a beancount journal", lambda: _length(beancount(transactions(folder))), lambda said: said > lines


def _statement(folder: Path, books: LedgerState) -> dict[str, Any]:
    """Return a holder's statement, the ledger's memory being asked first, as the engine does."""
    decision = read_trail(books, ReadTrail(account_did="did:bench:1"), _NOW)
    if not isinstance(decision, Accepted):
        raise BenchmarkFailed(f"the trail was refused: {decision.code}")
    return statement(folder, "did:bench:1", decision.reply["log_seqs"], "2000", "9999")


def _length(texts: Iterator[str]) -> int:
    return sum(len(text) for text in texts)


def _fill(folder: Path, payments: int) -> tuple[Items, LedgerState]:
    """Make the core's files, and book so many fees and what Stripe kept of each.

    Returns what Stripe would list, and the books.
    """
    root = DataRoot(folder)
    for address in CORE:
        create_file(root.path_of(address), kind_of(address), _NOW)
    items = [_item(number) for number in range(payments)]
    with closing(open_writer(root.path_of("ledger"), kind_of("ledger"), create=False, now=None)) as connection:
        log = EventLog(connection, kind_of("ledger"))
        folding = Folding.of(rules_of("ledger"))
        for start in range(0, payments, _A_COMMIT):
            numbers = range(start, min(start + _A_COMMIT, payments))
            now = _NOW + timedelta(seconds=start // _A_COMMIT)
            listed = BalanceTransactionsListed(items=tuple(items[number] for number in numbers))
            log.begin()
            for command in (*(_payment(number) for number in numbers), listed):
                _book(log, folding, command, now)
            log.commit()
    return items, folding.state


def _book(log: EventLog, folding: Folding, command: Any, now: datetime) -> None:
    rules = folding.rules
    decision = rules.machine.decide(folding.state, command, now)
    if not isinstance(decision, Accepted):
        raise BenchmarkFailed(f"{type(command).__name__} was refused: {decision.code}")
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for event in decision.events:
        payload = rules.codec.encode(event)
        entry = log.append(type=type(event).__name__, key=event.key, at=now, cause="bench", payload=payload)
        blob = decision.blobs.get(event.key)
        for table, row in rules.project(folding.take(entry), blob):
            rows.setdefault(table, []).append(row)
    for table in rules.kind.tables:
        if table in rows:
            log.insert(table, rows[table])


def _item(number: int) -> dict[str, Any]:
    return {
        "id": f"txn_{number}",
        "type": "charge",
        "source": f"ch_{number}",
        "amount": _FEE_CENTS,
        "fee": _STRIPE_CENTS,
        "net": _FEE_CENTS - _STRIPE_CENTS,
        "currency": "usd",
        "created": int(_NOW.timestamp()),
    }


def _payment(number: int) -> RecordStripeEvent:
    metadata = {
        "purpose": "contest_entry_fee",
        "contest_id": f"bench-{number % _CONTESTS}",
        "entry_id": f"entry-{number}",
        "account_did": f"did:bench:{number % _HOLDERS}",
        "fee_cents": str(_FEE_CENTS),
        "currency": "usd",
    }
    intent = {
        "id": f"pi_{number}",
        "object": "payment_intent",
        "amount": _FEE_CENTS,
        "amount_received": _FEE_CENTS,
        "currency": "usd",
        "latest_charge": f"ch_{number}",
        "metadata": metadata,
    }
    body = orjson.dumps(intent)
    return RecordStripeEvent(
        event_id=f"evt_{number}",
        type="payment_intent.succeeded",
        api_version=None,
        livemode=False,
        created=int(_NOW.timestamp()),
        account=None,
        object=intent,
        sha256=sha256(body).hexdigest(),
        body=body,
    )
