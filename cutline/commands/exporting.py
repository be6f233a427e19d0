"""`export`: the ledger as a journal, and a contest as an audit file; it reads a data root, stopped or running."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from cutline.commands.output import CommandFailed

export_commands = typer.Typer(no_args_is_help=True, help="What other programs can read and check.")

Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="A data root, stopped or running.")]
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here, not to standard output.")]


class JournalFormat(StrEnum):
    """The formats of a journal."""

    BEANCOUNT = "beancount"
    CSV = "csv"
    JSON = "json"


@export_commands.command("ledger")
def export_ledger(
    form: Annotated[JournalFormat, typer.Option("--format", help="What to write.")] = JournalFormat.BEANCOUNT,
    data: Data = Path("data"),
    output: Output = None,
) -> None:
    """Write every transaction of the ledger, and its balances at the end."""
    from cutline.engine import journal
    from cutline.storage.reports.journals import transactions

    writers: dict[JournalFormat, Callable[[Iterable[journal.Entry]], Iterator[str]]] = {
        JournalFormat.BEANCOUNT: journal.beancount,
        JournalFormat.CSV: journal.csv_journal,
        JournalFormat.JSON: journal.json_journal,
    }
    with _reading(data), _page(output) as page:
        page.writelines(writers[form](transactions(data)))


@export_commands.command("contest")
def export_contest(
    contest_id: Annotated[str, typer.Argument(metavar="CONTEST", help="A contest's id.")],
    data: Data = Path("data"),
    output: Output = None,
) -> None:
    """Write a contest's log, money and transfers, for docs/audit/check_contest.py to check."""
    from cutline.storage.reports.contest_audit import contest_audit

    with _reading(data):
        audit = contest_audit(data, contest_id)
    with _page(output) as page:
        json.dump(audit, page, ensure_ascii=False, indent=1)
        page.write("\n")


@contextmanager
def _reading(data: Path) -> Iterator[None]:
    from cutline.storage.errors import StorageError

    try:
        yield
    except (StorageError, ValueError) as error:
        what_to_do = "Give the folder that `cutline serve --data` was given, and a contest that is in it."
        raise CommandFailed(f"{data}: {error}", what_to_do) from error


@contextmanager
def _page(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8", newline="") as page:
        yield page
