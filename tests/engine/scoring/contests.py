"""Random contests for the scorers: every rule of a config, every state of a board, with holes and play-offs."""

from typing import Any

from hypothesis import strategies as st

from cutline.engine.scoring.board import HOLES_A_ROUND, Board, Card, HoleResult, RoundCard
from cutline.engine.scoring.standings import Entry
from cutline.engine.tournament import Tournament
from tests.engine.golf import tournament

PLAYERS = "ABCDEFGHIJKL"
ON_BOARD = "ABCDEFGHIJ"
CAUSES = ("missed_cut", "withdrawn", "disqualified")
SIMPLE_TIES = ("best_golfer", "owns_champion", "owns_low_amateur", "birdies", "winning_score_prediction")


def not_played(metric: str) -> st.SearchStrategy[dict[str, Any]]:
    plus = st.integers(0, 3)
    fixed = st.integers(-3, 80).map(lambda number: {"rule": "fixed", "value": number})
    always = [st.just({"rule": "drop"}), fixed]
    if metric == "position_points":
        return st.one_of(*always, plus.map(lambda number: {"rule": "made_cut_count", "plus": number}))
    found = st.sampled_from(["worst_of_day", "worst_of_pool", "average_of_played"])
    return st.one_of(
        *always,
        st.tuples(found, plus).map(lambda pair: {"rule": pair[0], "plus": pair[1]}),
        st.just({"rule": "as_played"}),
    )


def bonuses() -> st.SearchStrategy[list[dict[str, Any]]]:
    place = st.integers(1, 4)
    finish = st.tuples(place, place, st.integers(-5, 5)).map(
        lambda row: {"kind": "finish", "from": min(row[:2]), "to": max(row[:2]), "value": row[2]}
    )
    kinds = st.sampled_from(["round_leader", "hole_in_one", "low_round"])
    in_any = st.tuples(kinds, st.integers(-5, 5)).map(lambda row: {"kind": row[0], "value": row[1]})
    in_some = st.tuples(kinds, place, st.integers(-5, 5)).map(
        lambda row: {"kind": row[0], "from": row[1], "to": 4, "value": row[2]}
    )
    return st.lists(finish | in_any | in_some, max_size=3)


@st.composite
def tie_orders(draw: st.DrawFn, size: int) -> list[str]:
    order = draw(st.lists(st.sampled_from(SIMPLE_TIES), unique=True, max_size=4))
    if "winning_score_prediction" in order and draw(st.booleans()):
        order.append("prediction_not_over")
    if "best_golfer" in order and size > 1 and draw(st.booleans()):
        order.append("second_golfer")
    return order


@st.composite
def scoring_rules(draw: st.DrawFn, size: int) -> dict[str, Any]:
    metric = draw(st.sampled_from(["to_par", "strokes", "position_points", "stableford", "draftkings"]))
    by_place = metric == "position_points"
    weights = st.lists(st.integers(0, 4), min_size=4, max_size=4).filter(any)
    rules: dict[str, Any] = {
        "scoring.metric": metric,
        "scoring.count_best": draw(st.integers(1, size)),
        "scoring.count_per": "event" if by_place else draw(st.sampled_from(["event", "round"])),
        "scoring.direction": draw(st.sampled_from(["low", "high"])),
        "scoring.round_weights": [1, 1, 1, 1] if by_place else draw(weights),
        "scoring.not_played": {cause: draw(not_played(metric)) for cause in CAUSES},
        "scoring.bonuses": draw(bonuses()),
    }
    if by_place:
        table = [{"from": 1, "to": 1, "points": 100}, {"from": 2, "to": 4, "points": draw(st.integers(-9, 90))}]
        rules["scoring.position_points"] = {"table": table, "ties": draw(st.sampled_from(["full", "average"]))}
    if metric == "stableford" and draw(st.booleans()):
        points = draw(st.lists(st.integers(-5, 9), min_size=1, max_size=5))
        rows = [{"to_par": number - 2, "points": each} for number, each in enumerate(points)]
        rules["scoring.hole_points"] = {"table": rows}
    return rules


