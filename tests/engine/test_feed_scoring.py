"""Scoring a recorded feed from the contents of three files, as `cutline score` does."""

import json
from typing import Any

import pytest

from cutline.engine.errors import RejectCode
from cutline.engine.feed_scoring import ScoreInputInvalid, score_feed
from cutline.engine.scoring.standings import Entry
from cutline.engine.settlement import SettlementInput, SettlementResult, settle
from cutline.engine.tournament import ConfigInvalid, canonical, load
from tests.engine.golf import CARDS, GOLDEN, Cards, board, payload, raw

CONFIG = """
schema = 1
id = "small-open"
name = "Small Open"
currency = "usd"
[event]
provider_event_id = "7f3b0a52-open"
rounds = 4
cut_after_round = 2
first_tee_at = 2026-04-09T07:40:00-04:00
ends_at = 2026-04-12T20:00:00-04:00
time_zone = "America/New_York"
[entry]
fee_cents = 1001
max_entries = 100
max_entries_per_user = 3
lock_at = 2026-04-09T07:40:00-04:00
rake_percent = 5
payment_minutes = 30
[roster]
size = 3
[scoring]
metric = "to_par"
count_best = 2
count_per = "event"
direction = "low"
round_weights = [1, 1, 1, 1]
[scoring.not_played]
missed_cut = { rule = "worst_of_day", plus = 1 }
withdrawn = { rule = "drop" }
disqualified = { rule = "fixed", value = 10 }
[scoring.entry_cut]
min_made_cut = 2
[ties]
order = ["winning_score_prediction"]
[prizes]
basis = "percent"
places = [{ from = 1, to = 1, percent = 50 }, { from = 2, to = 2, percent = 30 }, { from = 3, to = 3, percent = 20 }]
[settlement]
hold_minutes = 30
[shortened]
min_rounds = 2
"""

FIELD: Cards = {player: (None, []) for player in CARDS}
FIRST_DAY: Cards = {player: (None, rounds[:1]) for player, (_, rounds) in CARDS.items()}
CUT_DAY: Cards = {
    player: (status if status in ("CUT", "WD") else None, rounds[:2]) for player, (status, rounds) in CARDS.items()
}
FEED = [
    raw(payload(FIELD, "scheduled")),
    raw(payload(FIRST_DAY, "inprogress")),
    raw(payload(CUT_DAY, "inprogress")),
    raw(payload(CARDS, "complete")),
]


def entries_json(entries: Any = GOLDEN) -> bytes:
    lines = [{"entry_id": entry.entry_id, "picks": list(entry.picks)} for entry in entries]
    for line, entry in zip(lines, entries, strict=True):
        if entry.tiebreak is not None:
            line["tiebreak"] = entry.tiebreak
    return json.dumps(lines).encode()


def test_a_feed_is_scored_in_the_shape_that_the_command_prints() -> None:
    report = score_feed(CONFIG, FEED, entries_json())
    assert list(report) == ["standings", "result_sha256", "feed"]
    assert report["standings"][:3] == [
        {"rank": 1, "entry_id": "e2", "status": "ranked", "score": -6, "prize_cents": 2854},
        {"rank": 2, "entry_id": "e3", "status": "ranked", "score": -4, "prize_cents": 951},
        {"rank": 2, "entry_id": "e4", "status": "ranked", "score": -4, "prize_cents": 951},
    ]
    assert report["standings"][5] == {
        "rank": 6,
        "entry_id": "e6",
        "status": "cut",
        "score": 25,
        "prize_cents": 0,
    }
    assert report["feed"] == {"snapshots": 4, "accepted": 4, "regressions": 0, "rejected": 0}
    json.dumps(report)


def test_the_result_is_the_one_that_the_contest_settles_to() -> None:
    config = canonical(load(CONFIG))
    settled = settle(SettlementInput(contest_id="c", config_json=config, board=board(), entries=GOLDEN))
    assert isinstance(settled, SettlementResult)
    assert score_feed(CONFIG, FEED, entries_json())["result_sha256"] == settled.result_sha256


def test_order_of_entries_blank_lines_and_repeated_snapshots_change_nothing() -> None:
    again = score_feed(CONFIG, [*FEED, b"\n", FEED[-1]], entries_json(GOLDEN[::-1]))
    first = score_feed(CONFIG, FEED, entries_json())
    assert (again["standings"], again["result_sha256"]) == (first["standings"], first["result_sha256"])
    assert again["feed"]["snapshots"] == 5


def test_lies_of_the_feed_are_counted_and_change_nothing() -> None:
    """FAULTS F2, F5, F9; ING-022; an older round served again, half a field, marks lost, and what is no leaderboard."""
    marks_lost: Cards = {player: (None, rounds) for player, (_, rounds) in CARDS.items()}
    half: Cards = {player: card for player, card in CARDS.items() if player in "ABC"}
    lies = [
        *FEED[:3],
        FEED[1],
        b"<html>",
        *FEED[3:],
        raw(payload(event_id="another")),
        raw(payload(half, "complete")),
        raw(payload(marks_lost, "complete")),
        FEED[2],
        b'{"id": NaN}',
    ]
    report = score_feed(CONFIG, lies, entries_json())
    assert report["result_sha256"] == score_feed(CONFIG, FEED, entries_json())["result_sha256"]
    assert report["feed"] == {"snapshots": 11, "accepted": 8, "regressions": 4, "rejected": 3}


