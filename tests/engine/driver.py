"""Plays an actor's file in memory: decides, records, folds, and keeps what was owed and performed."""

import copy
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cutline.engine.codec import Codec
from cutline.engine.decision import Accepted, Machine, Owed, Recorded, Rejected


def at(text: str) -> datetime:
    """Read a UTC time: `2026-04-09 11:40`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@cache
def _codec(kind: Any) -> Codec:
    return Codec({kind.__name__: kind})


def stored(event: Any) -> tuple[str, Any]:
    """Return an event as a log holds it, and as a restart reads it from there: the same event."""
    kind: Any = type(event)
    codec = _codec(kind)
    payload = codec.encode(event)
    read = codec.decode(type(event).__name__, payload)
    assert read == event
    return payload, read


class File:
    """One actor's log and state. Every decision is checked to change nothing, every key to be new."""

    def __init__(self, machine: Machine[Any]) -> None:
        self.machine = machine
        self.state: Any = machine.initial()
        self.log: list[Recorded] = []
        self.owed: list[Owed] = []
        self.effects: list[Any] = []
        self.blobs: dict[str, bytes] = {}
        self.reply: Any = None
        self.pure = True

    def send(self, command: Any, now: datetime) -> list[Any]:
        """Send a command that is accepted; return the events it left."""
        decision = self.decide(command, now)
        assert isinstance(decision, Accepted), decision
        self.reply = decision.reply
        events = [self._record(event, now) for event in decision.events]
        self.effects.extend(decision.effects)
        assert set(decision.blobs) <= {event.key for event in events}
        self.blobs.update(decision.blobs)
        return events

    def refuse(self, command: Any, now: datetime) -> Rejected:
        """Send a command that is refused; return the refusal."""
        decision = self.decide(command, now)
        assert isinstance(decision, Rejected), decision
        return decision

    def decide(self, command: Any, now: datetime) -> Any:
        if not self.pure:
            return self.machine.decide(self.state, command, now)
        before = copy.deepcopy(self.state)
        decision = self.machine.decide(self.state, command, now)
        assert self.state == before, f"deciding {command} changed the state"
        return decision

    def look(self, now: datetime) -> list[Any]:
        """Look at the clock; afterwards nothing may be due any more."""
        from cutline.engine.messages import Look

        events = self.send(Look(), now)
        due = self.machine.due_at(self.state)
        assert due is None or due > now, f"still due at {due} after a look at {now}"
        return events

    def _record(self, event: Any, now: datetime) -> Any:
        assert event.key not in {recorded.event.key for recorded in self.log}, event.key
        payload, _ = stored(event)
        previous = self.log[-1].hash if self.log else b""
        recorded = Recorded(
            seq=len(self.log) + 1,
            at=now,
            cause="test",
            event=event,
            hash=hashlib.sha256(previous + payload.encode()).digest(),
        )
        self.log.append(recorded)
        self.machine.evolve(self.state, recorded)
        owed = list(self.machine.owes(self.state, recorded))
        known = {message.key for message in self.owed}
        assert not known & {message.key for message in owed}
        self.owed.extend(owed)
        return event

    def replayed(self) -> "File":
        """Fold the log again from its JSON, as a restart does."""
        again = File(self.machine)
        for recorded in self.log:
            _, event = stored(recorded.event)
            copied = Recorded(seq=recorded.seq, at=recorded.at, cause=recorded.cause, event=event, hash=recorded.hash)
            again.log.append(copied)
            self.machine.evolve(again.state, copied)
            again.owed.extend(self.machine.owes(again.state, copied))
        return again

    def assert_replays(self) -> None:
        """A restart gives the same state, owes the same messages and wants the same look."""
        again = self.replayed()
        assert again.state == self.state
        assert again.owed == self.owed

    def messages(self, kind: type) -> list[Any]:
        """Return the owed messages of one type."""
        return [owed.message for owed in self.owed if isinstance(owed.message, kind)]


def types(events: Sequence[Any]) -> list[str]:
    """Return the names of events."""
    return [type(event).__name__ for event in events]


def minutes(count: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=count)
