"""The scorer that reads like the rules: slow, obvious, the second opinion on `matrix`, and sharing nothing with it.

The rules of a golfer's value are in `plain_golfers`; those of an entry, as a player would read them:

1. A pick who withdrew before he played a hole is replaced by the next of his tier or of the ranking, where the config
   says so: the next in the list who has not gone himself and whom the entry does not have yet. Who was never on the
   board has withdrawn too.
2. An entry's score is the sum of its best `count_best` golfers, over the event or of each round. Counting by rounds,
   what belongs to the event and to no round (a bonus for a finish) is added once for each of its golfers.
3. An entry is cut when fewer than `min_made_cut` of its golfers are through the cut, or when it lacks golfers that can
   count, since the sum of fewer golfers compares with nothing. Cut entries rank after all others, those that lack
   fewer golfers first, then by score.
4. Equal scores are ranked by the tie-breaks, in their order:
   - the prediction closest to the winning score, the lowest total of a golfer in the event, to par or, where the
     metric is strokes, in strokes; no prediction is further off than any;
   - a prediction that is not above the winning score;
   - the best golfer by his value over the event, then the second best; none is worse than any;
   - having picked the champion; having picked the best amateur; the more holes under par of all its golfers.
   What is then still equal shares its rank.
5. The best entry of a round is the one with the best sum of its best `count_best` golfers of that round; entries that
   lack golfers in that round are not asked, and equal ones share.
(CFG-002, SET-001, SET-013)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from cutline.engine.scoring.board import Board
from cutline.engine.scoring.plain_golfers import Field, Worth
from cutline.engine.scoring.standings import Entry, Standings
from cutline.engine.tournament.model import Tournament

Key = tuple[int, ...]


def standings(tournament: Tournament, board: Board, entries: Sequence[Entry]) -> Standings:
    """Rank the entries by the tournament's rules. The order of entries and cards does not matter."""
    return _Contest(tournament, board, entries).standings()


class _Contest:
    """One board under one set of rules, with the entries that are judged by them."""

    def __init__(self, tournament: Tournament, board: Board, entries: Sequence[Entry]) -> None:
        self.tournament = tournament
        self.scoring = tournament.scoring
        self.sign = 1 if self.scoring.direction == "low" else -1
        self.entries = entries
        self.gone = _withdrawn_before_play(board)
        self.on_board = {card.player_id for card in board.cards}
        self.lists = _substitute_lists(tournament)
        self.playing = [self._playing(entry) for entry in entries]
        picked = {player for picks in self.playing for player in picks}
        self.field = Field(tournament, board, picked)

    def _playing(self, entry: Entry) -> Sequence[str]:
        """Return who plays for an entry: its picks, or those who stepped in for them."""
        if not self.lists:
            return entry.picks
        picks = list(entry.picks)
        for listed in self.lists:
            for place, player in enumerate(listed):
                if player in picks and self._has_gone(player):
                    fit = (other for other in listed[place + 1 :] if not self._has_gone(other) and other not in picks)
                    picks[picks.index(player)] = next(fit, player)
        return picks

    def _has_gone(self, player: str) -> bool:
        return player in self.gone or player not in self.on_board

    def standings(self) -> Standings:
        pairs = zip(self.entries, self.playing, strict=True)
        judged = [(*self._judge(entry, picks), entry.entry_id) for entry, picks in pairs]
        judged.sort(key=lambda row: (row[0], row[2]))
        ids: list[str] = []
        ranks: list[int] = []
        cuts: list[bool] = []
        scores: list[int | None] = []
        for key, tied in groupby(judged, key=lambda row: row[0]):
            rank = len(ids) + 1
            for _, score, entry_id in tied:
                ids.append(entry_id)
                ranks.append(rank)
                cuts.append(bool(key[0]))
                scores.append(score)
        return Standings(
            entry_ids=tuple(ids),
            ranks=tuple(ranks),
            cut=tuple(cuts),
            scores=tuple(scores),
            best_of_rounds=tuple(self._best_of_round(daily.round) for daily in self.tournament.prizes.daily),
        )

    def _judge(self, entry: Entry, picks: Sequence[str]) -> tuple[Key, int | None]:
        golfers = [self.field.worth(player) for player in picks]
        counted, lacking = self._count(golfers)
        through = sum(golfer.through for golfer in golfers)
        cut = lacking > 0 or through < self.scoring.entry_cut.min_made_cut
        score: int | None = sum(counted)
        if self.scoring.count_per == "round":
            score = sum(counted) + sum(golfer.extra for golfer in golfers)
        if not counted and self.field.rounds:
            score = None
        ties = [part for rule in self.tournament.ties.order for part in self._tie_break(rule, entry, golfers)]
        return (cut, lacking, self.sign * (score or 0), *ties), score

    def _count(self, golfers: Sequence[Worth]) -> tuple[list[int], int]:
        """Return the values that count, and how many are lacking."""
        best = self.scoring.count_best
        if self.scoring.count_per == "event":
            counted = self._best([golfer.event for golfer in golfers])
            return counted, best - len(counted)
        counted, lacking = [], 0
        for number in self.field.rounds:
            of_round = self._best([golfer.rounds[number - 1] for golfer in golfers])
            counted += of_round
            lacking += best - len(of_round)
        return counted, lacking

    def _best(self, values: Sequence[int | None]) -> list[int]:
        can_count = [value for value in values if value is not None]
        return sorted(can_count, reverse=self.sign < 0)[: self.scoring.count_best]

    def _tie_break(self, rule: str, entry: Entry, golfers: Sequence[Worth]) -> Key:
        match rule:
            case "winning_score_prediction" | "prediction_not_over":
                return self._prediction(rule, entry.tiebreak)
            case "best_golfer" | "second_golfer":
                place = 0 if rule == "best_golfer" else 1
                values = sorted(self.sign * golfer.event for golfer in golfers if golfer.event is not None)
                return (0, values[place]) if place < len(values) else (1, 0)
            case "owns_champion":
                return (not any(golfer.champion for golfer in golfers),)
            case "owns_low_amateur":
                return (not any(golfer.low_amateur for golfer in golfers),)
            case _:
                return (-sum(golfer.birdies for golfer in golfers),)

    def _prediction(self, rule: str, predicted: int | None) -> Key:
        winning = self.field.winning_score
        if winning is None:
            return (0, 0)
        if predicted is None:
            return (1, 0)
        return (0, abs(predicted - winning)) if rule == "winning_score_prediction" else (predicted > winning, 0)

    def _best_of_round(self, number: int) -> tuple[str, ...]:
        if number not in self.field.rounds:
            return ()
        sums: dict[str, int] = {}
        for entry, picks in zip(self.entries, self.playing, strict=True):
            golfers = [self.field.worth(player) for player in picks]
            counted = self._best([golfer.rounds[number - 1] for golfer in golfers])
            if len(counted) == self.scoring.count_best:
                sums[entry.entry_id] = self.sign * sum(counted)
        least = min(sums.values(), default=0)
        return tuple(sorted(entry_id for entry_id, total in sums.items() if total == least))


def _substitute_lists(tournament: Tournament) -> list[tuple[str, ...]]:
    terms = tournament.roster.substitutes
    if terms is None:
        return []
    return [tier.players for tier in tournament.roster.tiers] if terms.rule == "next_in_tier" else [terms.ranking]


def _withdrawn_before_play(board: Board) -> set[str]:
    return {
        golfer.player_id
        for golfer in board.cards
        if golfer.status == "WD" and not any(card.thru for card in golfer.rounds)
    }
