"""Reads runbooks as a machine would: their front matter, and the commands that they say to type."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Final

import typer

from cutline.cli import app

ROOT: Final = Path(__file__).resolve().parents[2]
BLOCK: Final = re.compile(r"^ *```bash\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(r"\bcutline [a-z][^)\n]*")


def front_matter(path: Path) -> dict[str, str]:
    """Return the fields between the first two rules."""
    _, head, _ = path.read_text("utf-8").split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.splitlines())


def unknown_options(line: str) -> set[str]:
    """Return the options of a `cutline` command line that the command has not. Raises KeyError for no such command."""
    words = shlex.split(line)
    command: Any = typer.main.get_command(app)
    for word in words[1:]:
        if not hasattr(command, "commands"):
            break
        command = command.commands[word]
    known = {option for parameter in command.params for option in parameter.opts}
    return {word for word in words if word.startswith("--")} - known


def commands_of(path: Path) -> list[str]:
    """Return every `cutline` command of a runbook's code blocks, in order, as it is written."""
    return [
        found.strip().rstrip('"') if found.count('"') % 2 else found.strip()
        for block in BLOCK.findall(path.read_text("utf-8"))
        for found in _COMMAND.findall(block)
    ]
