"""How a contest stands, read from its file beside the writer: the field once, then only what is new in the log.

It runs where its user can wait, in a worker for contests of any size; it must not write, and it decides nothing.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from cutline.engine.contest.events import ENTRY_EVENTS, SettlementRecorded
from cutline.engine.contest.feed_state import board_of
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.state import Contest
from cutline.engine.scoring import matrix
from cutline.engine.scoring.board import Board, rounds_begun
from cutline.engine.scoring.standings import Entry
from cutline.engine.tournament.model import RosterTerms
from cutline.engine.tournament.point_tables import scale_of, shown
from cutline.storage.event_log import EventLog
from cutline.storage.machines import Folding, rules_of
from cutline.storage.sqlite import Connection, open_reader

CONTESTS_KEPT = 64
"""So many contests are remembered between two looks."""
ENTRIES_KEPT = 1_000_000
"""So many of their entries are, some 600 MB; then the contests that were looked at longest ago are read anew."""

_OF_ENTRIES = [event.__name__ for event in ENTRY_EVENTS]
_LEFT_OUT = [*_OF_ENTRIES, SettlementRecorded.__name__]
"""What is read from typed rows instead: as events, the entries of a big contest take seconds to decode."""
_ENTRIES_MOVED = "SELECT 1 FROM log WHERE seq > ? AND type IN (SELECT value FROM json_each(?)) LIMIT 1"
_HASH = "SELECT hash FROM log WHERE seq = ?"
_FIELD = """
SELECT e.entry_id, coalesce(p.picks, e.picks), CASE WHEN p.id IS NULL THEN e.tiebreak ELSE p.tiebreak END
FROM entries AS e
JOIN entry_status AS s ON s.id = (SELECT max(id) FROM entry_status WHERE entry_id = e.entry_id)
LEFT JOIN entry_picks AS p ON p.entry_id = e.entry_id
  AND p.number = (SELECT max(number) FROM entry_picks WHERE entry_id = e.entry_id)
WHERE s.status = 'ACTIVE'
ORDER BY e.entry_id"""
_SETTLED = """
SELECT entry_id, rank, status = 'cut', score, prize_cents FROM scores
WHERE score_version = (SELECT max(score_version) FROM scores)
ORDER BY rank, entry_id"""
_PAID = "SELECT payload ->> 'entry_id' FROM log WHERE type = 'PrizePaid'"
_CARD = """
SELECT e.account_did, coalesce(p.picks, e.picks) FROM entries AS e
LEFT JOIN entry_picks AS p ON p.entry_id = e.entry_id
  AND p.number = (SELECT max(number) FROM entry_picks WHERE entry_id = e.entry_id)
WHERE e.entry_id = ?"""
_OF_ACCOUNT = "SELECT id, entry_id FROM entries WHERE account_did = ? AND id > ? ORDER BY id LIMIT ?"
_OF_ALL = "SELECT id, entry_id FROM entries WHERE id > ? ORDER BY id LIMIT ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The entries in order of rank, and of entry id within a rank, as columns of equal length.

    A score is None while no hole has been played. `prizes_cents` is empty until the contest is settled.
    """

    entry_ids: tuple[str, ...] = ()
    ranks: tuple[int, ...] = ()
    cut: tuple[bool, ...] = ()
    scores: tuple[int | float | None, ...] = ()
    prizes_cents: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.entry_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One contest as it stands. `version` names all that is shown: the same version is the same picture.

    The field is `closed`, and picks may be shown, once the contest has been LOCKED; before that nobody is ranked.
    `changes` counts the provider's changes behind the scores; `settled` says that the result is final.
    """

    version: str
    contest_id: str
    name: str
    currency: str
    metric: str
    status: str
    lock_at: datetime
    closed: bool
    settled: bool
    event_status: str | None
    changes: int
    polled_at: datetime | None
    round_number: int
    golfers: Mapping[str, str]
    roster: RosterTerms
    ranking: Ranking
    paid: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCard:
    """What is known of one ranked entry beside its rank; `picks` are the provider's player ids."""

    account_did: str
    picks: tuple[str, ...]


@dataclass(slots=True)
class _Followed:
    """A contest's log, read up to `seq`; the entries are left out of its state."""

    folding: Folding = field(default_factory=lambda: Folding.of(rules_of("contest")))
    seq: int = 0
    head: bytes = b""
    entries: tuple[Entry, ...] | None = None
    ranked: tuple[str, Ranking] = ("", Ranking())


class Boards:
    """Follows the files of a few contests. Not thread-safe: it belongs to one process's one reader."""

    def __init__(self) -> None:
        self._followed: OrderedDict[str, _Followed] = OrderedDict()

    def look(self, path: str, known: str | None) -> Picture | None:
        """Return how the contest in a file stands, or None where that is still the `known` version.

        Raises StorageError for a file that cannot be read, LookupError for one that holds no contest yet.
        """
        followed = self._followed.setdefault(path, _Followed())
        self._followed.move_to_end(path)
        with contextlib.closing(open_reader(Path(path), rules_of("contest").kind)) as connection:
            connection.execute("BEGIN")
            if _was_replaced(connection, followed):
                followed = self._followed[path] = _Followed()
            try:
                _read_new(connection, followed)
                picture = _picture(connection, followed, known)
            except BaseException:
                # Half of a fold is no state to go on from.
                self._followed.pop(path, None)
                raise
        self._forget()
        return picture

    def _forget(self) -> None:
        """Keep what is remembered within bounds, and always the contest that was looked at last."""
        entries = sum(len(followed.entries or ()) for followed in self._followed.values())
        while len(self._followed) > 1 and (len(self._followed) > CONTESTS_KEPT or entries > ENTRIES_KEPT):
            entries -= len(self._followed.popitem(last=False)[1].entries or ())


