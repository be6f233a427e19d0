"""Score a recorded feed from nothing but files' contents, as `cutline score` does. It opens none and moves no money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from cutline.engine import strict_json
from cutline.engine.contest.feed_events import RegressionHeld
from cutline.engine.contest.feed_state import FeedState, board_of, evolve
from cutline.engine.contest.ingestion import diff
from cutline.engine.contest.leaderboard import parse_snapshot
from cutline.engine.decision import Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.roster import check_picks
from cutline.engine.scoring.board import Board, players_without_holes
from cutline.engine.scoring.standings import Entry
from cutline.engine.settlement import award, result_sha256, score_twice
from cutline.engine.tournament import Tournament, load
from cutline.engine.tournament.point_tables import needs_holes, shown


class ScoreInputInvalid(ValueError):
    """The feed or the entries cannot be scored; `code` and `details` say why."""

    def __init__(self, code: RejectCode, **details: object) -> None:
        super().__init__(f"{code.value}: " + ", ".join(f"{key}: {value}" for key, value in details.items()))
        self.code = code
        self.details = details


@dataclass(slots=True)
class FeedCount:
    """What became of a feed's snapshots: each is accepted or rejected.

    `regressions` counts the accepted ones that served something which went back and was not believed.
    """

    snapshots: int = 0
    accepted: int = 0
    regressions: int = 0
    rejected: int = 0


class _EntryLine(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    entry_id: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    picks: list[str]
    tiebreak: int | None = None


_ENTRIES: TypeAdapter[list[_EntryLine]] = TypeAdapter(list[_EntryLine])


def score_feed(config_text: str, feed_lines: Iterable[bytes], entries_json: bytes) -> dict[str, Any]:
    """Score entries on a feed of one leaderboard snapshot a line, in the order received.

    Scores what is believed after the last line, final or not. Raises ConfigInvalid or ScoreInputInvalid. Returns
    `standings`, `result_sha256` and `feed`, as the command prints them.
    """
    tournament = load(config_text)
    entries = read_entries(entries_json)
    state, count = read_feed(tournament, feed_lines)
    if not count.accepted:
        raise ScoreInputInvalid(
            RejectCode.FEED_INVALID, reason="no snapshot of the event was accepted", **asdict(count)
        )
    _check_rosters(tournament, entries, state)
    board = board_of(state)
    _check_holes(tournament, board)
    standings = score_twice(tournament, board, entries)
    awarded = standings if isinstance(standings, Rejected) else award(tournament, standings)
    if isinstance(awarded, Rejected):
        raise ScoreInputInvalid(awarded.code, **awarded.details)
    division, rows = awarded
    return {
        "standings": [
            {
                "rank": row.rank,
                "entry_id": row.entry_id,
                "status": row.status,
                "score": shown(tournament.scoring, row.score),
                "prize_cents": row.prize_cents,
            }
            for row in rows
        ],
        "result_sha256": result_sha256(division, rows),
        "feed": asdict(count),
    }


def read_feed(tournament: Tournament, feed_lines: Iterable[bytes]) -> tuple[FeedState, FeedCount]:
    """Fold a feed line by line, as the engine does poll by poll; blank lines are skipped."""
    state, count = FeedState(), FeedCount()
    event = tournament.event
    for line in feed_lines:
        if not line.strip():
            continue
        count.snapshots += 1
        snapshot = parse_snapshot(line, event.provider_event_id, rounds=event.rounds)
        if isinstance(snapshot, Rejected):
            count.rejected += 1
            continue
        count.accepted += 1
        # A file has no times of receipt; the instant is part of no result.
        events = diff(state, snapshot, event.first_tee_at)
        count.regressions += any(isinstance(found, RegressionHeld) for found in events)
        for found in events:
            evolve(state, found)
    return state, count


def read_entries(entries_json: bytes) -> tuple[Entry, ...]:
    """Read `[{"entry_id", "picks", "tiebreak"?}]`. Raises ScoreInputInvalid with the path of what is wrong."""
    try:
        lines = _ENTRIES.validate_python(strict_json.parse(entries_json))
    except strict_json.NotStrictJson as error:
        raise ScoreInputInvalid(RejectCode.REQUEST_INVALID, entries=str(error)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        raise ScoreInputInvalid(RejectCode.REQUEST_INVALID, entries=f"{path}: {first['msg']}") from error
    seen: set[str] = set()
    for line in lines:
        if line.entry_id in seen:
            raise ScoreInputInvalid(RejectCode.REQUEST_INVALID, entries=f"{line.entry_id}: is listed twice")
        seen.add(line.entry_id)
    return tuple(Entry(entry_id=line.entry_id, picks=tuple(line.picks), tiebreak=line.tiebreak) for line in lines)


def _check_holes(tournament: Tournament, board: Board) -> None:
    if not needs_holes(tournament.scoring, tournament.ties.order):
        return
    players = players_without_holes(board, tournament.event.rounds)
    if players:
        raise ScoreInputInvalid(RejectCode.FEED_INVALID, reason="rounds without hole results", players=players)


def _check_rosters(tournament: Tournament, entries: tuple[Entry, ...], state: FeedState) -> None:
    for entry in entries:
        refused = check_picks(tournament, entry.picks, state.known, entry.tiebreak)
        if refused is not None:
            raise ScoreInputInvalid(refused.code, entry_id=entry.entry_id, **refused.details)
