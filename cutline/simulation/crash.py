"""Kills this process right after a chosen commit: nothing is answered, nothing is cleaned up.

The engine does not know about it: the commit of the event log is wrapped from outside.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from cutline.storage.event_log import EventLog


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPlan:
    """Die after the first commit that holds an event of `kind` and `type`, or after the `commit`-th commit."""

    kind: str | None = None
    type: str | None = None
    commit: int | None = None

    @classmethod
    def parse(cls, text: str) -> CrashPlan:
        """Read `commit:<n>` or `first:<file kind>:<event type>`.

        Raises ValueError for anything else.
        """
        match text.split(":"):
            case ["commit", number]:
                return cls(commit=int(number))
            case ["first", kind, event_type]:
                return cls(kind=kind, type=event_type)
            case _:
                raise ValueError(f"crash plan {text!r}: write commit:<n> or first:<kind>:<event type>")


def install(plan: CrashPlan | None, commits_file: Path | None) -> None:
    """Wrap the event log so that it dies as planned, and notes each commit's (kind, types) in a file if given."""
    appended: dict[int, list[str]] = {}
    count = 0
    append, commit = EventLog.append, EventLog.commit

    def noting_append(self: EventLog, **fields: object) -> object:
        appended.setdefault(id(self), []).append(str(fields["type"]))
        return append(self, **fields)  # type: ignore[arg-type]  # passed through as it came

    def dying_commit(self: EventLog) -> None:
        nonlocal count
        commit(self)
        types = appended.pop(id(self), [])
        count += 1
        if commits_file is not None:
            with commits_file.open("a") as notes:
                notes.writelines(f"{self.kind.name} {event_type}\n" for event_type in types)
                notes.write("commit\n")
        if plan is None:
            return
        if count == plan.commit or (self.kind.name == plan.kind and plan.type in types):
            os.kill(os.getpid(), signal.SIGKILL)

    EventLog.append = noting_append  # type: ignore[method-assign,assignment]  # the seam of the crash tests
    EventLog.commit = dying_commit  # type: ignore[method-assign]  # the seam of the crash tests
