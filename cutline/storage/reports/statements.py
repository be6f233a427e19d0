"""One account holder's statement, read from the ledger row by row; it must not show anybody else's money."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pysqlite3 import Connection

from cutline.engine.statements import Booked, bucket_of, lines_of, totals_of
from cutline.storage.reports.reading import core_file

_ROWS: Final = """
SELECT log_seq, recorded_at, kind, effect_key, currency, payload, account, amount_cents, balance_cents
FROM ledger_entries WHERE log_seq IN (SELECT value FROM json_each(?)) ORDER BY log_seq, leg"""

Payment = tuple[str, str, str]
"""A fee's payment intent, contest and entry."""


def statement(root: Path, account_did: str, trail: Sequence[int], since: str, until: str) -> dict[str, Any]:
    """Return a holder's lines recorded in `[since, until)` (UTC texts as the log has them), and their totals.

    `trail` are the rows of the ledger's log that concern the holder (`ReadTrail`). The running balances count from the
    beginning. `found` is false for a holder whom the ledger does not know.
    """
    with core_file(root, "ledger") as connection:
        booked = _booked(connection, account_did, trail)
    lines = list(lines_of(booked))
    shown = [line for line in lines if since <= line["at"] < until]
    return {"found": bool(lines), "account_did": account_did, "lines": shown, "totals": totals_of(shown)}


def _booked(connection: Connection, did: str, trail: Sequence[int]) -> list[Booked]:
    """Return every transaction with a leg on one of the holder's accounts, and what became of fees that go back.

    The latter never touch the holder's own accounts.
    """
    found: dict[int, tuple[Booked, Payment | None]] = {}
    for *columns, account, cents, balance in connection.execute(_ROWS, (json.dumps(trail),)):
        one, payment = found.get(columns[0]) or _read(columns, did)
        bucket = bucket_of(account, did)
        legs = one.legs if bucket is None else (*one.legs, (bucket, cents, balance))
        found[one.seq] = (replace(one, legs=legs, moved_cents=one.moved_cents + max(cents, 0)), payment)
    fees = {payment for one, payment in found.values() if one.legs and one.kind == "entry_payment"}
    return [one for one, payment in found.values() if one.legs or (payment is not None and payment in fees)]


def _read(columns: Sequence[Any], did: str) -> tuple[Booked, Payment | None]:
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
        moved_cents=0,
        contest_id=contest_id,
        entry_ids=tuple(prizes or ([entry_id] if entry_id else [])),
    )
    intent = content.get("payment_intent")
    return one, (intent, contest_id, entry_id) if intent and contest_id and entry_id else None
