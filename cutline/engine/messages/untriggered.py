"""The messages about settled contests whose winners nobody has begun to pay; they carry no money and no person."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class SettledContest(Struct, frozen=True, kw_only=True):
    """A contest that has settled with so many prizes, and has heard of none of them yet."""

    contest_id: str
    settled_at: datetime
    prizes: int


class ReadUntriggered(Struct, frozen=True, kw_only=True):
    """Ask payouts which of these contests settled so long ago and have no transfer. Decides nothing."""

    settled: tuple[SettledContest, ...]
    older_than_minutes: int


class LookForUntriggered(Struct, frozen=True, kw_only=True):
    """From the scheduler: raise an alert if there are such contests among these."""

    settled: tuple[SettledContest, ...]
    older_than_minutes: int


class ReadPostedSettlements(Struct, frozen=True, kw_only=True):
    """Ask the ledger which of these contests' settlements are in the books. Decides nothing."""

    contest_ids: tuple[str, ...]
