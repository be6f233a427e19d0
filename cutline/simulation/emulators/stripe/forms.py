"""Reads Stripe's form encoding (`metadata[a]=b`, `expand[]=c`) into nested values; it must not know any resource."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from cutline.simulation.emulators.stripe.errors import invalid_parameter, missing_parameter, unknown_parameter

Parameters = dict[str, Any]

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decode_form(text: str) -> Parameters:
    """Return the nested parameters of a query string or form body; raise `ApiError` 400 for a malformed key."""
    parameters: Parameters = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        match = _KEY.match(key)
        if match is None:
            raise unknown_parameter(key)
        _place(parameters, [match[1], *_PART.findall(match[2])], value, key)
    collected = _collect_lists(parameters)
    return collected if isinstance(collected, dict) else parameters


def _place(parameters: Parameters, path: list[str], value: str, key: str) -> None:
    """Put one value at its path; `a[]` counts up like `a[0]`, `a[1]`."""
    node = parameters
    for part in path[:-1]:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise invalid_parameter(key, "Invalid hash or array")
        node = child
    last = path[-1] or str(len(node))
    if last in node:
        raise invalid_parameter(key, "Received the same parameter twice")
    node[last] = value


def _collect_lists(value: Any) -> Any:
    """Turn hashes whose keys are exactly 0..n-1 into lists."""
    if not isinstance(value, dict):
        return value
    collected = {key: _collect_lists(child) for key, child in value.items()}
    if collected and list(collected) == [str(index) for index in range(len(collected))]:
        return list(collected.values())
    return collected


def refuse_unknown(parameters: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise `ApiError` 400 `parameter_unknown` for the first parameter outside `known`."""
    for name in parameters:
        if name not in known:
            raise unknown_parameter(name)


def read_text(parameters: Mapping[str, Any], name: str) -> str:
    """Return a required, non-empty string."""
    value = parameters.get(name)
    if value is None or value == "":
        raise missing_parameter(name)
    if not isinstance(value, str):
        raise invalid_parameter(name, "Invalid string")
    return value


def read_optional_text(parameters: Mapping[str, Any], name: str) -> str | None:
    """Return a string, or None where it is absent or empty."""
    return read_text(parameters, name) if parameters.get(name) else None


def read_integer(parameters: Mapping[str, Any], name: str, *, at_least: int) -> int:
    """Return a required whole number in Stripe's smallest currency unit, or seconds, as the parameter means."""
    text = read_text(parameters, name)
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        raise invalid_parameter(name, f"Invalid integer: {text}", code="parameter_invalid_integer")
    if int(text) < at_least:
        raise invalid_parameter(name, f"This value must be at least {at_least}", code="parameter_invalid_integer")
    return int(text)


def read_flag(parameters: Mapping[str, Any], name: str) -> bool | None:
    """Return a boolean, or None where it is absent."""
    text = read_optional_text(parameters, name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise invalid_parameter(name, f"Invalid boolean: {text}")
    return text == "true"


def read_currency(parameters: Mapping[str, Any]) -> str:
    """Return the required three-letter currency, in lower case as Stripe answers it."""
    currency = read_text(parameters, "currency").lower()
    if not re.fullmatch(r"[a-z]{3}", currency):
        raise invalid_parameter("currency", f"Invalid currency: {currency}")
    return currency


def read_metadata(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata: at most 50 keys of 40 characters with values of 500 (Stripe's limits)."""
    metadata = parameters.get("metadata") or {}
    if isinstance(metadata, list):
        metadata = {str(index): value for index, value in enumerate(metadata)}
    if not isinstance(metadata, dict) or len(metadata) > 50:
        raise invalid_parameter("metadata", "Invalid hash, or more than 50 keys")
    for key, value in metadata.items():
        if not isinstance(value, str) or len(key) > 40 or len(value) > 500:
            raise invalid_parameter(f"metadata[{key}]", "Metadata keys hold 40 characters, values 500")
    return dict(metadata)
