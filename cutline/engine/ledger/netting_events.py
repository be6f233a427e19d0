"""What the ledger's log says of netting: runs, their entries and how they ended. The postings are transactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cutline.engine.netting import PlannedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingRunCreated:
    """A run has taken its payouts: those at the places `start` to `stop` among all of its currency.

    `content` is what was asked, field by field; `through_seq` the last place in the log that the selection reaches.
    """

    run_id: str
    idempotency_key: str
    payload_sha256: str
    content: Mapping[str, str]
    currency: str
    selection_before: datetime
    start: int
    stop: int
    through_seq: int
    total_cents: int
    entries: tuple[PlannedEntry, ...]

    @property
    def key(self) -> str:
        """Return the business key: a run is created once."""
        return f"netting:run:{self.run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingRunStarted:
    """A run posts its entries, or goes on with those that are left after it had failed."""

    run_id: str
    attempt: int

    @property
    def key(self) -> str:
        """Return the business key: each attempt starts once."""
        return f"netting:run:{self.run_id}:started:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingEntryApplied:
    """An entry is in the books, in the same commit; `payouts` are (payout, movement, cents, place in the log)."""

    run_id: str
    entry_id: str
    amount_cents: int
    payouts: tuple[tuple[str, str, int, int], ...]

    @property
    def key(self) -> str:
        """Return the business key: an entry is applied once (NET-006)."""
        return f"netting:entry:{self.entry_id}:applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingEntryFailed:
    """An entry could not be posted, and with it the run's attempt has failed; no money moved."""

    run_id: str
    entry_id: str
    attempt: int
    code: str
    reason: str

    @property
    def key(self) -> str:
        """Return the business key: an entry fails once in an attempt."""
        return f"netting:entry:{self.entry_id}:failed:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingRunApplied:
    """Every entry of a run is in the books; its report has this sha256."""

    run_id: str
    attempt: int
    artifact_sha256: str

    @property
    def key(self) -> str:
        """Return the business key: a run is applied once (NET-006)."""
        return f"netting:run:{self.run_id}:applied"


EVENTS: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (NettingRunCreated, NettingRunStarted, NettingEntryApplied, NettingEntryFailed, NettingRunApplied)
}
