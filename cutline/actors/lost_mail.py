"""Remembers which owed messages found no file to go to; their senders keep them, and it must not keep them itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cutline.actors.debts import REDELIVERY_AFTER
from cutline.engine.decision import Address

STILL_OWED_WITHIN: Final = 5 * REDELIVERY_AFTER
"""Whoever owes a message sends it again this often at least."""


class LostMail:
    """The messages by address and key. Its owner's lock guards it."""

    __slots__ = ("_seen_at",)

    def __init__(self) -> None:
        self._seen_at: dict[tuple[Address, str], datetime] = {}

    def note(self, to: Address, key: str, now: datetime) -> None:
        """Note a message that was sent to where no file is."""
        self._seen_at[to, key] = now

    def count(self, now: datetime) -> int:
        """Return how many there are; what its sender has not sent again for a while is owed no more."""
        since = now - STILL_OWED_WITHIN
        self._seen_at = {mail: at for mail, at in self._seen_at.items() if at >= since}
        return len(self._seen_at)
