"""Reads the ledger's transactions in order, for journals that other programs read; it must not judge them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from pysqlite3 import Connection

from cutline.engine.journal import Entry
from cutline.storage.reports.reading import core_file
from cutline.storage.sqlite import utc_text, utc_time

_LEGS: Final = """
SELECT log_seq, recorded_at, occurred_at, kind, effect_key, currency, account, amount_cents, balance_cents
FROM ledger_entries ORDER BY log_seq, leg"""


def transactions(root: Path) -> Iterator[Entry]:
    """Yield every transaction of the ledger as it stood when the reading began. Raises StorageError."""
    with core_file(root, "ledger") as connection:
        yield from read_transactions(connection)


def read_transactions(connection: Connection) -> Iterator[Entry]:
    """Yield every transaction that a connection to the ledger sees."""
    for head, legs in groupby(connection.execute(_LEGS), key=lambda row: row[:6]):
        seq, recorded_at, occurred_at, kind, effect_key, currency = head
        yield Entry(
            seq=seq,
            recorded_at=recorded_at,
            occurred_at=utc_text(utc_time(occurred_at)),
            kind=kind,
            effect_key=effect_key,
            currency=currency,
            legs=tuple(leg[6:] for leg in legs),
        )
