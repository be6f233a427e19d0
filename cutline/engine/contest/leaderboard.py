"""Sportradar Golf's tournament leaderboard, as far as we believe it. It judges one snapshot, never two.

Unknown keys are tolerated; every key that is used is checked, and a payload that breaks one rule is refused whole,
because half a leaderboard scores as confidently as a whole one.
Source: Sportradar Golf v3, Tournament Leaderboard and Tournament Status Workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cutline.engine import strict_json
from cutline.engine.contest.hole_results import ServedHole, contradiction, in_order_of_play
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.scoring.board import HoleResult

HOLES_A_ROUND = 18
STROKES_A_HOLE_MAX = 20
PAR_A_HOLE = (3, 6)
ROUNDS_MAX = 10
PLAYERS_MAX = 500

EventStatus = Literal[
    "created",
    "scheduled",
    "inprogress",
    "playoff",
    "delayed",
    "suspended",
    "postponed",
    "reopened",
    "complete",
    "closed",
    "cancelled",
]
PlayerStatus = Literal["CUT", "WD", "DQ", "MDF"]

NOT_STARTED: frozenset[str] = frozenset({"created", "scheduled"})
FINISHED: frozenset[str] = frozenset({"complete", "closed"})
TERMINAL: frozenset[str] = FINISHED | {"cancelled"}


class FeedFault(StrEnum):
    """Why a snapshot is refused: one reason a rule (ING-004)."""

    ENCODING = "encoding"
    SYNTAX = "syntax"
    DUPLICATE_KEY = "duplicate_key"
    NOT_FINITE = "not_finite"
    TOO_DEEP = "too_deep"
    MISSING = "missing"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    STATUS_UNKNOWN = "status_unknown"
    WRONG_EVENT = "wrong_event"
    LEADERBOARD_EMPTY = "leaderboard_empty"
    PLAYER_REPEATED = "player_repeated"
    ROUND_REPEATED = "round_repeated"
    ROUND_UNKNOWN = "round_unknown"
    ROUND_SKIPPED = "round_skipped"
    STROKES_IMPOSSIBLE = "strokes_impossible"
    PAR_IMPOSSIBLE = "par_impossible"
    HOLES_CONTRADICT = "holes_contradict"


class _Served(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class ServedRound(_Served):
    """One golfer's round so far: `score` is to par, `thru` the holes played; `scores`, where served, each of them."""

    sequence: Annotated[int, Field(ge=1, le=ROUNDS_MAX)]
    score: Annotated[int, Field(ge=-100, le=400)]
    strokes: Annotated[int, Field(ge=0, le=HOLES_A_ROUND * STROKES_A_HOLE_MAX)]
    thru: Annotated[int, Field(ge=0, le=HOLES_A_ROUND)]
    starting_hole: Annotated[int, Field(ge=1, le=HOLES_A_ROUND)] = 1
    scores: Annotated[list[ServedHole], Field(max_length=HOLES_A_ROUND)] | None = None


