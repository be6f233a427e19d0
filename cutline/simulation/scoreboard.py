"""Keeps a tournament's board as it fills, and shows it as Sportradar Golf v3 does. Knows no files, no clock.

Field names: https://developer.sportradar.com/golf/reference/golf-tournament-leaderboard, status words:
https://developer.sportradar.com/golf/docs/golf-ig-tournament-status-workflow. `generated_at` is the
provider's `x-generated-date` header, put inside so that a file of snapshots keeps its times.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, assert_never
from uuid import UUID, uuid5

from cutline.simulation.facts import HOLES_A_ROUND, Facts, Golfer, HoleResult

EventStatus = Literal["scheduled", "inprogress", "complete", "closed"]
PlayerMark = Literal["CUT", "WD"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRepeated:
    """The provider shows the board again, unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerWithdrew:
    """A golfer is out of the event."""

    player_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOpened:
    """A round began: whoever is still in the event has an empty card for it."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleSeen:
    """A hole result became visible."""

    result: HoleResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundClosed:
    """All cards of a round are in; after the cut round, the cut is made."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStatusChanged:
    """The whole event moved on."""

    status: EventStatus


Change = FieldRepeated | PlayerWithdrew | RoundOpened | HoleSeen | RoundClosed | EventStatusChanged

# Order of one moment's changes, where several fall together.
CHANGE_ORDER: tuple[type[Change], ...] = (
    FieldRepeated,
    PlayerWithdrew,
    EventStatusChanged,
    RoundOpened,
    HoleSeen,
    RoundClosed,
)


class Scoreboard:
    """The board of one event; `apply` changes, then take a `snapshot`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._status: EventStatus = "scheduled"
        self._round_status = dict.fromkeys(range(1, facts.event.rounds + 1), "scheduled")
        self._marks: dict[str, PlayerMark] = {}
        self._cards: dict[str, dict[int, list[HoleResult]]] = {player_id: {} for player_id in facts.golfers}

    def apply(self, change: Change) -> None:
        """Fold one change into the board."""
        match change:
            case FieldRepeated():
                pass
            case PlayerWithdrew(player_id=player_id):
                self._marks[player_id] = "WD"
            case RoundOpened(number=number):
                self._open_round(number)
            case HoleSeen(result=result):
                self._cards[result.player_id][result.round_number].append(result)
            case RoundClosed(number=number):
                self._close_round(number)
            case EventStatusChanged(status=status):
                self._status = status
            case _:
                assert_never(change)

    def _open_round(self, number: int) -> None:
        self._round_status[number] = "inprogress"
        for player_id, cards in self._cards.items():
            if player_id not in self._marks:
                cards[number] = []

    def _close_round(self, number: int) -> None:
        self._round_status[number] = "closed"
        if number == self._facts.event.cut_round:
            for golfer in self._facts.golfers.values():
                if golfer.fate == "cut":
                    self._marks[golfer.player_id] = "CUT"

    def snapshot(self, at_utc: datetime) -> dict[str, Any]:
        """Show the board as the provider would at `at_utc`: a new JSON object, sharing nothing with it."""
        event = self._facts.event
        snapshot: dict[str, Any] = {
            "id": event.event_id,
            "name": event.name,
            "generated_at": at_utc.isoformat(),
            "event_type": "stroke",
            "currency": event.currency,
            "start_date": event.start_date,
            "end_date": event.end_date,
            "course_timezone": event.course_timezone,
            "cut_round": event.cut_round,
            "seasons": [{"year": event.season_year, "tour": {"alias": event.tour}}],
            "coverage": "full",
            "status": self._status,
            "rounds": [
                {
                    "id": str(uuid5(UUID(event.event_id), f"round:{number}")),
                    "number": number,
                    "status": status,
                }
                for number, status in self._round_status.items()
            ],
        }
        if self._round_status.get(event.cut_round) == "closed":
            snapshot["cutline"] = self._cutline()
        snapshot["leaderboard"] = self._leaderboard()
        return snapshot

    def _cutline(self) -> int:
        """Return the worst score to par after the cut round among those who play on."""
        event = self._facts.event
        return max(
            sum(golfer.round_strokes[: event.cut_round]) - event.par * event.cut_round
            for golfer in self._facts.golfers.values()
            if golfer.fate == "active"
        )

    def _leaderboard(self) -> list[dict[str, Any]]:
        rows = [self._row(golfer) for golfer in self._facts.golfers.values()]
        ranked = [row for row in rows if "status" not in row and any(card["thru"] for card in row["rounds"])]
        scores = [row["score"] for row in ranked]
        for row in ranked:
            row["position"] = 1 + sum(score < row["score"] for score in scores)
            row["tied"] = scores.count(row["score"]) > 1
        return sorted(rows, key=_board_order)

    def _row(self, golfer: Golfer) -> dict[str, Any]:
        """One golfer's line. Who plays on has no `status`; who has not played or is out has no `position`."""
        rounds = [self._round(golfer, number, card) for number, card in self._cards[golfer.player_id].items()]
        row: dict[str, Any] = {
            "id": golfer.player_id,
            "first_name": golfer.first_name,
            "last_name": golfer.last_name,
            "tied": False,
            "score": sum(card["score"] for card in rounds),
            "strokes": sum(card["strokes"] for card in rounds),
        }
        mark = self._marks.get(golfer.player_id)
        if mark is not None:
            row["status"] = mark
        row["rounds"] = rounds
        return row

    def _round(self, golfer: Golfer, number: int, card: list[HoleResult]) -> dict[str, int]:
        pars = self._facts.event.pars
        to_par = [result.strokes - pars[result.hole - 1] for result in card]
        strokes, score = sum(result.strokes for result in card), sum(to_par)
        if len(card) == HOLES_A_ROUND:
            # Single holes are capped at the source; the total of a finished round is not.
            strokes = golfer.round_strokes[number - 1]
            score = strokes - self._facts.event.par
        aces = sum(result.strokes == 1 for result in card)
        counted = {-2: "eagles", -1: "birdies", 0: "pars", 1: "bogeys", 2: "double_bogeys"}
        tally = {name: to_par.count(difference) for difference, name in counted.items()}
        return {
            "sequence": number,
            "score": score,
            "strokes": strokes,
            "thru": len(card),
            **tally,
            "other_scores": len(card) - sum(tally.values()),
            "holes_in_one": aces,
        }


def _board_order(row: dict[str, Any]) -> tuple[int, int, str, str]:
    """Order lines as a board does: in play by position, then not started, then out of the event."""
    group = {None: 1, "CUT": 2, "WD": 3}[row.get("status")]
    if "position" in row:
        return 0, row["position"], row["last_name"], row["id"]
    return group, row["score"], row["last_name"], row["id"]
