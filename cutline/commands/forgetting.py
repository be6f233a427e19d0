"""`forget`: destroy a month's keys, so that nobody can read what Stripe said of people in it; it alters no file."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)


def forget(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="A month that is over, by UTC.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="A data root, stopped or running.")] = Path(
        "data"
    ),
    as_json: AsJson = False,
) -> None:
    """Destroy a month's keys: the raw bodies of its webhooks are unreadable from then on, all else stays."""
    from cutline.storage.sealing import destroy_keys

    if _MONTH.fullmatch(month) is None:
        raise CommandFailed(f"{month!r} is no month", "Write the month as YYYY-MM.", exit_code=2)
    if month >= datetime.now(UTC).strftime("%Y-%m"):
        raise CommandFailed(f"{month} is not over", "Wait until the month has ended in UTC.", exit_code=2)
    if not data.is_dir():
        raise CommandFailed(f"{data} is no folder", "Give the folder that `cutline serve --data` was given.")
    waiting = _waiting(data, month)
    if waiting:
        raise CommandFailed(
            f"{len(waiting)} events of {month} are not in the books yet, {waiting[0]} among them",
            "Follow runbooks/posting-broken.md first: they cannot be posted once their bodies are forgotten.",
        )
    destroyed = destroy_keys(data, month)
    if as_json:
        print_json({"ok": True, "month": month, "keys_destroyed": destroyed})
    elif destroyed:
        print_line(f"ok: {month} is forgotten ({len(destroyed)} keys destroyed). Next: cutline verify {data}")
    else:
        print_line(f"ok: {data} holds no keys of {month}")


def _waiting(data: Path, month: str) -> list[str]:
    """Return the events of the month that still need their bodies."""
    from cutline.storage.files import DataRoot
    from cutline.storage.kinds import KINDS
    from cutline.storage.sqlite import open_reader
    from cutline.storage.stripe_bodies import not_in_the_books

    path = DataRoot(data).path_of("ledger")
    if not path.exists():
        return []
    with closing(open_reader(path, KINDS["ledger"])) as connection:
        return not_in_the_books(connection, month)
