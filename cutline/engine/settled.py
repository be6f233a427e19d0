"""What a settled contest says of its entries, as columns: a million rows are kept, hashed and sent without being made.

It computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

from cutline.engine.scoring.standings import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledEntry:
    """One entry's final rank and prize; `remainder_cents` are the cents it got that did not divide evenly."""

    rank: int
    entry_id: str
    status: Status
    score: int | None
    prize_cents: int
    remainder_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRows(Sequence[SettledEntry]):
    """All entries, best first, as columns of equal length; as a sequence it makes each row when it is asked for."""

    entry_ids: Sequence[str]
    ranks: Sequence[int]
    cut: Sequence[bool]
    scores: Sequence[int | None]
    prize_cents: Sequence[int]
    remainder_cents: Sequence[int]

    @classmethod
    def read(cls, columns: Mapping[str, Any]) -> SettledRows:
        """Read the columns as JSON gives them back. Raises KeyError for a column that is missing."""
        return cls(**{column.name: tuple(columns[column.name]) for column in fields(cls)})

    def columns(self) -> dict[str, Sequence[Any]]:
        """Return the columns by name."""
        return {column.name: getattr(self, column.name) for column in fields(self)}

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.entry_ids)

    @overload
    def __getitem__(self, place: int) -> SettledEntry: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SettledEntry]: ...
    def __getitem__(self, place: int | slice) -> SettledEntry | Sequence[SettledEntry]:
        """Return one row, or several as a list."""
        if isinstance(place, slice):
            return [self._row(number) for number in range(*place.indices(len(self)))]
        return self._row(range(len(self))[place])

    def __iter__(self) -> Iterator[SettledEntry]:
        """Iterate over the rows, best first."""
        return map(self._row, range(len(self)))

    def _row(self, place: int) -> SettledEntry:
        return SettledEntry(
            rank=self.ranks[place],
            entry_id=self.entry_ids[place],
            status="cut" if self.cut[place] else "ranked",
            score=self.scores[place],
            prize_cents=self.prize_cents[place],
            remainder_cents=self.remainder_cents[place],
        )
