"""Golfers' values as arrays: the half of `matrix` that knows no entry. It must agree with `plain_golfers`.

A row is a golfer, in the board's order, and one more for whoever is not on the board; a column is a round that counts.
The rules are written down in `plain_golfers`; nothing of its arithmetic is used here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cutline.engine.scoring.board import HOLES_A_ROUND, Board, rounds_counted
from cutline.engine.tournament.model import Bonus, NotPlayedRule, Tournament
from cutline.engine.tournament.point_tables import PointTables, scale_of, tables_of

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CANNOT_COUNT = np.int64(2**50)
"""A cost above any that can be scored: at most 100 golfers of 10^9 points, or of 10 rounds at weight 100."""
NOBODY = np.int64(2**40)
"""A total or a place that no golfer has."""


class Cards:
    """The board's figures as they are, before any rule."""

    def __init__(self, tournament: Tournament, board: Board) -> None:
        ignore = tournament.shortened.incomplete_round == "ignore"
        self.rounds = rounds_counted(board, tournament.event.rounds, ignore_incomplete=ignore)
        golfers = len(board.cards) + 1
        self.status = np.array([card.status or "" for card in board.cards] + ["WD"])
        self.playoff = np.array([card.playoff or NOBODY for card in board.cards] + [NOBODY], dtype=np.int64)
        shape = (golfers, self.rounds)
        self.to_par = np.zeros(shape, dtype=np.int64)
        self.strokes, self.thru = self.to_par.copy(), self.to_par.copy()
        self.par = np.zeros((*shape, HOLES_A_ROUND), dtype=np.int64)
        self.taken = np.zeros((*shape, HOLES_A_ROUND), dtype=np.int64)
        for row, golfer in enumerate(board.cards):
            for card in golfer.rounds:
                if card.number > self.rounds:
                    continue
                at = (row, card.number - 1)
                self.to_par[at], self.strokes[at], self.thru[at] = card.to_par, card.strokes, card.thru
                for turn, (_, par, taken) in enumerate(card.holes or ()):
                    self.par[(*at, turn)], self.taken[(*at, turn)] = par, taken
        self.finished: Bools = self.thru == HOLES_A_ROUND
        self.has_hole = self.taken > 0
        self.under_par = self.has_hole & (self.taken < self.par)
        self.aces: Ints = (self.taken == 1).sum(axis=2)

    def points(self, tables: PointTables) -> Ints:
        """Return the points of every round by its holes, in parts of a point."""
        by_hole = np.array(tables.holes.points, dtype=np.int64)
        row = np.clip(self.taken - self.par - tables.holes.best_to_par, 0, len(by_hole) - 1)
        points: Ints = np.where(self.has_hole, by_hole[row], 0).sum(axis=2) + tables.ace_points * self.aces
        if tables.streak_holes:
            points += tables.streak_points * self._has_streak(tables.streak_holes)
        clean = self.finished & self.has_hole.any(axis=2) & ~(self.taken > self.par).any(axis=2)
        points += tables.clean_card_points * clean
        return points

    def _has_streak(self, holes: int) -> Bools:
        run = self.under_par[:, :, holes - 1 :].copy()
        for earlier in range(holes - 1):
            run &= self.under_par[:, :, earlier : HOLES_A_ROUND - holes + 1 + earlier]
        has: Bools = np.logical_or.reduce(run, axis=2)
        return has


