"""Reads runbooks as a machine would: their front matter, and the commands that they say to type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BLOCK: Final = re.compile(r"^ *```bash\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(r"\bcutline [a-z][^)\n]*")


def front_matter(path: Path) -> dict[str, str]:
    """Return the fields between the first two rules."""
    _, head, _ = path.read_text("utf-8").split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.splitlines())


def commands_of(path: Path) -> list[str]:
    """Return every `cutline` command of a runbook's code blocks, in order, as it is written."""
    return [
        found.strip().rstrip('"') if found.count('"') % 2 else found.strip()
        for block in BLOCK.findall(path.read_text("utf-8"))
        for found in _COMMAND.findall(block)
    ]
