"""Writes the file of a contest that a crowd has entered, as its actor would have left it; it must not serve anybody.

Playing a hundred thousand entries through the engine takes minutes; their events, folded and projected by the same
rules and chained by the same log, take seconds.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson

from cutline.bench.measurement import BenchmarkFailed
from cutline.engine import tournament
from cutline.engine.bookkeeping import DeliveriesAcknowledged
from cutline.engine.contest.changes import write_change
from cutline.engine.contest.events import (
    ContestCreated,
    EntryActivated,
    EntryReserved,
    FeedApplied,
    StatusChanged,
)
from cutline.engine.contest.feed_state import FeedState, evolve
from cutline.engine.contest.ingestion import diff
from cutline.engine.contest.leaderboard import HOLES_A_ROUND, parse_snapshot
from cutline.engine.contest.lifecycle import Status, Trigger
from cutline.engine.decision import Event, Recorded, Rejected
from cutline.engine.tournament import Tournament
from cutline.storage.event_log import EventLog
from cutline.storage.files import DataRoot
from cutline.storage.machines import Folding, rules_of
from cutline.storage.sqlite import open_writer

ROWS_A_COMMIT = 20_000
PAR = 72
_NO_BLOBS: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A contest with many entries. `live`: locked and in its first round; otherwise open for entering."""

    contest_id: str
    tournament: Tournament
    entries: int
    live: bool
    seed: int = 1


def account_did(number: int) -> str:
    """Name the holder of an entry."""
    return f"did:crowd:{number}"


def entry_id(number: int) -> str:
    """Name an entry; the ids of a crowd are in no order, as those of real entries are."""
    return str(UUID(int=random.Random(f"entry:{number}").getrandbits(128)))  # noqa: S311 - names, no secrets


def write_crowd(root: DataRoot, crowd: Crowd, now: datetime) -> None:
    """Write the crowd's file under a root that no engine holds. Everything it owed counts as delivered."""
    write_contest(root, crowd.contest_id, _events(crowd, now), now)


def write_contest(
    root: DataRoot, contest_id: str, events: Iterable[Event], now: datetime, blobs: Mapping[str, bytes] = _NO_BLOBS
) -> None:
    """Append events to a contest's file, made if it is missing, with their rows; nothing of them stays owed.

    `blobs` are the bytes that lie beside the log, by the key of their event.
    """
    rules = rules_of("contest")
    path = root.path_of(f"contest/{contest_id}")
    with contextlib.closing(open_writer(path, rules.kind, create=True, now=now)) as connection:
        log = EventLog(connection, rules.kind)
        folding = Folding.of(rules)
        for entry in log.entries():
            folding.take(entry)
        for batch in _batches(events):
            log.begin()
            rows: dict[str, list[tuple[object, ...]]] = {}
            for event in batch:
                recorded = _append(log, folding, event, now)
                for table, row in rules.project(recorded, blobs.get(event.key)):
                    rows.setdefault(table, []).append(row)
            if folding.owed:
                _append(log, folding, DeliveriesAcknowledged(first=log.seq + 1, keys=tuple(folding.owed)), now)
            for table in rules.kind.tables:
                if table in rows:
                    log.insert(table, rows[table])
            log.commit()


def _append(log: EventLog, folding: Folding, event: Event, now: datetime) -> Recorded:
    payload = folding.rules.codec.encode(event)
    entry = log.append(type=type(event).__name__, key=event.key, at=now, cause="crowd", payload=payload)
    recorded = Recorded(seq=entry.seq, at=entry.at, cause=entry.cause, event=event, hash=entry.hash)
    folding.fold(recorded)
    return recorded


def _batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    for event in events:
        batch.append(event)
        if len(batch) == ROWS_A_COMMIT:
            yield batch
            batch = []
    yield batch


def _events(crowd: Crowd, now: datetime) -> Iterator[Event]:
    config = crowd.tournament
    yield ContestCreated(
        contest_id=crowd.contest_id,
        config_json=tournament.canonical(config),
        config_sha256=tournament.sha256(config),
        currency=config.currency,
        provider_event_id=config.event.provider_event_id,
        lock_at=config.entry.lock_at,
        first_tee_at=config.event.first_tee_at,
    )
    for number in range(crowd.entries):
        yield from _entry(crowd, number, now)
    if crowd.live:
        yield from _first_round(crowd, now)


def _entry(crowd: Crowd, number: int, now: datetime) -> Iterator[Event]:
    config, chance = crowd.tournament, random.Random(f"{crowd.seed}:{number}:picks")  # noqa: S311 - a seeded crowd
    fee = {
        "contest_id": crowd.contest_id,
        "entry_id": entry_id(number),
        "account_did": account_did(number),
        "currency": config.currency,
    }
    picks = tuple(player for tier in config.roster.tiers for player in chance.sample(list(tier.players), tier.pick))
    yield EntryReserved(
        **fee,
        picks=picks,
        tiebreak=chance.randint(-20, 5),
        fee_cents=config.entry.fee_cents,
        expires_at=now + timedelta(minutes=config.entry.payment_minutes),
    )
    yield EntryActivated(**fee, amount_cents=config.entry.fee_cents, payment_intent=f"pi_crowd_{number}")


def _first_round(crowd: Crowd, now: datetime) -> Iterator[Event]:
    feed = FeedState()
    published = _believed(crowd, feed, 0, "scheduled", {}, now)
    yield published
    yield _changed(1, Status.SCHEDULED, Status.LOCKED, Trigger.LOCK_TIME)
    yield _changed(2, Status.LOCKED, Status.LIVE, Trigger.START)
    chance = random.Random(f"{crowd.seed}:scores")  # noqa: S311 - a seeded crowd
    scores = {player: chance.randint(-6, 8) for player in golfers(crowd.tournament)}
    yield _believed(crowd, feed, len(published.changes), "inprogress", scores, now)


def golfers(config: Tournament) -> Sequence[str]:
    """Return every golfer who can be picked, by id."""
    return sorted({player for tier in config.roster.tiers for player in tier.players})


def _believed(
    crowd: Crowd, feed: FeedState, first: int, status: str, scores: Mapping[str, int], now: datetime
) -> FeedApplied:
    """Return the changes, numbered from `first`, that a leaderboard means after those before; `feed` is moved on."""
    event_id = crowd.tournament.event.provider_event_id
    lines = [_line(player, scores.get(player)) for player in golfers(crowd.tournament)]
    served = orjson.dumps({"id": event_id, "status": status, "leaderboard": lines})
    snapshot = parse_snapshot(served, event_id)
    if isinstance(snapshot, Rejected):
        raise BenchmarkFailed(f"the crowd's own leaderboard is refused: {snapshot.details}")
    changes = diff(feed, snapshot, now)
    for change in changes:
        evolve(feed, change)
    written = tuple(write_change(change) for change in changes)
    return FeedApplied(first=first, changes=written, polled_at=now, head=f"crowd-{status}")


def _line(player_id: str, to_par: int | None) -> dict[str, Any]:
    played = {"sequence": 1, "score": to_par, "strokes": PAR + (to_par or 0), "thru": HOLES_A_ROUND}
    rounds = [] if to_par is None else [played]
    return {"id": player_id, "first_name": "Golfer", "last_name": player_id[:8], "rounds": rounds}


def _changed(number: int, before: Status, after: Status, trigger: Trigger) -> StatusChanged:
    return StatusChanged(
        number=number, from_status=before, to_status=after, trigger=trigger, actor="scheduler", reason=trigger.value
    )
