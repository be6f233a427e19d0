"""What a writer needs of the system around it; the system gives it, and rehearsals give a smaller one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from cutline.actors.mailbox import Envelope
from cutline.engine.decision import Address
from cutline.engine.vitals import Vitals


class Surroundings(Protocol):
    """What a writer needs of the system around it."""

    def send(self, to: Address, envelope: Envelope) -> None:
        """Put an envelope into another actor's inbox, opening the actor if need be."""

    def perform(self, effect: Any, address: Address, cause: str) -> None:
        """Start an effect beside the actors; its outcome comes back to `address` as a message."""

    def note(self, address: Address, due_at: datetime | None, at_rest: bool) -> None:
        """Remember when this actor wants to look at the clock, and whether it owes nothing until then."""

    def measure(self, address: Address, vitals: Vitals | None) -> None:
        """Remember the figures by which this actor's file is watched."""

    def checkpoint(self, address: Address, counted: Callable[[int], None]) -> None:
        """Copy the file's write-ahead log into the file, beside its writer.

        `counted` is told, on another thread, how many pages the log had.
        """

    def failed(self, address: Address, failure: BaseException) -> None:
        """Hear that an actor has stopped because of a failure."""

    def must_die(self, failure: BaseException) -> None:
        """End the process at once: what the disk holds is unknown, and only a restart can tell."""
