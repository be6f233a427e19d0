"""What a data root that was restored can say of itself: how late each file was cut, and what was under way to Stripe.

The copies of a box are cut at slightly different moments. It reads the files only, and must not ask Stripe: whatever
moved after the cut is known there alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pysqlite3

from cutline.engine.stripe_call import LOOKUPS
from cutline.storage.errors import StorageError
from cutline.storage.event_log import EventLog
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.machines import begin
from cutline.storage.sqlite import open_reader

CALLING = ("payouts", "payments")
"""The files that ask Stripe to move money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnderWay:
    """A movement of money that Stripe was asked for or would have been next; its outcome is not in the files."""

    subject: str
    operation: str
    attempt: int
    amount_cents: int | None
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBack:
    """How far the files of a data root reach. `last_commits` is by address; unreadable files are left to `verify`."""

    last_commits: dict[str, datetime]
    calls: tuple[CallUnderWay, ...]


def look_back(path: Path) -> LookBack:
    """Read when each file's last commit was, and which movements of money have no outcome yet (FAULTS O3)."""
    commits: dict[str, datetime] = {}
    calls: list[CallUnderWay] = []
    for address, where in DataRoot(path).all_files():
        with contextlib.suppress(StorageError, pysqlite3.Error), _log(where, address) as log:
            if log.last_at is not None:
                commits[address] = log.last_at
            if address in CALLING:
                calls += _calls(log)
    return LookBack(last_commits=commits, calls=tuple(calls))


@contextlib.contextmanager
def _log(where: Path, address: str) -> Iterator[EventLog]:
    kind = kind_of(address)
    with contextlib.closing(open_reader(where, kind)) as connection:
        yield EventLog(connection, kind)


def _calls(log: EventLog) -> Iterator[CallUnderWay]:
    folding = begin(log.kind.name)
    for entry in log.entries():
        folding.take(entry)
    for call in folding.state.calls.calls.values():
        if call.operation in LOOKUPS:
            yield CallUnderWay(
                subject=call.subject,
                operation=call.operation,
                attempt=call.attempt,
                amount_cents=call.parameters.get("amount"),
                started_at=call.started_at,
            )
