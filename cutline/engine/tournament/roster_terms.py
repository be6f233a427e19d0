"""What a tournament config says of picking golfers: size, tiers, a salary cap, limits, substitutes. It picks nobody."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cutline.engine.tournament.terms import Array, Count, PlayerId, Players, Terms, Text


class Tier(Terms):
    """A group of golfers of which an entry picks a fixed number; listed by odds or ranking, best first."""

    name: Text
    pick: Count
    players: Annotated[Players, Field(min_length=1)]


class PickLimit(Terms):
    """A group of golfers of which an entry may pick only so many, as in: at most two of the top ten."""

    name: Text
    most: Annotated[int, Field(ge=0, le=100)]
    players: Annotated[Players, Field(min_length=1)]


class SalaryTerms(Terms):
    """A salary cap: what each golfer costs, and what an entry may spend.

    `free_picks` golfers, an entry's dearest ones, are bonus picks that cost nothing.
    """

    cap: Annotated[int, Field(ge=0, le=10**9)]
    costs: dict[PlayerId, Annotated[int, Field(ge=0, le=10**9)]]
    free_picks: Annotated[int, Field(ge=0, le=100)] | None = None


class SubstituteTerms(Terms):
    """Who plays for a picked golfer who withdraws before he has played a hole.

    `next_in_tier`: the next of his tier, as listed. `next_in_ranking`: the next of `ranking`.
    """

    rule: Literal["next_in_tier", "next_in_ranking"]
    ranking: Players = ()


class RosterTerms(Terms):
    """How many golfers an entry picks, and from which tiers; without tiers, from the whole field."""

    size: Annotated[int, Field(ge=1, le=100)]
    tiers: Annotated[tuple[Tier, ...], Array] = ()
    limits: Annotated[tuple[PickLimit, ...], Array] = ()
    salary: SalaryTerms | None = None
    substitutes: SubstituteTerms | None = None
