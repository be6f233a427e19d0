"""Looks into every file at the start, without opening it for writing, and wakes those that have something to do.

Ten thousand contests would be ten thousand threads; most are finished, or wait for a day to come. It must not judge a
file: one that it cannot read is opened, so that its own actor finds out and its supervisor decides.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cutline.actors.clock import utc_now
from cutline.actors.directory import CORE, DUE_SOON, Directory
from cutline.actors.mailbox import Tell
from cutline.engine.decision import Address
from cutline.engine.messages import Look
from cutline.engine.vitals import Measured
from cutline.storage.event_log import EventLog
from cutline.storage.files import DataRoot
from cutline.storage.machines import FileRules, Folding
from cutline.storage.sqlite import open_reader

TOO_LARGE_BYTES = 4_000_000
"""Folding a file of this size takes the event loop too long: its actor does it in a thread of its own."""


class Survey:
    """One round through the files of a data root, in slices on the event loop."""

    def __init__(self, directory: Directory, root: DataRoot, rules_of: Callable[[Address], FileRules]) -> None:
        self._directory = directory
        self._root = root
        self._rules_of = rules_of
        self._task: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        """Whether every file has been looked into."""
        return self._task is not None and self._task.done()

    def start(self) -> None:
        """Begin; what a message opens meanwhile is left alone."""
        files = [(address, path) for address, path in self._root.all_files() if address not in CORE]
        self._directory.remember(address for address, _ in files)
        self._task = asyncio.get_running_loop().create_task(self._run(files))

    async def stop(self) -> None:
        """Look no further."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, files: list[tuple[Address, Path]]) -> None:
        for address, path in files:
            now = utc_now()
            try:
                busy, due_at = self._look_into(address, path, now)
            except Exception:  # noqa: BLE001  # whatever is wrong with the file, its actor meets it too and says so
                busy, due_at = True, None
            if busy:
                self._directory.send(address, Tell(Look(), "survey"))
            else:
                self._directory.note_closed(address, due_at)
            await asyncio.sleep(0)

    def _look_into(self, address: Address, path: Path, now: datetime) -> tuple[bool, datetime | None]:
        """Return whether a file has something to do now or soon, and when it wants to look at the clock."""
        rules = self._rules_of(address)
        if path.stat().st_size >= TOO_LARGE_BYTES:
            return True, None
        wal = path.with_name(f"{path.name}-wal")
        at_rest = not wal.exists() or not wal.stat().st_size
        with contextlib.closing(open_reader(path, rules.kind, at_rest=at_rest)) as connection:
            folding = Folding.of(rules)
            for entry in EventLog(connection, rules.kind).entries():
                folding.take(entry)
        due_at = rules.machine.due_at(folding.state)
        if isinstance(rules.machine, Measured):
            self._directory.measure(address, rules.machine.vitals(folding.state))
        soon = due_at is not None and due_at - now <= DUE_SOON
        return bool(soon or folding.owed or rules.machine.resume(folding.state, now)), due_at
