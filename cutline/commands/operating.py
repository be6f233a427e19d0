"""`contest` and `runbook`: what ops do to a running engine, on record. They decide nothing: the engine does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json, print_line, print_table
from cutline.commands.talking import URL_DEFAULT, Url, ask_engine

RUNBOOKS = Path("runbooks")
ContestId = Annotated[str, typer.Argument(metavar="CONTEST", help="The contest's id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is written into the log.")]
Execution = Annotated[
    str, typer.Option("--execution", metavar="ID", help="The open execution, as `cutline runbook start` printed it.")
]

contest_commands = typer.Typer(no_args_is_help=True, help="One contest of a running engine.")
runbook_commands = typer.Typer(no_args_is_help=True, help="Executions of runbooks, on record in a running engine.")


class End(StrEnum):
    """How an execution ends."""

    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL = "partial"


@contest_commands.command("show")
def show_contest(contest_id: ContestId, url: Url = URL_DEFAULT, as_json: AsJson = False) -> None:
    """Show how a contest stands and which steps it has taken."""

    async def ask(client: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        return await client.contest(contest_id), await client.progress(contest_id)

    contest, steps = ask_engine(url, ask)
    if as_json:
        print_json({**contest, "steps": steps})
        return
    print_line(f"{contest_id} is {contest['status']} ({contest['progress']})")
    changes = {change["at"]: change for change in contest["transitions"] or ()}
    rows = [(step["at"], step["step"], *_who_and_why(changes.get(step["at"], {}))) for step in steps]
    print_table("Steps", ("at", "step", "by", "reason"), rows)


def _who_and_why(change: Mapping[str, Any]) -> tuple[Any, Any]:
    return change.get("actor"), change.get("reason")


@contest_commands.command("lock")
def force_lock(
    contest_id: ContestId, execution: Execution, reason: Reason, url: Url = URL_DEFAULT, as_json: AsJson = False
) -> None:
    """Lock a contest by hand, within an open execution of a runbook."""
    moved = ask_engine(url, lambda client: client.force_lock(contest_id, execution, reason))
    _print_moved(contest_id, moved, as_json=as_json)


@contest_commands.command("recover")
def recover_contest(
    contest_id: ContestId, execution: Execution, reason: Reason, url: Url = URL_DEFAULT, as_json: AsJson = False
) -> None:
    """Let a contest in ERROR go on where it was, within an open execution of a runbook."""
    moved = ask_engine(url, lambda client: client.recover_contest(contest_id, execution, reason))
    _print_moved(contest_id, moved, as_json=as_json)


@contest_commands.command("cancel")
def cancel_contest(contest_id: ContestId, reason: Reason, url: Url = URL_DEFAULT, as_json: AsJson = False) -> None:
    """Cancel a contest that is not COMPLETE; every fee is given back, and nothing undoes it."""
    moved = ask_engine(url, lambda client: client.cancel_contest(contest_id, reason))
    _print_moved(contest_id, moved, as_json=as_json)


@contest_commands.command("release")
def release_contest(contest_id: ContestId, reason: Reason, url: Url = URL_DEFAULT, as_json: AsJson = False) -> None:
    """Open a contest again that was kept closed; its file is judged anew, and the command fails if it is no better."""

    async def ask(client: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        released = await client.release_contest(contest_id, reason)
        return released, await client.contest(contest_id)

    released, contest = ask_engine(url, ask)
    if as_json:
        print_json({"ok": True, **released, "status": contest["status"]})
    else:
        before = "released" if released["released"] else "was not kept closed"
        print_line(f"ok: {contest_id} {before}, and is {contest['status']}")


def _print_moved(contest_id: str, moved: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, **moved})
    else:
        print_line(f"ok: {contest_id} is {moved['status']}")


@runbook_commands.command("start")
def start_runbook(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A runbook, such as contest_lock_failed.")],
    by: Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who works (else USER).")] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="V", help="Its version (else what runbooks/ says).")
    ] = None,
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Open an execution of a runbook and print its id, and nothing else."""
    executed_by = by or os.environ.get("USER") or "shell"
    known = version or _version_of(name)
    started = ask_engine(url, lambda client: client.start_runbook(name, known, executed_by))
    if as_json:
        print_json({"ok": True, **started})
    else:
        print_line(started["execution_id"])


def _version_of(name: str) -> str:
    path = RUNBOOKS / f"{name.replace('_', '-')}.md"
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise CommandFailed(
            f"{path} cannot be read: {error}", "Give --version, or run this beside runbooks/."
        ) from error
    for line in lines:
        key, _, value = line.partition(": ")
        if key == "version":
            return value
    raise CommandFailed(f"{path} has no version", "Give --version.")


@runbook_commands.command("complete")
def complete_runbook(
    execution: Annotated[str, typer.Argument(metavar="ID", help="The execution, as `start` printed it.")],
    status: Annotated[End, typer.Option("--status", help="How it ended.")] = End.COMPLETED,
    error_reason: Annotated[
        str | None, typer.Option("--error", metavar="TEXT", help="What went wrong, if it did.")
    ] = None,
    url: Url = URL_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Close an execution; one that did not complete is escalated."""
    completed = ask_engine(url, lambda client: client.complete_runbook(execution, status.value, error_reason))
    if as_json:
        print_json({"ok": True, **completed})
    else:
        print_line(f"ok: {status.value} at {completed['timestamp']}")


@runbook_commands.command("executions")
def list_executions(url: Url = URL_DEFAULT, as_json: AsJson = False) -> None:
    """List the executions of runbooks, the newest first."""
    executions = ask_engine(url, lambda client: client.runbook_executions())
    if as_json:
        print_json(executions)
        return
    shown = ("start_time", "runbook_name", "executed_by", "status", "duration_seconds", "id")
    rows = [tuple(one[name] for name in shown) for one in executions]
    print_table("Executions", ("started", "runbook", "by", "status", "seconds>", "id"), rows)
