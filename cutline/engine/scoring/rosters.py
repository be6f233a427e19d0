"""All entries of a contest as columns, packed: how a million rosters are stored, hashed and scored. It ranks nobody."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from cutline.engine.canonical import canonical_json
from cutline.engine.errors import InvariantViolated
from cutline.engine.scoring.standings import Entry

PLAYERS_MAX = 2**16 - 1
NO_TIEBREAK = -(2**31)
"""No prediction comes near it: entries are refused far below."""
_PICKS = np.dtype("<u2")
_TIEBREAKS = np.dtype("<i4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rosters:
    """Entries in order of their ids. `picks` has a row an entry and a column a pick: indices into `players`.

    `players` are all golfers that some entry has picked, in order of their ids.
    """

    entry_ids: Sequence[str]
    players: Sequence[str]
    picks: NDArray[np.uint16]
    tiebreaks: NDArray[np.int32]
    """Predictions, `NO_TIEBREAK` for none."""

    @classmethod
    def of(cls, entries: Iterable[Entry], size: int) -> Rosters:
        """Pack entries, in any order, whose rosters have `size` picks.

        Raises InvariantViolated for entries that cannot be: repeated ids, rosters of another size.
        """
        ordered = sorted(entries, key=lambda entry: entry.entry_id)
        entry_ids = [entry.entry_id for entry in ordered]
        if len(set(entry_ids)) != len(entry_ids):
            raise InvariantViolated("an entry id is repeated")
        if any(len(entry.picks) != size for entry in ordered):
            raise InvariantViolated("a roster has another size than the config asks for")
        players = sorted({pick for entry in ordered for pick in entry.picks})
        if len(players) > PLAYERS_MAX:
            raise InvariantViolated(f"{len(players)} golfers cannot be numbered by two bytes")
        index = {player: number for number, player in enumerate(players)}
        flat = [index[pick] for entry in ordered for pick in entry.picks]
        return cls(
            entry_ids=entry_ids,
            players=players,
            picks=np.array(flat, dtype=np.uint16).reshape(len(ordered), size),
            tiebreaks=np.array(
                [NO_TIEBREAK if entry.tiebreak is None else entry.tiebreak for entry in ordered], dtype=np.int32
            ),
        )

    @property
    def size(self) -> int:
        """How many golfers an entry picks."""
        return int(self.picks.shape[1])

    def entries(self) -> Iterator[Entry]:
        """Iterate over the entries, unpacked, in order of their ids."""
        players = self.players
        for entry_id, row, said in zip(self.entry_ids, self.picks.tolist(), self.tiebreaks.tolist(), strict=True):
            tiebreak = None if said == NO_TIEBREAK else said
            yield Entry(entry_id=entry_id, picks=tuple([players[number] for number in row]), tiebreak=tiebreak)

    def pack(self) -> bytes:
        """Return the canonical bytes: JSON by columns, numbers as base64 of two or four bytes each, the low one first.

        A script that knows JSON and base64 can read them (SET-001).
        """
        return canonical_json(
            {
                "entry_ids": self.entry_ids,
                "players": self.players,
                "size": self.size,
                "picks": base64.b64encode(self.picks.astype(_PICKS, copy=False).tobytes()).decode(),
                "tiebreaks": base64.b64encode(self.tiebreaks.astype(_TIEBREAKS, copy=False).tobytes()).decode(),
            }
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Rosters:
        """Read what `pack` wrote. Raises InvariantViolated for anything else."""
        try:
            columns: dict[str, Any] = orjson.loads(packed)
            picks = _column(columns["picks"], _PICKS)
            rosters = cls(
                entry_ids=columns["entry_ids"],
                players=columns["players"],
                picks=picks.reshape(len(columns["entry_ids"]), columns["size"]),
                tiebreaks=_column(columns["tiebreaks"], _TIEBREAKS),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InvariantViolated(f"these are no packed rosters: {error}") from error
        known = picks.max(initial=0) < max(len(rosters.players), 1)
        if len(rosters.tiebreaks) != len(rosters.entry_ids) or not known:
            raise InvariantViolated("the columns of packed rosters do not fit each other")
        return rosters


def _column(text: str, width: np.dtype[Any]) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=width)
