"""The facts that every file holds beside its own: who opened it, and which owed messages have arrived.

Only the writer of a file records them; no machine sees them, and they must not move money or play.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class WriterOpened(Struct, frozen=True, kw_only=True):
    """A process has opened this file for writing; what an earlier commit left in doubt is settled by this one."""

    boot_epoch: int
    opening: int

    @property
    def key(self) -> str:
        """One opening, one key."""
        return f"writer-opened:{self.opening}"


class DeliveriesAcknowledged(Struct, frozen=True, kw_only=True):
    """Receivers hold these owed messages in their own files; they are owed no more."""

    first: int
    keys: tuple[str, ...]

    @property
    def key(self) -> str:
        """One batch of acknowledgements, named by the place in the log where it was written."""
        return f"acknowledged:{self.first}"


EVENTS: Final[Mapping[str, type]] = {kind.__name__: kind for kind in (WriterOpened, DeliveriesAcknowledged)}
"""Every such fact, by the name that the log gives it."""
