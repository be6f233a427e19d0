"""`promote`: takes a release to production step by step, once somebody has typed the words; it knows no step's work.

The order of the steps is here, what each of them runs is in a plan beside the release, and a record says who approved
it and how far it came. A step that fails ends the promotion: those behind it are not run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cutline.commands.checking import AsJson
from cutline.commands.output import CommandFailed, print_json

APPROVAL: Final = "GO PROD"
"""What must be typed, letter by letter, before anything is run (NET-024)."""

STEPS: Final = ("ledger_fix", "ledger_smoke", "migration", "deploy", "regression")
"""What a plan runs, in this order (NET-023)."""

TRACKER: Final = "tracker"
"""The last step, which is the command's own: the record says that the release passes."""

_RELEASE: Final = re.compile(r"v\d+\.\d+\.\d+", re.ASCII)


Programs = list[list[str]]
"""Programs with their arguments, run one after the other without a shell."""


@dataclass(slots=True, kw_only=True)
class Step:
    """How a step stands: `not_run`, `running`, `passed` or `failed`, and what a program that failed ended with."""

    name: str
    status: str = "not_run"
    exit_code: int | None = None
    command: str | None = None


@dataclass(slots=True, kw_only=True)
class Record:
    """A promotion: who approved it and why, and how far it came. `passes` only when every step has passed."""

    release: str
    approved_by: str
    reason: str
    approval: str
    started_at: str
    ended_at: str | None = None
    passes: bool = False
    steps: list[Step] = field(default_factory=lambda: [Step(name=name) for name in (*STEPS, TRACKER)])


def promote(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release's tag, such as v2.3.0.")],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="Who approves it; it is written into the record.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is written into the record.")],
    plan: Annotated[Path, typer.Option("--plan", metavar="FILE", help="What each step runs.")] = Path(
        "deploy/promotion.toml"
    ),
    records: Annotated[Path, typer.Option("--records", metavar="DIR", help="Where the record is kept.")] = Path(
        "promotions"
    ),
    as_json: AsJson = False,
) -> None:
    """Take a release to production, step by step; the words GO PROD must be typed first, or nothing is run."""
    if _RELEASE.fullmatch(release) is None:
        raise CommandFailed(f"{release} is no tag of a release", "Give a tag such as v2.3.0.", exit_code=2)
    if not by.strip() or not reason.strip():
        raise CommandFailed("nobody approves this, or for no reason", "Give --by and --reason.", exit_code=2)
    steps = read_plan(plan)
    _await_approval(release, steps)
    started_at = datetime.now(UTC)
    record = Record(
        release=release, approved_by=by, reason=reason, approval=APPROVAL, started_at=started_at.isoformat()
    )
    path = records / f"{release}-{started_at:%Y%m%dT%H%M%S.%fZ}.json"
    _run_all(record, steps, path)
    if as_json:
        print_json({"ok": record.passes, "record": str(path), **asdict(record)})
    else:
        _say(f"{release} {'passes' if record.passes else 'does not pass'}: see {path}")
    if not record.passes:
        raise typer.Exit(1)


def read_plan(path: Path) -> Mapping[str, Programs]:
    """Return what each step runs. Raises CommandFailed for a plan without a step, with another, or in another order."""
    try:
        plan = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}", "Name a plan with --plan.", exit_code=2) from error
    if tuple(plan) != STEPS:
        found = ", ".join(plan) or "none"
        raise CommandFailed(f"{path} has the steps {found}", f"Give exactly {', '.join(STEPS)}.", exit_code=2)
    return {name: _programs(path, name, step) for name, step in plan.items()}


def _programs(path: Path, name: str, step: Any) -> Programs:
    programs = step.get("run") if isinstance(step, dict) and len(step) == 1 else None
    if isinstance(programs, list) and programs and all(_is_program(one) for one in programs):
        return programs
    raise CommandFailed(f"{path}: {name} runs nothing", 'Give it run = [["program", "argument"]].', exit_code=2)


def _is_program(one: Any) -> bool:
    return isinstance(one, list) and bool(one) and all(isinstance(word, str) and word for word in one)


def _await_approval(release: str, plan: Mapping[str, Programs]) -> None:
    """Show what would be run and read one line. Raises CommandFailed unless it holds the words and nothing else."""
    for name, programs in plan.items():
        _say(f"{name}: {' && '.join(shlex.join(program) for program in programs)}")
    _say(f"Type {APPROVAL} to take {release} to production:")
    if sys.stdin.readline().rstrip("\r\n") != APPROVAL:
        raise CommandFailed(
            f"nobody typed {APPROVAL}: nothing was run", "Ask whoever may approve it to type the words."
        )


def _run_all(record: Record, plan: Mapping[str, Programs], path: Path) -> None:
    """Run the steps until one fails, keeping the record after each change, so that a crash shows how far it came."""
    for step in record.steps:
        step.status = "running"
        _keep(record, path)
        step.status = "passed" if step.name == TRACKER or _passes(step, plan[step.name], record.release) else "failed"
        _say(f"{step.name}: {step.status}")
        if step.status == "failed":
            break
    record.passes = all(step.status == "passed" for step in record.steps)
    record.ended_at = datetime.now(UTC).isoformat()
    _keep(record, path)


def _passes(step: Step, programs: Programs, release: str) -> bool:
    """Run a step's programs until one fails; what they print goes to standard error, for the document is our own."""
    environment = {**os.environ, "RELEASE": release}
    for program in programs:
        step.command = shlex.join(program)
        _say(f"{step.name}: {step.command}")
        try:
            ended = subprocess.run(  # noqa: S603  # the plan is a file of the release, and was shown before
                program, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment
            )
        except OSError as error:
            _say(str(error))
            return False
        step.exit_code = ended.returncode
        if ended.returncode:
            return False
    return True


def _keep(record: Record, path: Path) -> None:
    """Write the record whole or not at all. Raises CommandFailed where it cannot be: nothing runs off the record."""
    document: dict[str, Any] = asdict(record)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise CommandFailed(f"the record cannot be kept: {error}", "Name a folder with --records.") from error


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
