"""Ends a process in which the event loop or an actor hangs, so that it is started anew; it must not touch what hangs.

Nothing on a loop can notice that the loop hangs, so this looks from a thread of its own. It counts its own looks and
reads no clock: a box that was suspended has missed one look and not an hour of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from traceback import extract_stack
from types import TracebackType
from typing import Final, Self

import structlog

from cutline.actors.mailbox import mailboxes

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 5.0
LOOP_LOOKS_MAX: Final = 12
"""A loop that has not turned for so many looks in a row is given up: a minute, in which no request was answered."""
ACTOR_LOOKS_MAX: Final = 60
"""An actor that has had one message in hand for so many looks is given up: five minutes. Folding a large ledger again
after a command that broke takes a fraction of that, and a start is never judged."""
RUNBOOK: Final = "runbooks/engine-hung.md"
_CALLS_SHOWN: Final = 8


class LoopHangs(RuntimeError):
    """The event loop has not turned for too long."""


class ActorHangs(RuntimeError):
    """An actor has not done with a message for too long; whoever asked it was told so after seconds."""


class Watchdog:
    """Watches the running loop and all actors while the context lasts; calls `must_die` once something hangs (P5)."""

    def __init__(self, must_die: Callable[[BaseException], None], *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._must_die = must_die
        self._look_every_s = look_every_s
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._turned = threading.Event()
        self._missed = 0
        self._loops_thread = threading.get_ident()
        self._in_hand: dict[str, tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        self._turned.set()
        while not self._stopped.wait(self._look_every_s):
            failure = self._look()
            if failure is not None:
                self._must_die(failure)
                return

    def _look(self) -> BaseException | None:
        try:
            return self._look_at_loop() or self._look_at_actors()
        except Exception:  # without memory, say: it looks again
            log.exception("watchdog_did_not_look")
            return None

    def _look_at_loop(self) -> LoopHangs | None:
        if not self._turned.is_set():
            self._missed += 1
            if self._missed >= LOOP_LOOKS_MAX:
                seconds = self._missed * self._look_every_s
                return LoopHangs(f"the event loop has not turned for {seconds:.0f} s, in {_place(self._loops_thread)}")
            return None
        self._missed = 0
        self._turned.clear()
        with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago
            self._loop.call_soon_threadsafe(self._turned.set)
        return None

    def _look_at_actors(self) -> ActorHangs | None:
        before, self._in_hand = self._in_hand, {}
        for actor in mailboxes():
            number = actor.at_work_on
            if number:
                last, looks = before.get(actor.actor_urn, (0, 0))
                looks = looks + 1 if number == last else 0
                self._in_hand[actor.actor_urn] = (number, looks)
                if looks >= ACTOR_LOOKS_MAX:
                    had = f"{actor.address} has had one message in hand for {looks * self._look_every_s:.0f} s"
                    return ActorHangs(f"{had}, in {_place(actor.thread_id)}")
        return None


def _place(thread_id: int) -> str:
    """Say where a thread is, the innermost call first: names of functions, and no values."""
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001  # there is no other way
    calls = [] if frame is None else extract_stack(frame)[: -_CALLS_SHOWN - 1 : -1]
    return " < ".join(f"{call.name} ({Path(call.filename).name}:{call.lineno})" for call in calls) or "no thread"
