"""Check one file by itself: its identity, schema and chain, and that its events fold and leave the rows it holds.

What the events add up to is handed on, for the checks that look across files. It must not write.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pysqlite3
from msgspec import DecodeError
from pysqlite3 import Connection

from cutline.engine.contest.audit_events import LateChangesReceived
from cutline.engine.contest.events import FeedApplied, RostersFrozen, SettlementStarted
from cutline.engine.contest.freezing import pack
from cutline.engine.contest.settling import inputs_of
from cutline.engine.contest.state import Contest
from cutline.engine.decision import Owed, Recorded
from cutline.engine.errors import InvariantViolated
from cutline.engine.settlement import SettlementInput
from cutline.storage import machines, schema
from cutline.storage.chain import ChainProblem, verify_chain
from cutline.storage.errors import FileMissing, NoAccess, StorageError, WrongFile
from cutline.storage.event_log import EventLog
from cutline.storage.sealing import Sealer
from cutline.storage.sqlite import open_reader
from cutline.storage.verify.bodies import check_payloads, check_rosters, check_sealed
from cutline.storage.verify.payloads import entry_says_otherwise
from cutline.storage.verify.report import Code, Problem
from cutline.storage.verify.rows import ExpectedRows

_CHAIN_CODES: Final = {
    name: Code.CUT_TAIL if name is ChainProblem.TAIL_CUT else Code(name.value) for name in ChainProblem
}
FOLD_FAILURES: Final = (InvariantViolated, LookupError, TypeError, ValueError, AttributeError)
"""What a machine raises on events that cannot follow each other; a validation error is a ValueError."""


@dataclass(slots=True, kw_only=True)
class CheckedFile:
    """What one file holds. `folding` is None where its events could not be folded to the end."""

    address: str
    name: str
    problems: list[Problem] = field(default_factory=list)
    folding: machines.Folding | None = None
    kept: list[Recorded] = field(default_factory=list)
    """The events of the ledger and of the payouts, which are counted again one by one."""
    heads: dict[str, int] = field(default_factory=dict)
    """What a contest knows of its feed's chain: hashes, each with the contest's own row."""
    runs: dict[str, SettlementInput] = field(default_factory=dict)
    """What each settlement run of a contest was given, as the log stood when it began."""
    hashes: dict[int, bytes] = field(default_factory=dict)
    events: int = 0
    rows: int = 0

    @property
    def state(self) -> Any:
        """The folded state, or None."""
        return None if self.folding is None else self.folding.state

    @property
    def owed(self) -> dict[str, Owed]:
        """What the file still owes to others."""
        return {} if self.folding is None else self.folding.owed

    @property
    def delivered(self) -> Sequence[Owed]:
        """What others have confirmed to hold."""
        return () if self.folding is None else self.folding.delivered or ()


def check_file(path: Path, address: str, kind_name: str, name: str, sealer: Sealer) -> CheckedFile:
    """Check the file of an address as far as it can be read. `name` is how problems call it."""
    checked = CheckedFile(address=address, name=name)
    rules = machines.rules_of(kind_name)
    try:
        connection = open_reader(path, rules.kind)
    except StorageError as error:
        checked.problems.append(Problem(code=_code_of(error), file=name, where="the file", message=str(error)))
        return checked
    with contextlib.closing(connection):
        try:
            # One read transaction: all that follows sees the same moment, whatever a running engine appends.
            connection.execute("BEGIN")
            checked.problems += _check_bytes(connection, checked)
            _fold(connection, rules, checked)
            checked.problems += _check_bodies(connection, kind_name, name, sealer)
        except (StorageError, pysqlite3.Error) as error:
            checked.problems.append(Problem(code=Code.FILE_DAMAGED, file=name, where="the file", message=str(error)))
            checked.folding = None
    return checked


def _code_of(error: StorageError) -> Code:
    if isinstance(error, FileMissing):
        return Code.FILE_MISSING
    if isinstance(error, NoAccess):
        return Code.NO_ACCESS
    return Code.WRONG_FILE if isinstance(error, WrongFile) else Code.FILE_DAMAGED


def _check_bytes(connection: Connection, checked: CheckedFile) -> Iterator[Problem]:
    name = checked.name
    kind = machines.rules_of(checked.address.partition("/")[0]).kind
    for (line,) in connection.execute("PRAGMA integrity_check(10)").fetchall():
        if line != "ok":
            yield Problem(code=Code.FILE_DAMAGED, file=name, where="pages and indexes", message=line)
    for difference in schema.check_file(connection, kind):
        yield Problem(code=Code.SCHEMA_DIFFERS, file=name, where="the schema", message=difference)
    for found in verify_chain(connection):
        yield Problem(code=_CHAIN_CODES[found.name], file=name, where=f"log seq={found.seq}", message=found.detail)


def _fold(connection: Connection, rules: machines.FileRules, checked: CheckedFile) -> None:
    """Fold the log, and compare the rows it leaves with those that are there."""
    folding, expected = machines.begin(rules.kind.name), ExpectedRows(rules.kind)
    for entry in EventLog(connection, rules.kind).entries():
        where = f"log seq={entry.seq}"
        try:
            recorded = folding.take(entry)
            expected.add(rules.project(recorded, None))
        except (KeyError, DecodeError) as error:
            known = entry.type in rules.codec.names
            code = Code.FOLD_FAILED if known and isinstance(error, KeyError) else Code.EVENT_UNKNOWN
            message = f"{entry.type} {entry.key}: {error}"
            checked.problems.append(Problem(code=code, file=checked.name, where=where, message=message))
            return
        except FOLD_FAILURES as error:
            message = f"{entry.type} {entry.key} cannot follow: {error!r}"
            checked.problems.append(Problem(code=Code.FOLD_FAILED, file=checked.name, where=where, message=message))
            return
        otherwise = entry_says_otherwise(entry, recorded.event, rules.codec)
        if otherwise is not None:
            message = f"{entry.type} {entry.key}: {otherwise}"
            checked.problems.append(Problem(code=Code.PAYLOAD_DIFFERS, file=checked.name, where=where, message=message))
        checked.events += 1
        checked.hashes[entry.seq] = entry.hash
        _keep(checked, folding.state, recorded, rules.kind.name)
    checked.folding, checked.rows = folding, expected.count
    checked.problems += expected.compare(connection, checked.name)


def _keep(checked: CheckedFile, state: Any, recorded: Recorded, kind_name: str) -> None:
    event = recorded.event
    if kind_name in ("ledger", "payouts"):
        checked.kept.append(recorded)
    elif isinstance(event, FeedApplied | LateChangesReceived):
        checked.heads[event.head] = recorded.seq
    elif isinstance(event, RostersFrozen):
        checked.problems += _check_frozen(state.existing(), event, checked.name, recorded.seq)
    elif isinstance(event, SettlementStarted):
        checked.runs[event.run_id] = inputs_of(state.existing())


def _check_frozen(contest: Contest, event: RostersFrozen, name: str, seq: int) -> Iterator[Problem]:
    """Yield that the rosters were not packed from the entries that played when the contest was locked (CFG-006)."""
    again, _ = pack(contest)
    if again != event:
        message = f"the log's entries pack to {again.entries} of {again.sha256}, frozen were {event.entries}"
        yield Problem(code=Code.RESULT_DIFFERS, file=name, where=f"log seq={seq}", message=message)


def _check_bodies(connection: Connection, kind_name: str, name: str, sealer: Sealer) -> Iterator[Problem]:
    if kind_name == "ledger":
        yield from check_sealed(connection, name, sealer)
    elif kind_name == "feed":
        yield from check_payloads(connection, name)
    elif kind_name == "contest":
        yield from check_rosters(connection, name)
