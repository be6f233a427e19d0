"""What a verification says: problems by name, where each shows, and what to do next; it must not look for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Code(StrEnum):
    """Everything that can be wrong with a data root."""

    # A file by itself
    FILE_MISSING = "FILE_MISSING"
    FILE_STRAY = "FILE_STRAY"
    FILE_SWAPPED = "FILE_SWAPPED"
    FILE_DAMAGED = "FILE_DAMAGED"
    WRONG_FILE = "WRONG_FILE"
    NO_ACCESS = "NO_ACCESS"
    SCHEMA_DIFFERS = "SCHEMA_DIFFERS"
    # Its log
    HASH_MISMATCH = "HASH_MISMATCH"
    SEQ_GAP = "SEQ_GAP"
    TIME_DECREASED = "TIME_DECREASED"
    CUT_TAIL = "CUT_TAIL"
    ANCHOR_MISMATCH = "ANCHOR_MISMATCH"
    UNREADABLE = "UNREADABLE"
    EVENT_UNKNOWN = "EVENT_UNKNOWN"
    FOLD_FAILED = "FOLD_FAILED"
    PAYLOAD_DIFFERS = "PAYLOAD_DIFFERS"
    # Its typed rows and bodies
    ROW_MISSING = "ROW_MISSING"
    ROW_EXTRA = "ROW_EXTRA"
    ROW_DIFFERS = "ROW_DIFFERS"
    BODY_ALTERED = "BODY_ALTERED"
    # The books
    TRANSACTION_MISSING = "TRANSACTION_MISSING"
    TRANSACTION_UNBALANCED = "TRANSACTION_UNBALANCED"
    FORGED_BALANCE = "FORGED_BALANCE"
    NEGATIVE_BALANCE = "NEGATIVE_BALANCE"
    TRIAL_BALANCE_OFF = "TRIAL_BALANCE_OFF"
    EFFECT_POSTED_TWICE = "EFFECT_POSTED_TWICE"
    NETTING_DISAGREES = "NETTING_DISAGREES"
    # Files against each other
    DELIVERY_LOST = "DELIVERY_LOST"
    FEES_DISAGREE = "FEES_DISAGREE"
    PRIZES_DISAGREE = "PRIZES_DISAGREE"
    PAYOUTS_DISAGREE = "PAYOUTS_DISAGREE"
    PAID_TWICE = "PAID_TWICE"
    # The results
    RESULT_DIFFERS = "RESULT_DIFFERS"


_RESTORE: Final = (
    "Stop the engine, keep a copy of the data root, and restore the file from the replica (cutline restore into an "
    "empty folder)."
)
_LOOK: Final = "Stop paying out, keep a copy of the data root, and compare the file with the replica before going on."

WHAT_TO_DO: Final[Mapping[Code, str]] = {
    Code.FILE_MISSING: _RESTORE,
    Code.FILE_STRAY: "Move the file out of the data root: no engine opens it where it lies.",
    Code.FILE_SWAPPED: "Put each file back under the name of what it holds; a contest's events name their contest.",
    Code.FILE_DAMAGED: _RESTORE,
    Code.WRONG_FILE: _RESTORE,
    Code.NO_ACCESS: (
        "Verify as the user that runs the engine; if you are that user, have the data root and all in it given to you."
    ),
    Code.SCHEMA_DIFFERS: (
        "Find out who changed the file outside the engine; restore it from the replica if the rows are in doubt."
    ),
    Code.HASH_MISMATCH: _RESTORE,
    Code.SEQ_GAP: _RESTORE,
    Code.TIME_DECREASED: _RESTORE,
    Code.CUT_TAIL: _RESTORE,
    Code.ANCHOR_MISMATCH: _RESTORE,
    Code.UNREADABLE: _RESTORE,
    Code.EVENT_UNKNOWN: "Verify with the release that wrote the file: this one does not know the event.",
    Code.FOLD_FAILED: _RESTORE,
    Code.PAYLOAD_DIFFERS: _RESTORE,
    Code.ROW_MISSING: _RESTORE,
    Code.ROW_EXTRA: _RESTORE,
    Code.ROW_DIFFERS: _RESTORE,
    Code.BODY_ALTERED: _RESTORE,
    Code.TRANSACTION_MISSING: _RESTORE,
    Code.TRANSACTION_UNBALANCED: _LOOK,
    Code.FORGED_BALANCE: _LOOK,
    Code.NEGATIVE_BALANCE: _LOOK,
    Code.TRIAL_BALANCE_OFF: _LOOK,
    Code.EFFECT_POSTED_TWICE: _LOOK,
    Code.NETTING_DISAGREES: _LOOK,
    Code.DELIVERY_LOST: _LOOK,
    Code.FEES_DISAGREE: _LOOK,
    Code.PRIZES_DISAGREE: _LOOK,
    Code.PAYOUTS_DISAGREE: _LOOK,
    Code.PAID_TWICE: _LOOK,
    Code.RESULT_DIFFERS: "Keep the contest's file and replay it (cutline replay); pay nothing more of this contest.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. `file` is relative to the data root; `where` a row, an account, a message."""

    code: Code
    file: str
    where: str
    message: str

    @property
    def what_to_do(self) -> str:
        """Return the next step for whoever reads this."""
        return WHAT_TO_DO[self.code]

    def to_dict(self) -> dict[str, str]:
        """Return the problem as plain data."""
        return {
            "code": self.code.value,
            "file": self.file,
            "where": self.where,
            "message": self.message,
            "what_to_do": self.what_to_do,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found. `counts` says how much was looked at, so that an empty root does not pass for a whole one."""

    problems: tuple[Problem, ...]
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        return {
            "ok": self.ok,
            "problems": [problem.to_dict() for problem in self.problems],
            "counts": dict(self.counts),
        }
