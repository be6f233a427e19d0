"""The schema as text: the committed snapshot, and whether code and files agree with it.

It must not change a file.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pysqlite3

from cutline.storage.kinds import KINDS, FileKind
from cutline.storage.migrator import upgrade

SNAPSHOT = Path(__file__).with_name("schema.snapshot.sql")
_NEVER = "0000-00-00T00:00:00.000Z"
# Quoted text is kept whole; comments and runs of white space become one blank.
_TOKEN = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?:--[^\n]*|/\*.*?\*/|\s+)+", re.DOTALL)
_OBJECTS = """
SELECT type, name, sql FROM sqlite_schema
WHERE sql IS NOT NULL
  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND tbl_name NOT LIKE '\\_litestream\\_%' ESCAPE '\\'
ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, name"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the snapshot says of itself (SCH-002): the baseline that a review starts from (SCH-004)."""

    iteration: str
    date: str
    summary: str
    commit: str

    def lines(self) -> str:
        """Return the four lines as SQL comments."""
        return (
            f"-- iteration: {self.iteration}\n-- date: {self.date}\n"
            f"-- summary: {self.summary}\n-- commit: {self.commit}\n"
        )


def normalise(sql: str) -> str:
    """Return SQL without comments and with single blanks, so that only what matters differs (SCH-007)."""
    return _TOKEN.sub(lambda match: match[1] or " ", sql).strip()


def objects(connection: pysqlite3.Connection) -> dict[str, str]:
    """Return the file's own schema objects, `type name` to normalised SQL.

    Litestream's tables are not ours.
    """
    return {f"{kind} {name}": normalise(sql) for kind, name, sql in connection.execute(_OBJECTS).fetchall()}


def schema_hash(connection: pysqlite3.Connection) -> str:
    """Return the sha256 of the file's schema.

    Equal hashes mean the same tables, indexes, views and triggers.
    """
    text = "\n".join(f"{name}: {sql}" for name, sql in sorted(objects(connection).items()))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def expected_objects(kind: FileKind, version: int | None = None) -> Mapping[str, str]:
    """Return the schema objects that a file of this kind has after its first `version` migrations (default: all)."""
    with contextlib.closing(_built(kind, version)) as connection:
        return objects(connection)


def check_file(connection: pysqlite3.Connection, kind: FileKind) -> list[str]:
    """Return how a file's schema differs from its version's.

    A missing guard, a foreign table, a changed view.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    found, wanted = objects(connection), expected_objects(kind, version)
    return (
        [f"missing: {name}" for name in wanted if name not in found]
        + [f"unknown: {name}" for name in found if name not in wanted]
        + [f"differs: {name}" for name in wanted if name in found and found[name] != wanted[name]]
    )


def read_header(path: Path = SNAPSHOT) -> Header:
    """Return the snapshot's four facts. Raises ValueError when one is missing."""
    found = dict(re.findall(r"^-- (iteration|date|summary|commit): (.+)$", path.read_text("utf-8"), re.MULTILINE))
    try:
        return Header(**found)
    except TypeError as error:
        raise ValueError(f"{path} lacks a header line: {error}") from error


def dump(header: Header | None = None) -> str:
    """Return the snapshot that the migrations make, under `header` (default: the committed one's)."""
    parts = [(header or read_header()).lines()]
    for kind in KINDS.values():
        parts.append(f"\n-- file kind: {kind.name}")
        parts.append(f"PRAGMA application_id = {kind.application_id};")
        parts.append(f"PRAGMA user_version = {kind.version};\n")
        with contextlib.closing(_built(kind, None)) as connection:
            parts += [f"{sql.strip()};\n" for _, _, sql in connection.execute(_OBJECTS).fetchall()]
    return "\n".join(parts)


def check(path: Path = SNAPSHOT) -> list[str]:
    """Return how the committed snapshot differs from the migrations; comments do not count (SCH-006)."""
    if not path.exists():
        return [f"{path.name} does not exist"]
    committed = _statements(path.read_text("utf-8"))
    made = _statements(dump(Header(iteration="", date="", summary="", commit="")))
    return [
        line
        for line in difflib.unified_diff(committed, made, lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]


def _statements(snapshot: str) -> list[str]:
    # A blank line follows every statement; comments go only after the parting, for they may hold anything.
    return [text for text in map(normalise, snapshot.split(";\n\n")) if text]


def _built(kind: FileKind, version: int | None) -> pysqlite3.Connection:
    connection = pysqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection, kind, applied_at=_NEVER, to_version=version)
    return connection