class ServedPlayer(_Served):
    """One golfer's line. No status means: still in the event."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
    first_name: Annotated[str, StringConstraints(max_length=200)] = ""
    last_name: Annotated[str, StringConstraints(max_length=200)] = ""
    status: PlayerStatus | None = None
    position: Any = None
    """Read where it is a place, for a playoff; it decides no score, so nothing else in it refuses a payload."""
    rounds: Annotated[list[ServedRound], Field(max_length=ROUNDS_MAX)] = Field(default_factory=list)


class ServedLeaderboard(_Served):
    """The payload's frame."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    status: EventStatus
    leaderboard: Annotated[list[ServedPlayer], Field(max_length=PLAYERS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundLine:
    """What the feed says of one round of one golfer; `holes` in the order of play, None where it does not say."""

    to_par: int
    strokes: int
    thru: int
    holes: tuple[HoleResult, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerLine:
    """What the feed says of one golfer; `rounds` by number."""

    player_id: str
    name: str
    status: str | None
    rounds: dict[int, RoundLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A leaderboard that is sound in itself; `players` by id, in order of ids.

    `positions` are the places that the provider gives; they are read for a playoff and never for scores.
    """

    event_id: str
    status: str
    players: dict[str, PlayerLine]
    positions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Fault(Exception):
    reason: FeedFault
    path: str
    value: Any


def parse_snapshot(raw: bytes, expected_event_id: str, *, rounds: int | None = None) -> Snapshot | Rejected:
    """Judge one payload of the provider (ING-004, ING-022, FAULTS F5).

    Returns FEED_INVALID or FEED_WRONG_EVENT with `reason`, `path` and `value`; never raises for bad input.
    `rounds` is how many rounds the event has, if the caller knows; what a golfer plays after the last of them is a
    playoff, which is checked and not scored.
    """
    try:
        return _snapshot(raw, expected_event_id, rounds or ROUNDS_MAX)
    except _Fault as fault:
        wrong_event = fault.reason is FeedFault.WRONG_EVENT
        code = RejectCode.FEED_WRONG_EVENT if wrong_event else RejectCode.FEED_INVALID
        details = {"reason": fault.reason.value, "path": fault.path, "value": repr(fault.value)[:120]}
        return Rejected(code=code, details=details)


def _snapshot(raw: bytes, expected_event_id: str, rounds: int) -> Snapshot:
    try:
        document = strict_json.parse(raw)
    except strict_json.NotStrictJson as error:
        raise _Fault(FeedFault(error.fault.value), "", error.detail) from error
    # The event is judged first: another event's payload is that, whatever else is wrong with it.
    if isinstance(document, dict) and isinstance(document.get("id"), str) and document["id"] != expected_event_id:
        raise _Fault(FeedFault.WRONG_EVENT, "id", document["id"])
    try:
        served = ServedLeaderboard.model_validate(document)
    except ValidationError as error:
        raise _typed_fault(error) from error
    if not served.leaderboard and served.status not in NOT_STARTED | {"cancelled"}:
        raise _Fault(FeedFault.LEADERBOARD_EMPTY, "leaderboard", served.status)
    players: dict[str, PlayerLine] = {}
    for index, player in enumerate(served.leaderboard):
        path = f"leaderboard[{index}]"
        if player.id in players:
            raise _Fault(FeedFault.PLAYER_REPEATED, f"{path}.id", player.id)
        players[player.id] = _player_line(player, path, rounds)
    return Snapshot(
        event_id=served.id,
        status=served.status,
        players=dict(sorted(players.items())),
        positions={
            player.id: player.position
            for player in served.leaderboard
            if type(player.position) is int and 0 < player.position <= PLAYERS_MAX
        },
    )


def _player_line(player: ServedPlayer, path: str, rounds: int) -> PlayerLine:
    lines: dict[int, RoundLine] = {}
    for index, served in enumerate(player.rounds):
        where = f"{path}.rounds[{index}]"
        if served.sequence in lines:
            raise _Fault(FeedFault.ROUND_REPEATED, f"{where}.sequence", served.sequence)
        _check_round(served, where)
        lines[served.sequence] = RoundLine(
            to_par=served.score, strokes=served.strokes, thru=served.thru, holes=_holes(served, where)
        )
    regulation = {number: line for number, line in sorted(lines.items()) if number <= rounds}
    if len(regulation) < len(lines) and not _may_play_off(regulation, rounds):
        index = next(index for index, served in enumerate(player.rounds) if served.sequence > rounds)
        number = player.rounds[index].sequence
        raise _Fault(FeedFault.ROUND_UNKNOWN, f"{path}.rounds[{index}].sequence", number)
    if lines and max(lines) != len(lines):
        raise _Fault(FeedFault.ROUND_SKIPPED, f"{path}.rounds", sorted(lines))
    name = f"{player.first_name} {player.last_name}".strip()
    return PlayerLine(player_id=player.id, name=name, status=player.status, rounds=regulation)


def _may_play_off(regulation: dict[int, RoundLine], rounds: int) -> bool:
    """Tell whether a golfer has finished the event's own rounds, so that a further one can be a playoff."""
    return len(regulation) == rounds and all(line.thru == HOLES_A_ROUND for line in regulation.values())


def _holes(served: ServedRound, path: str) -> tuple[HoleResult, ...] | None:
    if served.scores is None:
        return None
    holes = in_order_of_play(served.scores, served.starting_hole)
    wrong = contradiction(holes, to_par=served.score, strokes=served.strokes, thru=served.thru)
    if wrong is not None:
        raise _Fault(FeedFault.HOLES_CONTRADICT, f"{path}.scores", wrong)
    return holes


def _check_round(served: ServedRound, path: str) -> None:
    if not served.thru <= served.strokes <= served.thru * STROKES_A_HOLE_MAX:
        raise _Fault(FeedFault.STROKES_IMPOSSIBLE, f"{path}.strokes", served.strokes)
    par = served.strokes - served.score
    if not served.thru * PAR_A_HOLE[0] <= par <= served.thru * PAR_A_HOLE[1]:
        raise _Fault(FeedFault.PAR_IMPOSSIBLE, f"{path}.score", served.score)


_REASONS = {
    "missing": FeedFault.MISSING,
    "literal_error": FeedFault.STATUS_UNKNOWN,
    "greater_than_equal": FeedFault.OUT_OF_RANGE,
    "less_than_equal": FeedFault.OUT_OF_RANGE,
    "too_long": FeedFault.OUT_OF_RANGE,
    "string_too_long": FeedFault.OUT_OF_RANGE,
    "string_too_short": FeedFault.OUT_OF_RANGE,
    "string_pattern_mismatch": FeedFault.OUT_OF_RANGE,
}


def _typed_fault(error: ValidationError) -> _Fault:
    first = error.errors(include_url=False)[0]
    reason = _REASONS.get(first["type"], FeedFault.WRONG_TYPE)
    return _Fault(reason, "".join(_steps(first["loc"])), first["input"] if first["type"] != "missing" else None)


def _steps(location: tuple[int | str, ...]) -> Iterator[str]:
    for depth, step in enumerate(location):
        yield f"[{step}]" if isinstance(step, int) else f".{step}" if depth else step


EVENT_STATUSES: tuple[str, ...] = get_args(EventStatus)
PLAYER_STATUSES: tuple[str, ...] = get_args(PlayerStatus)
