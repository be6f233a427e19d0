"""Compares two OpenAPI documents and names what would break a client; it must not know our own operations.

Two questions are asked of every schema. Of what is sent to us: is everything that was taken still taken? Of what we
answer: is everything that was there still there, and of the same kind? (FRZ-015)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Json = Mapping[str, Any]
Way = Literal["asked", "answered"]

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT: Final = ("pattern", "format", "const", "multipleOf", "uniqueItems")
_SUCCESS = ("2", "3")


def major(document: Json) -> int:
    """Return the first number of a document's version. Raises ValueError for a version that is none."""
    return int(str(document["info"]["version"]).split(".", maxsplit=1)[0])


def breaking_changes(old: Json, new: Json) -> list[str]:
    """Return what in `new` would break a client of `old`, one line each; a higher major version permits everything."""
    return [] if major(new) > major(old) else list(_documents(old, new))


def _documents(old: Json, new: Json) -> Iterator[str]:
    for path, methods in old["paths"].items():
        now = new["paths"].get(path)
        if now is None:
            yield f"{path}: path removed"
            continue
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            if method not in now:
                yield f"{where}: method removed"
            else:
                yield from _Comparison(old, new).operations(where, operation, now[method])


@dataclass(slots=True)
class _Comparison:
    """One operation in both documents. `seen` ends the walk where models contain themselves."""

    old: Json
    new: Json
    seen: set[tuple[Way, str, str]] = field(default_factory=set)

    def operations(self, where: str, old: Json, new: Json) -> Iterator[str]:
        if old["operationId"] != new["operationId"]:
            yield f"{where}: operationId changed"
        yield from self._security(where, old, new)
        yield from self._parameters(where, old, new)
        yield from self._bodies(where, old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(where, old["responses"], new["responses"])

    def _security(self, where: str, old: Json, new: Json) -> Iterator[str]:
        ways = new.get("security", [])
        if not ways:
            return
        before = old.get("security", [])
        if not before:
            yield f"{where}: credentials needed"
        for way in before:
            if way not in ways:
                yield f"{where}: credentials no longer taken: {way}"

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[str]:
        before = {(one["in"], one["name"]): one for one in old.get("parameters", [])}
        now = {(one["in"], one["name"]): one for one in new.get("parameters", [])}
        for (place, name), parameter in before.items():
            at = f"{where} {place} {name}"
            if (place, name) not in now:
                yield f"{at}: parameter removed"
                continue
            other = now[place, name]
            if other.get("required") and not parameter.get("required"):
                yield f"{at}: parameter required"
            yield from self._schemas(at, "asked", parameter["schema"], other["schema"])
        for (place, name), parameter in now.items():
            if (place, name) not in before and parameter.get("required"):
                yield f"{where} {place} {name}: required parameter added"

    def _bodies(self, where: str, old: Json | None, new: Json | None) -> Iterator[str]:
        if old is None or new is None:
            if old is not None:
                yield f"{where}: request body removed"
            elif new is not None and new.get("required"):
                yield f"{where}: request body required"
            return
        if new.get("required") and not old.get("required"):
            yield f"{where}: request body required"
        yield from self._contents(f"{where} request", "asked", old["content"], new["content"])

    def _responses(self, where: str, old: Json, new: Json) -> Iterator[str]:
        for status, response in old.items():
            if status not in new:
                yield f"{where} {status}: response removed"
                continue
            at, response = f"{where} {status}", _resolve(self.old, response)
            now = _resolve(self.new, new[status])
            for header in response.get("headers", {}):
                if header not in now.get("headers", {}):
                    yield f"{at}: header {header} removed"
            yield from self._contents(at, "answered", response.get("content", {}), now.get("content", {}))
        for status in new:
            if status not in old and status.startswith(_SUCCESS):
                # A client that waits for 200 does not take 202 for done.
                yield f"{where} {status}: success added"

    def _contents(self, where: str, way: Way, old: Json, new: Json) -> Iterator[str]:
        for media, content in old.items():
            if media not in new:
                yield f"{where}: {media} removed"
            else:
                yield from self._schemas(where, way, content["schema"], new[media]["schema"])

    def _schemas(self, where: str, way: Way, old: Json, new: Json) -> Iterator[str]:
        names = old.get("$ref", ""), new.get("$ref", "")
        if all(names):
            if (way, *names) in self.seen:
                return
            self.seen.add((way, *names))
        old, new = _resolve(self.old, old), _resolve(self.new, new)
        if "anyOf" in old or "anyOf" in new:
            yield from self._choices(where, way, old, new)
            return
        if old.get("type") != new.get("type"):
            yield f"{where}: type changed from {old.get('type')} to {new.get('type')}"
            return
        yield from _enums(where, old, new)
        yield from _limits(where, way, old, new)
        yield from self._objects(where, way, old, new)
        if "items" in old and "items" in new:
            yield from self._schemas(f"{where}[]", way, old["items"], new["items"])

    def _choices(self, where: str, way: Way, old: Json, new: Json) -> Iterator[str]:
        before, now = (
            {_kind(d, one): one for one in schema.get("anyOf", [schema])}
            for d, schema in ((self.old, old), (self.new, new))
        )
        gone, come = before.keys() - now.keys(), now.keys() - before.keys()
        if gone and (way == "asked" or come or gone != {"null"}):
            yield f"{where}: no longer {' or '.join(sorted(gone))}"
        if come and way == "answered":
            yield f"{where}: now also {' or '.join(sorted(come))}"
        for kind in sorted(before.keys() & now.keys()):
            yield from self._schemas(where, way, before[kind], now[kind])

    def _objects(self, where: str, way: Way, old: Json, new: Json) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        needed_before, needed = set(old.get("required", [])), set(new.get("required", []))
        for name in before:
            at = f"{where}.{name}"
            if name not in now:
                yield f"{at}: field removed"
                continue
            if way == "asked" and name in needed and name not in needed_before:
                yield f"{at}: field required"
            if way == "answered" and name in needed_before and name not in needed:
                yield f"{at}: field no longer always there"
            yield from self._schemas(at, way, before[name], now[name])
        for name in now:
            if name not in before and way == "asked" and name in needed:
                yield f"{where}.{name}: required field added"
        yield from self._others(where, way, old, new)

    def _others(self, where: str, way: Way, old: Json, new: Json) -> Iterator[str]:
        before, now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if way == "asked" and now is False and before is not False:
            yield f"{where}: unknown fields no longer taken"
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            yield from self._schemas(f"{where}.*", way, before, now)


def _resolve(document: Json, part: Json) -> Json:
    while "$ref" in part:
        kind, name = part["$ref"].removeprefix("#/components/").split("/", 1)
        part = document["components"][kind][name]
    return part


def _kind(document: Json, schema: Json) -> str:
    """Return what tells one choice of several from another."""
    return str(schema["$ref"]) if "$ref" in schema else str(_resolve(document, schema).get("type"))


def _enums(where: str, old: Json, new: Json) -> Iterator[str]:
    if "enum" not in old and "enum" in new:
        yield f"{where}: values restricted"
    for value in old.get("enum", []):
        if value not in new.get("enum", [value]):
            yield f"{where}: value {value} removed"


def _limits(where: str, way: Way, old: Json, new: Json) -> Iterator[str]:
    if way == "answered":
        return
    for name in _LOWER:
        if name in new and new[name] > old.get(name, float("-inf")):
            yield f"{where}: {name} raised"
    for name in _UPPER:
        if name in new and new[name] < old.get(name, float("inf")):
            yield f"{where}: {name} lowered"
    for name in _EXACT:
        if name in new and new[name] != old.get(name):
            yield f"{where}: {name} changed"
