"""Cards hole by hole in shorthand, and both scorers asked at once, for contests computed by hand."""

from cutline.engine.scoring import matrix, plain
from cutline.engine.scoring.board import Board, Card, RoundCard
from cutline.engine.scoring.standings import Entry
from cutline.engine.tournament import Tournament

Row = tuple[int, str, str, int | None]
PARS = (4, 5, 4, 3, 4, 3, 4, 5, 4, 4, 4, 3, 5, 4, 5, 3, 4, 4)


def both(config: Tournament, on: Board, *entries: Entry) -> list[Row]:
    """Score by both scorers, which must agree, and return (rank, entry, status, score)."""
    slow, fast = plain.standings(config, on, entries), matrix.standings(config, on, entries)
    assert slow.canonical() == fast.canonical()
    return [(row.rank, row.entry_id, row.status, row.score) for row in slow.rows()]


def entry(entry_id: str, picks: str, tiebreak: int | None = None) -> Entry:
    return Entry(entry_id=entry_id, picks=tuple(picks), tiebreak=tiebreak)


def holes(number: int, to_par: dict[int, int] | None = None, thru: int = 18) -> RoundCard:
    """Build a round of `thru` holes from the first, in par but for some: `{hole: strokes to par}`."""
    results = tuple((hole, PARS[hole - 1], PARS[hole - 1] + (to_par or {}).get(hole, 0)) for hole in range(1, thru + 1))
    strokes = sum(taken for _, _, taken in results)
    return RoundCard(
        number=number,
        to_par=strokes - sum(par for _, par, _ in results),
        strokes=strokes,
        thru=thru,
        holes=results,
    )


def card(player: str, *rounds: RoundCard, status: str | None = None, playoff: int | None = None) -> Card:
    return Card(player_id=player, status=status, rounds=rounds, playoff=playoff)


def board_of(*cards: Card, status: str = "closed") -> Board:
    return Board(event_status=status, cards=cards)
