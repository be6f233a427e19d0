"""What a tournament config says of scores: metric, counting, rounds not played, bonuses. It scores nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cutline.engine.tournament.terms import COUNT_MAX, Array, Count, Terms

Metric = Literal["to_par", "strokes", "position_points", "stableford", "draftkings"]
Cause = Literal["missed_cut", "withdrawn", "disqualified"]
Place = Annotated[int, Field(ge=1, le=COUNT_MAX)]


class NotPlayedRule(Terms):
    """What a round costs that a golfer does not play.

    `drop`: the golfer cannot count. `fixed`: `value`. `worst_of_day`, `worst_of_pool`: the worst finished score of
    that round, in the field or among the golfers that some entry has picked. `average_of_played`: the average of the
    rounds he finished, rounded down. `as_played`: what he has played of it. `made_cut_count`: how many golfers are
    through the cut (for position points). `plus` is added to what was found out so.
    """

    rule: Literal["drop", "fixed", "worst_of_day", "worst_of_pool", "average_of_played", "as_played", "made_cut_count"]
    value: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    plus: Annotated[int, Field(ge=-1000, le=1000)] | None = None


class NotPlayedTerms(Terms):
    """The rule for rounds not played, by cause."""

    missed_cut: NotPlayedRule
    withdrawn: NotPlayedRule
    disqualified: NotPlayedRule


class EntryCutTerms(Terms):
    """How many of an entry's golfers must be through the cut for it to rank with the others."""

    min_made_cut: Annotated[int, Field(ge=0)]


class PointsRow(Terms):
    """Points for finishing in a range of places."""

    first: Annotated[Place, Field(alias="from")]
    last: Annotated[Place, Field(alias="to")]
    points: Annotated[int, Field(ge=-(10**9), le=10**9)]


class PositionPointsTerms(Terms):
    """The table of the metric `position_points`: points, or earnings.

    Tied golfers get the points of the place they share, or with `ties = "average"` the average of the places they
    span, rounded down, as prize money is shared.
    """

    table: Annotated[tuple[PointsRow, ...], Array, Field(min_length=1)]
    ties: Literal["full", "average"] | None = None


class HolePointsRow(Terms):
    """Points for a hole played in so many strokes to par."""

    to_par: Annotated[int, Field(ge=-10, le=20)]
    points: Annotated[int, Field(ge=-1000, le=1000)]


class HolePointsTerms(Terms):
    """A table of its own for the metric `stableford`; the first and the last row hold beyond them as well."""

    table: Annotated[tuple[HolePointsRow, ...], Array, Field(min_length=1)]


class Bonus(Terms):
    """Something added to a golfer's score beside the strokes.

    `finish`: for a place in the event from `from` to `to`. `round_leader`, `low_round`, `hole_in_one`: in the rounds
    from `from` to `to`, or in any.
    """

    kind: Literal["finish", "round_leader", "hole_in_one", "low_round"]
    first: int | None = Field(default=None, alias="from", ge=1, le=COUNT_MAX)
    last: int | None = Field(default=None, alias="to", ge=1, le=COUNT_MAX)
    value: Annotated[int, Field(ge=-1000, le=1000)]

    def holds_at(self, number: int) -> bool:
        """Tell whether a place or a round lies within `from` and `to`."""
        return (self.first or 1) <= number <= (self.last or COUNT_MAX)


class ScoringTerms(Terms):
    """How golfers' rounds become an entry's score."""

    metric: Metric
    count_best: Count
    count_per: Literal["event", "round"]
    direction: Literal["low", "high"]
    round_weights: Annotated[tuple[Annotated[int, Field(ge=0, le=100)], ...], Array]
    not_played: NotPlayedTerms
    entry_cut: EntryCutTerms
    position_points: PositionPointsTerms | None = None
    hole_points: HolePointsTerms | None = None
    bonuses: Annotated[tuple[Bonus, ...], Array] = ()
