"""What makes a table append-only: triggers in the file, and an authorizer on our own connections.

It must not know any table by name but the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import pysqlite3

LOG = "log"
LOG_SEQ = "log_seq"
_BUT_FOR = re.compile(r"CREATE UNIQUE INDEX \w+ ON \w+ \([\w, ]+\) WHERE ((\w+) <> '\w+'(?: AND \2 <> '\w+')*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ButFor:
    """What the rows of a partial unique index have in common: `column` holds none of `values`, which are SQL texts."""

    column: str
    values: tuple[str, ...]

    def meets(self, row: str = "") -> str:
        """Return the SQL condition that a row, named by its prefix, is one of them."""
        return " AND ".join(f"{row}{self.column} <> {value}" for value in self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueKey:
    """Columns that no two rows have alike, but for rows with certain values in one column, `but_for`."""

    columns: tuple[str, ...]
    but_for: ButFor | None = None

    def guard(self, table: str) -> str:
        """Return the SQL condition that a new row is in the way of an old one."""
        same = [f"{column} = NEW.{column}" for column in self.columns]
        if self.but_for is None:
            return _exists(table, same)
        return f"({self.but_for.meets('NEW.')} AND {_exists(table, [*same, self.but_for.meets()])})"


def _exists(table: str, conditions: Collection[str]) -> str:
    # Table and column names come from our own migrations.
    return f"EXISTS (SELECT 1 FROM {table} WHERE {' AND '.join(conditions)})"  # noqa: S608 - see above


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A typed-row table as the migrated schema defines it.

    `columns` are those that an insert gives, in order: a row number that SQLite assigns is not among them.
    `row_number` is the INTEGER PRIMARY KEY, assigned by SQLite when `numbered`, else given (the log's seq); None where
    rows have only a key of text, in a table without row numbers.
    `has_blob`: some column holds bytes.
    """

    name: str
    columns: tuple[str, ...]
    unique_keys: tuple[UniqueKey, ...]
    row_number: str | None
    numbered: bool
    has_blob: bool

    @property
    def order(self) -> str:
        """The column that puts the rows in the order in which the log left them."""
        return self.row_number or LOG_SEQ

    def insert_sql(self, rows: int = 1) -> str:
        """Return the one statement that adds rows. One that is refused takes back the whole transaction."""
        row = f"({', '.join('?' * len(self.columns))})"
        places = ", ".join([row] * rows)
        # Names come from the migrated schema, never from a request.
        return f"INSERT OR ROLLBACK INTO {self.name} ({', '.join(self.columns)}) VALUES {places}"  # noqa: S608 - see above


def describe(connection: pysqlite3.Connection, name: str) -> Table:
    """Return how the file defines a table.

    Raises ValueError for a table that the guards could not protect.
    """
    rows = connection.execute("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
    row_number = _row_number(connection, name, rows)
    given = connection.execute(
        'SELECT 1 FROM pragma_foreign_key_list(?) WHERE "from" = ?', (name, row_number)
    ).fetchone()
    numbered = row_number is not None and given is None and name != LOG
    return Table(
        name=name,
        columns=tuple(row[0] for row in rows if not (numbered and row[0] == row_number)),
        unique_keys=_unique_keys(connection, name),
        row_number=row_number,
        numbered=numbered,
        has_blob=any(kind == "BLOB" for _, kind, _ in rows),
    )


def _row_number(connection: pysqlite3.Connection, name: str, columns: Sequence[tuple[str, str, int]]) -> str | None:
    keys = [column for column, _, pk in columns if pk]
    if connection.execute("SELECT wr FROM pragma_table_list(?)", (name,)).fetchone()[0]:
        if LOG_SEQ not in [column for column, _, _ in columns]:
            raise ValueError(f"{name} has neither row numbers nor {LOG_SEQ}: its rows would have no order")
        return None
    if len(keys) != 1 or (keys[0], "INTEGER") not in [(column, kind) for column, kind, _ in columns]:
        raise ValueError(f"{name} needs one INTEGER PRIMARY KEY: a hidden rowid could be replaced")
    return keys[0]


def _unique_keys(connection: pysqlite3.Connection, name: str) -> tuple[UniqueKey, ...]:
    found = []
    for index, partial in connection.execute(
        'SELECT name, partial FROM pragma_index_list(?) WHERE "unique" ORDER BY name', (name,)
    ).fetchall():
        columns = connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)).fetchall()
        found.append(
            UniqueKey(
                columns=tuple(column for (column,) in columns),
                but_for=_but_for(connection, index) if partial else None,
            )
        )
    return tuple(found)


