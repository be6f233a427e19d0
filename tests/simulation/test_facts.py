"""Facts that contradict themselves are refused by name; nothing is mended in silence (ING-004)."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from cutline.simulation.facts import FactsInvalid, read_facts
from cutline.simulation.recording import record

EVENT = """
id = "6f1d1c4e-0d4f-5a53-9a5f-0a3c8b1f6c01"
name = "Two Day Open"
tour = "pga"
season_year = 2026
course_timezone = "UTC"
currency = "USD"
start_date = "2026-05-02"
end_date = "2026-05-03"
rounds = 2
cut_round = 1
pars = [4, 5, 4, 3, 4, 3, 4, 5, 4, 4, 4, 3, 5, 4, 5, 3, 4, 4]
published_at = 2026-05-01T08:00:00Z
first_tee_at = 2026-05-02T08:00:00Z
official_after_minutes = 5
closed_after_minutes = 60
[[withdrawals]]
player_id = "3"
known_at = 2026-05-01T12:00:00Z
"""
PLAYERS = [
    "player_id,name,status,position,r1,r2,r3,r4,total,to_par",
    "1,Si Woo Player,active,,74,72,,,146,2",
    "2,Second Player,cut,,72,,,,72,0",
    "3,Third Player,wd,,,,,,0,0",
]
PARS = (4, 5, 4, 3, 4, 3, 4, 5, 4, 4, 4, 3, 5, 4, 5, 3, 4, 4)
HOLES = [
    "seen_at,player_id,round,hole,strokes",
    *(f"2026-05-02T12:00:00Z,1,1,{hole},{par}" for hole, par in enumerate(PARS, start=1)),
    *(f"2026-05-02T12:00:00Z,2,1,{hole},{par}" for hole, par in enumerate(PARS, start=1)),
    *(f"2026-05-03T12:00:00Z,1,2,{hole},{par}" for hole, par in enumerate(PARS, start=1)),
]


def written(folder: Path, event: str, players: list[str], holes: list[str]) -> Path:
    (folder / "event.toml").write_text(event, encoding="utf-8")
    (folder / "players.csv").write_text("\n".join(players) + "\n", encoding="utf-8")
    (folder / "holes.csv.gz").write_bytes(gzip.compress(("\n".join(holes) + "\n").encode()))
    return folder


def test_a_capped_hole_gives_way_to_the_true_total_when_the_round_is_in(tmp_path: Path) -> None:
    # Golfer 1's holes add up to 72, since one was capped, but the round was a 74.
    snapshots = list(record(read_facts(written(tmp_path, EVENT, PLAYERS, HOLES))))
    final = {row["id"]: row for row in snapshots[-1]["leaderboard"]}
    assert [(card["strokes"], card["score"]) for card in final["1"]["rounds"]] == [(74, 2), (72, 0)]
    assert (final["1"]["strokes"], final["1"]["score"]) == (146, 2)
    assert (final["1"]["first_name"], final["1"]["last_name"]) == ("Si Woo", "Player")


def changed(lines: list[str], old: str, new: str) -> list[str]:
    text = "\n".join(lines)
    assert old in text
    return text.replace(old, new, 1).split("\n")


CONTRADICTIONS: list[tuple[str, Callable[[], tuple[str, list[str], list[str]]], str]] = [
    ("no offset", lambda: (EVENT.replace("T08:00:00Z", "T08:00:00", 1), PLAYERS, HOLES), "needs an offset"),
    ("status", lambda: (EVENT, changed(PLAYERS, "active", "resting"), HOLES), "player 1: unknown status"),
    ("one round", lambda: (EVENT, changed(PLAYERS, "74,72", "74,"), HOLES), "player 1: active but played 1"),
    (
        "cut late",
        lambda: (EVENT, changed(PLAYERS, "cut,,72,", "cut,,72,70"), HOLES),
        "player 2: cut but played 2",
    ),
    ("no time", lambda: (EVENT.partition("[[")[0], PLAYERS, HOLES), "player 3: withdrawals"),
    (
        "stranger",
        lambda: (EVENT, PLAYERS, [*HOLES, "2026-05-03T12:00:00Z,9,1,1,4"]),
        "player 9: not in the field",
    ),
    ("twice", lambda: (EVENT, PLAYERS, [*HOLES, HOLES[1]]), "player 1: round 1 hole 1 is listed twice"),
    ("hole 19", lambda: (EVENT, PLAYERS, [*HOLES, "2026-05-03T12:00:00Z,1,1,19,4"]), "player 1: hole 19"),
    ("no strokes", lambda: (EVENT, PLAYERS, changed(HOLES, "1,1,1,4", "1,1,1,0")), "hole 1 in 0 strokes"),
    ("a hole short", lambda: (EVENT, PLAYERS, HOLES[:-1]), "do not cover"),
    (
        "too many",
        lambda: (EVENT, changed(PLAYERS, "74,72", "71,72"), HOLES),
        "player 1: round 1 holes add up",
    ),
]


@pytest.mark.parametrize(
    ("facts", "message"), [case[1:] for case in CONTRADICTIONS], ids=[c[0] for c in CONTRADICTIONS]
)
def test_contradictions_are_refused(
    tmp_path: Path, facts: Callable[[], tuple[str, list[str], list[str]]], message: str
) -> None:
    with pytest.raises(FactsInvalid, match=message):
        read_facts(written(tmp_path, *facts()))
