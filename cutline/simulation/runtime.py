"""Actors without threads: Pykka's three hooks give every actor its turns on one event loop.

Because actors never ask actors, one thread is enough; an actor that tries gets an error instead of a deadlock.
"""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pykka
from pykka.messages import _ActorStop  # the only way to recognise Pykka's own stop message

from cutline.actors.mailbox import Mailbox, each


class AskedByAnActor(RuntimeError):
    """Somebody waited for an actor's answer on the one thread that would have to give it."""


class LoopInbox:
    """An inbox that asks the loop for a turn whenever something comes in."""

    def __init__(self) -> None:
        self._envelopes: deque[Any] = deque()
        self.request_turn: Callable[[], object] | None = None

    def put(self, envelope: Any) -> None:
        """Take an envelope and ask for a turn."""
        self._envelopes.append(envelope)
        if self.request_turn is not None:
            self.request_turn()

    def get(self, *, timeout: float | None = None) -> Any:
        """Return the oldest envelope. There is nobody to wait for: an empty inbox stays empty for the whole turn."""
        if not self._envelopes and timeout is not None:
            raise queue.Empty
        return self._envelopes.popleft()

    def qsize(self) -> int:
        """Return how many messages have come in, each question of a turn counted."""
        return sum(len(each(envelope.message)) for envelope in self._envelopes)

    def empty(self) -> bool:
        """Whether nothing has come in."""
        return not self._envelopes

    @property
    def idle(self) -> bool:
        """Whether the actor has been set up and nothing has come in since its last turn."""
        return self.request_turn is not None and not self._envelopes


class LoopFuture(pykka.Future[Any]):
    """An answer that cannot be waited for: only Pykka's own bookkeeping may set it."""

    def get(self, *, timeout: float | None = None) -> Any:
        """Refuse to wait."""
        raise AskedByAnActor(f"waited {timeout} s for an actor on the simulation's only thread")

    def set(self, value: Any | None = None) -> None:
        """Take the answer that nobody waits for."""

    def set_exception(self, exc_info: Any = None) -> None:
        """Take the failure that nobody waits for."""


def _start_on_loop(actor: Any) -> None:
    """Run an actor's loop as turns: the first one sets it up, each further one handles one message."""
    loop = asyncio.get_running_loop()
    inbox: LoopInbox = actor.actor_inbox

    def turn() -> None:
        if actor.actor_stopped.is_set():
            actor._actor_loop_teardown()
        elif not inbox.empty():
            envelope = inbox.get()
            actor._handle_receive(envelope.message)
            if isinstance(envelope.message, _ActorStop) or actor.actor_stopped.is_set():
                actor._actor_loop_teardown()

    def set_up() -> None:
        actor._actor_loop_setup()
        inbox.request_turn = lambda: loop.call_soon(turn)
        for _ in range(len(inbox._envelopes)):
            loop.call_soon(turn)

    loop.call_soon(set_up)


@contextmanager
def actors_on_the_loop() -> Iterator[None]:
    """Replace Pykka's hooks while a simulation runs."""
    hooks = ("_create_actor_inbox", "_create_future", "_start_actor_loop")
    kept = {name: Mailbox.__dict__.get(name) for name in hooks}
    Mailbox._create_actor_inbox = staticmethod(LoopInbox)  # type: ignore[method-assign]  # the seam
    Mailbox._create_future = staticmethod(LoopFuture)  # type: ignore[method-assign]  # the seam
    Mailbox._start_actor_loop = _start_on_loop  # type: ignore[method-assign,assignment]  # the seam
    try:
        yield
    finally:
        for name, hook in kept.items():
            if hook is None:
                delattr(Mailbox, name)
            else:
                setattr(Mailbox, name, hook)
