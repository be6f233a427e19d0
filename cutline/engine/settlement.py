"""Settle a contest: final standings, prizes, and the hashes that prove them. Pure; it moves no money.

Both scorers must give the same bytes before a result exists. The same input gives the same result bytes in any process
on any machine (SET-001, SET-002, SET-016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter

from cutline.engine import prizes
from cutline.engine.canonical import canonical_json, sha256_hex
from cutline.engine.decision import Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.scoring import matrix, plain
from cutline.engine.scoring.board import (
    FINISHED,
    Board,
    players_without_holes,
    rounds_counted,
    unfinished_players,
)
from cutline.engine.scoring.rosters import Rosters
from cutline.engine.scoring.standings import Entry, Standings
from cutline.engine.settled import SettledEntry, SettledRows
from cutline.engine.tournament import Tournament, from_canonical
from cutline.engine.tournament.point_tables import needs_holes

__all__ = [
    "SCORE_VERSION",
    "PackedInput",
    "SettledEntry",
    "SettlementInput",
    "SettlementResult",
    "award",
    "check_ready",
    "compare",
    "read_input",
    "read_outcome",
    "result_sha256",
    "score_twice",
    "settle",
    "settle_json",
    "settle_written",
    "write_input",
    "write_packed",
]

SCORE_VERSION = 1
"""The version of the rules of scoring and division; a change that can alter any result raises it (SET-009)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementInput:
    """All that settling needs: the frozen config as canonical JSON, the believed board, the ACTIVE entries."""

    contest_id: str
    config_json: str
    board: Board
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedInput:
    """A settlement's inputs as they are stored and sent: the entries packed, in order of their ids."""

    contest_id: str
    config_json: str
    board: Board
    rosters: Rosters


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementResult:
    """A contest settled: `pot_cents` = prizes + `rake_cents`, which includes `surplus_cents`."""

    contest_id: str
    score_version: int
    entries: int
    pot_cents: int
    rake_cents: int
    surplus_cents: int
    standings: SettledRows
    input_sha256: str
    result_sha256: str


def settle(inputs: SettlementInput) -> SettlementResult | Rejected:
    """Settle a contest, or say by name why it cannot be (SET-021).

    Returns SETTLEMENT_NOT_READY with a `reason`, POT_SHORT, or SCORERS_DISAGREE. Raises InvariantViolated for entries
    that cannot be: repeated ids, rosters of another size.
    """
    return settle_written(write_input(inputs))


def settle_written(written: bytes) -> SettlementResult | Rejected:
    """Settle what `write_input` wrote, and answer as `settle` does. The bytes themselves are what is named by hash."""
    given = read_input(written)
    rosters, board = given.rosters, given.board
    tournament = from_canonical(given.config_json)
    if rosters.entry_ids and rosters.size != tournament.roster.size:
        raise InvariantViolated("a roster has another size than the config asks for")
    refused = check_ready(tournament, board)
    if refused is not None:
        return refused
    standings = compare(
        matrix.standings_of(tournament, board, rosters), plain.standings(tournament, board, tuple(rosters.entries()))
    )
    if isinstance(standings, Rejected):
        return standings
    settled = award(tournament, standings)
    if isinstance(settled, Rejected):
        return settled
    division, rows = settled
    return SettlementResult(
        contest_id=given.contest_id,
        score_version=SCORE_VERSION,
        entries=len(rows),
        pot_cents=division.pot_cents,
        rake_cents=division.rake_cents,
        surplus_cents=division.surplus_cents,
        standings=rows,
        input_sha256=sha256_hex(written),
        result_sha256=result_sha256(division, rows),
    )


def check_ready(tournament: Tournament, board: Board) -> Rejected | None:
    """Return why a board is not final, or None.

    Missing is not zero: one open card holds the settlement, and so does one that does not say what its holes took
    where the rules ask for that (FAULTS F2).
    """
    if board.event_status == "cancelled":
        return _not_ready("event_cancelled")
    shortened = tournament.shortened
    ignore = shortened.incomplete_round == "ignore"
    counted = rounds_counted(board, tournament.event.rounds, ignore_incomplete=ignore)
    for number in range(1, counted + 1):
        players = unfinished_players(board, number)
        if players:
            return _not_ready("cards_open", round=number, players=players)
    if counted < tournament.event.rounds and board.event_status not in FINISHED:
        return _not_ready("event_not_final", event_status=board.event_status, rounds=counted)
    if counted < shortened.min_rounds:
        return _not_ready("too_few_rounds", rounds=counted, min_rounds=shortened.min_rounds)
    if needs_holes(tournament.scoring, tournament.ties.order):
        players = players_without_holes(board, counted)
        if players:
            return _not_ready("holes_missing", players=players)
    return None


