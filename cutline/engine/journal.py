"""The ledger as a journal that other programs read: beancount, CSV and JSON lines of text; it opens no file.

Every account of the chart has one name in beancount, and every such name leads back to one account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from cutline.engine.csv_text import csv_lines
from cutline.engine.errors import InvariantViolated

COLUMNS: Final = (
    "seq", "recorded_at", "occurred_at", "kind", "effect_key", "currency", "leg", "account", "amount_cents",
    "balance_cents",
)  # fmt: skip

_SINGLE: Final[Mapping[str, str]] = {
    "stripe:platform": "Assets:Stripe:Platform",
    "suspense": "Liabilities:Suspense",
    "income:rake": "Income:Rake",
    "expense:stripe_fees": "Expenses:StripeFees",
    "expense:dispute_fees": "Expenses:DisputeFees",
    "expense:bad_debt": "Expenses:BadDebt",
    "equity:capital": "Equity:Capital",
    "clearing:bank": "Liabilities:Clearing:Bank",
    "clearing:payouts": "Liabilities:Clearing:Payouts",
    "clearing:provider": "Liabilities:Clearing:Provider",
}
_OWNED: Final[Mapping[str, str]] = {
    "escrow:": "Liabilities:Contests:{}:Escrow",
    "pot:": "Liabilities:Contests:{}:Pot",
    "refunds:": "Liabilities:Contests:{}:Refunds",
    "stripe:connected:": "Assets:Stripe:Connected:{}",
    "receivable:": "Assets:Receivable:{}",
    "disputes:": "Assets:Disputes:{}",
}
_BUCKETS: Final[Mapping[str, str]] = {"available": "Available", "held": "Held"}

_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

WHOLE_UNITS: Final = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
})  # fmt: skip
"""Currencies whose smallest unit is the unit (Stripe, "Zero-decimal currencies")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One transaction as the log holds it. Legs are (account, cents, balance after), debits above zero."""

    seq: int
    recorded_at: str
    occurred_at: str
    kind: str
    effect_key: str
    currency: str
    legs: tuple[tuple[str, int, int], ...]


def beancount_account(account: str) -> str:
    """Return an account's name in beancount, whose names hold letters, digits and dashes only.

    Any other character of an owner's id is written as a dash and two hexadecimal digits, dashes included, behind a
    letter that lets the part begin as it must. Raises InvariantViolated for a name outside the chart.
    """
    if account in _SINGLE:
        return _SINGLE[account]
    if account.startswith("user:"):
        owner, _, bucket = account.removeprefix("user:").rpartition(":")
        if owner and bucket in _BUCKETS:
            return f"Liabilities:Users:{_part(owner)}:{_BUCKETS[bucket]}"
    for prefix, form in _OWNED.items():
        if account.startswith(prefix):
            return form.format(_part(account[len(prefix) :]))
    raise InvariantViolated(f"{account} is not in the chart")


def amount_text(cents: int, currency: str) -> str:
    """Return an amount in a currency's unit, exactly: 2500 cents of usd are 25.00."""
    if currency in WHOLE_UNITS:
        return str(cents)
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def beancount(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a journal that `bean-check` accepts, a transaction at a time.

    It ends with the balance of every account as the ledger has it, so that who checks the journal checks the sums.
    """
    yield 'option "title" "Cutline ledger"\n'
    balances: dict[tuple[str, str], int] = {}
    opened: set[str] = set()
    last = ""
    for entry in entries:
        last = entry.recorded_at[:10]
        for account, _, balance in entry.legs:
            if account not in opened:
                opened.add(account)
                yield f"{last} open {beancount_account(account)}\n  account: {_quoted(account)}\n"
            balances[account, entry.currency] = balance
        yield _transaction(entry, last)
    if last:
        after = date.fromisoformat(last) + timedelta(days=1)
        for (account, currency), cents in sorted(balances.items()):
            amount = amount_text(cents, currency)
            # Without a tolerance of its own, beancount would let a cent pass.
            yield f"{after} balance {beancount_account(account)}  {amount} ~ 0 {currency.upper()}\n"


def csv_journal(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield a line for each leg, under a header."""
    return csv_lines(COLUMNS, _legs(entries))


def json_journal(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield one JSON document, a transaction a line, and every balance at its end; amounts in cents."""
    balances: dict[str, dict[str, int]] = {}
    yield '{"transactions": ['
    separator = "\n"
    for entry in entries:
        for account, _, balance in entry.legs:
            balances.setdefault(entry.currency, {})[account] = balance
        yield separator + json.dumps(_as_json(entry), ensure_ascii=False)
        separator = ",\n"
    yield f'\n], "balances": {json.dumps(balances, sort_keys=True, ensure_ascii=False)}}}\n'


def _part(owner: str) -> str:
    return "X" + _NOT_PLAIN.sub(lambda found: f"-{ord(found.group()):02x}", owner)


def _quoted(text: str) -> str:
    escaped = _CONTROL.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _transaction(entry: Entry, day: str) -> str:
    lines = [f"{day} * {_quoted(entry.kind)} {_quoted(entry.effect_key)}", f"  seq: {entry.seq}"]
    lines += [f"  recorded: {_quoted(entry.recorded_at)}", f"  occurred: {_quoted(entry.occurred_at)}"]
    unit = entry.currency.upper()
    lines += [
        f"  {beancount_account(account)}  {amount_text(cents, entry.currency)} {unit}"
        for account, cents, _ in entry.legs
    ]
    return "\n".join(lines) + "\n"


def _legs(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        for leg, (account, amount_cents, balance_cents) in enumerate(entry.legs):
            yield {
                "seq": entry.seq,
                "recorded_at": entry.recorded_at,
                "occurred_at": entry.occurred_at,
                "kind": entry.kind,
                "effect_key": entry.effect_key,
                "currency": entry.currency,
                "leg": leg,
                "account": account,
                "amount_cents": amount_cents,
                "balance_cents": balance_cents,
            }


def _as_json(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "recorded_at": entry.recorded_at,
        "occurred_at": entry.occurred_at,
        "kind": entry.kind,
        "effect_key": entry.effect_key,
        "currency": entry.currency,
        "legs": [list(leg) for leg in entry.legs],
    }
