"""How commands answer: one JSON document for programs, tables for people, and failures that say what to do next."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


class CommandFailed(Exception):
    """An expected failure: what is wrong, and what to do about it. `exit_code` is the process's."""

    def __init__(self, message: str, what_to_do: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do
        self.exit_code = exit_code


def print_json(document: Any) -> None:
    """Print the one JSON document of a command; times as ISO 8601."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def print_failure(failure: CommandFailed, *, as_json: bool) -> None:
    """Say on standard error what went wrong; with --json, on standard output as a document too."""
    if as_json:
        print_json({"ok": False, "error": {"message": failure.message, "what_to_do": failure.what_to_do}})
    sys.stderr.write(f"error: {failure.message}\n{failure.what_to_do}\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table for people. Columns that end in `>` are aligned to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        right = column.endswith(">")
        table.add_column(column.removesuffix(">"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)


def print_line(text: str) -> None:
    """Print one line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
