"""Messages between files leave once the replica holds their cause, so that files restored from it tell one story.

Without this order a restored receiver could know what its sender has lost. It must not decide what is sent, nor keep
anything that a log does not: what does not leave is owed, and is sent again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final

import structlog

from cutline.actors.mailbox import Acknowledgement, Delivery
from cutline.actors.replica_gate import ReplicaGate
from cutline.engine.decision import Address
from cutline.engine.messages import ContestReady, RecordAnchor

log = structlog.get_logger(__name__)

Mail = Delivery | Acknowledgement
PATIENT: Final = (ContestReady, RecordAnchor)
"""Messages that lose nothing by waiting: a contest is not there before its copy is, and an anchor must hold."""


def may_wait(mail: Mail) -> bool:
    """Say whether mail stays back while the replica is out of reach.

    An acknowledgement does, because it ends what its sender owes: the receiver's copy must have the message by then.
    All else leaves all the same, for the engine goes on without its replica (FAULTS O2).
    """
    return isinstance(mail, Acknowledgement) or isinstance(mail.message, PATIENT)


class Outgoing:
    """The mail of each file, in order: what has queued up during one confirmation shares the next."""

    def __init__(self, gate: ReplicaGate, send: Callable[[Address, Mail], None]) -> None:
        self._gate = gate
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: dict[Address, list[tuple[Address, Mail]]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether no mail waits to leave."""
        return not self._waiting

    def post(self, to: Address, mail: Mail) -> None:
        """Take mail from any thread."""
        with self._lock:
            if self._closed or self._loop.is_closed():
                return
            known = self._waiting.get(mail.sender)
            if known is not None:
                known.append((to, mail))
                return
            self._waiting[mail.sender] = [(to, mail)]
            self._loop.call_soon_threadsafe(self._begin, mail.sender)

    def _begin(self, sender: Address) -> None:
        if not self._closed:
            task = self._loop.create_task(self._empty(sender))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _empty(self, sender: Address) -> None:
        while batch := self._take(sender):
            held = await self._confirmed(sender)
            for to, mail in batch:
                if held or not may_wait(mail):
                    self._send(to, mail)

    def _take(self, sender: Address) -> list[tuple[Address, Mail]]:
        with self._lock:
            batch = self._waiting[sender]
            if batch:
                self._waiting[sender] = []
            else:
                del self._waiting[sender]
            return batch

    async def _confirmed(self, sender: Address) -> bool:
        try:
            return await self._gate.holds([sender])
        except Exception:  # a bug at the gate must not stop the mail
            log.exception("gate_failed", address=sender)
            return False

    async def close(self) -> None:
        """Let nothing more leave: what waits is owed and comes again."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
