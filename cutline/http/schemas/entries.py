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


OWN_ENTRIES_MAX = 50


class OwnEntriesAsked(PageAsked):
    """Which page of a holder's entries in all contests; `account_did` asks for another's, and only staff is heard.

    Each contest on a page is asked, so pages are shorter than elsewhere.
    """

    limit: int = Field(default=20, ge=1, le=OWN_ENTRIES_MAX)
    account_did: AccountDid | None = None


class OwnEntryGiven(Given):
    """Where an entry is, how its payment stands, and the entry: null while its contest is kept closed for repair."""

    contest_id: str
    entry_id: str
    payment_status: str
    entry: EntryGiven | None


class OwnEntriesGiven(Given):
    """A page of one holder's entries in all contests, the newest first."""

    entries: list[OwnEntryGiven]
    next_cursor: str | None
