"""Reads what is known of a played tournament: its frame, field and holes. Makes up and mends nothing."""

from __future__ import annotations

import csv
import gzip
import io
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

HOLES_A_ROUND = 18

Fate = Literal["active", "cut", "wd"]


class FactsInvalid(ValueError):
    """The tables contradict each other or themselves; the message names the golfer and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleResult:
    """One hole of one golfer, and when the provider first showed it."""

    seen_at_utc: datetime
    player_id: str
    round_number: int
    hole: int
    strokes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Golfer:
    """One row of the field with its final state; `round_strokes` holds the played rounds, in order."""

    player_id: str
    first_name: str
    last_name: str
    fate: Fate
    round_strokes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """The frame of a tournament: who, where, when and over which course."""

    event_id: str
    name: str
    tour: str
    season_year: int
    course_timezone: str
    currency: str
    start_date: str
    end_date: str
    rounds: int
    cut_round: int
    pars: tuple[int, ...]
    published_at_utc: datetime
    first_tee_at_utc: datetime
    official_after: timedelta
    closed_after: timedelta
    withdrawn_at_utc: Mapping[str, datetime]

    @property
    def par(self) -> int:
        """Par of one round, in strokes."""
        return sum(self.pars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the converter may use."""

    event: EventFacts
    golfers: Mapping[str, Golfer]
    holes: tuple[HoleResult, ...]


def read_facts(folder: Path) -> Facts:
    """Read `event.toml`, `players.csv` and `holes.csv.gz` of one tournament; check each against the others.

    Hole results worse than triple bogey are capped at the source, so the sum of the holes may fall short of a
    round's total but never exceed it. Raises FactsInvalid.
    """
    facts = Facts(
        event=_event(tomllib.loads((folder / "event.toml").read_text(encoding="utf-8"))),
        golfers={golfer.player_id: golfer for golfer in _golfers(folder / "players.csv")},
        holes=tuple(_holes(folder / "holes.csv.gz")),
    )
    _check_golfers(facts)
    _check_holes(facts)
    return facts


def _event(table: Mapping[str, Any]) -> EventFacts:
    return EventFacts(
        event_id=table["id"],
        name=table["name"],
        tour=table["tour"],
        season_year=table["season_year"],
        course_timezone=table["course_timezone"],
        currency=table["currency"],
        start_date=table["start_date"],
        end_date=table["end_date"],
        rounds=table["rounds"],
        cut_round=table["cut_round"],
        pars=tuple(table["pars"]),
        published_at_utc=_utc(table["published_at"]),
        first_tee_at_utc=_utc(table["first_tee_at"]),
        official_after=timedelta(minutes=table["official_after_minutes"]),
        closed_after=timedelta(minutes=table["closed_after_minutes"]),
        withdrawn_at_utc={row["player_id"]: _utc(row["known_at"]) for row in table.get("withdrawals", ())},
    )


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise FactsInvalid(f"{moment}: a time needs an offset")
    return moment.astimezone(UTC)


def _golfers(path: Path) -> Iterator[Golfer]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["status"] not in ("active", "cut", "wd"):
                raise FactsInvalid(f"player {row['player_id']}: unknown status {row['status']!r}")
            first_name, _, last_name = row["name"].rpartition(" ")
            totals = [row[column] for column in ("r1", "r2", "r3", "r4")]
            yield Golfer(
                player_id=row["player_id"],
                first_name=first_name,
                last_name=last_name,
                fate=cast("Fate", row["status"]),
                round_strokes=tuple(int(total) for total in totals if total),
            )


def _holes(path: Path) -> Iterator[HoleResult]:
    text = gzip.decompress(path.read_bytes()).decode("utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        yield HoleResult(
            seen_at_utc=_utc(datetime.fromisoformat(row["seen_at"])),
            player_id=row["player_id"],
            round_number=int(row["round"]),
            hole=int(row["hole"]),
            strokes=int(row["strokes"]),
        )


def _check_golfers(facts: Facts) -> None:
    """Check that each golfer played as many rounds as his fate allows."""
    event = facts.event
    for golfer in facts.golfers.values():
        played = len(golfer.round_strokes)
        if golfer.fate == "active" and played != event.rounds:
            raise FactsInvalid(f"player {golfer.player_id}: active but played {played} rounds")
        if golfer.fate == "cut" and played != event.cut_round:
            raise FactsInvalid(f"player {golfer.player_id}: cut but played {played} rounds")
        if (golfer.fate == "wd") != (golfer.player_id in event.withdrawn_at_utc):
            raise FactsInvalid(f"player {golfer.player_id}: withdrawals and status disagree")


def _check_holes(facts: Facts) -> None:
    """Check that every played round has each hole once, adding up to no more than the round's total."""
    strokes: Counter[tuple[str, int]] = Counter()
    seen: set[tuple[str, int, int]] = set()
    for result in facts.holes:
        if result.player_id not in facts.golfers:
            raise FactsInvalid(f"player {result.player_id}: not in the field")
        if not 1 <= result.hole <= HOLES_A_ROUND or result.strokes < 1:
            raise FactsInvalid(f"player {result.player_id}: hole {result.hole} in {result.strokes} strokes")
        key = (result.player_id, result.round_number, result.hole)
        if key in seen:
            raise FactsInvalid(f"player {result.player_id}: round {key[1]} hole {key[2]} is listed twice")
        seen.add(key)
        strokes[key[:2]] += result.strokes
    played = {
        (golfer.player_id, number): total
        for golfer in facts.golfers.values()
        for number, total in enumerate(golfer.round_strokes, start=1)
    }
    if len(seen) != HOLES_A_ROUND * len(played) or strokes.keys() != played.keys():
        raise FactsInvalid("the holes do not cover exactly the rounds that were played")
    for (player_id, number), total in played.items():
        if strokes[player_id, number] > total:
            raise FactsInvalid(f"player {player_id}: round {number} holes add up to more than {total}")
