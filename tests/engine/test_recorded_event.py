"""The recorded Masters 2026, read line by line, gives the scores of the real event (CFG-001, SET-013)."""

import csv
import gzip
import json
from pathlib import Path

from cutline.engine.contest.feed_state import board_of
from cutline.engine.feed_scoring import read_feed, score_feed
from cutline.engine.scoring.board import Board
from cutline.engine.tournament import load

FOLDER = Path(__file__).parents[2] / "config" / "tournaments"
CONFIG = (FOLDER / "masters-2026.toml").read_text()
FEED = gzip.decompress((FOLDER / "masters-2026.feed.jsonl.gz").read_bytes()).splitlines()
FACTS = FOLDER / "data" / "masters-2026" / "players.csv"


def real_board() -> Board:
    state, count = read_feed(load(CONFIG), FEED)
    assert (count.accepted, count.rejected, count.regressions) == (len(FEED), 0, 0)
    assert state.holds == {}
    return board_of(state)


def test_every_golfer_ends_as_he_did() -> None:
    cards = {card.player_id: card for card in real_board().cards}
    with FACTS.open() as facts:
        for row in csv.DictReader(facts):
            rounds = cards[row["player_id"]].rounds
            for card, key in zip(rounds, ("r1", "r2", "r3", "r4"), strict=False):
                assert str(card.strokes if card.thru else "") == row[key], row
            if row["to_par"]:
                assert sum(card.to_par for card in rounds) == int(row["to_par"]), row
    statuses = [card.status for card in cards.values()]
    assert {status: statuses.count(status) for status in set(statuses)} == {None: 54, "CUT": 37, "WD": 1}


def test_the_recording_scores_entries_and_pays_out_the_net_pot() -> None:
    tiers = load(CONFIG).roster.tiers
    entries = [
        {
            "entry_id": f"e{number:02d}",
            "picks": [
                tier.players[(number + pick * 7) % len(tier.players)] for tier in tiers for pick in range(tier.pick)
            ],
            "tiebreak": -number,
        }
        for number in range(30)
    ]
    report = score_feed(CONFIG, FEED, json.dumps(entries).encode())
    pot_cents = 30 * load(CONFIG).entry.fee_cents
    assert sum(row["prize_cents"] for row in report["standings"]) == pot_cents * 90 // 100
    assert {row["status"] for row in report["standings"]} == {"ranked", "cut"}
