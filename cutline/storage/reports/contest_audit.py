"""One contest's audit file: its log, its money in the ledger and its transfers, for a checker that trusts nobody.

What it holds is copied as it was recorded; it must not compute what a checker should compute itself.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from pysqlite3 import Connection

from cutline.storage.files import DataRoot, kind_of
from cutline.storage.reports.reading import core_file
from cutline.storage.sqlite import open_reader

FORMAT: Final = "cutline-contest-audit"
VERSION: Final = 1

_LOG: Final = "SELECT seq, type, key, at, cause, payload, hex(hash) FROM log ORDER BY seq"
_ANCHORS: Final = """
SELECT json_extract(payload, '$.seq'), json_extract(payload, '$.hash'), json_extract(payload, '$.reason')
FROM log WHERE type = 'AnchorRecorded' AND json_extract(payload, '$.address') = ? ORDER BY seq"""
_OF_CONTEST: Final = """
SELECT DISTINCT p.log_seq FROM postings AS p
  WHERE p.account IN ('escrow:' || :id, 'pot:' || :id, 'refunds:' || :id)
UNION SELECT t.log_seq FROM effects AS e
  JOIN transactions AS t ON t.log_seq = e.log_seq AND t.effect_key = e.effect_key
  WHERE e.effect_key >= 'payout:transfer:' || :id || ':' AND e.effect_key < 'payout:transfer:' || :id || ';'
ORDER BY 1"""
_TRANSACTION: Final = "SELECT effect_key, kind, currency, recorded_at, payload FROM transactions WHERE log_seq = ?"
_LEGS: Final = "SELECT account, amount_cents FROM postings WHERE log_seq = ? ORDER BY leg"
_TRANSFERS: Final = """
SELECT entry_id, account_did, amount_cents, currency, transfer_key,
  (SELECT reason FROM payout_audit_events AS a WHERE a.subject = t.transfer_key AND a.status = 'completed')
FROM payout_transfers AS t WHERE contest_id = ? ORDER BY id"""


def contest_audit(root: Path, contest_id: str) -> dict[str, Any]:
    """Return the audit file of a contest as plain data.

    Each file is read at one moment of its own. Raises StorageError, and ValueError for an id that names no contest.
    """
    address = f"contest/{contest_id}"
    with closing(open_reader(DataRoot(root).path_of(address), kind_of(address))) as connection:
        log = [list(row) for row in connection.execute(_LOG)]
    with core_file(root, "ledger") as ledger:
        anchors = [list(row) for row in ledger.execute(_ANCHORS, (address,))]
        booked = [_transaction(ledger, seq) for (seq,) in ledger.execute(_OF_CONTEST, {"id": contest_id}).fetchall()]
    with core_file(root, "payouts") as payouts:
        columns = ("entry_id", "account_did", "amount_cents", "currency", "transfer", "stripe_transfer_id")
        transfers = [dict(zip(columns, row, strict=True)) for row in payouts.execute(_TRANSFERS, (contest_id,))]
    return {
        "format": FORMAT,
        "version": VERSION,
        "contest_id": contest_id,
        "log_columns": ["seq", "type", "key", "at", "cause", "payload", "hash"],
        "log": [[*row[:6], row[6].lower()] for row in log],
        "anchors": anchors,
        "ledger": booked,
        "transfers": transfers,
    }


def _transaction(ledger: Connection, seq: int) -> dict[str, Any]:
    effect_key, kind, currency, at, payload = ledger.execute(_TRANSACTION, (seq,)).fetchone()
    said = json.loads(payload)
    return {
        "seq": seq,
        "at": at,
        "effect_key": effect_key,
        "kind": kind,
        "currency": currency,
        "legs": [list(leg) for leg in ledger.execute(_LEGS, (seq,))],
        "content": said.get("content") or said.get("facts") or {},
        "prizes": said.get("prizes") or [],
    }
