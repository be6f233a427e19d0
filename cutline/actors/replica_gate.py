"""Nothing irrevocable leaves before the replica holds its cause: a contest's readiness, a winner's transfer.

With replication off the gate stands open. It must not decide what goes through it, only when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from cutline.engine.decision import Address
from cutline.storage.files import DataRoot
from cutline.storage.litestream import ReplicationError, Replicator

log = structlog.get_logger(__name__)

CONFIRM_WITHIN_S = 5.0
"""How long one confirmation may take. It takes 4 ms as a rule, and a Litestream that died is back within a second."""
SHUT_FOR_S = 15.0
RUNBOOK = "runbooks/replica-behind.md"


class ReplicaGate(Protocol):
    """Waits for the replica."""

    async def holds(self, addresses: Sequence[Address]) -> bool:
        """Return whether the replica has every commit made so far to these files."""


class OpenGate:
    """Replication is off: there is no replica to wait for."""

    async def holds(self, addresses: Sequence[Address]) -> bool:  # noqa: ARG002  # the gate's signature
        """Let everything through."""
        return True


class LitestreamGate:
    """Asks Litestream to confirm each file.

    After a confirmation that did not come the gate stays shut for that file for a while and answers at once: effects
    that wait for a dead replica would keep others from running.
    """

    def __init__(
        self,
        replicator: Replicator,
        root: DataRoot,
        *,
        confirm_within_s: float = CONFIRM_WITHIN_S,
        shut_for_s: float = SHUT_FOR_S,
    ) -> None:
        self._replicator = replicator
        self._root = root
        self._confirm_within_s = confirm_within_s
        self._shut_for_s = shut_for_s
        self._shut_until: dict[Address, float] = {}

    async def holds(self, addresses: Sequence[Address]) -> bool:
        """Confirm each file; an answer that does not come keeps the gate shut."""
        loop = asyncio.get_running_loop()
        for address in addresses:
            if loop.time() < self._shut_until.get(address, 0.0):
                return False
            try:
                await self._replicator.sync(self._root.path_of(address), timeout_seconds=self._confirm_within_s)
            except (ReplicationError, FileNotFoundError) as error:
                self._shut_until[address] = loop.time() + self._shut_for_s
                log.error("replica_behind", address=address, error=str(error), runbook=RUNBOOK)  # noqa: TRY400  # expected, and alerted
                return False
            self._shut_until.pop(address, None)
        return True
