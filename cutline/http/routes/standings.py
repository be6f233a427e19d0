"""Standings, live from the lock on and final once settled, and whom one can pick; it must not rank anybody."""

from __future__ import annotations

from cutline.http.addresses import contest_id_of
from cutline.http.door import ANYONE, Call, Reply, Route
from cutline.http.paging import PageAsked, cursor_of
from cutline.http.schemas.standings import (
    GolferGiven,
    GolfersGiven,
    StandingGiven,
    StandingsGiven,
    TierGiven,
)
from cutline.http.standings import Page, Row


async def read_standings(call: Call) -> Reply:
    """Return a page of the standings, best first; who owns an entry is shown to that person and to staff.

    Before the lock nobody is ranked. A cursor is a place in the ranking: what has moved meanwhile may be seen twice,
    or not at all, so a reader who needs one state compares `version` from page to page.
    """
    asked = call.query_as(PageAsked)
    contest_id = contest_id_of(call.part("contest_id"))
    page = await call.house.standings.page(contest_id, offset=asked.place.number, limit=asked.limit)
    viewer = call.principal
    if page.rendered is not None and not viewer.is_staff and viewer.subject not in page.owners:
        return page.rendered
    return Reply(body=given(page, sees_all=viewer.is_staff, account_did=viewer.subject))


async def read_golfers(call: Call) -> Reply:
    """Return whom an entry can pick, by id: the tiers of the contest and the field as the provider has published it."""
    picture = await call.house.standings.picture(contest_id_of(call.part("contest_id")))
    roster, names = picture.roster, picture.golfers
    known = sorted({*names, *(player for tier in roster.tiers for player in tier.players)})
    return Reply(
        body=GolfersGiven(
            contest_id=picture.contest_id,
            roster_size=roster.size,
            tiers=[TierGiven(name=tier.name, pick=tier.pick, players=tuple(tier.players)) for tier in roster.tiers],
            published=bool(names),
            golfers=[GolferGiven(player_id=player, name=names.get(player)) for player in known],
        )
    )


def rendered(page: Page) -> Reply:
    """Write a page, once for all those who have no entry on it."""
    body = given(page, sees_all=False, account_did="")
    return Reply(body=body, text=body.model_dump_json())


def given(page: Page, *, sees_all: bool, account_did: str) -> StandingsGiven:
    """Return a page as one viewer sees it."""
    picture = page.picture
    return StandingsGiven(
        contest_id=picture.contest_id,
        status=picture.status,
        event_status=picture.event_status,
        final=picture.settled,
        version=picture.version,
        round=picture.round_number,
        changes=picture.changes,
        polled_at=picture.polled_at,
        currency=picture.currency,
        entries=len(picture.ranking),
        standings=[_row(row, sees_all or row.account_did == account_did) for row in page.rows],
        next_cursor=None if page.next_offset is None else cursor_of(page.next_offset),
    )


def _row(row: Row, owner_shown: bool) -> StandingGiven:
    return StandingGiven(
        rank=row.rank,
        entry_id=row.entry_id,
        account_did=row.account_did if owner_shown else None,
        status=row.status,
        score=row.score,
        prize_cents=row.prize_cents,
        paid=row.paid,
        picks=row.picks,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/standings",
        handle=read_standings,
        needs=ANYONE,
        gives=StandingsGiven,
        summary="Read the standings, live or final.",
        query=PageAsked,
        polled=True,
    ),
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/golfers",
        handle=read_golfers,
        needs=ANYONE,
        gives=GolfersGiven,
        summary="List the golfers whom an entry can pick.",
        polled=True,
    ),
)
