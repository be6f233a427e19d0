"""The thin base of every actor: what lies in its inbox, and how a failure is contained; it must not know any file.

Pykka gives each actor a thread and an inbox. Three of its hooks (inbox, future, loop) are the seam at which the time
machine replaces threads by turns on one event loop; nothing else in Cutline knows which of the two is at work.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import pykka
import structlog
from msgspec import Struct
from pykka.messages import _ActorStop  # the only way to recognise Pykka's own stop message in an inbox

from cutline.engine.decision import Accepted, Address, Rejected
from cutline.engine.errors import RejectCode

log = structlog.get_logger(__name__)

Answer = Accepted | Rejected


class Asker(Protocol):
    """Who waits for an answer, on the event loop that asked; a future is one."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop that asked."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def set_result(self, answer: Answer, /) -> None:
        """Take the answer, on that loop; it never raises."""


class Ask(Struct, frozen=True):
    """A question from an edge; `future` belongs to the event loop that asked."""

    message: Any
    cause: str
    future: Asker


class Asks(Struct, frozen=True):
    """The questions that one turn of the event loop has for one actor, in their order."""

    asks: tuple[Ask, ...]


class Tell(Struct, frozen=True):
    """A message that expects no answer: a look at the clock, or the outcome of an effect."""

    message: Any
    cause: str


class Delivery(Struct, frozen=True):
    """A message that `sender` owes; it is acknowledged under `key` once its cause is committed here."""

    key: str
    sender: Address
    message: Any
    cause: str


class Acknowledgement(Struct, frozen=True):
    """The receiver, `sender` of this, has these owed messages in its file."""

    keys: tuple[str, ...]
    sender: Address


class Redeliver(Struct, frozen=True):
    """Send again what is still owed."""


class Retire(Struct, frozen=True):
    """Close if there is nothing left to do; `release` tells the directory, and says whether it agrees."""

    release: Callable[[Mailbox], bool]


class Rest(Struct, frozen=True):
    """Let go of the file until something is to be written: many are open, and this one was not used for a while."""


Envelope = Ask | Asks | Tell | Delivery | Acknowledgement | Redeliver | Rest | Retire


def each(envelope: Any) -> tuple[Any, ...]:
    """Return what an envelope holds, one by one."""
    return envelope.asks if type(envelope) is Asks else (envelope,)


Replies = list[tuple[Asker, Answer]]


def resolve(replies: Iterable[tuple[Asker, Answer]]) -> None:
    """Answer futures on their own loop; those whose caller has gone are left alone."""
    for future, answer in replies:
        if not future.done():
            future.set_result(answer)


def send_replies(replies: Replies) -> None:
    """Answer a batch of questions from an actor's thread with one wake-up of the loop that asked."""
    if not replies:
        return
    loop = replies[0][0].get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(resolve, replies)


class Inbox:
    """What waits for one actor. It knows exactly whether everything that ever came in is done with."""

    __slots__ = ("_in_hand", "_lock", "_queue", "_taken", "_waiting")

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = self._taken = 0
        self._in_hand = True
        """The actor's start counts as a piece of work."""

    def put(self, envelope: Any) -> None:
        """Take an envelope, from any thread."""
        with self._lock:
            self._waiting += len(each(envelope.message))
        self._queue.put(envelope)

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the next envelope. Whoever comes for it has done with the one before.

        With a time-out the one before stays in hand, and queue.Empty is raised when nothing came.
        """
        if timeout is None:
            self._in_hand = False
        envelope = self._queue.get(timeout=timeout)
        with self._lock:
            # In one step, so that nobody sees an envelope neither waiting nor in hand.
            self._waiting -= len(each(envelope.message))
            self._taken += 1
            self._in_hand = True
        return envelope

    def qsize(self) -> int:
        """Return how many wait, each question of a turn counted."""
        return self._waiting

    def empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return self._queue.empty()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is in hand."""
        with self._lock:
            return not self._waiting and not self._in_hand

    @property
    def at_work_on(self) -> int:
        """The number of the envelope in hand, from 1; 0 while there is none, and while the actor starts."""
        return self._taken if self._in_hand else 0


