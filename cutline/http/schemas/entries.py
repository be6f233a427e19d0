"""What is asked and answered about entries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from cutline.http.paging import PageAsked
from cutline.http.schemas.base import AccountDid, Asked, Given

PlayerId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class EnterAsked(Asked):
    """The golfers of an entry by the provider's ids, and the predicted winning score for breaking ties."""

    picks: tuple[PlayerId, ...] = Field(min_length=1, max_length=100)
    tiebreak: int | None = Field(default=None, ge=-1000, le=1000)


class EntryGiven(Given):
    """An entry as it is; place and prize are null until the contest is settled."""

    contest_id: str
    entry_id: str
    account_did: str
    status: str
    picks: tuple[str, ...]
    tiebreak: int | None
    fee_cents: int
    currency: str
    entered_at: datetime
    expires_at: datetime | None
    payment_intent: str | None = None
    rank: int | None = None
    score: int | float | None = None
    prize_cents: int | None = None
    prize_status: str | None = None
    paid: bool = False
    deduped: bool = False


class ChangePicksAsked(Asked):
    """The golfers and the prediction that take the place of those that an entry has."""

    picks: tuple[PlayerId, ...] = Field(min_length=1, max_length=100)
    tiebreak: int | None = Field(default=None, ge=-1000, le=1000)


class EntriesAsked(PageAsked):
    """Which page of entries; `account_did` asks for one holder's, and only staff is heard."""

    account_did: AccountDid | None = None


class EntriesGiven(Given):
    """A page of entries, in the order of entering."""

    entries: list[EntryGiven]
    next_cursor: str | None
