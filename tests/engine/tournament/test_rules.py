"""Every rule that real pools use is a key of the config, and each is checked (CFG-002, CFG-003, CFG-005)."""

import ast
from pathlib import Path
from typing import Any

import pytest

from cutline.engine.tournament import ConfigInvalid, canonical, from_canonical, warnings_of
from tests.engine.golf import tournament

CUTLINE = Path(__file__).parents[3] / "cutline"
TIERS = [
    {"name": "A", "pick": 1, "players": ["p1", "p2"]},
    {"name": "B", "pick": 2, "players": ["p3", "p4", "p5"]},
]
COSTS = {"p1": 9, "p2": 8, "p3": 7, "p4": 6, "p5": 5}
SALARY = {"cap": 20, "costs": COSTS}
POSITION = {"table": [{"from": 1, "to": 1, "points": 10**8}], "ties": "average"}
PLACES_90 = [{"from": 1, "to": 1, "percent": 90}]
FIXED_PRIZES = {"prizes.basis": "fixed", "prizes.places": [{"from": 1, "to": 1, "cents": 5000}]}

PLAYED: list[dict[str, Any]] = [
    {"roster.limits": [{"name": "top ten", "most": 2, "players": ["p1", "p2", "p3"]}]},
    {"roster.salary": SALARY},
    {"roster.salary": {**SALARY, "free_picks": 1}},
    {"roster.tiers": TIERS, "roster.substitutes": {"rule": "next_in_tier"}},
    {"roster.substitutes": {"rule": "next_in_ranking", "ranking": ["p1", "p2"]}},
    {"event.amateurs": ["p1"], "ties.order": ["owns_low_amateur"]},
    {"ties.order": ["winning_score_prediction", "prediction_not_over", "best_golfer", "second_golfer", "birdies"]},
    {"scoring.metric": "position_points", "scoring.position_points": POSITION},
    {"scoring.metric": "stableford", "scoring.direction": "high"},
    {"scoring.metric": "stableford", "scoring.hole_points": {"table": [{"to_par": -1, "points": 2}]}},
    {"scoring.metric": "draftkings", "scoring.direction": "high"},
    {"scoring.bonuses": [{"kind": kind, "value": -5} for kind in ("round_leader", "hole_in_one", "low_round")]},
    {"scoring.bonuses": [{"kind": "finish", "from": 21, "to": 30, "value": 2}]},
    {"scoring.not_played.missed_cut": {"rule": "worst_of_pool", "plus": 2}},
    {"scoring.not_played.missed_cut": {"rule": "average_of_played"}},
    {"scoring.not_played.withdrawn": {"rule": "as_played"}},
    {"prizes.places": PLACES_90, "prizes.daily": [{"round": 1, "percent": 5}, {"round": 4, "percent": 5}]},
    {**FIXED_PRIZES, "prizes.daily": [{"round": 2, "cents": 1000}]},
    {"shortened.incomplete_round": "ignore"},
]


def settled_causes(changes: dict[str, Any]) -> dict[str, Any]:
    if changes.get("scoring.metric") != "position_points":
        return changes
    return {
        "scoring.not_played": {cause: {"rule": "drop"} for cause in ("missed_cut", "withdrawn", "disqualified")}
    } | changes


@pytest.mark.parametrize("changes", PLAYED)
def test_every_rule_loads_and_is_in_the_canonical_text(changes: dict[str, Any]) -> None:
    """CFG-006: what decides is in what is hashed."""
    config = tournament(settled_causes(changes))
    assert from_canonical(canonical(config)) == config
    assert canonical(config) != canonical(tournament())


