"""Damages files as an attacker with the disk in hand would: past every guard, with the guards put back afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pysqlite3

from cutline.storage.chain import GENESIS, link
from cutline.storage.files import DataRoot


def path_of(root: Path, address: str) -> Path:
    return DataRoot(root).path_of(address)


@contextlib.contextmanager
def unguarded(path: Path) -> Iterator[pysqlite3.Connection]:
    """A connection to a file without its triggers and without foreign keys; the triggers come back at the end."""
    with contextlib.closing(pysqlite3.connect(str(path), isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def run(path: Path, *statements: str) -> None:
    with unguarded(path) as connection:
        for statement in statements:
            connection.execute(statement)


def value(path: Path, query: str) -> Any:
    with contextlib.closing(pysqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchone()[0]


def forge(path: Path, type_name: str, change: Callable[[dict[str, Any]], bool], *, times: int = 1) -> None:
    """Change events of one type, the first ones that `change` takes, and compute the whole chain anew."""

    def changed_text(payload: str) -> str:
        event = orjson.loads(payload)
        return orjson.dumps(event, option=orjson.OPT_SORT_KEYS).decode() if change(event) else payload

    forge_text(path, type_name, changed_text, times=times)


def forge_text(path: Path, type_name: str, change: Callable[[str], str], *, times: int = 1) -> None:
    """Change the payloads of one type, the first ones that `change` makes others of, and compute the chain anew."""
    left = times
    with unguarded(path) as connection:
        rows = connection.execute("SELECT seq, type, key, at, cause, payload FROM log ORDER BY seq").fetchall()
        previous = GENESIS
        for seq, kind, key, at, cause, payload in rows:
            if left and kind == type_name and (forged := change(payload)) != payload:
                payload = forged
                left -= 1
            previous = link(previous, seq, kind, key, at, cause, payload)
            connection.execute("UPDATE log SET payload = ?, hash = ? WHERE seq = ?", (payload, previous, seq))
    assert not left, f"no {type_name} was changed"


def changed(event: dict[str, Any], **fields: Any) -> bool:
    """Change fields of an event, whichever comes first."""
    event.update(fields)
    return True


def cut(path: Path, keep: int) -> None:
    """Cut a log's end off, and with it every typed row that it left."""
    with unguarded(path) as connection:
        tables = connection.execute(
            "SELECT m.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c"
            " WHERE m.type = 'table' AND c.name = 'log_seq'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"DELETE FROM {table} WHERE log_seq > ?", (keep,))
        connection.execute("DELETE FROM log WHERE seq > ?", (keep,))


def flip(path: Path, where: int) -> None:
    """Flip one bit of one byte."""
    content = bytearray(path.read_bytes())
    content[where] ^= 0x01
    path.write_bytes(content)


def flip_in(path: Path, text: bytes) -> None:
    """Flip one bit in the middle of a text that the file holds."""
    place = path.read_bytes().find(text)
    assert place >= 0, f"{path} does not hold {text!r}"
    flip(path, place + len(text) // 2)
