"""The edge's way to contests and feeds: typed questions, and no decision."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypedDict

from cutline.actors.handles.asking import Ask, Reply
from cutline.engine.decision import Address
from cutline.engine.messages import (
    CancelContest,
    ChangePicks,
    CreateContest,
    EnterContest,
    PollAtOnce,
    ReadContest,
    ReadEntries,
    ReadEntry,
    ReadFeed,
    ReadIngestion,
    ReadSettlementAudit,
    WithdrawEntry,
)


class Entries(TypedDict):
    """Some entries as they are."""

    entries: list[Reply]


class ContestHandle:
    """One contest."""

    __slots__ = ("_address", "_ask", "_contest_id")

    def __init__(self, ask: Ask, contest_id: str) -> None:
        self._ask = ask
        self._contest_id = contest_id
        self._address: Address = f"contest/{contest_id}"

    def create(self, *, config_json: str, config_sha256: str) -> Awaitable[Reply]:
        """Create the contest's file, and the contest in it, from a published configuration."""
        message = CreateContest(contest_id=self._contest_id, config_json=config_json, config_sha256=config_sha256)
        return self._ask(self._address, message)

    def read(self) -> Awaitable[Reply]:
        """Return the contest as it is."""
        return self._ask(self._address, ReadContest())

    def cancel(self, *, actor: str, reason: str) -> Awaitable[Reply]:
        """Cancel the contest before it is COMPLETE and give every fee back (LIFE-009)."""
        return self._ask(self._address, CancelContest(actor=actor, reason=reason))

    def enter(self, *, entry_id: str, account_did: str, picks: Sequence[str], tiebreak: int | None) -> Awaitable[Reply]:
        """Reserve a seat until its fee is paid."""
        message = EnterContest(entry_id=entry_id, account_did=account_did, picks=tuple(picks), tiebreak=tiebreak)
        return self._ask(self._address, message)

    def entry(self, entry_id: str) -> Awaitable[Reply]:
        """Return one entry as it is."""
        return self._ask(self._address, ReadEntry(entry_id=entry_id))

    def withdraw(self, *, entry_id: str, account_did: str) -> Awaitable[Reply]:
        """Withdraw an entry before the lock; what was paid is given back."""
        return self._ask(self._address, WithdrawEntry(entry_id=entry_id, account_did=account_did))

    def ingestion(self) -> Awaitable[Reply]:
        """Return what the contest has taken of its provider's event."""
        return self._ask(self._address, ReadIngestion())

    def settlement_audit(self) -> Awaitable[Reply]:
        """Return every settlement run and every audit."""
        return self._ask(self._address, ReadSettlementAudit())

    def entries(self, entry_ids: Sequence[str]) -> Awaitable[Entries]:
        """Return some entries as they are, in the order given; unknown ones are left out."""
        return self._ask(self._address, ReadEntries(entry_ids=tuple(entry_ids)))

    def change_picks(
        self, *, entry_id: str, account_did: str, picks: Sequence[str], tiebreak: int | None
    ) -> Awaitable[Reply]:
        """Give an entry other golfers before the lock."""
        message = ChangePicks(entry_id=entry_id, account_did=account_did, picks=tuple(picks), tiebreak=tiebreak)
        return self._ask(self._address, message)


class FeedHandle:
    """One provider event's feed."""

    __slots__ = ("_address", "_ask")

    def __init__(self, ask: Ask, provider_event_id: str) -> None:
        self._ask = ask
        self._address: Address = f"feed/{provider_event_id}"

    def read(self, applied: int | None = None) -> Awaitable[Reply]:
        """Return the feed as it is, and what waits for a follower that has `applied` so many changes."""
        return self._ask(self._address, ReadFeed(applied=applied))

    def poll_at_once(self) -> Awaitable[Reply]:
        """Poll the provider now."""
        return self._ask(self._address, PollAtOnce())
