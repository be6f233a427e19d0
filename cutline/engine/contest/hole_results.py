"""Hole results of a round, where the provider serves them: read, checked against the round. It judges one round.

Source: Sportradar Golf v3, Scorecards: `scores` with `number`, `par` and `strokes`, and `starting_hole`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cutline.engine.scoring.board import HOLES_A_ROUND, HoleResult

STROKES_MAX = 20
PAR_MIN, PAR_MAX = 3, 6


class ServedHole(BaseModel):
    """One hole as served; other keys are tolerated."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    number: Annotated[int, Field(ge=1, le=HOLES_A_ROUND)]
    par: Annotated[int, Field(ge=PAR_MIN, le=PAR_MAX)]
    strokes: Annotated[int, Field(ge=0, le=STROKES_MAX)]


def in_order_of_play(served: Sequence[ServedHole], starting_hole: int) -> tuple[HoleResult, ...]:
    """Return the holes that were played (0 strokes: not yet), from the one on which the golfer started."""
    played = [(hole.number, hole.par, hole.strokes) for hole in served if hole.strokes]
    return tuple(sorted(played, key=lambda hole: (hole[0] - starting_hole) % HOLES_A_ROUND))


def contradiction(holes: Sequence[HoleResult], *, to_par: int, strokes: int, thru: int) -> str | None:
    """Return how hole results differ from their round's own figures, or None."""
    if len({number for number, _, _ in holes}) != len(holes):
        return "a hole is listed twice"
    if len(holes) != thru:
        return f"{len(holes)} holes, {thru} played"
    taken, par = sum(hole[2] for hole in holes), sum(hole[1] for hole in holes)
    if taken != strokes:
        return f"{taken} strokes on the holes, {strokes} in the round"
    return None if taken - par == to_par else f"{taken - par:+d} on the holes, {to_par:+d} in the round"
