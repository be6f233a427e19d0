"""Pages of standings for all who look, each made once a version of the contest; it must not rank anybody itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cutline.engine.errors import RejectCode
from cutline.http.answers import Reply
from cutline.http.asking import Engine, Refused
from cutline.storage.boards import Picture
from cutline.storage.errors import StorageError

CONTESTS_KEPT = 64
PAGES_KEPT = 256
"""So many pages of one contest are kept; whoever reads on beyond them has his pages made for him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One ranked entry; `status` is `ranked` or `cut`, `prize_cents` None until the contest is settled."""

    rank: int
    entry_id: str
    account_did: str
    status: str
    score: int | float | None
    prize_cents: int | None
    paid: bool
    picks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a contest's standings as one version has them; `next_offset` is None on the last."""

    picture: Picture
    offset: int
    rows: tuple[Row, ...]
    next_offset: int | None
    owners: frozenset[str]
    """Whose entries are on it: they alone, and staff, see more than `rendered` shows."""
    rendered: Reply | None = None


@dataclass(slots=True)
class _Made:
    version: str = ""
    pages: dict[tuple[int, int], Page] = field(default_factory=dict)


class StandingsPages:
    """Makes pages of one engine's contests, and keeps them while nothing changes."""

    def __init__(self, engine: Engine, render: Callable[[Page], Reply]) -> None:
        """`render` writes a page as those see it who have no entry on it."""
        self._engine = engine
        self._render = render
        self._made: OrderedDict[str, _Made] = OrderedDict()

    async def picture(self, contest_id: str) -> Picture:
        """Return a contest as it stands.

        Refusals: NOT_FOUND, CONTEST_QUARANTINED, STORAGE_UNAVAILABLE when its file cannot be read at this moment.
        """
        if f"contest/{contest_id}" in self._engine.directory.quarantined():
            raise Refused(RejectCode.CONTEST_QUARANTINED, {"contest_id": contest_id})
        try:
            picture = await self._engine.leaderboards.picture(contest_id)
        except StorageError as error:
            raise Refused(RejectCode.STORAGE_UNAVAILABLE, {"contest_id": contest_id}) from error
        if picture is None:
            raise Refused(RejectCode.NOT_FOUND, {"contest_id": contest_id})
        return picture

    async def page(self, contest_id: str, *, offset: int, limit: int) -> Page:
        """Return up to `limit` rows from `offset` on; refused as `picture` says. Beyond the end there are none."""
        picture = await self.picture(contest_id)
        made = self._made.setdefault(contest_id, _Made())
        self._made.move_to_end(contest_id)
        if len(self._made) > CONTESTS_KEPT:
            self._made.popitem(last=False)
        if made.version != picture.version:
            made.version, made.pages = picture.version, {}
        page = made.pages.get((offset, limit))
        if page is None:
            page = self._make(contest_id, picture, offset, limit)
            page = replace(page, rendered=self._render(page))
            if len(made.pages) < PAGES_KEPT:
                made.pages[offset, limit] = page
        return page

    def _make(self, contest_id: str, picture: Picture, offset: int, limit: int) -> Page:
        ranking = picture.ranking
        end = min(offset + limit, len(ranking))
        shown = range(offset, end)
        cards = self._engine.leaderboards.cards(contest_id, [ranking.entry_ids[place] for place in shown])
        rows = tuple(
            Row(
                rank=ranking.ranks[place],
                entry_id=ranking.entry_ids[place],
                account_did=cards[ranking.entry_ids[place]].account_did,
                status="cut" if ranking.cut[place] else "ranked",
                score=ranking.scores[place],
                prize_cents=ranking.prizes_cents[place] if ranking.prizes_cents else None,
                paid=ranking.entry_ids[place] in picture.paid,
                picks=cards[ranking.entry_ids[place]].picks,
            )
            for place in shown
        )
        return Page(
            picture=picture,
            offset=offset,
            rows=rows,
            next_offset=end if end < len(ranking) else None,
            owners=frozenset(row.account_did for row in rows),
        )
