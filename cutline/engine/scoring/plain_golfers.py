"""What each golfer is worth, one by one, as the rules say it: the half of `plain` that knows no entry.

1. A round is worth its score to par, its strokes or the points of its holes, times the weight of that round. Points for
   a round as a whole (a streak, a card without a bogey, a hole in one) belong to it.
2. A golfer who is cut, withdrawn or disqualified pays for every round that counts and that he did not finish, by the
   rule for that cause; what is paid takes the round's weight as well. Under `drop` he does not count at all over the
   event, or not in that round when rounds are counted; so it is with the average of rounds of which he has finished
   none. MDF, a second cut, goes by the rule for the missed cut. A golfer who is not on the board has withdrawn.
3. A golfer who is still in the event has what he has played so far.
4. Bonuses of rounds are added unweighted to rounds that count as played. The low round is the lowest finished one; the
   leader after a round is whoever has the lowest total of those who finished every round up to it; all who are equal
   get it.
5. A golfer's place is that of his total among the golfers who are in the event and have played. A playoff breaks ties
   for places and counts in no score. Points for a place go to those in the event.
6. By `position_points` a golfer is worth the points of his place and no round; who is out pays once, by his cause.
7. A golfer who is cut is not through the cut; nor is one who withdrew or was disqualified before he played a hole of
   a round after it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cutline.engine.scoring.board import Board, Card, RoundCard, rounds_counted
from cutline.engine.tournament.model import Bonus, NotPlayedRule, PositionPointsTerms, Tournament
from cutline.engine.tournament.point_tables import PointTables, scale_of, tables_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a golfer brings an entry: his rounds and his event, None where he cannot count.

    `extra`, already in `event`, belongs to the event and to no round.
    """

    rounds: tuple[int | None, ...]
    event: int | None
    extra: int
    through: bool
    champion: bool
    low_amateur: bool
    birdies: int