def test_a_correction_that_stands_is_scored() -> None:
    corrected: Cards = {**CARDS, "E": (None, [(2, 18), (1, 18), (3, 18), (-1, 18)])}
    report = score_feed(CONFIG, [*FEED, *[raw(payload(corrected, "complete"))] * 3], entries_json())
    assert [row["score"] for row in report["standings"] if row["entry_id"] == "e3"] == [-5]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (b"{}", RejectCode.REQUEST_INVALID),
        (b"not json", RejectCode.REQUEST_INVALID),
        (b'[{"entry_id": "a"}]', RejectCode.REQUEST_INVALID),
        (b'[{"entry_id": "a", "picks": ["A", "B", "C"], "odds": 3}]', RejectCode.REQUEST_INVALID),
        (b'[{"entry_id": "a", "picks": ["A", "B", "C"], "tiebreak": 1.5}]', RejectCode.REQUEST_INVALID),
        (b'[{"entry_id": "a", "picks": ["A", "B", "C"], "tiebreak": 99999999999}]', RejectCode.ROSTER_INVALID),
        (
            b'[{"entry_id": "a", "picks": ["A", "B", "C"]}, {"entry_id": "a", "picks": ["A", "B", "D"]}]',
            RejectCode.REQUEST_INVALID,
        ),
        (b'[{"entry_id": "a", "picks": ["A", "B"]}]', RejectCode.ROSTER_INVALID),
        (b'[{"entry_id": "a", "picks": ["A", "B", "B"]}]', RejectCode.ROSTER_INVALID),
        (b'[{"entry_id": "a", "picks": ["A", "B", "Nobody"]}]', RejectCode.ROSTER_INVALID),
    ],
)
def test_entries_that_cannot_play_are_refused_by_name(entries: bytes, code: RejectCode) -> None:
    with pytest.raises(ScoreInputInvalid) as refused:
        score_feed(CONFIG, FEED, entries)
    assert refused.value.code is code


@pytest.mark.parametrize("feed", [[], [b"\n"], [b"{}"], [raw(payload(event_id="another"))]])
def test_a_feed_without_one_good_snapshot_is_refused(feed: list[bytes]) -> None:
    with pytest.raises(ScoreInputInvalid, match="no snapshot of the event was accepted"):
        score_feed(CONFIG, feed, entries_json())


def test_prizes_beyond_the_pot_are_refused() -> None:
    text = CONFIG.replace('"percent"', '"fixed"')
    for percent in (50, 30, 20):
        text = text.replace(f"percent = {percent} ", "cents = 9000 ")
    with pytest.raises(ScoreInputInvalid, match="POT_SHORT"):
        score_feed(text, FEED, entries_json())


def test_a_bad_config_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ConfigInvalid, match=r"scoring\.count_best: 4: must be at most roster\.size \(3\)"):
        score_feed(CONFIG.replace("count_best = 2", "count_best = 4"), FEED, b"")


def with_holes(cards: Cards) -> bytes:
    """Serve the holes as well: par 4 each, the strokes to par taken on the first ones."""
    document = payload(cards, "complete")
    for golfer in document["leaderboard"]:
        for served in golfer["rounds"]:
            over = [4 + (1 if served["score"] > 0 else -1) * (hole < abs(served["score"])) for hole in range(18)]
            served["scores"] = [
                {"number": hole + 1, "par": 4, "strokes": strokes, "yardage": 400} for hole, strokes in enumerate(over)
            ][: served["thru"]]
    return raw(document)


def test_points_of_halves_are_shown_as_points() -> None:
    """The metric of half points is scored in halves and shown in points; a whole number stays one.

    A: rounds of -3, -2, -1, -4 in birdies from the first hole on, else par: 10 birdies 30, 62 pars 31; streaks of 3 in
    R1 and R4 6; four cards without a bogey 12; finish first 30; rounds of 69, 70, 71, 68 are not all under 70: 109.
    C: 0, -2, +1, -1: 3 birdies 9, 1 bogey -0.5, 68 pars 34; three clean cards 9; finish third (-2) 18: 69.5.
    """
    config = CONFIG.replace('"to_par"', '"draftkings"').replace('direction = "low"', 'direction = "high"')
    config = config.replace("min_made_cut = 2", "min_made_cut = 0").replace("count_best = 2", "count_best = 1")
    entries = [Entry(entry_id="a", picks=("A", "G", "F")), Entry(entry_id="c", picks=("C", "G", "E"))]
    report = score_feed(config, [*FEED[:1], with_holes(CARDS)], entries_json(entries))
    assert [(row["entry_id"], row["score"]) for row in report["standings"]] == [("a", 109), ("c", 69.5)]
    assert isinstance(report["standings"][0]["score"], int)


def test_a_feed_that_does_not_serve_holes_cannot_be_scored_by_holes() -> None:
    """FAULTS F2: missing is not zero."""
    config = CONFIG.replace('"to_par"', '"stableford"')
    with pytest.raises(ScoreInputInvalid, match="rounds without hole results"):
        score_feed(config, FEED, entries_json())
