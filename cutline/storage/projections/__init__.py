"""The typed rows that events leave beside the log, one module for each file kind.

A row is a pure function of its event (and of the stored form of its blob), so that `verify` can make it again and
compare. Rows list values in the order of the table's columns, without a row number that SQLite assigns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Rows = Iterable[tuple[str, tuple[Any, ...]]]
"""Pairs of a table and one row."""
