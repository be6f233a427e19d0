"""What a tournament config may say, key by key. Rules between keys are in `check`, not here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cutline.engine.tournament.roster_terms import (
    PickLimit,
    RosterTerms,
    SalaryTerms,
    SubstituteTerms,
    Tier,
)
from cutline.engine.tournament.scoring_terms import (
    Bonus,
    EntryCutTerms,
    HolePointsRow,
    HolePointsTerms,
    NotPlayedRule,
    NotPlayedTerms,
    Place,
    PointsRow,
    PositionPointsTerms,
    ScoringTerms,
)
from cutline.engine.tournament.terms import Array, Cents, Count, Instant, Percent, Players, Terms, Text

__all__ = [
    "Bonus",
    "DailyPrize",
    "EntryCutTerms",
    "EntryTerms",
    "EventTerms",
    "HolePointsRow",
    "HolePointsTerms",
    "NotPlayedRule",
    "NotPlayedTerms",
    "PickLimit",
    "PointsRow",
    "PositionPointsTerms",
    "PrizeRow",
    "PrizeTerms",
    "RosterTerms",
    "SalaryTerms",
    "ScoringTerms",
    "SettlementTerms",
    "ShortenedTerms",
    "SubstituteTerms",
    "TieTerms",
    "Tier",
    "Tournament",
]

TieBreak = Literal[
    "winning_score_prediction",
    "prediction_not_over",
    "best_golfer",
    "second_golfer",
    "owns_champion",
    "owns_low_amateur",
    "birdies",
]


class EventTerms(Terms):
    """The event as the provider knows it, and its shape in rounds."""

    provider_event_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """The provider's id; it names the feed's file."""
    par: Annotated[int, Field(ge=1, le=200)] | None = None
    rounds: Annotated[int, Field(ge=1, le=10)]
    cut_after_round: Annotated[int, Field(ge=0)]
    first_tee_at: Instant
    ends_at: Instant
    time_zone: Text
    amateurs: Players = ()


class EntryTerms(Terms):
    """What it costs to enter, how many may, and until when."""

    fee_cents: Cents
    max_entries: Count
    max_entries_per_user: Count
    lock_at: Instant
    rake_percent: Percent | None = None
    rake_cents: Cents | None = None
    payment_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]


class TieTerms(Terms):
    """The tie-breaks, in order; what is still tied shares its places and their prizes.

    Of predictions equally far off, `prediction_not_over` prefers one that is not above the winning score.
    """

    order: Annotated[tuple[TieBreak, ...], Array]


class PrizeRow(Terms):
    """What each place of a range wins: a percentage of the net pot, or fixed cents."""

    first: Annotated[Place, Field(alias="from")]
    last: Annotated[Place, Field(alias="to")]
    percent: Percent | None = None
    cents: Cents | None = None


class DailyPrize(Terms):
    """What the best entry of one round wins, in the basis of the prize table."""

    round: Annotated[int, Field(ge=1)]
    percent: Percent | None = None
    cents: Cents | None = None


class PrizeTerms(Terms):
    """The prize table, by place, and prizes for the best entry of single rounds."""

    basis: Literal["percent", "fixed"]
    places: Annotated[tuple[PrizeRow, ...], Array, Field(min_length=1)]
    daily: Annotated[tuple[DailyPrize, ...], Array] = ()


class SettlementTerms(Terms):
    """How long the provider's terminal status must stand before a contest completes."""

    hold_minutes: Annotated[int, Field(ge=0, le=30 * 24 * 60)]


class ShortenedTerms(Terms):
    """How many completed rounds still make a contest.

    A round that was begun and that the event, being over, leaves unfinished holds the settlement up until its cards
    are closed; with `incomplete_round = "ignore"` it counts for nobody.
    """

    min_rounds: Annotated[int, Field(ge=1)]
    incomplete_round: Literal["wait", "ignore"] | None = None


class Tournament(Terms):
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
