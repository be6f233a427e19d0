"""`config`: configurations validated, published, rolled back and listed. It judges none: the engine does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line, print_table
from cutline.commands.talking import URL_DEFAULT, OptionalUrl, Url, ask_engine

TOURNAMENTS = Path("config/tournaments")
File = Annotated[Path, typer.Argument(metavar="F.toml", help="A tournament's configuration.")]
_COLUMNS = ("config", "version>", "sha256", "by", "validated", "undoes>")

config_commands = typer.Typer(no_args_is_help=True, help="Tournament configurations.")


@config_commands.command("validate")
def validate_config(file: File, url: OptionalUrl = None, as_json: AsJson = False) -> None:
    """Check a configuration whole, name every fault by its path, and rehearse it on a made-up event.

    With --url the engine does the same and puts on record that this content has passed.
    """
    described = _read_config(file)
    rehearsal = described["rehearsal"]
    if url is not None:
        toml = file.read_text("utf-8")
        described["recorded"] = ask_engine(url, lambda client: client.validate_config(toml))
    if as_json:
        print_json({"ok": True, **described})
        return
    print_line(f"ok: {described['id']} ({described['name']}), sha256 {described['sha256']}")
    print_line(
        f"rehearsed: {rehearsal['entries']} entries, {rehearsal['prizes_cents']} cents of prizes"
        f" and {rehearsal['rake_cents']} of rake from {rehearsal['pot_cents']}"
    )
    if url is not None:
        print_line(f"on record at {url}")
    for warning in described["warnings"]:
        print_line(f"warning: {warning}")


@config_commands.command("publish")
def publish_config(file: File, url: Url = URL_DEFAULT, as_json: AsJson = False) -> None:
    """Publish a configuration's next version through the running engine; contests still SCHEDULED take it."""
    _read_config(file)
    toml = file.read_text("utf-8")
    published = ask_engine(url, lambda client: client.publish_config(toml))
    if as_json:
        print_json({"ok": True, **published})
    else:
        known = "is published already" if published["deduped"] else "is published"
        said = f"ok: {published['config_id']} version {published['version']} {known}"
        print_line(f"{said}, sha256 {published['config_sha256']}")


@config_commands.command("rollback")
def roll_back_config(
    config_id: Annotated[str, typer.Argument(metavar="ID", help="The configuration's id.")],
    version: Annotated[int, typer.Option("--version", min=2, metavar="N", help="The newest version, which is undone.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is written into the log.")],
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Publish again what stood before the newest version."""
    replaced = ask_engine(url, lambda client: client.roll_back_config(config_id, version, reason))
    if as_json:
        print_json({"ok": True, **replaced})
    else:
        said = f"ok: {config_id} version {replaced['version']} undoes version {version}"
        print_line(f"{said}, sha256 {replaced['config_sha256']}")


@config_commands.command("list")
def list_configs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where configurations lie.")] = TOURNAMENTS,
    url: OptionalUrl = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="ROOT", help="A data root, of an engine that runs or not.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the configurations in a folder, the faulty ones too; with --url or --data, what is published."""
    if url is not None or data is not None:
        _show_published(_published_at(url) if url is not None else _published_in(data or Path()), as_json=as_json)
        return
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


def _published_at(url: str) -> list[dict[str, Any]]:
    return ask_engine(url, lambda client: client.configs())


def _published_in(data: Path) -> list[dict[str, Any]]:
    """Return what governance's file says, read beside an engine that may be running."""
    import contextlib

    from cutline.engine.publications import describe_version
    from cutline.storage.errors import StorageError
    from cutline.storage.event_log import EventLog
    from cutline.storage.files import DataRoot
    from cutline.storage.machines import Folding, rules_of
    from cutline.storage.sqlite import open_reader

    rules = rules_of("governance")
    folding = Folding.of(rules)
    try:
        with contextlib.closing(open_reader(DataRoot(data).path_of("governance"), rules.kind)) as connection:
            for entry in EventLog(connection, rules.kind).entries():
                folding.take(entry)
    except StorageError as error:
        raise CommandFailed(str(error), "Give the folder that `cutline serve --data` was given.") from error
    publications = folding.state.publications
    return [
        describe_version(publications, version) for versions in publications.versions.values() for version in versions
    ]


def _show_published(versions: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(versions)
        return
    rows = [
        (one["config_id"], one["version"], one["config_sha256"][:12], one["actor"], one["validated"], one["rolls_back"])
        for one in versions
    ]
    print_table("Published configurations", _COLUMNS, rows)


def _read_config(file: Path) -> dict[str, Any]:
    from cutline.engine.rehearsal import RehearsalFailed, rehearse, warnings_of
    from cutline.engine.tournament import ConfigInvalid, NotSupportedYet, load, sha256

    try:
        tournament = load(file.read_text("utf-8"))
        rehearsal = rehearse(tournament)
    except (ConfigInvalid, NotSupportedYet, RehearsalFailed) as error:
        raise CommandFailed(f"{file}: {error}", "Mend what is named and validate again.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file}: {error}", "Give a TOML file in UTF-8 that can be read.") from error
    return {
        "id": tournament.id,
        "name": tournament.name,
        "sha256": sha256(tournament),
        "warnings": warnings_of(tournament),
        "rehearsal": asdict(rehearsal),
    }
