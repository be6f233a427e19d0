"""Who may be opened now and who waits: so many contests at a time, however many want to at one instant.

Ten thousand contests may lock in the same second. Each needs a thread, three file handles and a fold of its file, so a
bounded number is opened at a time, and each makes room for the next as soon as it has nothing left to do. It must not
open anything itself, and what it holds may be lost: the senders owe it, and the clock tells it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cutline.actors.mailbox import Delivery, Envelope, Tell
from cutline.engine.decision import Address
from cutline.engine.messages import Look

SLOTS: Final = 128
"""So many contests that nobody has asked for may be at work at a time: opening, deciding, or waiting for an answer."""

SLOT_HELD_MAX: Final = timedelta(seconds=30)
"""Who is not at rest after so long, as when the ledger or the replica is out of reach, makes room all the same."""


class WaitingRoom:
    """Mail for contests that wait to be opened, in the order in which they came. Its owner's lock guards it."""

    def __init__(self, slots: int | None = None) -> None:
        self._slots = SLOTS if slots is None else slots
        self._waiting: dict[Address, list[Envelope]] = {}
        self._inside: dict[Address, datetime] = {}

    def __contains__(self, address: Address) -> bool:
        return address in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self, now: datetime) -> bool:
        """Whether one more may be opened: a slot is free, or its holder has had it for too long."""
        if len(self._inside) < self._slots:
            return True
        # Slots are taken in the order of time, so the oldest holders come first.
        for address, since in list(self._inside.items()):
            if now - since < SLOT_HELD_MAX:
                break
            del self._inside[address]
        return len(self._inside) < self._slots

    def park(self, address: Address, envelope: Envelope) -> None:
        """Keep an envelope for an address that waits, once."""
        mail = self._waiting.setdefault(address, [])
        if not any(_says_the_same(envelope, other) for other in mail):
            mail.append(envelope)

    def enter(self, address: Address, now: datetime) -> None:
        """Note that an address has been opened and holds a slot."""
        self._inside[address] = now

    def holds_slot(self, address: Address) -> bool:
        """Whether an address holds a slot."""
        return address in self._inside

    def leave(self, address: Address) -> None:
        """Free the slot of an address, if it holds one."""
        self._inside.pop(address, None)

    def take(self, address: Address) -> list[Envelope]:
        """Hand out the mail of an address that waits no longer."""
        return self._waiting.pop(address, [])

    def admitted(self, now: datetime) -> Iterator[tuple[Address, list[Envelope]]]:
        """Hand out those who waited longest, with their mail, while there is room."""
        while self._waiting and self.has_room(now):
            address = next(iter(self._waiting))
            yield address, self._waiting.pop(address)

    def clear(self) -> None:
        """Forget everybody."""
        self._waiting.clear()
        self._inside.clear()


def _says_the_same(one: Envelope, other: Envelope) -> bool:
    if isinstance(one, Delivery) and isinstance(other, Delivery):
        return (one.sender, one.key) == (other.sender, other.key)
    looks = (isinstance(envelope, Tell) and isinstance(envelope.message, Look) for envelope in (one, other))
    return all(looks)
