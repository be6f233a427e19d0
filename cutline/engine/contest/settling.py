"""Settle a complete contest and follow its prizes until each is paid; the arithmetic is the settlement's own.

A run is recorded with the hash of its inputs before a worker computes it, so that a restart repeats the same run. A
run that fails leaves its audit row. One that may succeed unchanged (a worker that died) is repeated after a minute,
then after twice as long each time, up to an hour; one that failed by name is a fact about code or config, cannot
mend itself, and is tried again daily, because a mended release may have been deployed. A run that nobody answers
within a quarter of an hour has failed. COMPLETE never reopens.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from cutline.engine.contest.events import (
    EntryStatus,
    PrizePaid,
    PrizeUnpayable,
    SettledEntry,
    SettlementFailed,
    SettlementRecorded,
    SettlementStarted,
)
from cutline.engine.contest.feed_state import board_of
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.state import Contest, Run
from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import ComputeSettlement, SettlementComputed, WinningsPaid, WinningsUnpayable
from cutline.engine.scoring.standings import Entry
from cutline.engine.settlement import (
    SettlementInput,
    SettlementResult,
    input_sha256,
    read_outcome,
    write_input,
)
from cutline.engine.tournament.prize_table import pot_cents

RUN_TIMEOUT = timedelta(minutes=15)
TIMED_OUT: Mapping[str, Any] = {"code": RejectCode.ACTOR_TIMEOUT.value, "details": {"waited_s": 900}}
RETRY_SECONDS_MIN = 60
RETRY_SECONDS_MAX = 3600
RETRY_NAMED_FAILURE = timedelta(days=1)
NAMED_FAILURES = frozenset(
    {
        RejectCode.SCORERS_DISAGREE,
        RejectCode.SETTLEMENT_MISMATCH,
        RejectCode.CONFIG_INVALID,
        RejectCode.NOT_SUPPORTED_YET,
        RejectCode.POT_SHORT,
        RejectCode.SETTLEMENT_NOT_READY,
    }
)


def start(contest: Contest, now: datetime) -> tuple[SettlementStarted, ComputeSettlement] | None:
    """Begin the next run if none is open, none has succeeded and the last failure has waited long enough (LIFE-006)."""
    settlement = contest.settlement
    if settlement.recorded is not None or settlement.run is not None:
        return None
    if settlement.retry_at is not None and now < settlement.retry_at:
        return None
    attempt = settlement.attempts + 1
    inputs = inputs_of(contest)
    started = SettlementStarted(
        run_id=f"{contest.contest_id}:settlement:{attempt}",
        attempt=attempt,
        checkpoint=contest.feed.applied,
        input_sha256=input_sha256(inputs),
    )
    return started, ComputeSettlement(run_id=started.run_id, input_json=write_input(inputs))


def give_up(contest: Contest, now: datetime) -> SettlementFailed | None:
    """End a run that has not been answered for too long, so that another may begin; its answer will be ignored."""
    run = contest.settlement.run
    if run is None or now < run.started_at + RUN_TIMEOUT:
        return None
    return _failed(contest, run, TIMED_OUT, now)


def compute_again(contest: Contest) -> ComputeSettlement | None:
    """Return the effect of the open run once more, after a restart: its inputs are the same, so is its result."""
    run = contest.settlement.run
    if run is None:
        return None
    return ComputeSettlement(run_id=run.run_id, input_json=write_input(inputs_of(contest)))


def inputs_of(contest: Contest) -> SettlementInput:
    """Gather what is settled: the frozen config, the believed board, the ACTIVE entries in order of entering."""
    active = (entry for entry in contest.seats.entries.values() if entry.status is EntryStatus.ACTIVE)
    return SettlementInput(
        contest_id=contest.contest_id,
        config_json=contest.config_json,
        board=board_of(contest.feed.board),
        entries=tuple(Entry(entry_id=entry.entry_id, picks=entry.picks, tiebreak=entry.tiebreak) for entry in active),
    )


def due_at(contest: Contest) -> datetime | None:
    """Return when the next run is due, or when the open one has failed; None once the contest is settled."""
    settlement = contest.settlement
    if contest.status is not Status.COMPLETE or settlement.recorded is not None:
        return None
    return settlement.run.started_at + RUN_TIMEOUT if settlement.run is not None else settlement.retry_at


def record(contest: Contest, computed: SettlementComputed, now: datetime) -> Decision:
    """Record what the open run gave: the result whole, or its failure. An answer to any other run is ignored."""
    run = contest.settlement.run
    if run is None or run.run_id != computed.run_id:
        return Accepted(reply={"deduped": True})
    if computed.result_json is None:
        return Accepted(events=(_failed(contest, run, computed.error or {}, now),))
    outcome = read_outcome(computed.result_json)
    if isinstance(outcome, Rejected):
        error = {"code": outcome.code.value, "details": dict(outcome.details)}
        return Accepted(events=(_failed(contest, run, error, now),))
    wrong = _mismatch(contest, run, outcome)
    if wrong:
        error = {"code": RejectCode.SETTLEMENT_MISMATCH.value, "details": {"differs": wrong}}
        return Accepted(events=(_failed(contest, run, error, now),))
    return Accepted(events=(_recorded(contest, run, outcome),), reply={"deduped": False})


def _mismatch(contest: Contest, run: Run, result: SettlementResult) -> list[str]:
    """Name what a result gets wrong about this contest. The contest counts for itself before money moves."""
    active = contest.seats.counts[EntryStatus.ACTIVE]
    known = contest.seats.entries
    checks = {
        "contest_id": result.contest_id == contest.contest_id,
        "input_sha256": result.input_sha256 == run.input_sha256,
        "entries": result.entries == active == len({row.entry_id for row in result.standings}),
        "standings": all(
            row.entry_id in known and known[row.entry_id].status is EntryStatus.ACTIVE for row in result.standings
        ),
        "pot_cents": result.pot_cents == pot_cents(contest.config.entry, active),
        "prizes": result.pot_cents == result.rake_cents + sum(row.prize_cents for row in result.standings),
        "signs": result.rake_cents >= 0 and all(row.prize_cents >= 0 for row in result.standings),
    }
    return [name for name, holds in checks.items() if not holds]


def _recorded(contest: Contest, run: Run, result: SettlementResult) -> SettlementRecorded:
    entries = contest.seats.entries
    return SettlementRecorded(
        contest_id=contest.contest_id,
        run_id=run.run_id,
        attempt=run.attempt,
        checkpoint=run.checkpoint,
        score_version=result.score_version,
        started_at=run.started_at,
        input_sha256=result.input_sha256,
        result_sha256=result.result_sha256,
        currency=contest.created.currency,
        pot_cents=result.pot_cents,
        rake_cents=result.rake_cents,
        entries=tuple(
            SettledEntry(
                entry_id=row.entry_id,
                account_did=entries[row.entry_id].account_did,
                rank=row.rank,
                status=row.status,
                score=row.score,
                prize_cents=row.prize_cents,
            )
            for row in result.standings
        ),
    )


def _failed(contest: Contest, run: Run, error: Mapping[str, Any], now: datetime) -> SettlementFailed:
    if error.get("code") in NAMED_FAILURES:
        wait = RETRY_NAMED_FAILURE
    else:
        wait = timedelta(seconds=min(RETRY_SECONDS_MIN * 2 ** min(run.attempt - 1, 10), RETRY_SECONDS_MAX))
    return SettlementFailed(
        contest_id=contest.contest_id,
        run_id=run.run_id,
        attempt=run.attempt,
        checkpoint=run.checkpoint,
        started_at=run.started_at,
        input_sha256=run.input_sha256,
        error=orjson.loads(orjson.dumps(error, default=str)),
        retry_at=now + wait,
    )


def take_paid(contest: Contest, paid: WinningsPaid) -> Decision:
    """Note that a prize has reached its winner; a prize is paid once (C-13)."""
    prize = _prize_of(contest, paid.entry_id, paid.amount_cents)
    if isinstance(prize, Rejected):
        return prize
    if paid.entry_id in contest.settlement.paid:
        return Accepted(reply={"deduped": True})
    event = PrizePaid(
        entry_id=paid.entry_id, amount_cents=paid.amount_cents, stripe_transfer_id=paid.stripe_transfer_id
    )
    return Accepted(events=(event,))


def take_unpayable(contest: Contest, unpayable: WinningsUnpayable) -> Decision:
    """Note that a prize cannot be transferred; the money stays the winner's, so the contest owes nothing more."""
    prize = _prize_of(contest, unpayable.entry_id, unpayable.amount_cents)
    if isinstance(prize, Rejected):
        return prize
    settlement = contest.settlement
    if unpayable.entry_id in settlement.unpayable or unpayable.entry_id in settlement.paid:
        return Accepted(reply={"deduped": True})
    event = PrizeUnpayable(entry_id=unpayable.entry_id, amount_cents=unpayable.amount_cents, reason=unpayable.reason)
    return Accepted(events=(event,))


def _prize_of(contest: Contest, entry_id: str, amount_cents: int) -> SettledEntry | Rejected:
    result = contest.settlement.results.get(entry_id)
    if result is None or result.prize_cents == 0:
        return Rejected(code=RejectCode.NOT_FOUND, details={"entry_id": entry_id})
    if result.prize_cents != amount_cents:
        details = {"entry_id": entry_id, "prize_cents": result.prize_cents, "amount_cents": amount_cents}
        return Rejected(code=RejectCode.AMOUNT_MISMATCH, details=details)
    return result
