"""Read a tournament config from TOML or from its canonical JSON, and write the latter. It opens no files."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from cutline.engine import strict_json
from cutline.engine.canonical import sha256_hex
from cutline.engine.tournament.check import faults_of
from cutline.engine.tournament.faults import DOCUMENT, MISSING, ConfigFault, ConfigInvalid, fault
from cutline.engine.tournament.model import Tournament

_RIGHT = {
    "missing": "is required",
    "extra_forbidden": "is not a known key",
    "int_type": "must be a whole number",
    "string_type": "must be a text",
    "tuple_type": "must be a list",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "must have at least {min_length}",
}
"""What would be right, by the kind of error that pydantic reports."""


def load(toml_text: str) -> Tournament:
    """Read a config from TOML (CFG-001, CFG-003).

    Raises ConfigInvalid with every fault found.
    """
    try:
        keys = tomllib.loads(toml_text, parse_float=_decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigInvalid([ConfigFault(path=DOCUMENT, value="not TOML", right=str(error))]) from error
    return _build(keys)


def from_canonical(text: str | bytes) -> Tournament:
    """Read a config back from `canonical`, checking it like a new one (CFG-006). Raises as `load` does."""
    raw = text.encode() if isinstance(text, str) else text
    try:
        keys = strict_json.parse(raw, decimals=True)
    except strict_json.NotStrictJson as error:
        raise ConfigInvalid([ConfigFault(path=DOCUMENT, value="not JSON", right=str(error))]) from error
    return _build(keys)


def canonical(tournament: Tournament) -> str:
    """Return the one JSON text of a config: the keys of the TOML, sorted, times in UTC.

    What may be left out and says nothing is left out, so that a key of a later release changes no hash.
    """
    keys = tournament.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(keys, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(tournament: Tournament) -> str:
    """Return the SHA-256 of the canonical text in hexadecimal digits (CFG-006)."""
    return sha256_hex(canonical(tournament).encode())


def _decimal(text: str) -> Decimal:
    return Decimal(text)


def _build(keys: Any) -> Tournament:
    try:
        tournament = Tournament.model_validate(keys)
    except ValidationError as error:
        raise ConfigInvalid([_fault(found) for found in error.errors(include_url=False)]) from error
    faults = faults_of(tournament)
    if faults:
        raise ConfigInvalid(faults)
    return tournament


def _fault(found: Any) -> ConfigFault:
    kind = found["type"]
    value = MISSING if kind == "missing" else found["input"]
    right = _RIGHT.get(kind, found["msg"]).format_map(found.get("ctx", {})) if kind in _RIGHT else found["msg"]
    return fault(path_of(found["loc"]), value, right)


def path_of(location: Sequence[int | str]) -> str:
    """Write a location as it reads in the config: `prizes.places[0].from`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path or DOCUMENT
