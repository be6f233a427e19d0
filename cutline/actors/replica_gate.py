"""Nothing irrevocable leaves before the replica holds its cause: a contest's readiness, a winner's transfer.

With replication off the gate stands open. It must not decide what goes through it, only when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from cutline.engine.decision import Address
from cutline.storage.files import DataRoot
from cutline.storage.litestream import ReplicationError, Replicator

log = structlog.get_logger(__name__)


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
    """Asks Litestream to confirm each file."""

    def __init__(self, replicator: Replicator, root: DataRoot) -> None:
        self._replicator = replicator
        self._root = root

    async def holds(self, addresses: Sequence[Address]) -> bool:
        """Confirm each file; an answer that does not come keeps the gate shut."""
        for address in addresses:
            try:
                await self._replicator.sync(self._root.path_of(address))
            except ReplicationError as error:
                log.error("replica_behind", address=address, error=str(error))  # noqa: TRY400  # expected, and alerted
                return False
        return True
