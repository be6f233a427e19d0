"""Tables as CSV text, the same bytes for the same rows on every machine; it knows no table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes text that begins so for a formula; ids come from outside and may."""


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a header and a line a row (RFC 4180); what is None or missing stays empty.

    Text that a spreadsheet would run is led by an apostrophe. Numbers are left as they are.
    """
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    for cells in chain([columns], ([_cell(row.get(column)) for column in columns] for row in rows)):
        writer.writerow(cells)
        yield page.getvalue()
        page.seek(0)
        page.truncate()


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the lines of `csv_lines` as one text."""
    return "".join(csv_lines(columns, rows))


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
