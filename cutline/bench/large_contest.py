"""Makes the file of one large, locked contest from a seed, as its actor would have left it; it scores nothing.

The file has the contest's configuration, what it believes of the feed, and its packed rosters. The events of single
entries, which nobody reads to settle, are left out: a million of them take longer to write than all else here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cutline.engine import tournament as configs
from cutline.engine.canonical import sha256_hex
from cutline.engine.contest.changes import write_change
from cutline.engine.contest.events import ContestCreated, FeedApplied, RostersFrozen
from cutline.engine.contest.feed_events import EventStatusReported, FeedEvent, PlayerStatusReported, RoundScored
from cutline.engine.scoring.rosters import Rosters
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import KINDS
from cutline.storage.machines import rules_of
from cutline.storage.sqlite import open_writer

CONTEST_ID = "bench"
FIELD = 90
MADE_CUT = 54
ROSTER = 6
COUNT_BEST = 4
ROUNDS = 4
HOLES = 18
PAR = 72
AT = datetime(2026, 4, 12, 23, 0, tzinfo=UTC)
SEED = 20260412
ENTRIES_AT_ONCE = 50_000
PRIZES = (
    (1, 1, 120_000),
    (2, 2, 80_000),
    (3, 3, 50_000),
    (4, 4, 40_000),
    (5, 5, 25_000),
    (6, 10, 10_000),
    (11, 15, 7_500),
    (16, 25, 5_000),
    (26, 35, 3_500),
    (36, 40, 2_500),
    (41, 41, 1_000),
)
"""A real pool's table of 41 places, in cents; 501 entries at ten dollars covered it."""
ENTRIES_MIN = 501


def make_contest(path: Path, entries: int) -> None:
    """Write the contest's file with so many entries, at least ENTRIES_MIN."""
    kind, rules = KINDS["contest"], rules_of("contest")
    config = tournament(entries)
    chance = np.random.default_rng(SEED)
    changes = tuple(write_change(event) for event in _feed(chance))
    packed = _rosters(chance, entries).pack()
    created = ContestCreated(
        contest_id=CONTEST_ID,
        config_json=configs.canonical(config),
        config_sha256=configs.sha256(config),
        currency=config.currency,
        provider_event_id=config.event.provider_event_id,
        lock_at=config.entry.lock_at,
        first_tee_at=config.event.first_tee_at,
    )
    frozen = RostersFrozen(contest_id=CONTEST_ID, entries=entries, sha256=sha256_hex(packed), size=len(packed))
    applied = FeedApplied(first=0, changes=changes, polled_at=AT, head="0" * 64)
    with closing(open_writer(path, kind, create=True, now=AT)) as connection:
        log = EventLog(connection, kind)
        log.begin()
        for event in (created, frozen, applied):
            row = log.append(
                type=type(event).__name__, key=event.key, at=AT, cause="bench", payload=rules.codec.encode(event)
            )
            if isinstance(event, RostersFrozen):
                log.insert("rosters", [(frozen.sha256, frozen.entries, packed, row.seq)])
        log.commit()


def tournament(entries: int) -> configs.Tournament:
    """Return the contest's configuration: best four of six over the event, to par, ties by prediction."""
    drop = {"rule": "fixed", "value": 8}
    keys: dict[str, Any] = {
        "schema": 1,
        "id": CONTEST_ID,
        "name": "A large contest",
        "currency": "usd",
        "event": {
            "provider_event_id": "bench-event",
            "rounds": ROUNDS,
            "cut_after_round": 2,
            "first_tee_at": "2026-04-09T11:40:00Z",
            "ends_at": "2026-04-13T00:00:00Z",
            "time_zone": "America/New_York",
        },
        "entry": {
            "fee_cents": 1_000,
            "max_entries": entries,
            "max_entries_per_user": 3,
            "lock_at": "2026-04-09T11:40:00Z",
            "rake_percent": 0,
            "payment_minutes": 30,
        },
        "roster": {"size": ROSTER},
        "scoring": {
            "metric": "to_par",
            "count_best": COUNT_BEST,
            "count_per": "event",
            "direction": "low",
            "round_weights": [1] * ROUNDS,
            "not_played": {"missed_cut": drop, "withdrawn": drop, "disqualified": drop},
            "entry_cut": {"min_made_cut": 0},
        },
        "ties": {"order": ["winning_score_prediction"]},
        "prizes": {
            "basis": "fixed",
            "places": [{"from": first, "to": last, "cents": cents} for first, last, cents in PRIZES],
        },
        "settlement": {"hold_minutes": 30},
        "shortened": {"min_rounds": 2},
    }
    return configs.from_canonical(json.dumps(keys))


def _player(number: int) -> str:
    return f"{40_000_000 + number}"


def _feed(chance: np.random.Generator) -> Iterator[FeedEvent]:
    """Yield a finished event: rounds from five under to six over, a cut, nobody withdrawn."""
    for number in range(FIELD):
        rounds = ROUNDS if number < MADE_CUT else 2
        for played, to_par in enumerate(chance.integers(-5, 7, rounds).tolist(), start=1):
            yield RoundScored(
                player_id=_player(number),
                round=played,
                number=1,
                to_par=to_par,
                strokes=PAR + to_par,
                thru=HOLES,
                corrects=None,
                received_at=AT,
            )
        if number >= MADE_CUT:
            yield PlayerStatusReported(player_id=_player(number), number=1, status="CUT", corrects=None, received_at=AT)
    yield EventStatusReported(number=1, status="closed", corrects=None, received_at=AT)


def _rosters(chance: np.random.Generator, entries: int) -> Rosters:
    parts = []
    for first in range(0, entries, ENTRIES_AT_ONCE):
        draws = chance.random((min(ENTRIES_AT_ONCE, entries - first), FIELD))
        parts.append(np.argpartition(draws, ROSTER, axis=1)[:, :ROSTER].astype(np.uint16))
    # Ids look like UUIDs and are in order already, as rosters are packed.
    ids = [f"{number:08x}-0000-4000-8000-{number * 7_919 % 10**12:012d}" for number in range(entries)]
    return Rosters(
        entry_ids=ids,
        players=[_player(number) for number in range(FIELD)],
        picks=np.concatenate(parts),
        tiebreaks=chance.integers(-30, -5, entries).astype(np.int32),
    )
