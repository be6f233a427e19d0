"""Settle a contest: final standings, prizes, and the hashes that prove them. Pure; it moves no money.

Both scorers must give the same bytes before a result exists. The same input gives the same result bytes in any process
on any machine (SET-001, SET-002, SET-016).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter

from cutline.engine import prizes
from cutline.engine.canonical import canonical_json, sha256_hex
from cutline.engine.decision import Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.scoring import matrix, plain
from cutline.engine.scoring.board import Board, rounds_begun, unfinished_players
from cutline.engine.scoring.standings import Entry, Standings, Status
from cutline.engine.tournament import Tournament, from_canonical

SCORE_VERSION = 1
"""The version of the rules of scoring and division; a change that can alter any result raises it (SET-009)."""

FINISHED = frozenset({"complete", "closed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementInput:
    """All that settling needs: the frozen config as canonical JSON, the believed board, the ACTIVE entries."""

    contest_id: str
    config_json: str
    board: Board
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledEntry:
    """One entry's final rank and prize; `remainder_cents` is the cent it got of a tie that did not divide evenly."""

    rank: int
    entry_id: str
    status: Status
    score: int | None
    prize_cents: int
    remainder_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementResult:
    """A contest settled: `pot_cents` = prizes + `rake_cents`, which includes `surplus_cents`."""

    contest_id: str
    score_version: int
    entries: int
    pot_cents: int
    rake_cents: int
    surplus_cents: int
    standings: tuple[SettledEntry, ...]
    input_sha256: str
    result_sha256: str


def settle(inputs: SettlementInput) -> SettlementResult | Rejected:
    """Settle a contest, or say by name why it cannot be (SET-021).

    Returns SETTLEMENT_NOT_READY with a `reason`, POT_SHORT, or SCORERS_DISAGREE. Raises InvariantViolated for entries
    that cannot be: repeated ids, rosters of another size.
    """
    tournament = from_canonical(inputs.config_json)
    _check_entries(tournament, inputs.entries)
    refused = check_ready(tournament, inputs.board)
    if refused is not None:
        return refused
    standings = score_twice(tournament, inputs.board, inputs.entries)
    if isinstance(standings, Rejected):
        return standings
    settled = award(tournament, standings)
    if isinstance(settled, Rejected):
        return settled
    division, rows = settled
    return SettlementResult(
        contest_id=inputs.contest_id,
        score_version=SCORE_VERSION,
        entries=len(rows),
        pot_cents=division.pot_cents,
        rake_cents=division.rake_cents,
        surplus_cents=division.surplus_cents,
        standings=rows,
        input_sha256=input_sha256(inputs),
        result_sha256=result_sha256(division, rows),
    )


def check_ready(tournament: Tournament, board: Board) -> Rejected | None:
    """Return why a board is not final, or None. Missing is not zero: one open card holds the settlement (FAULTS F2)."""
    if board.event_status == "cancelled":
        return _not_ready("event_cancelled")
    begun = min(rounds_begun(board), tournament.event.rounds)
    for number in range(1, begun + 1):
        players = unfinished_players(board, number)
        if players:
            return _not_ready("cards_open", round=number, players=players)
    if begun < tournament.event.rounds and board.event_status not in FINISHED:
        return _not_ready("event_not_final", event_status=board.event_status, rounds=begun)
    if begun < tournament.shortened.min_rounds:
        return _not_ready("too_few_rounds", rounds=begun, min_rounds=tournament.shortened.min_rounds)
    return None


def score_twice(tournament: Tournament, board: Board, entries: tuple[Entry, ...]) -> Standings | Rejected:
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


def award(tournament: Tournament, standings: Standings) -> tuple[prizes.Division, tuple[SettledEntry, ...]] | Rejected:
    """Divide the pot by final standings. Returns POT_SHORT where fixed prizes exceed it."""
    division = prizes.divide_pot(tournament, standings.ranks)
    if isinstance(division, Rejected):
        return division
    rows = zip(standings.rows(), division.prize_cents, division.remainder_cents, strict=True)
    return division, tuple(
        SettledEntry(
            rank=row.rank,
            entry_id=row.entry_id,
            status=row.status,
            score=row.score,
            prize_cents=prize_cents,
            remainder_cents=remainder_cents,
        )
        for row, prize_cents, remainder_cents in rows
    )


def input_sha256(inputs: SettlementInput) -> str:
    """Name the inputs by hash; the order in which entries are given does not matter."""
    ordered = sorted(inputs.entries, key=lambda entry: entry.entry_id)
    value = {"config": inputs.config_json, "board": inputs.board, "entries": ordered}
    return sha256_hex(canonical_json({"contest_id": inputs.contest_id, "score_version": SCORE_VERSION, **value}))


def result_sha256(division: prizes.Division, rows: tuple[SettledEntry, ...]) -> str:
    """Name the result by hash: standings and money, under the score version, whichever contest they belong to."""
    value = {
        "score_version": SCORE_VERSION,
        "pot_cents": division.pot_cents,
        "rake_cents": division.rake_cents,
        "surplus_cents": division.surplus_cents,
        "standings": rows,
    }
    return sha256_hex(canonical_json(value))


def settle_json(input_json: bytes) -> bytes:
    """Settle in a worker process: canonical JSON of a SettlementInput in, of the outcome out.

    The outcome is `{"result": ...}` or `{"rejected": {"code", "details"}}`.
    """
    outcome = settle(_INPUT.validate_json(input_json))
    if isinstance(outcome, Rejected):
        return canonical_json({"rejected": {"code": outcome.code.value, "details": dict(outcome.details)}})
    return canonical_json({"result": outcome})


def write_input(inputs: SettlementInput) -> bytes:
    """Write what `settle_json` reads."""
    return canonical_json(inputs)


def read_outcome(outcome_json: bytes | str) -> SettlementResult | Rejected:
    """Read what `settle_json` wrote."""
    outcome = orjson.loads(outcome_json)
    if "rejected" in outcome:
        refused = outcome["rejected"]
        return Rejected(code=RejectCode(refused["code"]), details=refused["details"])
    return _RESULT.validate_json(orjson.dumps(outcome["result"]))


_INPUT: TypeAdapter[SettlementInput] = TypeAdapter(SettlementInput)
_RESULT: TypeAdapter[SettlementResult] = TypeAdapter(SettlementResult)


def _check_entries(tournament: Tournament, entries: tuple[Entry, ...]) -> None:
    if len({entry.entry_id for entry in entries}) != len(entries):
        raise InvariantViolated("an entry id is repeated")
    if any(len(entry.picks) != tournament.roster.size for entry in entries):
        raise InvariantViolated("a roster has another size than the config asks for")


def _not_ready(reason: str, **details: object) -> Rejected:
    return Rejected(code=RejectCode.SETTLEMENT_NOT_READY, details={"reason": reason, **details})
