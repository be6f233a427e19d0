"""Judges what callers ask for after the question mark; it must not ask anybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from cutline.engine.errors import RejectCode
from cutline.http.asking import Refused

CSV: Final = "text/csv; charset=utf-8"

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_YEAR: Final = re.compile(r"[0-9]{4}", re.ASCII)
_YEARS: Final = range(2000, 2100)


def day_of(query: Mapping[str, str], name: str) -> date | None:
    """Return a UTC day given as YYYY-MM-DD, or None where it is not given; REQUEST_INVALID for anything else."""
    given = query.get(name)
    if given is None:
        return None
    try:
        day = date.fromisoformat(given) if _DAY.fullmatch(given) else None
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise Refused(RejectCode.REQUEST_INVALID, {"query": name, "expected": "YYYY-MM-DD"})
    return day


def required_day(query: Mapping[str, str], name: str) -> date:
    """Return a UTC day that must be given; REQUEST_INVALID without it."""
    day = day_of(query, name)
    if day is None:
        raise Refused(RejectCode.REQUEST_INVALID, {"query": name, "expected": "YYYY-MM-DD"})
    return day


def year_of(query: Mapping[str, str]) -> int:
    """Return the year that must be given; REQUEST_INVALID without it."""
    given = query.get("year", "")
    if not _YEAR.fullmatch(given) or int(given) not in _YEARS:
        raise Refused(RejectCode.REQUEST_INVALID, {"query": "year", "expected": "YYYY"})
    return int(given)


def format_of(query: Mapping[str, str]) -> Literal["json", "csv"]:
    """Return the format that is wanted, JSON without any; REQUEST_INVALID for one that there is not."""
    match query.get("format", "json"):
        case "json":
            return "json"
        case "csv":
            return "csv"
        case _:
            raise Refused(RejectCode.REQUEST_INVALID, {"query": "format", "expected": "json or csv"})