_BOARDS = Boards()


def look(path: str, known: str | None) -> Picture | None:
    """Do what `Boards.look` says with the boards of this process: a worker remembers from one look to the next."""
    return _BOARDS.look(path, known)


def _was_replaced(connection: Connection, followed: _Followed) -> bool:
    if not followed.seq:
        return False
    row = connection.execute(_HASH, (followed.seq,)).fetchone()
    return row is None or row[0] != followed.head


def _read_new(connection: Connection, followed: _Followed) -> None:
    log = EventLog(connection, rules_of("contest").kind)
    for entry in log.entries_without(_LEFT_OUT, followed.seq):
        followed.folding.take(entry)
    moved = (followed.seq, orjson.dumps(_OF_ENTRIES).decode())
    if followed.entries is not None and connection.execute(_ENTRIES_MOVED, moved).fetchone():
        followed.entries = None
    followed.seq, followed.head = log.seq, log.head


def _picture(connection: Connection, followed: _Followed, known: str | None) -> Picture | None:
    contest: Contest | None = followed.folding.state.contest
    if contest is None:
        raise LookupError("the file holds no contest yet")
    board = contest.feed.board
    closed = any(transition["to"] == Status.LOCKED.value for transition in contest.transitions)
    settled = connection.execute("SELECT max(score_version) FROM scores").fetchone()[0]
    paid = frozenset(entry_id for (entry_id,) in connection.execute(_PAID)) if settled else frozenset()
    if closed and followed.entries is None:
        followed.entries = _field(connection)
        followed.ranked = ("", Ranking())
    pictured = f"{contest.config_sha256[:12]}.{settled or 0}.{contest.feed.applied}.{len(followed.entries or ())}"
    version = f"{pictured}.{len(contest.transitions)}.{len(paid)}"
    if version == known:
        return None
    if followed.ranked[0] != pictured:
        followed.ranked = (pictured, _ranking(connection, contest, followed.entries or (), bool(settled)))
    believed = board_of(board)
    return Picture(
        version=version,
        contest_id=contest.contest_id,
        name=contest.config.name,
        currency=contest.created.currency,
        metric=contest.config.scoring.metric,
        status=contest.status.value,
        lock_at=contest.config.entry.lock_at,
        closed=closed,
        settled=bool(settled),
        event_status=board.status,
        changes=contest.feed.applied,
        polled_at=contest.feed.polled_at,
        round_number=min(rounds_begun(believed), contest.config.event.rounds),
        golfers=_golfers(contest),
        roster=contest.config.roster,
        ranking=followed.ranked[1],
        paid=paid,
    )


def _golfers(contest: Contest) -> dict[str, str]:
    published = contest.feed.board.published
    return {} if published is None else {player.player_id: player.name for player in published.players}


def _field(connection: Connection) -> tuple[Entry, ...]:
    loads = orjson.loads
    return tuple(
        Entry(entry_id=entry_id, picks=tuple(loads(picks)), tiebreak=tiebreak)
        for entry_id, picks, tiebreak in connection.execute(_FIELD)
    )


def _ranking(connection: Connection, contest: Contest, entries: tuple[Entry, ...], settled: bool) -> Ranking:
    if settled:
        columns = list(zip(*connection.execute(_SETTLED), strict=True)) or [()] * 5
        entry_ids, ranks, cut, scores, prizes = columns
        return Ranking(
            entry_ids=entry_ids,
            ranks=ranks,
            cut=tuple(map(bool, cut)),
            scores=_shown(contest, scores),
            prizes_cents=prizes,
        )
    return rank(contest, board_of(contest.feed.board), entries)


def rank(contest: Contest, board: Board, entries: tuple[Entry, ...]) -> Ranking:
    """Rank a field, given in order of entry id, by a board that may change yet; before the first hole all are first."""
    if not rounds_begun(board):
        count = len(entries)
        return Ranking(
            entry_ids=tuple(entry.entry_id for entry in entries),
            ranks=(1,) * count,
            cut=(False,) * count,
            scores=(None,) * count,
        )
    standings = matrix.standings(contest.config, board, entries)
    return Ranking(
        entry_ids=standings.entry_ids,
        ranks=standings.ranks,
        cut=standings.cut,
        scores=_shown(contest, standings.scores),
    )


def _shown(contest: Contest, scores: Sequence[int | None]) -> tuple[int | float | None, ...]:
    """Return scores as people read them; by most rules they are kept as they are read."""
    scoring = contest.config.scoring
    if scale_of(scoring) == 1:
        return tuple(scores)
    return tuple(shown(scoring, score) for score in scores)


def read_cards(connection: Connection, entry_ids: Sequence[str]) -> dict[str, EntryCard]:
    """Return what a page of standings shows of its entries; a few index look-ups, fit for the event loop."""
    cards: dict[str, EntryCard] = {}
    for entry_id in entry_ids:
        account_did, picks = connection.execute(_CARD, (entry_id,)).fetchone()
        cards[entry_id] = EntryCard(account_did=account_did, picks=tuple(orjson.loads(picks)))
    return cards


def list_entries(
    connection: Connection, *, account_did: str | None, after: int, limit: int
) -> Iterator[tuple[int, str]]:
    """Yield the places and ids of an account's entries, or of everybody's, in the order of entering after a place."""
    if account_did is None:
        found: Any = connection.execute(_OF_ALL, (after, limit))
    else:
        found = connection.execute(_OF_ACCOUNT, (account_did, after, limit))
    yield from found
