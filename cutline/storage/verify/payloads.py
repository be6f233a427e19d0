"""Check that a payload says what its event says, and nothing else; it must not know what any event means.

The engine reads a payload as its event, and leaves out what that does not know. Whatever reads it as JSON, as the views
do, would believe the rest, and the first of two fields of one name where the engine believes the last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cutline.engine.codec import Codec
from cutline.storage.event_log import Entry


def entry_says_otherwise(entry: Entry, event: Any, codec: Codec) -> str | None:
    """Return what a row of a log says that its event does not; None when it says the same."""
    if entry.key != event.key:
        return f"the key of its event is {event.key!r}"
    try:
        written = codec.encode(event)
    except RecursionError:
        return "it is nested too deep"
    return says_otherwise(entry.payload, written)


def says_otherwise(payload: str, written: str) -> str | None:
    """Return what a payload says that its event, `written` again, does not; None when it says the same.

    The order of fields says nothing. A field that is missing was not known to the release that wrote the payload.
    """
    if payload == written:
        return None
    try:
        said = json.loads(payload, object_pairs_hook=_object)
        return next(_differences(said, json.loads(written), "$"), None)
    except RecursionError:
        return "it is nested too deep"
    except ValueError as twice:
        return str(twice)


def _object(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(fields)
    if len(found) < len(fields):
        names = [name for name, _ in fields]
        raise ValueError(f"it says {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _differences(said: Any, wanted: Any, place: str) -> Iterator[str]:
    if isinstance(said, dict) and isinstance(wanted, dict):
        for name, value in said.items():
            if name in wanted:
                yield from _differences(value, wanted[name], f"{place}.{name}")
            else:
                yield f"{place}.{name} is unknown to its event"
    elif isinstance(said, list) and isinstance(wanted, list) and len(said) == len(wanted):
        for number, pair in enumerate(zip(said, wanted, strict=True)):
            yield from _differences(*pair, f"{place}[{number}]")
    elif type(said) is not type(wanted) or said != wanted:
        yield f"{place} is {said!r:.60}, its event says {wanted!r:.60}"
