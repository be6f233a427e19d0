"""A decoded API request, and the ways of answering that all resources share: pages and expanded ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from cutline.simulation.emulators.stripe.errors import invalid_parameter
from cutline.simulation.emulators.stripe.forms import read_integer, read_optional_text
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

PAGING = frozenset({"limit", "starting_after", "ending_before", "created"})

_RANGES = ("arrival_date", "created")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: whose books it is about, the ids in its path and its parameters."""

    owner: str = PLATFORM
    object_id: str = ""
    part_id: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    base_url: str = ""

    def page(self, wires: Iterable[Wire], url: str, *, equal: Iterable[str] = ()) -> Wire:
        """Return one page, newest first, of the objects that pass the filters of this call.

        `equal` names the parameters that filter by equality of the field of the same name.
        """
        wanted = {name: self.parameters[name] for name in equal if name in self.parameters}
        ranges = {name: self._range(name) for name in _RANGES if name in self.parameters}
        found = [
            wire
            for wire in wires
            if all(low_s <= wire[name] <= high_s for name, (low_s, high_s) in ranges.items())
            and all(wire.get(name) == text for name, text in wanted.items())
        ]
        return self._cut(found[::-1], url)

    def _cut(self, found: list[Wire], url: str) -> Wire:
        limit = read_integer(self.parameters, "limit", at_least=1) if "limit" in self.parameters else 10
        if limit > 100:
            raise invalid_parameter("limit", "Limit is at most 100", code="parameter_invalid_integer")
        after = read_optional_text(self.parameters, "starting_after")
        before = read_optional_text(self.parameters, "ending_before")
        ids = [wire["id"] for wire in found]
        if after is not None:
            found = found[_index(ids, after, "starting_after") + 1 :]
        elif before is not None:
            found = found[: _index(ids, before, "ending_before")]
            return {"object": "list", "data": found[-limit:], "has_more": len(found) > limit, "url": url}
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": url}

    def _range(self, name: str) -> tuple[int, int]:
        """Return the inclusive range of a time filter in Unix seconds."""
        given = self.parameters[name]
        if not isinstance(given, dict):
            exact_s = read_integer(self.parameters, name, at_least=0)
            return exact_s, exact_s
        bounds = {bound: read_integer(given, bound, at_least=0) for bound in given}
        if bounds.keys() - {"gt", "gte", "lt", "lte"}:
            raise invalid_parameter(name, "Invalid range")
        low_s = max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)
        high_s = min(bounds.get("lte", 1 << 60), bounds.get("lt", (1 << 60) + 1) - 1)
        return low_s, high_s


def _index(ids: list[str], wanted: str, param: str) -> int:
    if wanted not in ids:
        raise invalid_parameter(param, f"No such object in this list: '{wanted}'", code="resource_missing")
    return ids.index(wanted)


def expand(platform: Platform, answer: Wire, paths: Any) -> Wire:
    """Return a copy of the answer in which the ids at `paths` (`a.b`, `data.a`) are replaced by their objects."""
    copy: Wire = orjson.loads(orjson.dumps(answer))
    for path in paths if isinstance(paths, list) else []:
        _expand_path(platform, copy, str(path).split("."), str(path))
    return copy


def _expand_path(platform: Platform, node: Any, parts: list[str], path: str) -> None:
    if not parts or node is None:
        return
    if isinstance(node, list):
        for child in node:
            _expand_path(platform, child, parts, path)
        return
    if not isinstance(node, dict) or parts[0] not in node:
        raise invalid_parameter("expand", f"This property cannot be expanded ({path}).")
    child = node[parts[0]]
    if isinstance(child, str):
        found = platform.lookup(child)
        if found is None:
            raise invalid_parameter("expand", f"This property cannot be expanded ({path}).")
        child = node[parts[0]] = orjson.loads(orjson.dumps(found))
    _expand_path(platform, child, parts[1:], path)
