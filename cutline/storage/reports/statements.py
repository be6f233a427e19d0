"""One account holder's statement, read from the ledger by its indexes; it must not show anybody else's money."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pysqlite3 import Connection

from cutline.engine.ledger import accounts
from cutline.engine.statements import Booked, Bucket, bucket_of, lines_of, totals_of
from cutline.storage.reports.reading import core_file

_COLUMNS: Final = "t.log_seq, l.at, t.kind, t.effect_key, t.currency, l.payload"
_OWN: Final = f"""
SELECT {_COLUMNS}, p.account, p.amount_cents, p.balance_cents
FROM postings AS p JOIN transactions AS t ON t.log_seq = p.log_seq JOIN log AS l ON l.seq = p.log_seq
WHERE p.account = ? ORDER BY p.id"""  # noqa: S608 - a constant
_BY_EFFECT: Final = f"""
SELECT {_COLUMNS}, (SELECT sum(amount_cents) FROM postings WHERE log_seq = t.log_seq AND amount_cents > 0)
FROM transactions AS t JOIN log AS l ON l.seq = t.log_seq WHERE t.effect_key = ?"""  # noqa: S608 - a constant
_REFUNDED: Final = f"""
SELECT {_COLUMNS}, p.amount_cents
FROM postings AS p JOIN transactions AS t ON t.log_seq = p.log_seq JOIN log AS l ON l.seq = p.log_seq
WHERE p.account = ? AND t.kind = 'refund_succeeded'"""  # noqa: S608 - a constant

Payment = tuple[str, str, str]
"""A fee's payment intent, contest and entry."""


def statement(root: Path, account_did: str, since: str, until: str) -> dict[str, Any]:
    """Return a holder's lines recorded in `[since, until)` (UTC texts as the log has them), and their totals.

    The running balances count from the beginning. `found` is false for a holder whom the ledger does not know.
    """
    with core_file(root, "ledger") as connection:
        own = _own(connection, account_did)
        fees = [payment for one, payment in own if payment is not None and one.kind == "entry_payment"]
        booked = [one for one, _ in own] + _given_back(connection, fees)
    lines = list(lines_of(sorted(booked, key=lambda one: one.seq)))
    shown = [line for line in lines if since <= line["at"] < until]
    return {"found": bool(lines), "account_did": account_did, "lines": shown, "totals": totals_of(shown)}


def _own(connection: Connection, did: str) -> list[tuple[Booked, Payment | None]]:
    """Return every transaction with a leg on one of the holder's accounts, and the payment behind it if it is one."""
    found: dict[int, tuple[Booked, Payment | None]] = {}
    for account in (accounts.available(did), accounts.held(did), accounts.receivable(did), accounts.connected(did)):
        bucket = bucket_of(account, did)
        for *columns, _, cents, balance in connection.execute(_OWN, (account,)):
            if bucket is None:
                continue
            seq = columns[0]
            if seq not in found:
                found[seq] = _read(columns, did)
            one, payment = found[seq]
            leg: tuple[Bucket, int, int] = (bucket, cents, balance)
            found[seq] = (replace(one, legs=(*one.legs, leg)), payment)
    return list(found.values())


def _read(columns: Sequence[Any], did: str, moved_cents: int = 0) -> tuple[Booked, Payment | None]:
    seq, at, kind, effect_key, currency, payload = columns
    said = json.loads(payload)
    content = said.get("content") or said.get("facts") or {}
    contest_id, entry_id = content.get("contest_id"), content.get("entry_id")
    prizes = [prize["entry_id"] for prize in said.get("prizes") or () if prize["account_did"] == did]
    one = Booked(
        seq=seq,
        at=at,
        kind=kind,
        effect_key=effect_key,
        currency=currency,
        legs=(),
        moved_cents=moved_cents,
        contest_id=contest_id,
        entry_ids=tuple(prizes or ([entry_id] if entry_id else [])),
    )
    intent = content.get("payment_intent")
    return one, (intent, contest_id, entry_id) if intent and contest_id and entry_id else None


def _given_back(connection: Connection, fees: Iterable[Payment]) -> list[Booked]:
    """Return what became of fees that go back: they never touch the holder's own accounts."""
    found: dict[int, Booked] = {}
    by_contest: dict[str, set[str]] = {}
    for intent, contest_id, entry_id in fees:
        entry = f"entry:{contest_id}:{entry_id}"
        for effect in (f"{entry}:refused", f"{entry}:refused:{intent}", f"{entry}:returned"):
            row = connection.execute(_BY_EFFECT, (effect,)).fetchone()
            if row is not None:
                one, payment = _read(row[:-1], "", row[-1])
                if payment is not None and payment[0] == intent:
                    found[one.seq] = one
                    by_contest.setdefault(contest_id, set()).add(intent)
    for contest_id, intents in by_contest.items():
        for *columns, cents in connection.execute(_REFUNDED, (accounts.refunds(contest_id),)):
            one, payment = _read(columns, "", cents)
            if payment is not None and payment[0] in intents:
                found[one.seq] = one
    return list(found.values())