class Field:
    """The golfers of one board under one set of rules. `picked` are those whom some entry has."""

    def __init__(self, tournament: Tournament, board: Board, picked: Collection[str]) -> None:
        self.tournament = tournament
        self.scoring = tournament.scoring
        self.tables = tables_of(tournament.scoring)
        self.scale = scale_of(tournament.scoring)
        self.sign = 1 if self.scoring.direction == "low" else -1
        ignore = tournament.shortened.incomplete_round == "ignore"
        self.rounds = range(1, rounds_counted(board, tournament.event.rounds, ignore_incomplete=ignore) + 1)
        self.cards = board.cards
        self.picked = picked
        self.places = {golfer.player_id: self._place(golfer) for golfer in board.cards if self._plays(golfer)}
        self.winning_score = self._winning_score()
        self._worths: dict[str, Worth] = {golfer.player_id: self._worth(golfer) for golfer in board.cards}
        self._absent: Worth = self._worth(Card(player_id="", status="WD", rounds=()))

    def worth(self, player_id: str) -> Worth:
        """Return what a golfer is worth; one who is not on the board has withdrawn."""
        return self._worths.get(player_id, self._absent)

    def _worth(self, golfer: Card) -> Worth:
        rounds = tuple(self._round_value(golfer, number) for number in self.rounds)
        extra = self._extra(golfer)
        amateurs = [self.places[player] for player in self.tournament.event.amateurs if player in self.places]
        place = self.places.get(golfer.player_id)
        return Worth(
            rounds=rounds,
            event=self._event_value(golfer, rounds, extra),
            extra=extra,
            through=self._made_cut(golfer),
            champion=place == 1,
            low_amateur=golfer.player_id in self.tournament.event.amateurs and place == min(amateurs, default=0),
            birdies=sum(strokes < par for card in self._played(golfer) for _, par, strokes in card.holes or ()),
        )

    def _event_value(self, golfer: Card, rounds: tuple[int | None, ...], extra: int) -> int | None:
        if golfer.status is not None and self._rule(golfer).rule == "drop":
            return None
        if self.scoring.metric == "position_points":
            return (
                self._position_value(golfer) + sum(self._round_bonus(golfer, number) for number in self.rounds) + extra
            )
        if None in rounds:
            return None
        return sum(value for value in rounds if value is not None) + extra

    # Rounds.

    def _round_value(self, golfer: Card, number: int) -> int | None:
        """Return what a round of a golfer is worth, or None where it cannot count."""
        weight = self.scoring.round_weights[number - 1]
        card = self._card(golfer, number)
        if card is not None and self._counts_as_played(golfer, card):
            return self._figure(card) * weight + self._round_bonus(golfer, number)
        if golfer.status is None:
            return 0
        price = self._price(golfer, number)
        return None if price is None else price * weight

    def _counts_as_played(self, golfer: Card, card: RoundCard) -> bool:
        return card.finished or golfer.status is None or self._rule(golfer).rule == "as_played"

    def _price(self, golfer: Card, number: int) -> int | None:
        rule = self._rule(golfer)
        plus = (rule.plus or 0) * self.scale
        match rule.rule:
            case "drop":
                return None
            case "fixed":
                return (rule.value or 0) * self.scale
            case "worst_of_day":
                return self._worst(number, plus, [card.player_id for card in self.cards])
            case "worst_of_pool":
                return self._worst(number, plus, self.picked)
            case "average_of_played":
                finished = [self._figure(card) for card in self._played(golfer) if card.finished]
                return sum(finished) // len(finished) + plus if finished else None
            case _:
                return 0

    def _worst(self, number: int, plus: int, players: Collection[str]) -> int:
        finished = [
            self._figure(card)
            for golfer in self.cards
            if golfer.player_id in players
            for card in golfer.rounds
            if card.number == number and card.finished
        ]
        if not finished:
            return 0
        return (max(finished) if self.sign > 0 else min(finished)) + plus

    def _figure(self, card: RoundCard) -> int:
        if self.tables is not None:
            return _points(self.tables, card)
        return card.strokes if self.scoring.metric == "strokes" else card.to_par

    def _round_bonus(self, golfer: Card, number: int) -> int:
        card = self._card(golfer, number)
        if card is None or not self._counts_as_played(golfer, card):
            return 0
        bonuses = [bonus for bonus in self.scoring.bonuses if bonus.kind != "finish" and bonus.holds_at(number)]
        return sum(self._times(bonus, golfer, card) * bonus.value * self.scale for bonus in bonuses)

    def _times(self, bonus: Bonus, golfer: Card, card: RoundCard) -> int:
        if bonus.kind == "hole_in_one":
            return _aces(card)
        if not card.finished:
            return 0
        if bonus.kind == "low_round":
            others = [other for rival in self.cards for other in rival.rounds if other.number == card.number]
            return card.to_par == min(other.to_par for other in others if other.finished)
        totals = [total for rival in self.cards if (total := self._total_after(rival, card.number)) is not None]
        own = self._total_after(golfer, card.number)
        return own is not None and own == min(totals)

    def _total_after(self, golfer: Card, number: int) -> int | None:
        cards = [self._card(golfer, earlier) for earlier in range(1, number + 1)]
        return sum(card.to_par for card in cards if card) if all(card and card.finished for card in cards) else None

    # The event.

    def _extra(self, golfer: Card) -> int:
        place = self.places.get(golfer.player_id)
        if place is None:
            return 0
        bonuses = [bonus for bonus in self.scoring.bonuses if bonus.kind == "finish" and bonus.holds_at(place)]
        extra = sum(bonus.value for bonus in bonuses) * self.scale
        if self.tables is None:
            return extra
        extra += sum(points for first, last, points in self.tables.finish if first <= place <= last)
        cards = [self._card(golfer, number) for number in range(1, self.tournament.event.rounds + 1)]
        below = self.tables.low_rounds_below_strokes
        low = len(self.rounds) == len(cards) and all(card and card.finished and card.strokes < below for card in cards)
        return extra + (self.tables.low_rounds_points if low else 0)

    def _position_value(self, golfer: Card) -> int:
        if golfer.status is not None:
            rule = self._rule(golfer)
            if rule.rule == "fixed":
                return rule.value or 0
            return sum(self._made_cut(other) for other in self.cards) + (rule.plus or 0)
        place = self.places.get(golfer.player_id)
        terms = self.scoring.position_points
        if place is None or terms is None:
            return 0
        if terms.ties != "average":
            return _points_of_place(terms, place)
        sharing = list(self.places.values()).count(place)
        return sum(_points_of_place(terms, number) for number in range(place, place + sharing)) // sharing

    def _place(self, golfer: Card) -> int:
        own = self._total(golfer)
        rivals = [rival for rival in self.cards if self._plays(rival)]
        better = sum(self._total(rival) < own for rival in rivals)
        tied = [rival for rival in rivals if self._total(rival) == own]
        ahead = [
            rival
            for rival in tied
            if rival.playoff is not None and (golfer.playoff is None or rival.playoff < golfer.playoff)
        ]
        return 1 + better + len(ahead)

    def _total(self, golfer: Card) -> int:
        return sum(card.to_par for card in self._played(golfer))

    def _plays(self, golfer: Card) -> bool:
        return golfer.status is None and any(card.thru for card in self._played(golfer))

    def _winning_score(self) -> int | None:
        strokes = self.scoring.metric == "strokes"
        totals = [
            sum(card.strokes if strokes else card.to_par for card in self._played(golfer))
            for golfer in self.cards
            if self._plays(golfer)
        ]
        return min(totals, default=None)

    # Golfers.

    def _rule(self, golfer: Card) -> NotPlayedRule:
        rules = self.scoring.not_played
        if golfer.status == "WD":
            return rules.withdrawn
        return rules.disqualified if golfer.status == "DQ" else rules.missed_cut

    def _made_cut(self, golfer: Card) -> bool:
        if golfer.status in (None, "MDF"):
            return True
        cut_after = self.tournament.event.cut_after_round
        return golfer.status != "CUT" and any(card.number > cut_after and card.thru for card in self._played(golfer))

    def _played(self, golfer: Card) -> list[RoundCard]:
        return [card for card in golfer.rounds if card.number in self.rounds]

    def _card(self, golfer: Card, number: int) -> RoundCard | None:
        return next((card for card in golfer.rounds if card.number == number), None)


def _points_of_place(terms: PositionPointsTerms, place: int) -> int:
    return next((row.points for row in terms.table if row.first <= place <= row.last), 0)


def _points(tables: PointTables, card: RoundCard) -> int:
    holes = card.holes or ()
    differences = [strokes - par for _, par, strokes in holes]
    last = len(tables.holes.points) - 1
    points = sum(tables.holes.points[min(max(d - tables.holes.best_to_par, 0), last)] for d in differences)
    points += tables.ace_points * _aces(card)
    if tables.streak_holes and _longest_streak(card) >= tables.streak_holes:
        points += tables.streak_points
    if card.finished and holes and max(differences) <= 0:
        points += tables.clean_card_points
    return points


def _aces(card: RoundCard) -> int:
    return sum(strokes == 1 for _, _, strokes in card.holes or ())


def _longest_streak(card: RoundCard) -> int:
    longest = streak = 0
    for _, par, strokes in card.holes or ():
        streak = streak + 1 if strokes < par else 0
        longest = max(longest, streak)
    return longest
