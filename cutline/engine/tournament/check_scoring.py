"""The rules between the keys of a config's scoring, each with its path. It mends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cutline.engine.tournament.faults import MISSING, ConfigFault, fault
from cutline.engine.tournament.model import NotPlayedRule, PointsRow, PrizeRow, Tournament

WHOLE_EVENT = "position_points"
"""The metric that values a golfer once, by his place in the event, and no round of his."""
OF_ROUNDS = frozenset({"worst_of_day", "worst_of_pool", "average_of_played", "as_played"})
OF_EVENT = frozenset({"made_cut_count"})
TAKES_PLUS = frozenset({"worst_of_day", "worst_of_pool", "average_of_played", "made_cut_count"})


def scoring_faults(tournament: Tournament) -> Iterator[ConfigFault]:
    """Yield what contradicts itself in the scoring tables."""
    for check in (_counting, _tables, _not_played, _bonuses):
        yield from check(tournament)


def _counting(tournament: Tournament) -> Iterator[ConfigFault]:
    scoring, roster, event = tournament.scoring, tournament.roster, tournament.event
    if scoring.count_best > roster.size:
        yield fault("scoring.count_best", scoring.count_best, f"must be at most roster.size ({roster.size})")
    weights = list(scoring.round_weights)
    if len(weights) != event.rounds:
        yield fault("scoring.round_weights", weights, f"must have one weight a round ({event.rounds})")
    elif not any(weights):
        yield fault("scoring.round_weights", weights, "must have a weight above 0")
    least = scoring.entry_cut.min_made_cut
    if least > roster.size:
        yield fault("scoring.entry_cut.min_made_cut", least, f"must be at most roster.size ({roster.size})")
    if least and not event.cut_after_round:
        yield fault("scoring.entry_cut.min_made_cut", least, "must be 0 where event.cut_after_round is 0")
    if scoring.metric == WHOLE_EVENT:
        if scoring.count_per == "round":
            yield fault("scoring.count_per", "round", f"must be event where scoring.metric is {WHOLE_EVENT}")
        if set(weights) - {1}:
            yield fault("scoring.round_weights", weights, f"must be 1 each where scoring.metric is {WHOLE_EVENT}")


def _tables(tournament: Tournament) -> Iterator[ConfigFault]:
    scoring = tournament.scoring
    if scoring.metric == WHOLE_EVENT and scoring.position_points is None:
        yield fault("scoring.position_points", MISSING, f"is required by scoring.metric ({WHOLE_EVENT})")
    if scoring.position_points is not None:
        yield from contiguous_faults("scoring.position_points.table", scoring.position_points.table)
    if scoring.hole_points is None:
        return
    if scoring.metric != "stableford":
        yield fault("scoring.hole_points", "a table", f"must not stand beside scoring.metric {scoring.metric}")
    rows = scoring.hole_points.table
    for number, (row, after) in enumerate(pairwise(rows), start=1):
        if after.to_par != row.to_par + 1:
            right = f"must be {row.to_par + 1}: rows follow each other, the best first"
            yield fault(f"scoring.hole_points.table[{number}].to_par", after.to_par, right)


def contiguous_faults(path: str, rows: Sequence[PointsRow | PrizeRow]) -> Iterator[ConfigFault]:
    """Yield where ranges of places do not follow each other from the first on."""
    expected = 1
    for number, row in enumerate(rows):
        if row.first != expected:
            yield fault(f"{path}[{number}].from", row.first, f"must be {expected}: places follow each other from 1 on")
        if row.last < row.first:
            yield fault(f"{path}[{number}].to", row.last, f"must be at least from ({row.first})")
        expected = max(row.first, row.last) + 1


def _not_played(tournament: Tournament) -> Iterator[ConfigFault]:
    terms = tournament.scoring.not_played
    causes: dict[str, NotPlayedRule] = {
        "missed_cut": terms.missed_cut,
        "withdrawn": terms.withdrawn,
        "disqualified": terms.disqualified,
    }
    metric = tournament.scoring.metric
    for cause, rule in causes.items():
        path = f"scoring.not_played.{cause}"
        if rule.rule == "fixed" and rule.value is None:
            yield fault(f"{path}.value", MISSING, "is required by rule fixed")
        if rule.rule != "fixed" and rule.value is not None:
            yield fault(f"{path}.value", rule.value, f"must not stand beside rule {rule.rule}")
        if rule.rule not in TAKES_PLUS and rule.plus is not None:
            yield fault(f"{path}.plus", rule.plus, f"must not stand beside rule {rule.rule}")
        if rule.rule in (OF_ROUNDS if metric == WHOLE_EVENT else OF_EVENT):
            yield fault(f"{path}.rule", rule.rule, f"must be another where scoring.metric is {metric}")


def _bonuses(tournament: Tournament) -> Iterator[ConfigFault]:
    for number, bonus in enumerate(tournament.scoring.bonuses):
        path = f"scoring.bonuses[{number}]"
        backwards = bonus.first is not None and bonus.last is not None and bonus.last < bonus.first
        if bonus.kind == "finish" and (bonus.first is None or bonus.last is None or backwards):
            yield fault(path, bonus.kind, "must say from and to, in this order")
        elif backwards:
            yield fault(f"{path}.to", bonus.last, f"must be at least from ({bonus.first})")
        elif bonus.kind != "finish" and (bonus.first or 1) > tournament.event.rounds:
            yield fault(f"{path}.from", bonus.first, f"must be at most event.rounds ({tournament.event.rounds})")
