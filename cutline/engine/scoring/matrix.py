"""The fast scorer: golfers' values as a vector, rosters as a matrix of indices. It must agree with `plain` to the byte.

The rules are written down in `plain`; nothing of its arithmetic is used here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutline.engine.scoring.board import Board, rounds_begun
from cutline.engine.scoring.standings import Entry, Standings
from cutline.engine.tournament.model import NotPlayedRule, Tournament

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CANNOT_COUNT = np.int64(2**40)
"""A cost above any that can be scored: at most 10 rounds of 2,000 at weight 100."""
NO_PREDICTION = np.int64(2**62)


def standings(tournament: Tournament, board: Board, entries: Sequence[Entry]) -> Standings:
    """Rank the entries by the tournament's rules. The order of entries and cards does not matter."""
    ordered = sorted(entries, key=lambda entry: entry.entry_id)
    index = {card.player_id: place for place, card in enumerate(board.cards)}
    absent = len(index)
    picks = [index.get(pick, absent) for entry in ordered for pick in entry.picks]
    rosters = np.array(picks, dtype=np.uint16).reshape(len(ordered), tournament.roster.size)
    distances = np.full(len(ordered), NO_PREDICTION, dtype=np.int64)
    winning = _winning_score(tournament, board)
    if "winning_score_prediction" not in tournament.ties.order or winning is None:
        distances[:] = 0
    else:
        for place, entry in enumerate(ordered):
            if entry.tiebreak is not None:
                distances[place] = abs(entry.tiebreak - winning)
    return rank_rosters(tournament, board, [entry.entry_id for entry in ordered], rosters, distances)


def rank_rosters(
    tournament: Tournament, board: Board, entry_ids: list[str], rosters: NDArray[np.uint16], distances: Ints
) -> Standings:
    """Rank rosters of indices into the board's cards, one past the last meaning a golfer who is not on the board.

    `entry_ids` must be sorted: it decides the order within a rank.
    """
    golfers = _Golfers(tournament, board)
    count = len(entry_ids)
    score = np.zeros(count, dtype=np.int64)
    lacking = np.zeros(count, dtype=np.int64)
    counted = np.zeros(count, dtype=np.int64)
    for costs in golfers.columns():
        best = np.partition(costs[rosters], tournament.scoring.count_best - 1, axis=1)
        best = best[:, : tournament.scoring.count_best]
        counts = best < CANNOT_COUNT
        score += np.where(counts, best, 0).sum(axis=1)
        lacking += (~counts).sum(axis=1)
        counted += counts.sum(axis=1)
    through = golfers.through[rosters].sum(axis=1)
    cut = (lacking > 0) | (through < tournament.scoring.entry_cut.min_made_cut)
    scoreless = (counted == 0) & bool(golfers.rounds)
    return _ranked(entry_ids, (cut, lacking, score, distances), scoreless, golfers.sign)


def _ranked(entry_ids: list[str], keys: tuple[Bools, Ints, Ints, Ints], scoreless: Bools, sign: int) -> Standings:
    cut, lacking, cost, distances = keys
    order = np.lexsort((distances, cost, lacking, cut))
    differs = np.ones(len(order), dtype=np.bool_)
    differs[1:] = np.logical_or.reduce([key[order][1:] != key[order][:-1] for key in keys])
    starts = np.flatnonzero(differs)
    ranks = np.repeat(starts + 1, np.diff(np.append(starts, len(order))))
    scores: list[int | None] = (sign * cost[order]).tolist()
    for place in np.flatnonzero(scoreless[order]).tolist():
        scores[place] = None
    return Standings(
        entry_ids=tuple([entry_ids[place] for place in order.tolist()]),
        ranks=tuple(ranks.tolist()),
        cut=tuple(cut[order].tolist()),
        scores=tuple(scores),
    )


class _Golfers:
    """The board as arrays: a row a golfer, the last for one who is not on the board; a column a round begun."""

    def __init__(self, tournament: Tournament, board: Board) -> None:
        self.scoring = tournament.scoring
        self.sign = 1 if self.scoring.direction == "low" else -1
        self.rounds = min(rounds_begun(board), tournament.event.rounds)
        self.weights = np.array(self.scoring.round_weights[: self.rounds], dtype=np.int64)
        self.status = np.array([card.status or "" for card in board.cards] + ["WD"])
        figure, thru, finished = _arrays(tournament, board, self.rounds)
        cut_after = tournament.event.cut_after_round
        played_on = (thru[:, cut_after:] > 0).any(axis=1) if cut_after else (thru > 0).any(axis=1)
        is_out = self.status != ""
        self.through = ~is_out | (self.status == "MDF") | (np.isin(self.status, ("WD", "DQ")) & played_on)
        self.cost = self.sign * figure * self.weights
        self.drops = np.zeros(len(self.status), dtype=np.bool_)
        rules = self.scoring.not_played
        for statuses, rule in (
            (("CUT", "MDF"), rules.missed_cut),
            (("WD",), rules.withdrawn),
            (("DQ",), rules.disqualified),
        ):
            self._charge(rule, np.isin(self.status, statuses), figure, finished)

    def _charge(self, rule: NotPlayedRule, golfers: Bools, figure: Ints, finished: Bools) -> None:
        unplayed = golfers[:, None] & ~finished
        if rule.rule == "drop":
            self.drops |= golfers
            self.cost[unplayed] = CANNOT_COUNT
            return
        if rule.rule == "fixed":
            price = np.full(self.rounds, rule.value or 0, dtype=np.int64)
        else:
            worst = np.where(finished, self.sign * figure, -CANNOT_COUNT).max(axis=0, initial=-CANNOT_COUNT)
            price = np.where(finished.any(axis=0), self.sign * worst + (rule.plus or 0), 0)
        self.cost = np.where(unplayed, self.sign * price * self.weights, self.cost)

    def columns(self) -> list[Ints]:
        """Return the costs among which an entry's best are chosen: one vector for the event, or one a round."""
        if self.scoring.count_per == "round":
            return [self.cost[:, number] for number in range(self.rounds)]
        total = self.cost.sum(axis=1)
        total[self.drops] = CANNOT_COUNT
        return [total]


def _arrays(tournament: Tournament, board: Board, rounds: int) -> tuple[Ints, Ints, Bools]:
    shape = (len(board.cards) + 1, rounds)
    figure, thru = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    finished = np.zeros(shape, dtype=np.bool_)
    to_par = tournament.scoring.metric == "to_par"
    for row, golfer in enumerate(board.cards):
        for card in golfer.rounds:
            if card.number <= rounds:
                column = card.number - 1
                figure[row, column] = card.to_par if to_par else card.strokes
                thru[row, column] = card.thru
                finished[row, column] = card.finished
    return figure, thru, finished


def _winning_score(tournament: Tournament, board: Board) -> int | None:
    rounds = min(rounds_begun(board), tournament.event.rounds)
    figure, thru, _ = _arrays(tournament, board, rounds)
    playing = np.array([card.status is None for card in board.cards] + [False]) & (thru > 0).any(axis=1)
    return int(figure[playing].sum(axis=1).min()) if playing.any() else None
