"""Settle a contest again from its own log, and compare with what was recorded; it must not record anything.

The inputs are those of the log as it stood when the recorded run began, so that what came later cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cutline.engine.contest.events import SettlementRecorded
from cutline.engine.decision import Rejected
from cutline.engine.settlement import SettlementInput, SettlementResult, settle
from cutline.storage.verify.file_check import CheckedFile
from cutline.storage.verify.report import Code, Problem

SHOWN_ENTRIES = 5


def check_settlement(file: CheckedFile) -> Iterator[Problem]:
    """Yield how a contest's recorded result differs from settling it again (SET-001, SET-009)."""
    contest = None if file.state is None else file.state.contest
    recorded = None if contest is None else contest.settlement.recorded
    if recorded is None:
        return
    for difference in differences(recorded, file.runs.get(recorded.run_id)):
        yield Problem(code=Code.RESULT_DIFFERS, file=file.name, where=recorded.run_id, message=difference)


def differences(recorded: SettlementRecorded, inputs: SettlementInput | None) -> Sequence[str]:
    """Return how a recorded result differs from settling its inputs again; empty where they agree."""
    if inputs is None:
        return ["the run that was recorded never began"]
    result = settle(inputs)
    if isinstance(result, Rejected):
        return [f"settled again, the contest is refused: {result.code.value} {dict(result.details)}"]
    return [*_hash_differences(recorded, result), *_entry_differences(recorded, result)]


def _hash_differences(recorded: SettlementRecorded, result: SettlementResult) -> Iterator[str]:
    for name in ("score_version", "input_sha256", "result_sha256", "pot_cents", "rake_cents"):
        was, now = getattr(recorded, name), getattr(result, name)
        if was != now:
            yield f"{name} was recorded as {was}; settled again it is {now}"


def _entry_differences(recorded: SettlementRecorded, result: SettlementResult) -> list[str]:
    was = {row.entry_id: (row.rank, row.status, row.score, row.prize_cents) for row in recorded.entries}
    now = {row.entry_id: (row.rank, str(row.status), row.score, row.prize_cents) for row in result.standings}
    odd = sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key))
    said = [f"{key}: recorded as {was.get(key)}, settled again {now.get(key)}" for key in odd[:SHOWN_ENTRIES]]
    return said + ([f"and {len(odd) - SHOWN_ENTRIES} entries more"] if len(odd) > SHOWN_ENTRIES else [])
