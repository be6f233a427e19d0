"""How single values of a tournament config are read: instants, percentages, cents, ids. It knows no table."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic_core import PydanticCustomError

PERCENT_DECIMALS_MAX = 2
RIGHT_INSTANT: Final = "must be a date and time with an offset, as in 2026-04-09T07:40:00-04:00"
RIGHT_PERCENT: Final = "must be a number from 0 to 100"
CENTS_MAX = 10**12
COUNT_MAX = 10**7


def _read_instant(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise PydanticCustomError("instant", RIGHT_INSTANT) from error
    if isinstance(value, datetime) and value.tzinfo is not None and value.utcoffset() is not None:
        return value.astimezone(UTC)
    raise PydanticCustomError("instant", RIGHT_INSTANT)


def _read_percent(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("percent", RIGHT_PERCENT)
    percent = Decimal(value)
    if not percent.is_finite() or not 0 <= percent <= 100:
        raise PydanticCustomError("percent", RIGHT_PERCENT)
    if percent != round(percent, PERCENT_DECIMALS_MAX):
        raise PydanticCustomError("percent", "must have at most two decimals")
    return percent


def _write_percent(percent: Decimal) -> int | float:
    # A decimal of at most two places survives the way through the shortest float text unchanged.
    return int(percent) if percent == int(percent) else float(percent)


def _read_array(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Instant = Annotated[datetime, BeforeValidator(_read_instant)]
"""An aware date and time, turned into UTC once, here, so that no zone is read again later."""
Percent = Annotated[Decimal, BeforeValidator(_read_percent), PlainSerializer(_write_percent)]
Cents = Annotated[int, Field(ge=0, le=CENTS_MAX)]
Count = Annotated[int, Field(ge=1, le=COUNT_MAX)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
PlayerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Array = BeforeValidator(_read_array)
Players = Annotated[tuple[PlayerId, ...], Array]


class Terms(BaseModel):
    """One table of a config. Strict: true is not 1, "4" is not 4, and 10.0 is not money. Frozen: it is a fact."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=False)
