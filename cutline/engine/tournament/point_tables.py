"""The point tables that a metric brings along, as data: the one place for rule books' numbers. It scores nothing.

A config that names `stableford` or `draftkings` means these tables; `scoring.hole_points` replaces the holes of the
first. Points are integers: where a rule book has halves, `scale` says how many parts a point has.
"""

from __future__ import annotations

from dataclasses import dataclass

from cutline.engine.tournament.scoring_terms import ScoringTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleTable:
    """Points for one hole: `points[0]` for `best_to_par` or better, then a stroke more each; the last holds beyond."""

    best_to_par: int
    points: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointTables:
    """What a points metric gives. Every figure is in parts of a point, `scale` to a point; 0 means: not given.

    `streak_points` once a round, for `streak_holes` holes under par in a row, in the order of play.
    `clean_card_points` for a finished round without a hole over par. `ace_points` for a hole in one stroke.
    `low_rounds_points` for having finished every round of the event in fewer than `low_rounds_below_strokes`.
    `finish` has rows of first place, last place, points; tied golfers get the points of the place they share.
    """

    holes: HoleTable
    scale: int = 1
    streak_holes: int = 0
    streak_points: int = 0
    clean_card_points: int = 0
    ace_points: int = 0
    low_rounds_below_strokes: int = 0
    low_rounds_points: int = 0
    finish: tuple[tuple[int, int, int], ...] = ()


STABLEFORD = PointTables(holes=HoleTable(best_to_par=-4, points=(6, 5, 4, 3, 2, 1, 0)))
"""Rules of Golf, Rule 21.1b: two points for par, one more a stroke better, none from two over par on."""

DRAFTKINGS = PointTables(
    scale=2,
    # Double eagle or better 13, eagle 8, birdie 3, par 0.5, bogey -0.5, anything worse -1.
    holes=HoleTable(best_to_par=-3, points=(26, 16, 6, 1, -1, -2)),
    streak_holes=3,
    streak_points=6,
    clean_card_points=6,
    ace_points=10,
    low_rounds_below_strokes=70,
    low_rounds_points=10,
    finish=(
        (1, 1, 60),
        (2, 2, 40),
        (3, 3, 36),
        (4, 4, 32),
        (5, 5, 28),
        (6, 6, 24),
        (7, 7, 20),
        (8, 8, 18),
        (9, 9, 16),
        (10, 10, 14),
        (11, 15, 12),
        (16, 20, 10),
        (21, 25, 8),
        (26, 30, 6),
        (31, 40, 4),
        (41, 50, 2),
    ),
)
"""DraftKings' classic golf scoring, in half points."""


def tables_of(scoring: ScoringTerms) -> PointTables | None:
    """Return the point tables of a metric that values holes, or None for one that does not."""
    if scoring.metric == "draftkings":
        return DRAFTKINGS
    if scoring.metric != "stableford":
        return None
    if scoring.hole_points is None:
        return STABLEFORD
    rows = scoring.hole_points.table
    return PointTables(holes=HoleTable(best_to_par=rows[0].to_par, points=tuple(row.points for row in rows)))


def scale_of(scoring: ScoringTerms) -> int:
    """Return how many parts the metric's unit has: scores are kept as integers of such parts."""
    tables = tables_of(scoring)
    return 1 if tables is None else tables.scale


def needs_holes(scoring: ScoringTerms, ties: tuple[str, ...]) -> bool:
    """Tell whether these rules can only be applied to cards that say what each hole took."""
    aces = any(bonus.kind == "hole_in_one" for bonus in scoring.bonuses)
    return tables_of(scoring) is not None or aces or "birdies" in ties


def shown(scoring: ScoringTerms, score: int | None) -> int | float | None:
    """Return a score as people read it, in whole or half points; exact, because the parts are halves at most."""
    if score is None:
        return None
    whole, over = divmod(score, scale_of(scoring))
    return score / scale_of(scoring) if over else whole
