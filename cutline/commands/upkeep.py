"""`schema` and `token`: the chores around an engine. None of them talks to a running one."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line

schema_commands = typer.Typer(no_args_is_help=True, help="The committed snapshot of every file kind's schema.")


@schema_commands.command("dump")
def dump_schema(
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here instead.")] = None,
) -> None:
    """Print the schema that the migrations make, under the header of the committed snapshot."""
    from cutline.storage import schema

    if output is None:
        print_line(schema.dump().rstrip("\n"))
    else:
        output.write_text(schema.dump(), "utf-8")


@schema_commands.command("check")
def check_schema(as_json: AsJson = False) -> None:
    """Compare the committed snapshot with what the migrations make."""
    from cutline.storage import schema

    differences = schema.check()
    if as_json:
        print_json({"ok": not differences, "differences": differences})
    elif differences:
        for line in differences:
            print_line(line)
        print_line(f"What to do: cutline schema dump --output {schema.SNAPSHOT}, and review what changed.")
    else:
        print_line("ok: the snapshot is what the migrations make")
    raise typer.Exit(1 if differences else 0)


def token(
    subject: Annotated[str, typer.Option("--sub", metavar="WHO", help="Whom the token stands for.")],
    scopes: Annotated[str, typer.Option("--scopes", help="What it may do, by commas: admin, ops, tenant, entrant.")],
    hours: Annotated[int, typer.Option("--hours", min=1, max=8760, help="How long it is valid.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Mint a bearer token with the engine's secret (CUTLINE_JWT_SECRET)."""
    from cutline.http.auth import mint_token

    secret = os.environ.get("CUTLINE_JWT_SECRET", "").partition(",")[0].strip()
    if not secret:
        raise CommandFailed("CUTLINE_JWT_SECRET is not set", "Set it to the secret that the engine was started with.")
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    now = datetime.now(UTC)
    try:
        minted = mint_token(secret, subject, wanted, now=now, lifetime=timedelta(hours=hours))
    except ValueError as error:
        raise CommandFailed(str(error), "Name scopes that tokens can carry: admin, ops, tenant, entrant.") from error
    if as_json:
        print_json({"token": minted, "sub": subject, "scopes": wanted, "expires_at": now + timedelta(hours=hours)})
    else:
        print_line(minted)
