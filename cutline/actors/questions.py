"""The questions of the event loop: handed over once a turn, and answered late rather than never; it decides nothing.

All that one turn of the loop asks of an actor travels as one envelope, so a busy loop wakes an actor once a turn and
not once a question. Timers would cost a question more than its hand-over: one timer looks after all of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import structlog

from cutline.actors.mailbox import Answer, Ask, Asks, Envelope, resolve
from cutline.engine.decision import Address, Rejected
from cutline.engine.errors import RejectCode

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 0.5
"""An answer that is given up may come this much later than promised."""

Send = Callable[[Address, Envelope], None]


class Questions:
    """Asks actors on behalf of one event loop."""

    def __init__(self, send: Send, *, waiting_max: int, timeout_s: float) -> None:
        """At most `waiting_max` questions may wait for one actor, none of them longer than `timeout_s`."""
        self._send = send
        self._waiting_max = waiting_max
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waiting: Counter[Address] = Counter()
        self._this_turn: dict[Address, list[Ask]] = {}
        self._under_way: deque[tuple[float, Address, Asks]] = deque()
        self._sweeping = False

    async def ask(self, to: Address, message: Any, cause: str) -> Answer:
        """Ask an actor and await its committed answer, holding no thread.

        Refusals: MAILBOX_FULL when too many questions wait for this actor already, ACTOR_TIMEOUT when no answer came
        in time (the command may still happen: ask again with the same business key).
        """
        if self._waiting[to] >= self._waiting_max:
            return self._full(to)
        future: asyncio.Future[Answer] = self._loop.create_future()
        if not self._this_turn:
            self._loop.call_soon(self.hand_over)
        self._enqueue(to, Ask(message, cause, future))
        try:
            return await future
        finally:
            self._waiting[to] -= 1

    def put(self, to: Address, message: Any, cause: str, answered: Callable[[Answer], None]) -> None:
        """Ask an actor with the next `hand_over`, which the caller sees to.

        `answered` is called with what `ask` would return, in a later turn of the loop.
        """
        if self._waiting[to] >= self._waiting_max:
            self._loop.call_soon(answered, self._full(to))
            return
        self._enqueue(to, Ask(message, cause, _Call(self._loop, self._waiting, to, answered)))

    def _enqueue(self, to: Address, ask: Ask) -> None:
        self._this_turn.setdefault(to, []).append(ask)
        self._waiting[to] += 1

    def _full(self, to: Address) -> Rejected:
        return Rejected(code=RejectCode.MAILBOX_FULL, details={"actor": to, "retry_after_s": 1})

    def hand_over(self) -> None:
        """Send what was asked since the last time: one envelope to each actor."""
        asked, self._this_turn = self._this_turn, {}
        if not asked:
            return
        give_up_at = self._loop.time() + self._timeout_s
        for to, asks in asked.items():
            together = Asks(tuple(asks))
            self._under_way.append((give_up_at, to, together))
            self._send(to, together)
        self._forget_answered()
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(SWEEP_EVERY_S, self._sweep)

    def _forget_answered(self) -> None:
        under_way = self._under_way
        while under_way and all(ask.future.done() for ask in under_way[0][2].asks):
            under_way.popleft()

    def _sweep(self) -> None:
        """Answer in the actors' stead what has waited too long, and look again while any question waits."""
        now = self._loop.time()
        self._forget_answered()
        while self._under_way and self._under_way[0][0] <= now:
            _, to, together = self._under_way.popleft()
            late = Rejected(code=RejectCode.ACTOR_TIMEOUT, details={"actor": to, "timeout_s": self._timeout_s})
            resolve([(ask.future, late) for ask in together.asks])
            self._forget_answered()
        self._sweeping = bool(self._under_way)
        if self._sweeping:
            self._loop.call_later(SWEEP_EVERY_S, self._sweep)


class _Call:
    """Who asked, if no task waits for the answer: a future whose only reader is called at once."""

    __slots__ = ("_answered", "_loop", "_to", "_waiting")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        waiting: Counter[Address],
        to: Address,
        answered: Callable[[Answer], None],
    ) -> None:
        self._loop = loop
        self._waiting = waiting
        self._to = to
        self._answered: Callable[[Answer], None] | None = answered

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def done(self) -> bool:
        return self._answered is None

    def set_result(self, answer: Answer) -> None:
        answered, self._answered = self._answered, None
        if answered is None:
            return
        self._waiting[self._to] -= 1
        try:
            answered(answer)
        except Exception:  # one asker's bug must not cost the others of its batch their answers
            log.exception("answer_not_taken", address=self._to)
