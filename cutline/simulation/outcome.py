"""What a world came to, read from its files after the engine has stopped: standings, postings, transfers, one hash.

The hash covers business facts only: no times, no sequence numbers, nothing that a crash in between may change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import Connection, open_reader

_STANDINGS = """
SELECT s.rank, s.entry_id, e.account_did, s.status, s.score, s.prize_cents
FROM scores AS s JOIN entries AS e ON e.entry_id = s.entry_id
WHERE s.score_version = (SELECT max(score_version) FROM scores)
ORDER BY s.rank IS NULL, s.rank, s.entry_id"""
_POSTINGS = "SELECT effect_key, kind, account, amount_cents FROM ledger_entries ORDER BY effect_key, leg"
_TRANSFERS = """
SELECT t.transfer_key, t.account_did, t.amount_cents,
  (SELECT a.status FROM payout_audit_events AS a WHERE a.subject = t.transfer_key ORDER BY a.id DESC LIMIT 1)
FROM payout_transfers AS t ORDER BY t.transfer_key"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Standings rows, ledger postings and transfers as plain tuples; amounts in cents."""

    standings: tuple[tuple[Any, ...], ...]
    postings: tuple[tuple[Any, ...], ...]
    transfers: tuple[tuple[Any, ...], ...]

    @property
    def sha256(self) -> str:
        """One digest of everything that money and fame depend on."""
        return hashlib.sha256(orjson.dumps([self.standings, self.postings, self.transfers])).hexdigest()

    def credited_cents(self, kind: str) -> int:
        """Return what transactions of one kind have moved, counting their debits."""
        return sum(row[3] for row in self.postings if row[1] == kind and row[3] > 0)


@contextmanager
def _reading(root: DataRoot, address: str) -> Iterator[Connection]:
    connection = open_reader(root.path_of(address), kind_of(address))
    try:
        yield connection
    finally:
        connection.close()


def read_outcome(path: Path, contest_ids: list[str]) -> Outcome:
    """Read what became of these contests under a data root."""
    root = DataRoot(path)
    standings: list[tuple[Any, ...]] = []
    for contest_id in sorted(contest_ids):
        with _reading(root, f"contest/{contest_id}") as contest:
            standings += [(contest_id, *row) for row in contest.execute(_STANDINGS)]
    with _reading(root, "ledger") as ledger:
        postings = tuple(ledger.execute(_POSTINGS))
    with _reading(root, "payouts") as payouts:
        transfers = tuple(payouts.execute(_TRANSFERS))
    return Outcome(standings=tuple(standings), postings=postings, transfers=transfers)