def test_what_says_nothing_changes_no_hash() -> None:
    empty: dict[str, Any] = {"event.amateurs": [], "roster.limits": [], "scoring.bonuses": [], "prizes.daily": []}
    assert canonical(tournament(empty)) == canonical(tournament())


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"event.amateurs": ["p1", "p1"]}, "event.amateurs[1]: p1: must be listed once"),
    (
        {"roster.limits": [{"name": "a", "most": 1, "players": ["p1"]}] * 2},
        "roster.limits[1].name: a: must differ from the other limits' names",
    ),
    (
        {"roster.limits": [{"name": "a", "most": -1, "players": ["p1"]}]},
        "roster.limits[0].most: -1: must be at least 0",
    ),
    (
        {"roster.limits": [{"name": "a", "most": 1, "players": ["p1", "p1"]}]},
        "roster.limits[0].players[1]: p1: must be listed once",
    ),
    (
        {"roster.salary": {**SALARY, "cap": 17}},
        "roster.salary.cap: 17: must be at least what the cheapest roster costs (18)",
    ),
    (
        {"roster.salary": {"cap": 9, "costs": {"p1": 1}}},
        "roster.salary.costs: 1 golfers: must give at least as many golfers a cost as roster.size (3)",
    ),
    ({"roster.salary": {**SALARY, "free_picks": 4}}, "roster.salary.free_picks: 4: must be at most roster.size (3)"),
    ({"roster.salary": {**SALARY, "costs": {"a b": 1}}}, "roster.salary.costs.a b.[key]: a b: must match"),
    (
        {"roster.tiers": [{"name": "A", "pick": 3, "players": ["p1", "p2", "p9"]}], "roster.salary": SALARY},
        "roster.salary.costs.p9: (missing): is required by roster.tiers[0]",
    ),
    (
        {"roster.substitutes": {"rule": "next_in_tier"}},
        "roster.substitutes.rule: next_in_tier: must not stand where there are no roster.tiers",
    ),
    (
        {"roster.tiers": TIERS, "roster.substitutes": {"rule": "next_in_tier", "ranking": ["p1"]}},
        "roster.substitutes.ranking: 1 golfers: must stand with next_in_ranking",
    ),
    (
        {"roster.substitutes": {"rule": "next_in_ranking"}},
        "roster.substitutes.ranking: (missing): is required by rule next_in_ranking",
    ),
    (
        {"roster.substitutes": {"rule": "next_in_ranking", "ranking": ["p1", "p1"]}},
        "roster.substitutes.ranking[1]: p1: must be listed once",
    ),
    ({"scoring.metric": "position_points"}, "scoring.position_points: (missing): is required by scoring.metric"),
    (
        {"scoring.metric": "position_points", "scoring.position_points": POSITION, "scoring.count_per": "round"},
        "scoring.count_per: round: must be event where scoring.metric is position_points",
    ),
    (
        {
            "scoring.metric": "position_points",
            "scoring.position_points": POSITION,
            "scoring.round_weights": [1, 1, 2, 1],
        },
        "scoring.round_weights: [1, 1, 2, 1]: must be 1 each where scoring.metric is position_points",
    ),
    (
        {"scoring.metric": "position_points", "scoring.position_points": POSITION},
        "scoring.not_played.missed_cut.rule: worst_of_day: must be another where scoring.metric is position_points",
    ),
    (
        {"scoring.not_played.missed_cut": {"rule": "made_cut_count"}},
        "scoring.not_played.missed_cut.rule: made_cut_count: must be another where scoring.metric is to_par",
    ),
    (
        {"scoring.not_played.missed_cut": {"rule": "as_played", "plus": 1}},
        "scoring.not_played.missed_cut.plus: 1: must not stand beside rule as_played",
    ),
    (
        {"scoring.hole_points": {"table": [{"to_par": 0, "points": 2}]}},
        "scoring.hole_points: a table: must not stand beside scoring.metric to_par",
    ),
    (
        {
            "scoring.metric": "stableford",
            "scoring.hole_points": {"table": [{"to_par": 0, "points": 2}, {"to_par": 2, "points": 0}]},
        },
        "scoring.hole_points.table[1].to_par: 2: must be 1: rows follow each other, the best first",
    ),
    ({"scoring.bonuses": [{"kind": "finish", "value": 1}]}, "scoring.bonuses[0]: finish: must say from and to"),
    (
        {"scoring.bonuses": [{"kind": "finish", "from": 2, "to": 1, "value": 1}]},
        "scoring.bonuses[0]: finish: must say from and to, in this order",
    ),
    (
        {"scoring.bonuses": [{"kind": "low_round", "from": 2, "to": 1, "value": 1}]},
        "scoring.bonuses[0].to: 1: must be at least from (2)",
    ),
    (
        {"scoring.bonuses": [{"kind": "low_round", "from": 5, "value": 1}]},
        "scoring.bonuses[0].from: 5: must be at most event.rounds (4)",
    ),
    ({"scoring.bonuses": [{"kind": "eagle", "value": 1}]}, "scoring.bonuses[0].kind: eagle: must be 'finish'"),
    ({"ties.order": ["birdies", "birdies"]}, "ties.order[1]: birdies: must be listed once"),
    (
        {"ties.order": ["prediction_not_over", "winning_score_prediction"]},
        "ties.order[0]: prediction_not_over: must follow winning_score_prediction",
    ),
    ({"ties.order": ["second_golfer"]}, "ties.order[0]: second_golfer: must follow best_golfer"),
    (
        {"ties.order": ["best_golfer", "second_golfer"], "roster.size": 1, "scoring.count_best": 1},
        "ties.order[1]: second_golfer: must not stand where roster.size is 1",
    ),
    ({"ties.order": ["owns_low_amateur"]}, "event.amateurs: (missing): is required by ties.order[0]"),
    (
        {"prizes.places": PLACES_90, "prizes.daily": [{"round": 5, "percent": 10}]},
        "prizes.daily[0].round: 5: must be at most event.rounds (4)",
    ),
    (
        {"prizes.places": PLACES_90, "prizes.daily": [{"round": 1, "percent": 5}] * 2},
        "prizes.daily[1].round: 1: must be listed once",
    ),
    (
        {"prizes.places": PLACES_90, "prizes.daily": [{"round": 1, "percent": 5}]},
        "prizes.places: 95 percent: must sum to 100, each place of a range and each day counted",
    ),
    ({"prizes.daily": [{"round": 1}]}, "prizes.daily[0].percent: (missing): is required by basis percent"),
    ({"prizes.daily": [{"round": 1, "cents": 5}]}, "prizes.daily[0].cents: 5: must not stand beside basis percent"),
    (
        {**FIXED_PRIZES, "prizes.daily": [{"round": 1, "cents": 10**6}]},
        "prizes.places: 1005000 cents: must be at most the largest net pot (95095 cents)",
    ),
    (
        {
            "scoring.metric": "position_points",
            "scoring.position_points": POSITION,
            "prizes.places": PLACES_90,
            "prizes.daily": [{"round": 1, "percent": 10}],
        },
        "prizes.daily: 1 rounds: must not stand beside scoring.metric position_points",
    ),
    ({"shortened.incomplete_round": "guess"}, "shortened.incomplete_round: guess: must be 'wait' or 'ignore'"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_a_rule_that_cannot_be_is_refused_with_path_value_and_what_would_be_right(
    changes: dict[str, Any], said: str
) -> None:
    """CFG-003."""
    with pytest.raises(ConfigInvalid) as refused:
        tournament(changes)
    assert any(str(fault).startswith(said) for fault in refused.value.faults), str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        # 1,001 cents: 5 % are 50; Stripe's 2.9 % are 29.03, rounded up 30, and 30 more: 60.
        ({}, ["entry.rake_percent: 5: takes 50 cents of an entry and Stripe about 60"]),
        ({"entry.rake_percent": 6}, []),
        (
            {"entry.rake_percent": None, "entry.rake_cents": 0},
            ["entry.rake_cents: 0: takes 0 cents of an entry and Stripe about 60"],
        ),
        ({"entry.fee_cents": 0}, []),
        (
            {"entry.rake_percent": 6, "entry.max_entries": 3},
            [],
        ),
        (
            {"entry.rake_percent": 6, "entry.max_entries": 2, "entry.max_entries_per_user": 2},
            ["prizes.places[2].to: 3: reaches beyond entry.max_entries (2): these places fold into the others"],
        ),
    ],
)
def test_what_is_allowed_and_doubtful_is_warned_about(changes: dict[str, Any], said: list[str]) -> None:
    """A rake that cannot fund Stripe's fees leaves transfers without money."""
    found = [str(warning) for warning in warnings_of(tournament(changes))]
    assert len(found) == len(said)
    for warning, start in zip(found, said, strict=True):
        assert warning.startswith(start)


RULES = (
    "engine/prizes.py",
    "engine/settlement.py",
    "engine/roster.py",
    "engine/scoring/matrix.py",
    "engine/scoring/matrix_golfers.py",
    "engine/scoring/plain.py",
    "engine/scoring/plain_golfers.py",
    "engine/scoring/rosters.py",
    "engine/scoring/standings.py",
)
NO_RULES = {0, 1, 2}
"""Indices, signs and axes; whatever a pool could want otherwise is larger, and stands in a config."""


def test_no_rule_number_stands_in_what_scores_and_divides() -> None:
    """CFG-002: beside powers of two, which bound integers, the only figures are those of a config or a point table."""
    for name in RULES:
        tree = ast.parse((CUTLINE / name).read_text())
        numbers = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is int}
        powers = {
            node.right.value
            for node in ast.walk(tree)
            if isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Pow)
            and isinstance(node.right, ast.Constant)
            and type(node.right.value) is int
        }
        known = NO_RULES | powers | ({10_000} if name == "engine/roster.py" else set())
        assert numbers <= known, (name, numbers - known)
        assert not any(isinstance(node, ast.Constant) and isinstance(node.value, float) for node in ast.walk(tree)), (
            name
        )
