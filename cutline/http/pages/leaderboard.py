"""The public leaderboard of a contest, and the stream that says when it has changed; it must not rank anybody."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiohttp import web
from aiohttp_sse import sse_response

from cutline.engine.errors import RejectCode
from cutline.http import errors
from cutline.http.addresses import contest_id_of
from cutline.http.asking import Refused
from cutline.http.pages import words
from cutline.http.pages.frame import SAFE, PageRoute, Visit, render, show
from cutline.http.pages.watching import Watching
from cutline.http.paging import LIMIT_DEFAULT, PageAsked, cursor_of
from cutline.http.standings import Page, Row
from cutline.http.strict import read_query
from cutline.storage.boards import Picture

PAGES_KEPT = 512
PING_EVERY_S = 15.0
SEND_WITHIN_S = 20.0
"""A reader who takes nothing for so long is let go."""
STREAM_ENDS_AFTER = timedelta(hours=1)
"""A browser then connects anew by itself; one that has gone unnoticed does not."""


class Leaderboard:
    """The pages of all contests, each rendered once a version."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._rendered: OrderedDict[tuple[str, int], tuple[str, str]] = OrderedDict()

    async def page(self, visit: Visit) -> web.StreamResponse:
        """Show a page of the standings to anybody."""
        contest_id = contest_id_of(visit.request.match_info["contest_id"])
        offset = read_query(visit.request, PageAsked).place.number
        page = await visit.house.standings.page(contest_id, offset=offset, limit=LIMIT_DEFAULT)
        key = (contest_id, offset)
        version, text = self._rendered.get(key, ("", ""))
        if version != page.picture.version:
            text = render(visit, "leaderboard.html", _context(page))
            self._rendered[key] = (page.picture.version, text)
        self._rendered.move_to_end(key)
        if len(self._rendered) > PAGES_KEPT:
            self._rendered.popitem(last=False)
        return show(visit, text)

    async def events(self, visit: Visit) -> web.StreamResponse:
        """Stream an event `standings` whenever there are new ones; the page then fetches itself again."""
        contest_id = contest_id_of(visit.request.match_info["contest_id"])
        if self._watching.closed:
            raise Refused(RejectCode.SHUTTING_DOWN)
        headers = {**SAFE, errors.CORRELATION_HEADER: visit.correlation_id}
        seen = visit.request.headers.get("Last-Event-ID") or visit.request.query.get("version")
        async with (
            self._watching.follow(contest_id) as watch,
            sse_response(
                visit.request, headers=headers, ping_interval=PING_EVERY_S, send_timeout=SEND_WITHIN_S
            ) as stream,
        ):
            with suppress(ConnectionResetError, TimeoutError):
                async with asyncio.timeout(STREAM_ENDS_AFTER.total_seconds()):
                    while stream.is_connected() and not self._watching.closed:
                        changed = watch.changed
                        if watch.version != seen:
                            seen = watch.version
                            await stream.send(seen, id=seen, event="standings")
                        with suppress(TimeoutError):
                            async with asyncio.timeout(PING_EVERY_S):
                                await changed.wait()
        return stream


def _context(page: Page) -> dict[str, Any]:
    picture = page.picture
    path = f"/contests/{picture.contest_id}"
    return {
        "picture": picture,
        "headline": _headline(picture),
        "total": len(picture.ranking),
        "rows": _rows(page),
        "here": path if not page.offset else f"{path}?cursor={cursor_of(page.offset)}",
        "first": page.offset > 0,
        "following": None if page.next_offset is None else f"{path}?cursor={cursor_of(page.next_offset)}",
    }


def _headline(picture: Picture) -> str:
    return "FINAL" if picture.settled else picture.status


def _rows(page: Page) -> list[dict[str, Any]]:
    ranks = page.picture.ranking.ranks
    shown = []
    for place, row in enumerate(page.rows, page.offset):
        shares = (place > 0 and ranks[place - 1] == row.rank) or ranks[place + 1 : place + 2] == (row.rank,)
        shown.append(_row(page.picture, row, shares))
    return shown


def _row(picture: Picture, row: Row, shares: bool) -> dict[str, Any]:
    prize = ""
    if row.prize_cents:
        prize = words.money(row.prize_cents, picture.currency) + (", paid" if row.paid else "")
    return {
        "place": f"T{row.rank}" if shares else f"{row.rank}",
        "entry_id": row.entry_id,
        "status": row.status,
        "score": words.score(row.score, picture.metric),
        "prize": prize,
        "golfers": ", ".join(picture.golfers.get(pick, pick) for pick in row.picks),
    }


def routes(watching: Watching) -> tuple[PageRoute, ...]:
    """Return the two routes of leaderboards."""
    board = Leaderboard(watching)
    return (
        PageRoute(
            method="GET",
            path="/contests/{contest_id}",
            handle=board.page,
            summary="The leaderboard of a contest, for people.",
        ),
        PageRoute(
            method="GET",
            path="/contests/{contest_id}/events",
            handle=board.events,
            summary="A stream of server-sent events: when the leaderboard has changed.",
            streams=True,
        ),
    )
