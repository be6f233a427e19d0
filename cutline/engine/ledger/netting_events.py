"""What the ledger's log says of netting: runs, their entries and how they ended. The postings are transactions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from cutline.engine.netting import PlannedEntry


class NettingRunCreated(Struct, frozen=True, kw_only=True):
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


class NettingRunStarted(Struct, frozen=True, kw_only=True):
    """A run posts its entries, or goes on with those that are left after it had failed."""

    run_id: str
    attempt: int

    @property
    def key(self) -> str:
        """Return the business key: each attempt starts once."""
        return f"netting:run:{self.run_id}:started:{self.attempt}"


class NettingEntryApplied(Struct, frozen=True, kw_only=True):
    """An entry is in the books, in the same commit; `payouts` are (payout, movement, cents, place in the log)."""

    run_id: str
    entry_id: str
    amount_cents: int
    payouts: tuple[tuple[str, str, int, int], ...]

    @property
    def key(self) -> str:
        """Return the business key: an entry is applied once (NET-006)."""
        return f"netting:entry:{self.entry_id}:applied"


class NettingEntryFailed(Struct, frozen=True, kw_only=True):
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


class NettingRunApplied(Struct, frozen=True, kw_only=True):
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
