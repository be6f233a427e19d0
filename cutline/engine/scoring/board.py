"""The board that scorers read: each golfer's believed rounds and status. It knows no feed and no entry."""

from __future__ import annotations

from dataclasses import dataclass

HOLES_A_ROUND = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundCard:
    """One round of one golfer: `to_par` and `strokes` over the `thru` holes played."""

    number: int
    to_par: int
    strokes: int
    thru: int

    @property
    def finished(self) -> bool:
        """Tell whether all holes are played."""
        return self.thru == HOLES_A_ROUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One golfer: `status` is CUT, WD, DQ, MDF or None while in the event; `rounds` in order of their numbers."""

    player_id: str
    status: str | None
    rounds: tuple[RoundCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The believed leaderboard of an event; `cards` in order of player ids."""

    event_status: str
    cards: tuple[Card, ...]


def rounds_begun(board: Board) -> int:
    """Return the number of the last round in which a hole has been played, 0 before the first."""
    return max((card.number for golfer in board.cards for card in golfer.rounds if card.thru), default=0)


def unfinished_players(board: Board, round_number: int) -> list[str]:
    """Return the golfers still in the event who have not finished a round: missing is not zero (FAULTS F2)."""
    return [
        golfer.player_id
        for golfer in board.cards
        if golfer.status is None and not any(card.number == round_number and card.finished for card in golfer.rounds)
    ]