def _but_for(connection: pysqlite3.Connection, index: str) -> ButFor:
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
    found = _BUT_FOR.fullmatch(sql)
    if found is None:
        raise ValueError(f"{index}: such a partial unique key needs an insert guard of its own")
    return ButFor(column=found[2], values=tuple(re.findall(r"'\w+'", found[1])))


def guard_statements(table: Table, refusal: str | None = None) -> list[str]:
    """Return triggers that refuse UPDATE, DELETE and any insert but of a new row (SCH-015, LIFE-023).

    REPLACE deletes the row in its way without firing a delete trigger where `recursive_triggers` is off
    (O-01), so the insert guard looks for such a row itself. It needs no pragma and holds for foreign
    connections too. `refusal` is what they say instead of their usual words. A change is refused before anything has
    happened; a row may come after others of its statement, so its transaction is taken back.
    """
    name, message = table.name, refusal or f"{table.name} is append-only"
    conditions = [*_row_number_conditions(table), *(key.guard(name) for key in table.unique_keys)]
    refuse_change = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    refuse_row = f"BEGIN SELECT RAISE(ROLLBACK, '{message}: not a new row'); END"
    return [
        f"CREATE TRIGGER {name}_block_update BEFORE UPDATE ON {name} {refuse_change}",
        f"CREATE TRIGGER {name}_block_delete BEFORE DELETE ON {name} {refuse_change}",
        f"CREATE TRIGGER {name}_guard_insert BEFORE INSERT ON {name} WHEN {' OR '.join(conditions)} {refuse_row}",
    ]


def _row_number_conditions(table: Table) -> list[str]:
    column, name = table.row_number, table.name
    if column is None:
        return []
    # Names come from our own migrations in all three queries.
    if name == LOG:
        return [f"NEW.{column} IS NOT (SELECT coalesce(max({column}), 0) + 1 FROM {name})"]  # noqa: S608 - see above
    if table.numbered:
        # Before an insert, SQLite shows -1 for a row number that it has yet to assign.
        highest = f"(SELECT coalesce(max({column}), 0) + 1 FROM {name})"  # noqa: S608 - see above
        return [f"(NEW.{column} <> -1 AND NEW.{column} IS NOT {highest})"]
    return [f"NEW.{column} <= (SELECT max({column}) FROM {name})"]  # noqa: S608 - see above


_READ_PRAGMAS = frozenset(
    {
        "data_version",
        "foreign_key_check",
        "foreign_key_list",
        "freelist_count",
        "index_info",
        "index_list",
        "integrity_check",
        "page_count",
        "page_size",
        "quick_check",
        "table_info",
        "table_xinfo",
    }
)
_SETTINGS_TO_READ = frozenset(
    {
        "application_id",
        "foreign_keys",
        "journal_mode",
        "query_only",
        "recursive_triggers",
        "synchronous",
        "trusted_schema",
        "user_version",
        "wal_autocheckpoint",
    }
)
_ALLOWED_ACTIONS = frozenset(
    {
        pysqlite3.SQLITE_READ,
        pysqlite3.SQLITE_RECURSIVE,
        pysqlite3.SQLITE_SELECT,
        pysqlite3.SQLITE_TRANSACTION,
    }
)

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def authorizer(tables: Collection[str]) -> Authorizer:
    """Return a callback that allows reading everything, inserting into `tables`, and nothing else.

    SQLite asks it while a statement is compiled, not while it runs, so cached statements pay nothing.
    """
    insertable = frozenset(tables)

    def authorize(action: int, first: str | None, second: str | None, database: str | None, _source: str | None) -> int:
        if action in _ALLOWED_ACTIONS:
            allowed = True
        elif action == pysqlite3.SQLITE_INSERT:
            allowed = database == "main" and first in insertable
        elif action == pysqlite3.SQLITE_FUNCTION:
            allowed = second != "load_extension"
        elif action == pysqlite3.SQLITE_PRAGMA:
            allowed = first in _READ_PRAGMAS or (first in _SETTINGS_TO_READ and second is None)
            # A passive checkpoint waits for nobody; the stronger ones are Litestream's alone.
            allowed = allowed or (first == "wal_checkpoint" and (second or "PASSIVE").upper() == "PASSIVE")
        else:
            allowed = False
        return int(pysqlite3.SQLITE_OK if allowed else pysqlite3.SQLITE_DENY)

    return authorize
