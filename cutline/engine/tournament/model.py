"""What a tournament config may say, key by key. Rules between keys are in `check`, not here."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

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

Metric = Literal["to_par", "strokes", "position_points", "stableford", "draftkings"]
TieBreak = Literal["winning_score_prediction", "best_golfer", "second_golfer", "owns_champion"]


class _Terms(BaseModel):
    # Strict: true is not 1, "4" is not 4, and 10.0 is not money. Frozen: a published config is a fact.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=False)


class EventTerms(_Terms):
    """The event as the provider knows it, and its shape in rounds."""

    provider_event_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """The provider's id; it names the feed's file."""
    par: Annotated[int, Field(ge=1, le=200)] | None = None
    rounds: Annotated[int, Field(ge=1, le=10)]
    cut_after_round: Annotated[int, Field(ge=0)]
    first_tee_at: Instant
    ends_at: Instant
    time_zone: Text


class EntryTerms(_Terms):
    """What it costs to enter, how many may, and until when."""

    fee_cents: Cents
    max_entries: Count
    max_entries_per_user: Count
    lock_at: Instant
    rake_percent: Percent | None = None
    rake_cents: Cents | None = None
    payment_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]


class Tier(_Terms):
    """A group of golfers of which an entry picks a fixed number."""

    name: Text
    pick: Count
    players: Annotated[tuple[PlayerId, ...], Array, Field(min_length=1)]


class RosterTerms(_Terms):
    """How many golfers an entry picks, and from which tiers; without tiers, from the whole field."""

    size: Annotated[int, Field(ge=1, le=100)]
    tiers: Annotated[tuple[Tier, ...], Array] = ()


class NotPlayedRule(_Terms):
    """What a round costs that a golfer does not play: the golfer, a fixed value, or the day's worst."""

    rule: Literal["drop", "fixed", "worst_of_day"]
    value: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    plus: Annotated[int, Field(ge=-1000, le=1000)] | None = None


class NotPlayedTerms(_Terms):
    """The rule for rounds not played, by cause."""

    missed_cut: NotPlayedRule
    withdrawn: NotPlayedRule
    disqualified: NotPlayedRule


class EntryCutTerms(_Terms):
    """How many of an entry's golfers must be through the cut for it to rank with the others."""

    min_made_cut: Annotated[int, Field(ge=0)]


class PointsRow(_Terms):
    """Points for finishing in a range of places."""

    first: Annotated[int, Field(alias="from", ge=1, le=COUNT_MAX)]
    last: Annotated[int, Field(alias="to", ge=1, le=COUNT_MAX)]
    points: Annotated[int, Field(ge=-(10**6), le=10**6)]


class PositionPointsTerms(_Terms):
    """The table of the metric `position_points`."""

    table: Annotated[tuple[PointsRow, ...], Array, Field(min_length=1)]


class Bonus(_Terms):
    """Something added to a golfer's score beside the strokes."""

    kind: Literal["finish", "round_leader", "hole_in_one", "low_round"]
    first: int | None = Field(default=None, alias="from", ge=1, le=COUNT_MAX)
    last: int | None = Field(default=None, alias="to", ge=1, le=COUNT_MAX)
    value: Annotated[int, Field(ge=-1000, le=1000)]


class ScoringTerms(_Terms):
    """How golfers' rounds become an entry's score."""

    metric: Metric
    count_best: Count
    count_per: Literal["event", "round"]
    direction: Literal["low", "high"]
    round_weights: Annotated[tuple[Annotated[int, Field(ge=0, le=100)], ...], Array]
    not_played: NotPlayedTerms
    entry_cut: EntryCutTerms
    position_points: PositionPointsTerms | None = None
    bonuses: Annotated[tuple[Bonus, ...], Array] = ()


class TieTerms(_Terms):
    """The tie-breaks, in order; what is still tied shares its places and their prizes."""

    order: Annotated[tuple[TieBreak, ...], Array]


class PrizeRow(_Terms):
    """What each place of a range wins: a percentage of the net pot, or fixed cents."""

    first: Annotated[int, Field(alias="from", ge=1, le=COUNT_MAX)]
    last: Annotated[int, Field(alias="to", ge=1, le=COUNT_MAX)]
    percent: Percent | None = None
    cents: Cents | None = None


class PrizeTerms(_Terms):
    """The prize table, by place."""

    basis: Literal["percent", "fixed"]
    places: Annotated[tuple[PrizeRow, ...], Array, Field(min_length=1)]


class SettlementTerms(_Terms):
    """How long the provider's terminal status must stand before a contest completes."""

    hold_minutes: Annotated[int, Field(ge=0, le=30 * 24 * 60)]


class ShortenedTerms(_Terms):
    """How many completed rounds still make a contest."""

    min_rounds: Annotated[int, Field(ge=1)]


class Tournament(_Terms):
    """One tournament config, valid in itself and immutable (CFG-002, CFG-003)."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    name: Text
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    event: EventTerms
    entry: EntryTerms
    roster: RosterTerms
    scoring: ScoringTerms
    ties: TieTerms
    prizes: PrizeTerms
    settlement: SettlementTerms
    shortened: ShortenedTerms
