"""Small configs, boards and payloads for the tests of the golf rules."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from cutline.engine.scoring.board import Board, Card, RoundCard
from cutline.engine.scoring.standings import Entry
from cutline.engine.tournament import Tournament, from_canonical

EVENT_ID = "7f3b0a52-open"

Cards = Mapping[str, tuple[str | None, list[tuple[int, int]]]]
"""A leaderboard in shorthand: status and (to par, thru) by round, by golfer."""

CONFIG: dict[str, Any] = {
    "schema": 1,
    "id": "small-open",
    "name": "Small Open",
    "currency": "usd",
    "event": {
        "provider_event_id": EVENT_ID,
        "rounds": 4,
        "cut_after_round": 2,
        "first_tee_at": "2026-04-09T11:40:00Z",
        "ends_at": "2026-04-13T00:00:00Z",
        "time_zone": "America/New_York",
    },
    "entry": {
        "fee_cents": 1001,
        "max_entries": 100,
        "max_entries_per_user": 3,
        "lock_at": "2026-04-09T11:40:00Z",
        "rake_percent": 5,
        "payment_minutes": 30,
    },
    "roster": {"size": 3, "tiers": []},
    "scoring": {
        "metric": "to_par",
        "count_best": 2,
        "count_per": "event",
        "direction": "low",
        "round_weights": [1, 1, 1, 1],
        "not_played": {
            "missed_cut": {"rule": "worst_of_day", "plus": 1},
            "withdrawn": {"rule": "drop"},
            "disqualified": {"rule": "fixed", "value": 10},
        },
        "entry_cut": {"min_made_cut": 2},
    },
    "ties": {"order": ["winning_score_prediction"]},
    "prizes": {
        "basis": "percent",
        "places": [
            {"from": 1, "to": 1, "percent": 50},
            {"from": 2, "to": 2, "percent": 30},
            {"from": 3, "to": 3, "percent": 20},
        ],
    },
    "settlement": {"hold_minutes": 30},
    "shortened": {"min_rounds": 2},
}

# To par by round. F misses the cut, G withdraws after 7 holes of round 2, H is disqualified before round 4.
CARDS: Cards = {
    "A": (None, [(-3, 18), (-2, 18), (-1, 18), (-4, 18)]),
    "B": (None, [(-1, 18), (-1, 18), (0, 18), (-2, 18)]),
    "C": (None, [(0, 18), (-2, 18), (1, 18), (-1, 18)]),
    "D": (None, [(1, 18), (0, 18), (-3, 18), (2, 18)]),
    "E": (None, [(2, 18), (1, 18), (3, 18), (0, 18)]),
    "F": ("CUT", [(4, 18), (5, 18)]),
    "G": ("WD", [(-2, 18), (1, 7)]),
    "H": ("DQ", [(0, 18), (0, 18), (-1, 18)]),
}

GOLDEN = (
    Entry(entry_id="e1", picks=("A", "F", "G"), tiebreak=-10),
    Entry(entry_id="e2", picks=("B", "C", "H")),
    Entry(entry_id="e3", picks=("A", "E", "G"), tiebreak=-9),
    Entry(entry_id="e4", picks=("A", "E", "F"), tiebreak=-11),
    Entry(entry_id="e5", picks=("B", "D", "E"), tiebreak=-9),
    Entry(entry_id="e6", picks=("F", "G", "H")),
)


def tournament(changes: dict[str, Any] | None = None) -> Tournament:
    """Build a config with some keys changed: `{"scoring.count_best": 1}`; None takes a key away."""
    keys = copy.deepcopy(CONFIG)
    for path, value in (changes or {}).items():
        *tables, last = path.split(".")
        table = keys
        for name in tables:
            table = table[name]
        if value is None:
            table.pop(last, None)
        else:
            table[last] = value
    return from_canonical(json.dumps(keys))


def board(cards: Cards = CARDS, status: str = "closed") -> Board:
    """Build a board from `{player: (status, [(to_par, thru), ...])}`."""
    return Board(
        event_status=status,
        cards=tuple(
            Card(
                player_id=player,
                status=player_status,
                rounds=tuple(
                    RoundCard(number=number, to_par=to_par, strokes=thru * 4 + to_par, thru=thru)
                    for number, (to_par, thru) in enumerate(rounds, start=1)
                ),
            )
            for player, (player_status, rounds) in sorted(cards.items())
        ),
    )


def payload(
    cards: Cards = CARDS,
    status: str = "closed",
    event_id: str = EVENT_ID,
) -> dict[str, Any]:
    """Build the provider's payload from the same shorthand, with keys beside those that are used."""
    return {
        "id": event_id,
        "name": "Small Open",
        "status": status,
        "purse": 1250000.5,
        "leaderboard": [
            {
                "id": player,
                "first_name": player,
                "last_name": "Golfer",
                "country": "NOWHERE",
                "position": place,
                "tied": False,
                "score": sum(to_par for to_par, _ in rounds),
                "strokes": sum(thru * 4 + to_par for to_par, thru in rounds),
                **({"status": player_status} if player_status else {}),
                "rounds": [
                    {"sequence": number, "score": to_par, "strokes": thru * 4 + to_par, "thru": thru, "birdies": 0}
                    for number, (to_par, thru) in enumerate(rounds, start=1)
                ],
            }
            for place, (player, (player_status, rounds)) in enumerate(cards.items(), start=1)
        ],
    }


def raw(document: Any) -> bytes:
    """Write a payload as the provider sends it."""
    return json.dumps(document).encode()