def score_twice(tournament: Tournament, board: Board, entries: Sequence[Entry]) -> Standings | Rejected:
    """Score with both scorers and return what they agree on, or SCORERS_DISAGREE with the first difference."""
    fast, slow = matrix.standings(tournament, board, entries), plain.standings(tournament, board, entries)
    return compare(fast, slow)


def compare(fast: Standings, slow: Standings) -> Standings | Rejected:
    """Return the standings if two scorers give the same bytes, else SCORERS_DISAGREE naming the first difference."""
    if fast.canonical() == slow.canonical():
        return fast
    pairs = zip(fast.rows(), slow.rows(), strict=False)
    first = next((pair for pair in pairs if pair[0] != pair[1]), None)
    details: dict[str, Any] = {"entries": [len(fast.entry_ids), len(slow.entry_ids)]}
    if first is not None:
        details |= {"matrix": asdict(first[0]), "plain": asdict(first[1])}
    return Rejected(code=RejectCode.SCORERS_DISAGREE, details=details)


def award(tournament: Tournament, standings: Standings) -> tuple[prizes.Division, SettledRows] | Rejected:
    """Divide the pot by final standings. Returns POT_SHORT where fixed prizes exceed it."""
    division = prizes.divide_pot(tournament, standings.ranks, _places_of_best(standings))
    if isinstance(division, Rejected):
        return division
    return division, SettledRows(
        entry_ids=standings.entry_ids,
        ranks=standings.ranks,
        cut=standings.cut,
        scores=standings.scores,
        prize_cents=division.prize_cents,
        remainder_cents=division.remainder_cents,
    )


def _places_of_best(standings: Standings) -> list[list[int]]:
    winners = {entry_id for best in standings.best_of_rounds for entry_id in best}
    place_of: dict[str, int] = {}
    if winners:
        place_of = {entry_id: place for place, entry_id in enumerate(standings.entry_ids) if entry_id in winners}
    return [[place_of[entry_id] for entry_id in best] for best in standings.best_of_rounds]


def result_sha256(division: prizes.Division, rows: SettledRows) -> str:
    """Name the result by hash: standings and money, under the score version, whichever contest they belong to."""
    value = {
        "score_version": SCORE_VERSION,
        "pot_cents": division.pot_cents,
        "rake_cents": division.rake_cents,
        "surplus_cents": division.surplus_cents,
        "standings": rows.columns(),
    }
    return sha256_hex(canonical_json(value))


def write_input(inputs: SettlementInput) -> bytes:
    """Write canonical bytes that name everything which decides: a line of JSON without the entries, then the rosters.

    The rosters are packed as `Rosters.pack` says. Raises InvariantViolated as `settle` does.
    """
    size = len(inputs.entries[0].picks) if inputs.entries else 0
    return write_packed(inputs.contest_id, inputs.config_json, inputs.board, Rosters.of(inputs.entries, size).pack())


def write_packed(contest_id: str, config_json: str, board: Board, packed_rosters: bytes) -> bytes:
    """Write what `write_input` does, where the rosters are packed already."""
    head = {"contest_id": contest_id, "score_version": SCORE_VERSION, "config_json": config_json, "board": board}
    return canonical_json(head) + b"\n" + packed_rosters


def read_input(written: bytes) -> PackedInput:
    """Read what `write_input` wrote. Raises InvariantViolated for the input of another score version."""
    head, _, packed_rosters = written.partition(b"\n")
    given = orjson.loads(head)
    if given["score_version"] != SCORE_VERSION:
        raise InvariantViolated(f"score version {given['score_version']} is not this release's")
    return PackedInput(
        contest_id=given["contest_id"],
        config_json=given["config_json"],
        board=_BOARD.validate_python(given["board"]),
        rosters=Rosters.unpack(packed_rosters),
    )


def settle_json(written: bytes) -> bytes:
    """Settle in a worker process: what `write_input` wrote in, canonical JSON of the outcome out.

    The outcome is `{"result": ...}` or `{"rejected": {"code", "details"}}`; a result's standings are columns.
    """
    outcome = settle_written(written)
    if isinstance(outcome, Rejected):
        return canonical_json({"rejected": {"code": outcome.code.value, "details": dict(outcome.details)}})
    return canonical_json({"result": outcome})


def read_outcome(outcome_json: bytes | str) -> SettlementResult | Rejected:
    """Read what `settle_json` wrote."""
    outcome = orjson.loads(outcome_json)
    if "rejected" in outcome:
        refused = outcome["rejected"]
        return Rejected(code=RejectCode(refused["code"]), details=refused["details"])
    result = outcome["result"]
    return SettlementResult(**{**result, "standings": SettledRows.read(result["standings"])})


_BOARD: TypeAdapter[Board] = TypeAdapter(Board)


def _not_ready(reason: str, **details: object) -> Rejected:
    return Rejected(code=RejectCode.SETTLEMENT_NOT_READY, details={"reason": reason, **details})
