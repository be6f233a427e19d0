"""Events to the log's JSON and back; it must not know what any event means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from pydantic import TypeAdapter

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


class Codec:
    """Encodes frozen dataclasses as canonical JSON and builds them again, by the name of their class."""

    def __init__(self, events: Mapping[str, type]) -> None:
        self._events = events
        self._adapters: dict[str, TypeAdapter[Any]] = {}

    @property
    def names(self) -> Collection[str]:
        """The names of the events that can be decoded."""
        return self._events.keys()

    def encode(self, event: Any) -> str:
        """Return the event's fields as JSON with sorted keys and UTC times."""
        return orjson.dumps(event, option=_OPTIONS).decode()

    def decode(self, type_name: str, payload: str) -> Any:
        """Build the event again. An unknown type is a newer release's file: refuse it, never guess.

        Raises KeyError for an unknown type and pydantic.ValidationError for a payload of another shape.
        """
        adapter = self._adapters.get(type_name)
        if adapter is None:
            adapter = self._adapters[type_name] = TypeAdapter(self._events[type_name])
        return adapter.validate_json(payload)
