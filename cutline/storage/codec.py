"""Events to the log's JSON and back; it must not know what any event means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import TypeAdapter

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


def _held_time(value: Any) -> str:
    """Write a time of a subclass of datetime, as a held clock gives, just as orjson writes datetimes themselves."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"an event cannot hold {type(value).__name__}")


class Codec:
    """Encodes frozen dataclasses as canonical JSON and builds them again, by the name of their class."""

    def __init__(self, events: Mapping[str, type]) -> None:
        self._adapters = {name: TypeAdapter[Any](event) for name, event in events.items()}

    @property
    def names(self) -> Collection[str]:
        """The names of the events that can be decoded."""
        return self._adapters.keys()

    def encode(self, event: Any) -> str:
        """Return the event's fields as JSON with sorted keys and UTC times."""
        return orjson.dumps(event, default=_held_time, option=_OPTIONS).decode()

    def decode(self, type_name: str, payload: str) -> Any:
        """Build the event again. An unknown type is a newer release's file: refuse it, never guess.

        Raises KeyError for an unknown type and pydantic.ValidationError for a payload of another shape.
        """
        return self._adapters[type_name].validate_json(payload)
