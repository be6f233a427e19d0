"""What is answered about standings, and about the golfers behind them."""

from __future__ import annotations

from datetime import datetime

from cutline.http.schemas.base import Given


class StandingGiven(Given):
    """One ranked entry. `account_did` is shown to its owner and to staff; the prize is null until it is final."""

    rank: int
    entry_id: str
    account_did: str | None
    status: str
    score: int | float | None
    prize_cents: int | None
    paid: bool
    picks: tuple[str, ...]


class StandingsGiven(Given):
    """A page of a contest's standings, best first.

    `final` once settled, before that they follow the feed: `changes` of the provider behind the scores, `polled_at`,
    and the `round` in play, 0 before the first hole. `entries` are all that play, not only this page's.
    """

    contest_id: str
    status: str
    event_status: str | None
    final: bool
    version: str
    round: int
    changes: int
    polled_at: datetime | None
    currency: str
    entries: int
    standings: list[StandingGiven]
    next_cursor: str | None


class GolferGiven(Given):
    """A golfer by the provider's id; the name is null until the provider has published the field."""

    player_id: str
    name: str | None


class TierGiven(Given):
    """A part of the golfers, of which an entry picks so many."""

    name: str
    pick: int
    players: tuple[str, ...]


class GolfersGiven(Given):
    """Whom an entry can pick: `roster_size` golfers, so many of each tier; without tiers any of the field.

    `published` says that the provider has published the field: before that golfers are only those of the tiers.
    """

    contest_id: str
    roster_size: int
    tiers: list[TierGiven]
    published: bool
    golfers: list[GolferGiven]