class Golfers:
    """Every golfer's costs (values, negated where high wins), and what tie-breaks ask of him."""

    def __init__(self, tournament: Tournament, board: Board, picked: Bools) -> None:
        self.tournament, self.scoring = tournament, tournament.scoring
        self.cards = Cards(tournament, board)
        self.rounds, self.status = self.cards.rounds, self.cards.status
        self.sign = 1 if self.scoring.direction == "low" else -1
        self.tables, self.scale = tables_of(self.scoring), scale_of(self.scoring)
        self.picked = picked
        self.figure = self._figures()
        self.is_out = self.status != ""
        self.plays: Bools = ~self.is_out & (self.cards.thru > 0).any(axis=1)
        self.through = self._through()
        self.place: Ints = self._places()
        self.drops = np.zeros(len(self.status), dtype=np.bool_)
        self.value = np.zeros(self.figure.shape, dtype=np.int64)
        self.lacks = np.zeros(self.figure.shape, dtype=np.bool_)
        self.once = self._points_of_places()
        self._charge_all()
        self.extra = self._extras()
        self.round_cost = np.where(self.lacks, CANNOT_COUNT, self.sign * self.value)
        self.event_cost = self._event_costs()
        self.birdies = self.cards.under_par.sum(axis=(1, 2))
        self.champion = self.place == 1

    def low_amateur(self, board: Board) -> Bools:
        """Return who is the best placed amateur; several where they are tied."""
        amateurs = set(self.tournament.event.amateurs)
        is_amateur: Bools = np.array([card.player_id in amateurs for card in board.cards] + [False])
        best = int(self.place[is_amateur].min(initial=NOBODY))
        best_placed: Bools = is_amateur & (self.place == best) & self.plays
        return best_placed

    def winning_score(self) -> int | None:
        """Return the lowest total in the event, to par or in strokes; None before anybody has played."""
        figure = self.cards.strokes if self.scoring.metric == "strokes" else self.cards.to_par
        return int(figure[self.plays].sum(axis=1).min()) if self.plays.any() else None

    def _figures(self) -> Ints:
        if self.tables is not None:
            return self.cards.points(self.tables)
        return self.cards.strokes if self.scoring.metric == "strokes" else self.cards.to_par

    def _through(self) -> Bools:
        cut_after, thru = self.tournament.event.cut_after_round, self.cards.thru
        played_on = (thru[:, cut_after:] > 0).any(axis=1)
        through: Bools = ~self.is_out | (self.status == "MDF") | (np.isin(self.status, ("WD", "DQ")) & played_on)
        return through

    def _places(self) -> Ints:
        # One number orders totals first and the playoff within equal ones.
        total = self.cards.to_par.sum(axis=1)
        order = np.where(self.plays, total * NOBODY * 2 + self.cards.playoff, NOBODY)
        ranked = np.sort(order[self.plays])
        return np.where(self.plays, 1 + np.searchsorted(ranked, order, side="left"), NOBODY)

    def _points_of_places(self) -> Ints:
        """Return what the metric gives for a place, for golfers in the event; 0 by any other metric."""
        once = np.zeros(len(self.status), dtype=np.int64)
        terms = self.scoring.position_points
        if self.scoring.metric != "position_points" or terms is None:
            return once
        places = len(self.status)
        table = np.zeros(places + 1, dtype=np.int64)
        for row in terms.table:
            table[row.first : row.last + 1] = row.points
        at = np.where(self.plays, self.place, 0)
        if terms.ties == "average":
            sharing = np.bincount(at, minlength=places + 1)
            before = np.concatenate(([0], np.cumsum(table)))
            last = np.minimum(at + sharing[at], places + 1)
            once = (before[last] - before[at]) // np.maximum(sharing[at], 1)
        else:
            once = table[at]
        return np.where(self.plays, once, 0)

    def _charge_all(self) -> None:
        rules = self.scoring.not_played
        self._as_played(np.zeros(self.figure.shape, dtype=np.bool_) | ~self.is_out[:, None] | self.cards.finished)
        for statuses, rule in (
            (("CUT", "MDF"), rules.missed_cut),
            (("WD",), rules.withdrawn),
            (("DQ",), rules.disqualified),
        ):
            self._charge(rule, np.isin(self.status, statuses))

    def _as_played(self, counted: Bools) -> None:
        weights = np.array(self.scoring.round_weights[: self.rounds], dtype=np.int64)
        counted = counted & (self.cards.thru > 0)
        self.value = np.where(counted, self.figure * weights + self._round_bonuses(), self.value)
        self.played = counted

    def _charge(self, rule: NotPlayedRule, golfers: Bools) -> None:
        unplayed = golfers[:, None] & ~self.cards.finished
        if rule.rule == "drop":
            self.drops |= golfers
            self.lacks |= unplayed
            return
        if rule.rule in ("made_cut_count", "fixed"):
            paid = rule.value or 0 if rule.rule == "fixed" else int(self.through.sum()) + (rule.plus or 0)
            self.once = np.where(golfers, paid, self.once)
        if rule.rule == "as_played":
            self._as_played(self.played | unplayed)
            return
        weights = np.array(self.scoring.round_weights[: self.rounds], dtype=np.int64)
        self.value = np.where(unplayed, self._prices(rule) * weights, self.value)
        if rule.rule == "average_of_played":
            self.lacks |= unplayed & ~np.any(self.cards.finished, axis=1, keepdims=True)

    def _prices(self, rule: NotPlayedRule) -> Ints:
        """Return what a round costs that is not played, by golfer and round, before its weight."""
        finished, plus = self.cards.finished, (rule.plus or 0) * self.scale
        prices = np.zeros(self.figure.shape, dtype=np.int64)
        if rule.rule == "fixed":
            prices += (rule.value or 0) * self.scale
        elif rule.rule == "average_of_played":
            rounds = finished.sum(axis=1)
            total = np.where(finished, self.figure, 0).sum(axis=1)
            prices += (total // np.maximum(rounds, 1) + plus)[:, None]
        elif rule.rule in ("worst_of_day", "worst_of_pool"):
            judged = finished & (self.picked[:, None] if rule.rule == "worst_of_pool" else True)
            worst = self.sign * np.where(judged, self.sign * self.figure, -NOBODY).max(axis=0, initial=-NOBODY)
            prices += np.where(judged.any(axis=0), worst + plus, 0)
        return prices

    def _round_bonuses(self) -> Ints:
        bonuses = np.zeros(self.figure.shape, dtype=np.int64)
        for bonus in self.scoring.bonuses:
            if bonus.kind != "finish":
                given = np.array([bonus.holds_at(number + 1) for number in range(self.rounds)], dtype=np.int64)
                bonuses += self._times(bonus) * given * bonus.value * self.scale
        return bonuses

    def _times(self, bonus: Bonus) -> Ints:
        cards = self.cards
        if bonus.kind == "hole_in_one":
            return cards.aces
        if bonus.kind == "low_round":
            score, judged = cards.to_par, cards.finished
        else:
            score, judged = cards.to_par.cumsum(axis=1), np.logical_and.accumulate(cards.finished, axis=1)
        shown = np.where(judged, score, NOBODY)
        lowest = shown.min(axis=0, initial=NOBODY)
        times: Ints = (judged & (shown == lowest)).astype(np.int64)
        return times

    def _extras(self) -> Ints:
        extra = np.zeros(len(self.status), dtype=np.int64)
        for bonus in self.scoring.bonuses:
            if bonus.kind == "finish":
                within = (self.place >= (bonus.first or 1)) & (self.place <= (bonus.last or NOBODY))
                extra += within * bonus.value * self.scale
        if self.tables is not None:
            for first, last, points in self.tables.finish:
                extra += ((self.place >= first) & (self.place <= last)) * points
            if self.rounds == self.tournament.event.rounds:
                low = self.cards.finished & (self.cards.strokes < self.tables.low_rounds_below_strokes)
                extra += (low.all(axis=1) & self.plays) * self.tables.low_rounds_points
        return np.where(self.plays, extra, 0)

    def _event_costs(self) -> Ints:
        if self.scoring.metric == "position_points":
            # Weights are 1 each; what a round is worth beside its figure is its bonuses.
            bonuses = np.where(self.played, self._round_bonuses(), 0).sum(axis=1)
            worth = self.once + bonuses + self.extra
            cannot = self.drops
        else:
            worth = self.value.sum(axis=1) + self.extra
            cannot = self.drops | self.lacks.any(axis=1)
        return np.where(cannot, CANNOT_COUNT, self.sign * worth)
