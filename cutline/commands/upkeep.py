"""`schema`, `config` and `token`: the chores around an engine. None of them talks to a running one."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line, print_table

TOURNAMENTS = Path("config/tournaments")

schema_commands = typer.Typer(no_args_is_help=True, help="The committed snapshot of every file kind's schema.")
config_commands = typer.Typer(no_args_is_help=True, help="Tournament configurations.")


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


@config_commands.command("validate")
def validate_config(
    file: Annotated[Path, typer.Argument(metavar="F.toml", help="A tournament's configuration.")],
    as_json: AsJson = False,
) -> None:
    """Check a configuration whole and name every fault by its path."""
    described = _read_config(file)
    if as_json:
        print_json({"ok": True, **described})
        return
    print_line(f"ok: {described['id']} ({described['name']}), sha256 {described['sha256']}")
    for warning in described["warnings"]:
        print_line(f"warning: {warning}")


@config_commands.command("list")
def list_configs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where configurations lie.")] = TOURNAMENTS,
    as_json: AsJson = False,
) -> None:
    """List the configurations in a folder, the faulty ones too."""
    if not folder.is_dir():
        raise CommandFailed(f"{folder} is no folder", "Give the folder in which the configurations lie.")
    found = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found.append({"file": str(file), **_read_config(file), "fault": None})
        except CommandFailed as failure:
            found.append({"file": str(file), "id": None, "name": None, "sha256": None, "fault": failure.message})
    if as_json:
        print_json(found)
        return
    rows = [(one["file"], one["id"], one["name"], one["fault"] or "ok") for one in found]
    print_table("Configurations", ("file", "id", "name", "state"), rows)


def _read_config(file: Path) -> dict[str, Any]:
    from cutline.engine.tournament import ConfigInvalid, NotSupportedYet, load, sha256

    try:
        tournament = load(file.read_text("utf-8"))
    except (ConfigInvalid, NotSupportedYet) as error:
        raise CommandFailed(f"{file}: {error}", "Mend what is named and validate again.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file}: {error}", "Give a TOML file in UTF-8 that can be read.") from error
    warnings = []
    if not tournament.entry.rake_percent:
        warnings.append("rake 0: Stripe's fees are not covered, and transfers will wait for money from elsewhere")
    return {"id": tournament.id, "name": tournament.name, "sha256": sha256(tournament), "warnings": warnings}


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
