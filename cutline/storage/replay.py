"""Fold one contest file again from its first event, to the end or to any row, and settle it again; it only reads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from cutline.engine.contest.events import SettlementRecorded, SettlementStarted
from cutline.engine.contest.reading import describe_contest
from cutline.engine.contest.settling import inputs_of
from cutline.engine.decision import Rejected
from cutline.engine.settlement import SettlementInput, settle
from cutline.engine.settlement_difference import summary
from cutline.storage import machines
from cutline.storage.chain import verify_chain
from cutline.storage.event_log import EventLog
from cutline.storage.kinds import KINDS
from cutline.storage.sqlite import open_reader
from cutline.storage.verify.file_check import FOLD_FAILURES
from cutline.storage.verify.resettlement import differences
from cutline.storage.verify.rows import ExpectedRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a contest's file says when it is read again. `head` is the chain's hash at the last row that was read."""

    seq: int
    head: str
    contest: dict[str, Any] | None
    recorded_sha256: str | None
    problems: tuple[str, ...]
    would_settle: dict[str, Any] | None = None
    """What settling at this row gives, or why it is refused; None where the contest was settled by then."""

    @property
    def ok(self) -> bool:
        """Whether the file says the same again."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the replay as plain data, for JSON."""
        return {
            "ok": self.ok,
            "seq": self.seq,
            "head": self.head,
            "contest": self.contest,
            "recorded_sha256": self.recorded_sha256,
            "would_settle": self.would_settle,
            "problems": list(self.problems),
        }


def replay(path: Path, at_seq: int | None = None) -> Replay:
    """Read a contest's file again, up to row `at_seq`, and settle it again if it was settled by then (SET-001).

    At any earlier row it is settled on what was believed there, so that a result can be sought row by row (SET-012).
    Read to its end, the file's typed rows are compared with its log too. Raises StorageError for a file that cannot be
    read as a contest's, and ValueError for a row it does not have.
    """
    with contextlib.closing(open_reader(path, KINDS["contest"])) as connection:
        connection.execute("BEGIN")
        log = EventLog(connection, KINDS["contest"])
        last = log.seq if at_seq is None else at_seq
        if not 0 < last <= log.seq:
            raise ValueError(f"{path} has the rows 1 to {log.seq}; there is no row {last}")
        problems = [
            f"row {found.seq}: {found.name.value}, {found.detail}"
            for found in verify_chain(connection)
            if found.seq <= last
        ]
        expected = ExpectedRows(KINDS["contest"])
        again = _fold(log, last, problems, expected)
        if at_seq is None and again.seq == last:
            odd = [f"{found.where}: {found.message}" for found in expected.compare(connection, path.name)]
            again = replace(again, problems=(*again.problems, *odd))
        return again


def _fold(log: EventLog, last: int, problems: list[str], expected: ExpectedRows) -> Replay:
    folding, head = machines.begin("contest"), ""
    runs: dict[str, SettlementInput] = {}
    recorded: SettlementRecorded | None = None
    seq = 0
    for entry in takewhile(lambda entry: entry.seq <= last, log.entries()):
        try:
            taken = folding.take(entry)
            expected.add(folding.rules.project(taken, None))
        except FOLD_FAILURES as error:
            problems.append(f"row {entry.seq}: {entry.type} {entry.key} cannot follow: {error!r}")
            break
        event, seq, head = taken.event, entry.seq, entry.hash.hex()
        if isinstance(event, SettlementStarted):
            runs[event.run_id] = inputs_of(folding.state.existing())
        elif isinstance(event, SettlementRecorded):
            recorded = event
    if recorded is not None:
        problems += differences(recorded, runs.get(recorded.run_id))
    contest = folding.state.contest
    return Replay(
        seq=seq,
        head=head,
        contest=None if contest is None else describe_contest(contest),
        recorded_sha256=None if recorded is None else recorded.result_sha256,
        problems=tuple(problems),
        would_settle=None if contest is None or recorded is not None else _settled(inputs_of(contest)),
    )


def _settled(inputs: SettlementInput) -> dict[str, Any]:
    outcome = settle(inputs)
    if isinstance(outcome, Rejected):
        return summary(outcome)
    rows = [
        {"rank": row.rank, "entry_id": row.entry_id, "score": row.score, "prize_cents": row.prize_cents}
        for row in outcome.standings
    ]
    return {**summary(outcome), "standings": rows}
