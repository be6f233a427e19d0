"""Turns the facts of a played tournament into a recorded feed, one snapshot a line. Serves nothing.

This makes the shipped recording again, byte for byte:

    cd config/tournaments
    python -m cutline.simulation.recording data/masters-2026 masters-2026.feed.jsonl.gz
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from cutline.simulation.facts import EventFacts, Facts, read_facts
from cutline.simulation.scoreboard import (
    CHANGE_ORDER,
    Change,
    EventStatusChanged,
    FieldRepeated,
    HoleSeen,
    PlayerWithdrew,
    RoundClosed,
    RoundOpened,
    Scoreboard,
)


def record(facts: Facts) -> Iterator[dict[str, Any]]:
    """Show the board at every moment at which it changed, oldest first; `generated_at` holds the time."""
    board = Scoreboard(facts)
    for at_utc, changes in timeline(facts):
        for change in changes:
            board.apply(change)
        yield board.snapshot(at_utc)


def timeline(facts: Facts) -> list[tuple[datetime, list[Change]]]:
    """List what changed when, oldest first, changes of one moment together and in order."""
    moments: defaultdict[datetime, list[Change]] = defaultdict(list)
    for at_utc, change in (*_before_play(facts.event), *_play(facts)):
        moments[at_utc].append(change)
    return [
        (at_utc, sorted(moments[at_utc], key=lambda change: CHANGE_ORDER.index(type(change))))
        for at_utc in sorted(moments)
    ]


def _before_play(event: EventFacts) -> Iterator[tuple[datetime, Change]]:
    at_utc = event.published_at_utc
    while at_utc < event.first_tee_at_utc:
        yield at_utc, FieldRepeated()
        at_utc += timedelta(days=1)
    for player_id, withdrawn_at_utc in event.withdrawn_at_utc.items():
        yield withdrawn_at_utc, PlayerWithdrew(player_id=player_id)


def _play(facts: Facts) -> Iterator[tuple[datetime, Change]]:
    event = facts.event
    yield event.first_tee_at_utc, EventStatusChanged(status="inprogress")
    for number in range(1, event.rounds + 1):
        results = [result for result in facts.holes if result.round_number == number]
        first_seen_utc = min(result.seen_at_utc for result in results)
        yield (event.first_tee_at_utc if number == 1 else first_seen_utc), RoundOpened(number=number)
        for result in results:
            yield result.seen_at_utc, HoleSeen(result=result)
        official_at_utc = max(result.seen_at_utc for result in results) + event.official_after
        yield official_at_utc, RoundClosed(number=number)
    yield official_at_utc, EventStatusChanged(status="complete")
    yield official_at_utc + event.closed_after, EventStatusChanged(status="closed")


def pack(snapshots: Iterable[dict[str, Any]]) -> bytes:
    """Write snapshots as gzipped JSON lines without name or time, so that equal input gives equal bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as lines:
        for snapshot in snapshots:
            lines.write(orjson.dumps(snapshot) + b"\n")
    return packed.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a recording from a folder of facts."""
    parser = argparse.ArgumentParser(prog="python -m cutline.simulation.recording", description=main.__doc__)
    parser.add_argument("facts", type=Path, help="folder with event.toml, players.csv and holes.csv.gz")
    parser.add_argument("recording", type=Path, help="the .feed.jsonl.gz file to write")
    chosen = parser.parse_args(arguments)
    packed = pack(record(read_facts(chosen.facts)))
    chosen.recording.write_bytes(packed)
    sys.stdout.write(f"{chosen.recording}: {len(packed)} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
