"""Looks, after the load is over, whether the ledger holds what it acknowledged; it only reads."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cutline.storage.files import KINDS
from cutline.storage.sqlite import open_reader

_EVENTS = """
SELECT s.event_id, count(p.leg), coalesce(sum(p.amount_cents), 0)
FROM stripe_events AS s
LEFT JOIN postings AS p ON p.log_seq = s.log_seq
GROUP BY s.log_seq"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the ledger's file says about the acknowledged events."""

    acknowledged: int
    recorded: int
    missing: int
    unbalanced: int

    @property
    def hold(self) -> bool:
        """Whether every acknowledged event is there once, with balanced postings."""
        return not self.missing and not self.unbalanced


def read_books(ledger_file: Path, acknowledged: Collection[str]) -> Books:
    """Compare a ledger's file with the event ids that were acknowledged.

    An event cannot be there twice: its id is unique, and its postings hang on its one row. `unbalanced` counts events
    with fewer than two postings or with postings that do not sum to zero.
    """
    with closing(open_reader(ledger_file, KINDS["ledger"])) as connection:
        rows = connection.execute(_EVENTS).fetchall()
    return Books(
        acknowledged=len(acknowledged),
        recorded=len(rows),
        missing=len(set(acknowledged) - {row[0] for row in rows}),
        unbalanced=sum(1 for _, count, cents in rows if count < 2 or cents),
    )
