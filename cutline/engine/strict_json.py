"""Read JSON strictly: what a lenient parser would quietly mend is refused by name. It knows no schema."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from enum import StrEnum
from typing import Any


class JsonFault(StrEnum):
    """Why a text is not JSON that we accept."""

    ENCODING = "encoding"
    SYNTAX = "syntax"
    DUPLICATE_KEY = "duplicate_key"
    NOT_FINITE = "not_finite"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"


class NotStrictJson(ValueError):
    """The bytes are not strict JSON; `fault` is the rule broken and `detail` where or what."""

    def __init__(self, fault: JsonFault, detail: str) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail


def parse(raw: bytes, *, decimals: bool = False, small_integers: bool = False) -> Any:
    """Parse UTF-8 JSON, refusing what two readers could read differently.

    Refused are NaN, infinities, overflowing numbers, duplicate keys, lone surrogates and bottomless nesting.
    With `decimals`, numbers with a point become `Decimal`; with `small_integers`, what does not fit into 64 bits with
    a sign is refused, too, for it could not be recorded. Raises NotStrictJson. (FAULTS F5, A1)
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotStrictJson(JsonFault.ENCODING, str(error)) from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite_decimal if decimals else _finite_float,
            parse_int=_small_integer if small_integers else int,
        )
    except NotStrictJson:
        raise
    except RecursionError as error:
        raise NotStrictJson(JsonFault.TOO_DEEP, "nested too deep") from error
    except ValueError as error:
        raise NotStrictJson(JsonFault.SYNTAX, str(error)) from error
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotStrictJson(JsonFault.DUPLICATE_KEY, key[:80])
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    raise NotStrictJson(JsonFault.NOT_FINITE, name)


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotStrictJson(JsonFault.NOT_FINITE, text[:80])
    return value


def _finite_decimal(text: str) -> Decimal:
    _finite_float(text)
    return Decimal(text)


def _small_integer(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise NotStrictJson(JsonFault.TOO_LARGE, text[:80])
    return value


def _refuse_surrogates(value: Any) -> None:
    # An escaped lone surrogate parses, but cannot be written to UTF-8 again.
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotStrictJson(JsonFault.ENCODING, "lone surrogate") from error
