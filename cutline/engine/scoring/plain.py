"""The scorer that reads like the rules: slow, obvious, the second opinion on `matrix`, and sharing nothing with it.

The rules, as a player would read them:

1. A round is worth its strokes or its score to par, times the weight of that round.
2. A golfer who is cut, withdrawn or disqualified pays for every round begun that he did not finish, by the rule for
   that cause: a fixed value, or the worst finished score of that round in the field plus something; under `drop` he
   does not count at all (counting per event) or not in that round (counting per round). MDF, a second cut, goes by
   the rule for the missed cut. A picked golfer who is not on the board has withdrawn.
3. A golfer who is still in the event has what he has played so far.
4. An entry's score is the sum of its best `count_best` golfers, over the event or of each round.
5. An entry is cut when fewer than `min_made_cut` of its golfers are through the cut, or when it lacks golfers that can
   count, since the sum of fewer golfers compares with nothing. Cut entries rank after all others, those that lack
   fewer golfers first, then by score.
6. A golfer who is cut is not through the cut; nor is one who withdrew or was disqualified before he played a hole of
   a round after it.
7. Equal scores are ranked by the prediction closest to the winning score, the lowest total of a golfer in the event;
   predictions equally far off stay tied, and no prediction is further off than any.
(CFG-002, SET-001, SET-013)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from cutline.engine.scoring.board import Board, Card, RoundCard, rounds_begun
from cutline.engine.scoring.standings import Entry, Standings
from cutline.engine.tournament.model import NotPlayedRule, Tournament

Key = tuple[bool, int, int, bool, int]


def standings(tournament: Tournament, board: Board, entries: Sequence[Entry]) -> Standings:
    """Rank the entries by the tournament's rules. The order of entries and cards does not matter."""
    cards = {card.player_id: card for card in board.cards}
    day = _Day(tournament, board)
    judged = [(day.judge(entry, cards), entry.entry_id) for entry in entries]
    ranked = sorted((key, entry_id, score) for (key, score), entry_id in judged)
    ids: list[str] = []
    ranks: list[int] = []
    cuts: list[bool] = []
    scores: list[int | None] = []
    for key, tied in groupby(ranked, key=lambda row: row[0]):
        rank = len(ids) + 1
        for _, entry_id, score in tied:
            ids.append(entry_id)
            ranks.append(rank)
            cuts.append(key[0])
            scores.append(score)
    return Standings(entry_ids=tuple(ids), ranks=tuple(ranks), cut=tuple(cuts), scores=tuple(scores))


class _Day:
    """One board under one set of rules."""

    def __init__(self, tournament: Tournament, board: Board) -> None:
        self.tournament = tournament
        self.scoring = tournament.scoring
        self.board = board
        self.rounds = range(1, min(rounds_begun(board), tournament.event.rounds) + 1)
        self.sign = 1 if self.scoring.direction == "low" else -1
        self.worst = {number: self._worst_of_day(number) for number in self.rounds}
        self.winning_score = self._winning_score()

    def judge(self, entry: Entry, cards: dict[str, Card]) -> tuple[Key, int | None]:
        golfers = [cards.get(pick) or _absent(pick) for pick in entry.picks]
        counted, lacking = self._count(golfers)
        through = sum(self._made_cut(golfer) for golfer in golfers)
        cut = lacking > 0 or through < self.scoring.entry_cut.min_made_cut
        score = sum(counted) if counted or not self.rounds else None
        no_prediction, distance = self._distance(entry)
        return (cut, lacking, self.sign * (score or 0), no_prediction, distance), score

    def _count(self, golfers: Sequence[Card]) -> tuple[list[int], int]:
        """Return the values that count, and how many are lacking."""
        best = self.scoring.count_best
        if self.scoring.count_per == "event":
            totals = [self._event_value(golfer) for golfer in golfers if not self._dropped(golfer)]
            counted = self._best(totals)
            return counted, best - len(counted)
        counted, lacking = [], 0
        for number in self.rounds:
            values = [self._round_value(golfer, number) for golfer in golfers]
            of_round = self._best([value for value in values if value is not None])
            counted += of_round
            lacking += best - len(of_round)
        return counted, lacking

    def _best(self, values: list[int]) -> list[int]:
        return sorted(values, key=lambda value: self.sign * value)[: self.scoring.count_best]

    def _event_value(self, golfer: Card) -> int:
        return sum(self._round_value(golfer, number) or 0 for number in self.rounds)

    def _round_value(self, golfer: Card, number: int) -> int | None:
        """Return what a round of a golfer is worth, or None where it cannot count."""
        played = next((card for card in golfer.rounds if card.number == number), None)
        weight = self.scoring.round_weights[number - 1]
        if played is not None and (played.finished or golfer.status is None):
            return self._figure(played) * weight
        if golfer.status is None:
            return 0
        rule = self._rule(golfer)
        if rule.rule == "drop":
            return None
        if rule.rule == "fixed":
            return (rule.value or 0) * weight
        worst = self.worst[number]
        return 0 if worst is None else (worst + (rule.plus or 0)) * weight

    def _figure(self, played: RoundCard) -> int:
        return played.to_par if self.scoring.metric == "to_par" else played.strokes

    def _rule(self, golfer: Card) -> NotPlayedRule:
        rules = self.scoring.not_played
        if golfer.status == "WD":
            return rules.withdrawn
        return rules.disqualified if golfer.status == "DQ" else rules.missed_cut

    def _dropped(self, golfer: Card) -> bool:
        return golfer.status is not None and self._rule(golfer).rule == "drop"

    def _worst_of_day(self, number: int) -> int | None:
        finished = [
            self._figure(card)
            for golfer in self.board.cards
            for card in golfer.rounds
            if card.number == number and card.finished
        ]
        return max(finished, key=lambda figure: self.sign * figure, default=None)

    def _made_cut(self, golfer: Card) -> bool:
        if golfer.status in (None, "MDF"):
            return True
        cut_after = self.tournament.event.cut_after_round
        return golfer.status != "CUT" and any(card.number > cut_after and card.thru for card in self._cards(golfer))

    def _cards(self, golfer: Card) -> list[RoundCard]:
        return [card for card in golfer.rounds if card.number in self.rounds]

    def _winning_score(self) -> int | None:
        totals = [
            sum(self._figure(card) for card in self._cards(golfer))
            for golfer in self.board.cards
            if golfer.status is None and any(card.thru for card in self._cards(golfer))
        ]
        return min(totals, default=None)

    def _distance(self, entry: Entry) -> tuple[bool, int]:
        predicted = "winning_score_prediction" in self.tournament.ties.order
        if not predicted or self.winning_score is None:
            return False, 0
        if entry.tiebreak is None:
            return True, 0
        return False, abs(entry.tiebreak - self.winning_score)


def _absent(player_id: str) -> Card:
    return Card(player_id=player_id, status="WD", rounds=())