class Mailbox(pykka.ThreadingActor):
    """An actor whose failures stay its own: nothing it raises reaches Pykka, other actors or the process."""

    use_daemon_thread = True
    actor_inbox: Any
    """Pykka promises put, get and empty; ours can also be counted, and waited for with a limit."""

    def __init__(self, address: Address, on_failed: Callable[[Address, BaseException], None]) -> None:
        super().__init__()
        self.address = address
        self.thread_id = 0
        self._steps = 0
        self._on_failed = on_failed

    @staticmethod
    def _create_actor_inbox() -> Any:
        return Inbox()

    @property
    def idle(self) -> bool:
        """Whether this actor has started and has done with all that it was sent; true only at the moment of asking."""
        inbox: Any = self.actor_inbox
        return bool(inbox.idle)

    @property
    def at_work_on(self) -> int:
        """A number that stays the same while this actor gets no further with what it has in hand; 0 for none."""
        number = int(self.actor_inbox.at_work_on)
        return number and number + self._steps

    def goes_on(self) -> None:
        """Say that what is in hand takes long because it is much, and not because it hangs."""
        self._steps += 1

    def _actor_loop_setup(self) -> None:
        self.thread_id = threading.get_ident()
        try:
            self.on_start()
        except BaseException as failure:  # noqa: BLE001  # MemoryError and SystemExit must not stop every actor
            self._fail(failure)

    def _handle_receive(self, message: Any) -> Any:
        try:
            return super()._handle_receive(message)
        except BaseException as failure:  # noqa: BLE001  # as above
            self._fail(failure)
            return None

    def queued(self) -> Iterator[Any]:
        """Take what has queued up behind the message in hand; Pykka's stop message is left for Pykka."""
        while not self.actor_inbox.empty():
            envelope = self.actor_inbox.get()
            if isinstance(envelope.message, _ActorStop):
                self.actor_inbox.put(envelope)
                return
            yield from each(envelope.message)

    def latecomers(self, count: int, seconds: float) -> Iterator[Any]:
        """Take up to `count` messages as they come, waiting for no more than `seconds` in all."""
        gives_up_at = time.monotonic() + seconds
        while count > 0:
            try:
                envelope = self.actor_inbox.get(timeout=max(gives_up_at - time.monotonic(), 0.0))
            except queue.Empty:
                return
            if isinstance(envelope.message, _ActorStop):
                self.actor_inbox.put(envelope)
                return
            together = each(envelope.message)
            count -= len(together)
            yield from together

    def _fail(self, failure: BaseException) -> None:
        """Stop this actor alone and hand it to the supervisor, which restarts it from its file."""
        log.error("actor_failed", address=self.address, error=repr(failure), exc_info=failure)
        self._stop()
        self._on_failed(self.address, failure)

    def _actor_loop_teardown(self) -> None:
        left: list[Any] = []
        while not self.actor_inbox.empty():
            envelope = self.actor_inbox.get()
            if envelope.reply_to is not None:
                envelope.reply_to.set(None)
            if not isinstance(envelope.message, _ActorStop):
                left += each(envelope.message)
        self.refuse(left, RejectCode.SHUTTING_DOWN)

    def refuse(self, envelopes: Iterable[Any], code: RejectCode) -> None:
        """Answer every question among `envelopes` with a refusal, so that no caller waits for ever."""
        answer = Rejected(code=code, details={"actor": self.address})
        send_replies([(e.future, answer) for e in envelopes if isinstance(e, Ask)])


def actors_of(references: Iterable[pykka.ActorRef[Any]]) -> list[Any]:
    """Return the actors themselves that still live, in this order, to look at and not to touch."""
    actors = [reference._actor_weakref() for reference in references]  # noqa: SLF001  # Pykka has no other way
    return [actor for actor in actors if actor is not None]


def mailboxes() -> list[Mailbox]:
    """Return the actors of this process, to look at and not to touch; Pykka's own list waits for no file."""
    return actors_of(pykka.ActorRegistry.get_by_class(Mailbox))
