"""What happens when an actor dies: it is started again from its file, later each time, and kept closed if that fails.

A file that cannot be trusted is never written to again until a person has looked at it. It must not touch files.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict, deque
from datetime import datetime, timedelta

import structlog

from cutline.actors.clock import utc_now
from cutline.actors.directory import CORE, Directory
from cutline.engine.decision import Address
from cutline.storage.errors import Retryable, Untrusted, WriteFailed

log = structlog.get_logger(__name__)

RESTARTS_MAX = 5
"""So many deaths of one actor within `RESTARTS_WITHIN` mean that starting it again will not help."""
RESTARTS_WITHIN = timedelta(minutes=10)
BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 30.0


def die(failure: BaseException, *, runbook: str = "runbooks/engine-died-on-disk-error.md") -> None:
    """End the process at once, answering nothing: after a failed commit only the disk knows what happened."""
    log.critical("process_must_die", error=repr(failure), runbook=runbook)
    os._exit(70)


class Supervisor:
    """Restarts actors that died. A core actor that cannot live takes the process with it."""

    def __init__(self, directory: Directory, loop: asyncio.AbstractEventLoop) -> None:
        self._directory = directory
        self._loop = loop
        self._deaths: dict[tuple[Address, bool], deque[datetime]] = defaultdict(lambda: deque(maxlen=RESTARTS_MAX))

    def failed(self, address: Address, failure: BaseException) -> None:
        """Hear of a death, from any thread, and decide what follows."""
        self._directory.forget(address)
        passing = isinstance(failure, Retryable)
        deaths = self._deaths[address, passing]
        deaths.append(utc_now())
        often = len(deaths) == RESTARTS_MAX and deaths[-1] - deaths[0] <= RESTARTS_WITHIN
        if isinstance(failure, WriteFailed):
            die(failure)
        # A full disk or too few file handles say nothing against the file: it is tried until they have passed.
        if isinstance(failure, Untrusted) or (often and not passing):
            if address in CORE:
                die(failure)
            self._directory.quarantine(address, repr(failure))
            return
        delay_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (len(deaths) - 1))
        log.warning("actor_restarts", address=address, after_s=delay_s)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._loop.call_later(delay_s, self._directory.open, address))
