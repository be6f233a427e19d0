"""What happens to a contest after its end: late changes of the provider and audits, as facts; logic-free."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct


class LateChangesReceived(Struct, frozen=True, kw_only=True):
    """The provider changed something after the contest was COMPLETE: noted beside what is settled, and not applied."""

    first: int
    changes: tuple[tuple[str, Mapping[str, Any]], ...]
    polled_at: datetime
    head: str

    @property
    def key(self) -> str:
        """A late change is noted once."""
        return f"feed-late:{self.first}"


class AuditStarted(Struct, frozen=True, kw_only=True):
    """The recorded settlement is being scored again from the file (SET-010). `number` counts audits from 1."""

    number: int
    run_id: str

    @property
    def key(self) -> str:
        """Audits are numbered."""
        return f"audit:{self.number}:started"


class AuditEnded(Struct, frozen=True, kw_only=True):
    """An audit found these `mismatches`, none where all agrees; with an `error` it could not look at all."""

    contest_id: str
    number: int
    run_id: str
    started_at: datetime
    mismatches: tuple[str, ...]
    error: Mapping[str, Any] | None
    next_at: datetime

    @property
    def key(self) -> str:
        """An audit ends once."""
        return f"audit:{self.number}:ended"
