"""Compare a file's typed rows with those that its log leaves; it must not know what a row means.

Bodies are left out here: sealing the same body twice gives different bytes. `bodies` looks into them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pysqlite3 import Connection

from cutline.storage.append_only import LOG, LOG_SEQ, Table
from cutline.storage.kinds import FileKind
from cutline.storage.verify.report import Code, Problem

Row = tuple[Any, ...]
_SHOWN_A_TABLE: Final = 20
_BODY: Final = "body"
_MONEY: Final = "effects"
"""The table whose missing rows are transactions that could be booked again, and are named so."""


class ExpectedRows:
    """The typed rows that a log leaves, gathered while it is folded."""

    def __init__(self, kind: FileKind) -> None:
        self._tables = {name: table for name, table in kind.tables.items() if name != LOG}
        self._keep = {name: _kept(table) for name, table in self._tables.items()}
        self._whole = {name for name, table in self._tables.items() if len(self._keep[name]) == len(table.columns)}
        self._rows: dict[str, list[Row]] = {name: [] for name in self._tables}

    def add(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Add the rows of one event."""
        for table, row in rows:
            kept = row if table in self._whole else tuple(row[place] for place in self._keep[table])
            self._rows[table].append(kept)

    def compare(self, connection: Connection, file: str) -> Iterator[Problem]:
        """Yield how the file's rows differ from these: what is missing, what is too much, what is another."""
        for name, table in self._tables.items():
            columns = [table.columns[place] for place in self._keep[name]]
            # Names come from the migrated schema, never from a request.
            query = f"SELECT {', '.join(columns)} FROM {name} ORDER BY {table.order}"  # noqa: S608 - see above
            found = connection.execute(query).fetchall()
            if found != self._rows[name]:
                yield from _differences(file, table, columns, self._rows[name], found)

    @property
    def count(self) -> int:
        """How many rows the log leaves."""
        return sum(len(rows) for rows in self._rows.values())


def _kept(table: Table) -> list[int]:
    return [place for place, column in enumerate(table.columns) if column != _BODY or not table.has_blob]


def _differences(
    file: str, table: Table, columns: Sequence[str], wanted: Sequence[Row], found: Sequence[Row]
) -> Iterator[Problem]:
    missing, extra = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    if not missing and not extra:
        message = "the rows are those of the log, in another order"
        yield Problem(code=Code.ROW_DIFFERS, file=file, where=table.name, message=message)
        return
    by_key = {_key(table, columns, row): row for row in extra}
    problems: list[Problem] = []
    for row in missing:
        other = by_key.pop(_key(table, columns, row), None)
        problems.append(
            _missing(file, table, columns, row) if other is None else _differs(file, table, columns, row, other)
        )
    for key, row in by_key.items():
        message = f"the log leaves no such row: {_shown(columns, row)}"
        problems.append(Problem(code=Code.ROW_EXTRA, file=file, where=_where(table, key), message=message))
    yield from problems[:_SHOWN_A_TABLE]


def _missing(file: str, table: Table, columns: Sequence[str], row: Row) -> Problem:
    code = Code.TRANSACTION_MISSING if table.name == _MONEY else Code.ROW_MISSING
    where = _where(table, _key(table, columns, row))
    return Problem(code=code, file=file, where=where, message=f"the log says {_shown(columns, row)}")


def _differs(file: str, table: Table, columns: Sequence[str], wanted: Row, found: Row) -> Problem:
    changed = {name: (a, b) for name, a, b in zip(columns, wanted, found, strict=True) if a != b}
    said = "; ".join(f"{name} is {b!r}, the log says {a!r}" for name, (a, b) in changed.items())
    return Problem(code=Code.ROW_DIFFERS, file=file, where=_where(table, _key(table, columns, wanted)), message=said)


def _key(table: Table, columns: Sequence[str], row: Row) -> tuple[tuple[str, Any], ...]:
    """Name a row by what is unique in it, else by the event that left it."""
    values: Mapping[str, Any] = dict(zip(columns, row, strict=True))
    number = () if table.row_number is None else ((table.row_number,),)
    unique = (key.columns for key in table.unique_keys if key.but_for is None)
    for key in (*number, *unique, (LOG_SEQ,)):
        if all(values.get(column) is not None for column in key):
            return tuple((column, values[column]) for column in key)
    return tuple(values.items())


def _where(table: Table, key: tuple[tuple[str, Any], ...]) -> str:
    return f"{table.name} " + ", ".join(f"{column}={value}" for column, value in key)


def _shown(columns: Sequence[str], row: Row) -> str:
    return ", ".join(f"{column}={str(value)[:60]}" for column, value in zip(columns, row, strict=True))
