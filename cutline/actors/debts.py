"""What one file owes to others: when it was sent last, and what its receivers have confirmed; it must not send it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from cutline.engine.decision import Owed

REDELIVERY_AFTER: Final = timedelta(seconds=60)
"""An owed message that is not acknowledged after this long is sent again; receivers apply it once all the same."""

CONFIRMED_MAX: Final = 512
"""So many acknowledgements may wait for the next commit before they get one of their own."""


class Debts:
    """Beside the folded state, which knows what is owed. Confirmations wait here for company: the next commit."""

    __slots__ = ("_confirmed", "_sent_at")

    def __init__(self) -> None:
        self._sent_at: dict[str, datetime] = {}
        self._confirmed: dict[str, None] = {}

    @property
    def confirmed(self) -> tuple[str, ...]:
        """What receivers hold in their own files, and this one has not recorded yet."""
        return tuple(self._confirmed)

    @property
    def many_confirmed(self) -> bool:
        """Whether so many confirmations wait that they need no company."""
        return len(self._confirmed) >= CONFIRMED_MAX

    def confirm(self, keys: Iterable[str], owed: Mapping[str, Owed]) -> None:
        """Hear that a receiver has these; hearing it twice is hearing it once."""
        for key in keys:
            if key in owed:
                self._confirmed[key] = None
                self._sent_at.pop(key, None)

    def recorded(self) -> None:
        """Forget confirmations that are in the file now."""
        self._confirmed.clear()

    def sent(self, key: str, now: datetime) -> None:
        """Note when a message left."""
        self._sent_at[key] = now

    def to_send_again(self, owed: Mapping[str, Owed], now: datetime) -> Iterator[tuple[str, Owed]]:
        """Yield what was not confirmed for too long, or not sent since the start."""
        for key, one in owed.items():
            sent_at = self._sent_at.get(key)
            if key not in self._confirmed and (sent_at is None or now - sent_at >= REDELIVERY_AFTER):
                yield key, one

    def any_open(self, owed: Mapping[str, Owed]) -> bool:
        """Whether anything is owed that nobody has confirmed."""
        return len(owed) > len(self._confirmed)
