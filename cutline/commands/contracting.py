"""`openapi`: the documents that clients rely on, written, checked and compared. It talks to no running engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line

openapi_commands = typer.Typer(no_args_is_help=True, help="The API's documents and its page of refusals.")
Folder = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", help="Where the files lie (docs/api of this checkout).")
]


@openapi_commands.command("dump")
def dump_contracts(folder: Folder = None) -> None:
    """Write both documents and the page of refusals; refused where clients of the public one would break."""
    from cutline.http.contracts import committed

    try:
        written = committed.dump(folder or committed.FOLDER)
    except committed.ContractBroken as broken:
        raise CommandFailed(
            f"clients would break: {broken}",
            "Take the change back, or raise the major version in cutline/http/contracts/openapi.py.",
        ) from broken
    for path in written:
        print_line(path)


@openapi_commands.command("check")
def check_contracts(folder: Folder = None, as_json: AsJson = False) -> None:
    """Compare the committed documents and the page of refusals with what the code makes."""
    from cutline.http.contracts import committed

    where = folder or committed.FOLDER
    differences, breaking = committed.check(where), committed.broken_since(where)
    if as_json:
        hashes = {one.name: one.sha256 for one in committed.contracts()}
        print_json({"ok": not differences, "differences": differences, "breaking": breaking, "sha256": hashes})
    elif differences:
        for line in (*differences, *(f"breaks clients: {change}" for change in breaking)):
            print_line(line)
        print_line("What to do: cutline openapi dump, and review what changed.")
    else:
        for one in committed.contracts():
            print_line(f"ok: {one.name} {one.version}, sha256 {one.sha256}")
    raise typer.Exit(1 if differences else 0)


@openapi_commands.command("compare")
def compare_contracts(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="The document of the previous release.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="The document that is to follow it.")],
    as_json: AsJson = False,
) -> None:
    """Say what in one document would break clients of another (FRZ-016)."""
    from cutline.http.contracts.changes import breaking_changes

    changes = breaking_changes(_read(old), _read(new))
    if as_json:
        print_json({"ok": not changes, "breaking": changes})
    else:
        for change in changes or ["ok: nothing breaks"]:
            print_line(change)
    raise typer.Exit(1 if changes else 0)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{path}: {error}", "Give an OpenAPI document in JSON.", exit_code=2) from error
    if not isinstance(document, dict) or not {"info", "paths"} <= document.keys():
        raise CommandFailed(f"{path} is no OpenAPI document", "Give one in JSON.", exit_code=2)
    return document
