"""The board that scorers read: each golfer's believed rounds and status. It knows no feed and no entry."""

from __future__ import annotations

from dataclasses import dataclass

HOLES_A_ROUND = 18
FINISHED = frozenset({"complete", "closed"})
"""The statuses of an event that is over and was played."""

HoleResult = tuple[int, int, int]
"""One hole of a card: its number, its par, the strokes it took. A bare tuple, because a board holds thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundCard:
    """One round of one golfer: `to_par` and `strokes` over the `thru` holes played.

    `holes` says what each of them took, in the order of play; None where the provider does not say.
    """

    number: int
    to_par: int
    strokes: int
    thru: int
    holes: tuple[HoleResult, ...] | None = None

    @property
    def finished(self) -> bool:
        """Whether all holes are played."""
        return self.thru == HOLES_A_ROUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One golfer: `status` is CUT, WD, DQ, MDF or None while in the event; `rounds` in order of their numbers.

    `playoff` is his place in the event's playoff, 1 for its winner; None for who was in none. It breaks ties for
    places and counts in no score.
    """

    player_id: str
    status: str | None
    rounds: tuple[RoundCard, ...]
    playoff: int | None = None


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


def rounds_counted(board: Board, rounds_max: int, *, ignore_incomplete: bool) -> int:
    """Return how many rounds count: those begun, at most `rounds_max`.

    With `ignore_incomplete`, once the event is over, the rounds that it left unfinished at its end count for nobody.
    """
    counted = min(rounds_begun(board), rounds_max)
    if ignore_incomplete and board.event_status in FINISHED:
        while counted and unfinished_players(board, counted):
            counted -= 1
    return counted


def players_without_holes(board: Board, rounds: int) -> list[str]:
    """Return the golfers of whom some played round, up to the number given, does not say what its holes took."""
    return [
        golfer.player_id
        for golfer in board.cards
        if any(card.thru and card.holes is None and card.number <= rounds for card in golfer.rounds)
    ]
