"""One step of a file kind's schema: SQL that makes tables and views.

It must not touch rows or existing tables.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A step up. `creates` are the tables it makes, parents first; each gets the append-only guards.

    The step down is to write a new file without these tables (see `storage/downgrade.py`), because nothing
    is ever altered or dropped in place.
    """

    name: str
    statements: tuple[str, ...]
    creates: tuple[str, ...]
    refusals: tuple[tuple[str, str], ...] = ()
    """Tables, and what their guards say when they refuse, where others rely on the words."""


def log_table(*, keyed_elsewhere: Collection[str] = ()) -> Migration:
    """Return the first step of every file: its log.

    The keys of some types of event, `keyed_elsewhere`, need no place in the log's index where typed tables of the same
    commit hold them: a busy file is then spared a page of its index with every such event.
    """
    column = "key TEXT NOT NULL UNIQUE CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice"
    index: tuple[str, ...] = ()
    if keyed_elsewhere:
        column = "key TEXT NOT NULL CHECK (key <> ''), -- the business key: the same fact cannot be recorded twice"
        others = " AND ".join(f"type <> '{kind}'" for kind in keyed_elsewhere)
        index = (f"CREATE UNIQUE INDEX log_key_idx ON log (key) WHERE {others}",)
    table = f"""
CREATE TABLE log (
  -- the truth of this file: what was decided, in order, each row chained to the one before
  seq INTEGER PRIMARY KEY,
  type TEXT NOT NULL CHECK (type <> ''),
  {column}
  at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??.???Z'), -- commit time, UTC, never decreasing
  cause TEXT NOT NULL, -- what led to it: a message, a request, a job
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  hash BLOB NOT NULL CHECK (length(hash) = 32) -- sha256 over the hash before and this row
) STRICT"""
    return Migration(name="0001_create_log", creates=("log",), statements=(table, *index))


LOG = log_table()
