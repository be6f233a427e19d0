"""Compares values with the document's schemas: objects as JSON, requests as form text. It must not know resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.contracts.stripe.document import Document, Schema

Faults = list[str]

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_TEXT_PATTERNS = {"boolean": "true|false", "integer": "-?[0-9]+", "number": r"-?[0-9]+(\.[0-9]+)?"}


class Checker:
    """Finds every fault of a value. An object is closed: what the document does not name must be in `later`.

    With `as_text` the scalars of a form are texts, and only what says `additionalProperties: false` is closed.
    """

    def __init__(self, document: Document, *, later: frozenset[str] = frozenset(), as_text: bool = False) -> None:
        self._document = document
        self._later = later
        self._as_text = as_text

    def faults(self, schema: Schema, value: Any, where: str = "$") -> Faults:
        """Return what is wrong, each fault with its place; none for a value that fits."""
        schema = self._document.resolve(schema)
        if value is None and not self._as_text:
            return [] if schema.get("nullable") else [f"{where}: null is not allowed"]
        if "anyOf" in schema:
            return self._any_of(schema["anyOf"], value, where)
        if "type" not in schema:
            return []
        return list(self._plain(schema, value, where))

    def _any_of(self, choices: list[Schema], value: Any, where: str) -> Faults:
        """Return no faults where a choice fits, else those of the nearest: an object names its kind itself."""
        choices = [self._document.resolve(choice) for choice in choices]
        if isinstance(value, Mapping) and "object" in value:
            own = [one for one in choices if value["object"] in _kinds(one)]
            if not own:
                return [f"{where}: a {value['object']} is not allowed here"]
            choices = own
        found = [self.faults(choice, value, where) for choice in choices]
        return min(found, key=len)

    def _plain(self, schema: Schema, value: Any, where: str) -> Iterator[str]:
        kind = schema["type"]
        if not self._is_a(kind, value):
            yield f"{where}: {value!r} is no {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is not one of {schema['enum']}"
        if kind == "string" and len(value) > schema.get("maxLength", len(value)):
            yield f"{where}: longer than {schema['maxLength']}"
        if kind == "array":
            items = list(value.values()) if isinstance(value, Mapping) else value
            for index, item in enumerate(items):
                yield from self.faults(schema["items"], item, f"{where}[{index}]")
        if kind == "object":
            yield from self._object(schema, value, where)

    def _is_a(self, kind: str, value: Any) -> bool:
        if not self._as_text:
            is_number = kind in ("integer", "number")
            return isinstance(value, _JSON_TYPES[kind]) and not (is_number and isinstance(value, bool))
        if kind in _TEXT_PATTERNS:
            return isinstance(value, str) and re.fullmatch(_TEXT_PATTERNS[kind], value) is not None
        if kind == "array":
            return isinstance(value, Mapping) and list(value) == [str(index) for index in range(len(value))]
        return isinstance(value, Mapping) if kind == "object" else isinstance(value, str)

    def _object(self, schema: Schema, value: Mapping[str, Any], where: str) -> Iterator[str]:
        known = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}.{name}: missing"
        for name, child in value.items():
            if name in known:
                yield from self.faults(known[name], child, f"{where}.{name}")
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from self.faults(schema["additionalProperties"], child, f"{where}.{name}")
            elif not self._is_open(schema) and f"{schema.get('title')}.{name}" not in self._later:
                yield f"{where}.{name}: not in the document"

    def _is_open(self, schema: Schema) -> bool:
        if schema.get("additionalProperties") is False:
            return False
        return self._as_text or not schema.get("properties")


def _kinds(schema: Schema) -> list[str]:
    kinds: list[str] = schema.get("properties", {}).get("object", {}).get("enum", [])
    return kinds
