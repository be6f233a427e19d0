"""The hash chain over a log: how a row is linked to the one before, and what a broken chain shows.

It must not write, and it must not trust what it reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson
import pysqlite3

GENESIS = bytes(32)
"""The hash before the first row."""


class ChainProblem(StrEnum):
    """What can be wrong with a log."""

    HASH_MISMATCH = "HASH_MISMATCH"
    SEQ_GAP = "SEQ_GAP"
    TIME_DECREASED = "TIME_DECREASED"
    TAIL_CUT = "TAIL_CUT"
    ANCHOR_MISMATCH = "ANCHOR_MISMATCH"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem by name, and the row where it shows."""

    name: ChainProblem
    seq: int
    detail: str


def link(previous: bytes, seq: int, kind: str, key: str, at: str, cause: str, payload: str) -> bytes:
    """Return a row's hash: sha256 over the hash before and the row as a compact JSON array in UTF-8.

    The array keeps the fields apart, and any language's JSON writer that escapes no more than it must makes
    the same bytes.
    """
    return hashlib.sha256(previous + orjson.dumps((seq, kind, key, at, cause, payload))).digest()


def verify_chain(
    connection: pysqlite3.Connection, *, anchors: Mapping[int, bytes] | None = None, problems_max: int = 100
) -> list[Problem]:
    """Return what is wrong with the file's log, at most `problems_max` problems; an empty list means whole.

    `anchors` are hashes by seq that another file has kept: without them a cut tail, or a chain computed
    anew from some row on, cannot be told from a whole one. After a bad row the chain goes on from the hash
    that is stored, so that one forged row is one problem.
    """
    wanted = dict(anchors or {})
    problems: list[Problem] = []
    previous, last_seq, last_at = GENESIS, 0, ""
    try:
        for row in connection.execute("SELECT seq, type, key, at, cause, payload, hash FROM log ORDER BY seq"):
            problems += _check_row(row, previous, last_seq, last_at)
            last_seq, last_at, previous = row[0], row[3], row[6]
            anchor = wanted.pop(last_seq, previous)
            if anchor != previous:
                problems.append(_anchor_mismatch(last_seq, anchor))
            if len(problems) >= problems_max:
                return problems[:problems_max]
    except (pysqlite3.Error, TypeError, ValueError) as error:
        problems.append(Problem(name=ChainProblem.UNREADABLE, seq=last_seq + 1, detail=str(error)))
    problems += _missing_anchors(wanted, last_seq)
    return problems[:problems_max]


def _check_row(
    row: tuple[int, str, str, str, str, str, bytes], previous: bytes, last_seq: int, last_at: str
) -> list[Problem]:
    seq, kind, key, at, cause, payload, stored = row
    problems = []
    if seq != last_seq + 1:
        problems.append(Problem(name=ChainProblem.SEQ_GAP, seq=seq, detail=f"follows {last_seq}"))
    if at < last_at:
        problems.append(Problem(name=ChainProblem.TIME_DECREASED, seq=seq, detail=f"{at} after {last_at}"))
    if link(previous, seq, kind, key, at, cause, payload) != stored:
        problems.append(Problem(name=ChainProblem.HASH_MISMATCH, seq=seq, detail=f"{kind} {key}"))
    return problems


def _anchor_mismatch(seq: int, anchor: bytes) -> Problem:
    return Problem(name=ChainProblem.ANCHOR_MISMATCH, seq=seq, detail=f"anchored as {anchor.hex()}")


def _missing_anchors(wanted: Mapping[int, bytes], last_seq: int) -> list[Problem]:
    problems = []
    for seq, anchor in sorted(wanted.items()):
        if seq > last_seq:
            detail = f"the log ends at {last_seq}"
            problems.append(Problem(name=ChainProblem.TAIL_CUT, seq=seq, detail=detail))
        elif seq > 0 or anchor != GENESIS:
            problems.append(_anchor_mismatch(seq, anchor))
    return problems
