"""The contracts as files: writes them, and says how the committed ones differ; it must not serve them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from cutline.http.app import OPERATIONS
from cutline.http.contracts.changes import breaking_changes
from cutline.http.contracts.error_page import error_page
from cutline.http.contracts.examples import recorded
from cutline.http.contracts.openapi import Contract, contract

FOLDER: Final = Path(__file__).parents[3] / "docs/api"
PUBLIC = "public-api.json"
ERRORS = "errors.md"


class ContractBroken(Exception):
    """The public document would change in a way that breaks clients, and its major version has not been raised."""

    def __init__(self, changes: list[str]) -> None:
        super().__init__("; ".join(changes))
        self.changes = changes


@cache
def contracts() -> tuple[Contract, ...]:
    """Return both documents as this release serves them."""
    return tuple(contract(document, OPERATIONS, recorded()) for document in ("public", "admin"))


def files() -> Mapping[str, str]:
    """Return every file that a dump writes, by name."""
    return {**{f"{one.name}.json": one.text for one in contracts()}, ERRORS: error_page(OPERATIONS)}


def check(folder: Path = FOLDER) -> list[str]:
    """Return how the committed files differ from what the code makes, as lines of a diff (ENV-019)."""
    found: list[str] = []
    for name, text in files().items():
        path = folder / name
        committed = path.read_text("utf-8") if path.exists() else ""
        lines = difflib.unified_diff(committed.splitlines(), text.splitlines(), name, name, lineterm="", n=1)
        found += lines
    return found


def dump(folder: Path = FOLDER) -> list[str]:
    """Write the files and return their paths. Raises ContractBroken, and writes nothing, where clients would break."""
    broken = broken_since(folder)
    if broken:
        raise ContractBroken(broken)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, "utf-8")
    return [str(folder / name) for name in files()]


def broken_since(folder: Path = FOLDER) -> list[str]:
    """Return what breaks clients of the public document that is committed."""
    committed = folder / PUBLIC
    if not committed.exists():
        return []
    return breaking_changes(json.loads(committed.read_text("utf-8")), json.loads(files()[PUBLIC]))
