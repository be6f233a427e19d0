"""The command line: which command is where, and how it ends. It must not do any command's work."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from cutline.commands import (
    checking,
    configuring,
    contracting,
    exporting,
    forgetting,
    operating,
    playing,
    promoting,
    reconciling,
    restoring,
    serving,
    upkeep,
)
from cutline.commands.output import CommandFailed, print_failure

app = typer.Typer(
    name="cutline",
    help="Runs paid golf contests unattended, from entry fee to paid winner.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    serving.serve,
    playing.demo,
    playing.simulate,
    checking.verify,
    checking.score,
    checking.replay,
    reconciling.reconcile,
    restoring.restore,
    forgetting.forget,
    promoting.promote,
    upkeep.token,
):
    app.command()(command)
app.add_typer(configuring.config_commands, name="config")
app.add_typer(operating.contest_commands, name="contest")
app.add_typer(operating.runbook_commands, name="runbook")
app.add_typer(upkeep.schema_commands, name="schema")
app.add_typer(exporting.export_commands, name="export")
app.add_typer(contracting.openapi_commands, name="openapi")
app.add_typer(playing.emulate_commands, name="emulate")
app.add_typer(playing.bench_commands, name="bench")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code; an expected failure shows no traceback."""
    from cutline.logs import configure_logs

    given = list(sys.argv[1:] if arguments is None else arguments)
    configure_logs()
    try:
        app(args=given)
    except CommandFailed as failure:
        print_failure(failure, as_json="--json" in given)
        sys.exit(failure.exit_code)
