"""Verify a whole data root, stopped or running; it opens every file for reading only and changes nothing."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cutline.storage.errors import NoAccess
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sealing import Sealer
from cutline.storage.verify.books import check_books
from cutline.storage.verify.deliveries import check_deliveries
from cutline.storage.verify.file_check import CheckedFile, check_file
from cutline.storage.verify.money import check_money
from cutline.storage.verify.netting import check_netting
from cutline.storage.verify.payouts import check_payouts
from cutline.storage.verify.presence import check_presence
from cutline.storage.verify.report import Code, Problem, Report
from cutline.storage.verify.resettlement import check_settlement

LOOKS_MAX: Final = 3
_BETWEEN_LOOKS_S: Final = 0.5


def verify_root(path: Path) -> Report:
    """Return everything that is wrong with a data root; see `Code` for what can be.

    A running engine writes file after file while they are read, so that two of them may seem to disagree for a
    moment: there, only what is wrong every time is a problem. Raises FileNotFoundError where there is no data root.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is no data root: there is no such folder")
    with _uncollected():
        report = _look(path)
        for _ in range(LOOKS_MAX - 1):
            if report.ok or not engine_runs(path):
                break
            # This waits for a real engine to get on; no held clock has a part in it.
            time.sleep(_BETWEEN_LOOKS_S)
            again = _look(path)
            standing = {(problem.code, problem.file, problem.where) for problem in report.problems}
            kept = (p for p in again.problems if (p.code, p.file, p.where) in standing)
            report = Report(problems=tuple(kept), counts=again.counts)
    return report


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python's cycle collector out: it walks again and again through all that is kept, which has no cycles."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def engine_runs(path: Path) -> bool:
    """Whether an engine holds the lock of this data root at the moment."""
    try:
        handle = os.open(path / "engine.lock", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _look(path: Path) -> Report:
    root = DataRoot(path)
    try:
        found = list(root.all_files())
    except NoAccess as error:
        # A folder that cannot be listed hides files: nothing that is said about the rest would be the whole truth.
        problem = Problem(code=Code.NO_ACCESS, file=str(path), where="its folders", message=str(error))
        return Report(problems=(problem,), counts=_counts({}))
    sealer = Sealer(path)
    files = {
        address: check_file(where, address, kind_of(address).name, str(where.relative_to(path)), sealer)
        for address, where in found
    }
    problems = [problem for file in files.values() for problem in file.problems]
    problems += check_presence(files, root)
    problems += _check_books(files)
    problems += check_deliveries(files)
    problems += check_money(files)
    problems += check_payouts(files)
    for file in files.values():
        if file.address.startswith("contest/"):
            problems += check_settlement(file)
    return Report(problems=tuple(problems), counts=_counts(files))


def _check_books(files: dict[str, CheckedFile]) -> Iterator[Problem]:
    ledger = files.get("ledger")
    if ledger is not None:
        problems, _ = check_books(ledger.kept, ledger.name)
        yield from problems
        yield from check_netting(ledger.kept, ledger.name)


def _counts(files: dict[str, CheckedFile]) -> dict[str, int]:
    folded = [file for file in files.values() if file.folding is not None]
    contests = [file.state.contest for file in folded if file.address.startswith("contest/")]
    return {
        "files": len(files),
        "events": sum(file.events for file in files.values()),
        "rows": sum(file.rows for file in files.values()),
        "contests": len(contests),
        "settlements": sum(1 for c in contests if c is not None and c.settlement.recorded is not None),
        "owed": sum(len(file.owed) for file in folded),
    }
