"""Events to JSON and back, for the log and for what carries them between files; it must not know what any event means.

Decoders are made with the module that asks for them: annotations are read before anybody holds the clock, and no
request pays for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec


def _held_time(value: Any) -> str:
    """Write a time of a subclass of datetime, as a held clock gives, just as other times are written."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"an event cannot hold {type(value).__name__}")


_ENCODER = msgspec.json.Encoder(enc_hook=_held_time, order="deterministic")


def event_json(event: Any) -> bytes:
    """Return an event as JSON: its fields in the order of its class, the keys of mappings sorted, times in UTC."""
    return _ENCODER.encode(event)


class Codec:
    """Writes events as `event_json` does, and builds them again by the name of their class."""

    def __init__(self, events: Mapping[str, type]) -> None:
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            name: msgspec.json.Decoder(event) for name, event in events.items()
        }

    @property
    def names(self) -> Collection[str]:
        """The names of the events that can be decoded."""
        return self._decoders.keys()

    def encode(self, event: Any) -> str:
        """Return the event as JSON text."""
        return event_json(event).decode()

    def decode(self, type_name: str, payload: str | bytes) -> Any:
        """Build the event again. An unknown type is a newer release's file: refuse it, never guess.

        Raises KeyError for an unknown type and msgspec.DecodeError for a payload of another shape.
        """
        decoder = self._decoders[type_name]
        try:
            return decoder.decode(payload)
        except RecursionError as error:
            raise msgspec.DecodeError("it is nested too deep") from error
