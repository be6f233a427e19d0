"""What scoring takes and gives: entries in, ranks out. It computes nothing, so that two scorers can share it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cutline.engine.canonical import canonical_json

Status = Literal["ranked", "cut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One ACTIVE entry: its golfers and, if made, its prediction of the winning score in the contest's metric."""

    entry_id: str
    picks: tuple[str, ...]
    tiebreak: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one entry stands. `score` is None when none of its golfers counts."""

    rank: int
    entry_id: str
    status: Status
    score: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """The entries in order of rank, and of entry id within a rank, as columns of equal length.

    Ranks count as in golf: two firsts are followed by a third. Cut entries rank after all others. `best_of_rounds`
    lists the best entries of each round that has a prize of its own, in the order of the config, by entry id.
    """

    entry_ids: tuple[str, ...]
    ranks: tuple[int, ...]
    cut: tuple[bool, ...]
    scores: tuple[int | None, ...]
    best_of_rounds: tuple[tuple[str, ...], ...] = ()

    def rows(self) -> Iterator[Standing]:
        """Iterate over the standings, best first."""
        for rank, entry_id, cut, score in zip(self.ranks, self.entry_ids, self.cut, self.scores, strict=True):
            yield Standing(rank=rank, entry_id=entry_id, status="cut" if cut else "ranked", score=score)

    def canonical(self) -> bytes:
        """Return the bytes by which two scorers are compared."""
        return canonical_json(self)
