"""A machine small enough to see through, for tests of what carries every machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cutline.actors.file_work import FileWork
from cutline.actors.mailbox import Envelope
from cutline.actors.writer import Writer
from cutline.engine import bookkeeping
from cutline.engine.codec import Codec
from cutline.engine.decision import Accepted, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import RejectCode
from cutline.storage.kinds import KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    name: str
    amount: int = 1
    owe_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explode:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    name: str
    amount: int
    owe_to: str | None

    @property
    def key(self) -> str:
        return f"added:{self.name}"


@dataclass(slots=True)
class Sum:
    total: int = 0
    names: set[str] = field(default_factory=set)
    times: list[datetime] = field(default_factory=list)


class ToyMachine:
    kind = "governance"
    events: Mapping[str, type] = {"Added": Added}

    def initial(self) -> Sum:
        return Sum()

    def decide(self, state: Sum, command: Any, now: datetime) -> Decision:
        match command:
            case Add(name=name) if name in state.names:
                return Accepted(reply={"total": state.total, "deduped": True})
            case Add(amount=amount) if amount < 0:
                return Rejected(code=RejectCode.REQUEST_INVALID, details={"amount": amount})
            case Add():
                event = Added(name=command.name, amount=command.amount, owe_to=command.owe_to)
                return Accepted(events=[event], reply={"deduped": False})
            case Explode():
                raise ZeroDivisionError("as asked")
            case Exit():
                raise SystemExit("as asked")
        return Accepted(reply={"total": state.total, "names": sorted(state.names), "now": now})

    def evolve(self, state: Sum, recorded: Recorded) -> None:
        state.total += recorded.event.amount
        state.names.add(recorded.event.name)
        state.times.append(recorded.at)

    def owes(self, _state: Sum, recorded: Recorded) -> Sequence[Owed]:
        event = recorded.event
        if event.owe_to is None:
            return ()
        return (Owed(key=f"owed:{event.name}", to=event.owe_to, message=Add(name=event.name, amount=event.amount)),)

    def resume(self, _state: Sum, _now: datetime) -> Sequence[Any]:
        return ()

    def due_at(self, _state: Sum) -> datetime | None:
        return None


def toy_work() -> FileWork:
    machine = ToyMachine()
    return FileWork(
        kind=KINDS["governance"],
        machine=machine,
        codec=Codec({**machine.events, **bookkeeping.EVENTS}),
        project=lambda *_: (),
        wrap_blob=lambda blob, _: blob,
    )


class Around:
    """The system around one or more toy writers."""

    def __init__(self) -> None:
        self.writers: dict[str, Any] = {}
        self.sent: list[tuple[str, Envelope]] = []
        self.failures: list[tuple[str, BaseException]] = []
        self.deaths: list[BaseException] = []
        self.failed_once = threading.Event()

    def send(self, to: str, envelope: Envelope) -> None:
        self.sent.append((to, envelope))
        if to in self.writers:
            self.writers[to].tell(envelope)

    def perform(self, effect: Any, address: str, cause: str) -> None:
        raise AssertionError(f"the toy has no effects: {effect} {address} {cause}")

    def note(self, address: str, due_at: datetime | None, at_rest: bool) -> None:
        pass

    def checkpoint(self, address: str, counted: Callable[[int], None]) -> None:
        pass

    def failed(self, address: str, failure: BaseException) -> None:
        self.failures.append((address, failure))
        self.failed_once.set()

    def must_die(self, failure: BaseException) -> None:
        self.deaths.append(failure)

    def start(self, address: str, path: Path, *, create: bool = True, epoch: int = 1) -> Any:
        self.writers[address] = Writer.start(address, path, toy_work(), self, boot_epoch=epoch, create=create)
        return self.writers[address]


NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