@st.composite
def roster_rules(draw: st.DrawFn, size: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["none", "none", "next_in_ranking", "next_in_tier"]))
    if kind == "none":
        return {}
    order = draw(st.permutations(list(PLAYERS)))
    if kind == "next_in_ranking":
        ranking = order[: draw(st.integers(1, len(order)))]
        return {"roster.substitutes": {"rule": kind, "ranking": ranking}}
    first = draw(st.integers(1, size))
    tiers = [{"name": "one", "pick": first, "players": order[:6]}]
    if first < size:
        tiers.append({"name": "two", "pick": size - first, "players": order[6:]})
    return {"roster.tiers": tiers, "roster.substitutes": {"rule": kind}}


@st.composite
def configs(draw: st.DrawFn) -> Tournament:
    size = draw(st.integers(1, 5))
    cut_after = draw(st.integers(0, 3))
    scoring = draw(scoring_rules(size))
    changes = {
        "event.cut_after_round": cut_after,
        "event.amateurs": draw(st.lists(st.sampled_from(PLAYERS), unique=True, min_size=1, max_size=3)),
        "roster.size": size,
        "scoring.entry_cut": {"min_made_cut": draw(st.integers(0, size)) if cut_after else 0},
        "ties.order": draw(tie_orders(size)),
        **scoring,
        **draw(roster_rules(size)),
    }
    if draw(st.booleans()):
        changes["shortened.incomplete_round"] = "ignore"
    if scoring["scoring.metric"] != "position_points" and draw(st.booleans()):
        changes["prizes.places"] = [{"from": 1, "to": 1, "percent": 80}]
        changes["prizes.daily"] = [{"round": number, "percent": 10} for number in draw(st.permutations([1, 2, 3]))[:2]]
    return tournament(changes)


@st.composite
def holes(draw: st.DrawFn, thru: int) -> tuple[HoleResult, ...]:
    start = draw(st.sampled_from([1, 10]))
    numbers = [(start - 1 + step) % HOLES_A_ROUND + 1 for step in range(thru)]
    par = draw(st.sampled_from([3, 4, 5]))
    strokes = draw(st.lists(st.sampled_from([1, 2, 2, 3, 3, 4, 4, 4, 5, 7, 9]), min_size=thru, max_size=thru))
    return tuple((number, par, taken) for number, taken in zip(numbers, strokes, strict=True))


@st.composite
def cards_of(draw: st.DrawFn, player: str) -> Card:
    rounds = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        thru = draw(st.sampled_from([18, 18, 18, 9, 0]))
        results = draw(holes(thru)) if draw(st.integers(0, 4)) else None
        if results is None:
            to_par = draw(st.integers(-2, 2)) if thru else 0
            strokes = thru * 4 + to_par
        else:
            strokes = sum(taken for _, _, taken in results)
            to_par = strokes - sum(par for _, par, _ in results)
        rounds.append(RoundCard(number=number, to_par=to_par, strokes=strokes, thru=thru, holes=results))
    return Card(
        player_id=player,
        status=draw(st.sampled_from([None, None, None, "CUT", "WD", "DQ", "MDF"])),
        rounds=tuple(rounds),
        playoff=draw(st.sampled_from([None, None, 1, 2])),
    )


@st.composite
def boards(draw: st.DrawFn) -> Board:
    players = sorted(draw(st.lists(st.sampled_from(ON_BOARD), unique=True, max_size=10)))
    return Board(
        event_status=draw(st.sampled_from(["inprogress", "closed"])),
        cards=tuple(draw(cards_of(player)) for player in players),
    )


@st.composite
def contests(draw: st.DrawFn) -> tuple[Tournament, Board, list[Entry]]:
    config = draw(configs())
    size = config.roster.size
    picks = st.lists(st.sampled_from(PLAYERS), unique=True, min_size=size, max_size=size)
    ids = draw(st.lists(st.integers(0, 999), unique=True, max_size=20))
    tiebreaks = st.none() | st.integers(-12, 12) | st.integers(140, 300)
    entries = [Entry(entry_id=f"e{number}", picks=tuple(draw(picks)), tiebreak=draw(tiebreaks)) for number in ids]
    return config, draw(boards()), entries
