"""Judge what an entry picks and predicts by the tournament's terms. It knows no entry's payment or owner."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.tournament.model import RosterTerms, Tournament

PREDICTION_MAX = 10_000
"""No winning score is further from zero; scorers count on predictions that fit their integers."""


def check_picks(
    tournament: Tournament,
    picks: Sequence[str],
    field: Collection[str] | None = None,
    tiebreak: int | None = None,
) -> Rejected | None:
    """Return why the picks are refused (ROSTER_INVALID with a `reason`), or None if they may play.

    `field` holds the player ids that the provider has published; None while no field is known. `tiebreak` is the
    prediction of the winning score: in strokes where the metric is strokes, else to par.
    """
    if tiebreak is not None and abs(tiebreak) > PREDICTION_MAX:
        return _refuse("prediction", most=PREDICTION_MAX)
    roster = tournament.roster
    if len(picks) != roster.size:
        return _refuse("size", expected=roster.size, picked=len(picks))
    repeated = sorted({pick for pick in picks if picks.count(pick) > 1})
    if repeated:
        return _refuse("repeated", players=repeated)
    if roster.tiers:
        tiered = {player for tier in roster.tiers for player in tier.players}
        strangers = sorted(set(picks) - tiered)
        if strangers:
            return _refuse("not_in_a_tier", players=strangers)
        for tier in roster.tiers:
            picked = len(set(picks) & set(tier.players))
            if picked != tier.pick:
                return _refuse("tier", tier=tier.name, expected=tier.pick, picked=picked)
    refused = _check_limits(roster, picks) or _check_salary(roster, picks)
    if refused is not None:
        return refused
    absent = sorted(set(picks) - set(field)) if field is not None else []
    if absent:
        return _refuse("not_in_the_field", players=absent)
    return None


def _check_limits(roster: RosterTerms, picks: Sequence[str]) -> Rejected | None:
    for limit in roster.limits:
        picked = len(set(picks) & set(limit.players))
        if picked > limit.most:
            return _refuse("limit", limit=limit.name, most=limit.most, picked=picked)
    return None


def _check_salary(roster: RosterTerms, picks: Sequence[str]) -> Rejected | None:
    salary = roster.salary
    if salary is None:
        return None
    unpriced = sorted(set(picks) - salary.costs.keys())
    if unpriced:
        return _refuse("without_a_salary", players=unpriced)
    dearest_first = sorted((salary.costs[pick] for pick in picks), reverse=True)
    spent = sum(dearest_first[salary.free_picks or 0 :])
    return _refuse("salary_cap", cap=salary.cap, spent=spent) if spent > salary.cap else None


def _refuse(reason: str, **details: object) -> Rejected:
    return Rejected(code=RejectCode.ROSTER_INVALID, details={"reason": reason, **details})
