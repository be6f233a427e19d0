"""Where every actor lives: opened on its first message or when it is due, closed after idling, kept out when broken.

This is the only place that knows that all contests live in this process; it must not know what any message means,
except that a contest's creation may make a file and nothing else may.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from pykka import ActorDeadError

from cutline.actors.clock import utc_now
from cutline.actors.lost_mail import LostMail
from cutline.actors.mailbox import (
    Ask,
    Asks,
    Delivery,
    Envelope,
    Mailbox,
    Redeliver,
    Rest,
    Retire,
    Tell,
    actors_of,
    each,
    send_replies,
)
from cutline.actors.waiting_room import WaitingRoom
from cutline.actors.writer import Writer
from cutline.engine.decision import Address, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import CreateContest, Look, WatchEvent
from cutline.engine.vitals import Vitals
from cutline.storage.files import DataRoot

log = structlog.get_logger(__name__)

IDLE_AFTER = timedelta(minutes=5)
RESTART_PAUSE_S = 0.005
RESTART_SECONDS_MAX = 5.0
DUE_SOON = timedelta(minutes=30)
"""An actor that is due within this time stays open: opening it again would cost more than its thread."""
CROWD = 1_000
"""While more are open, nobody stays open for being due soon or for having been asked a while ago."""
IDLE_IN_A_CROWD = timedelta(seconds=10)
FILES_OPEN = 256
"""While more actors are open, those that have idled in a crowd's time let go of their files, and of nothing else."""
CORE: tuple[Address, ...] = ("ledger", "payouts", "payments", "governance")
_CONTEST = "contest/"
_FOUNDING = (CreateContest, WatchEvent)

MakeWriter = Callable[[Address, bool], Any]
"""Start the writer of an address; the flag says whether it may create its file. Returns Pykka's reference."""

OnQuarantine = Callable[[Address, str], None]
"""Hear that an address is kept closed from now on, and why."""


class Directory:
    """Finds, opens and closes actors. Thread-safe: every method may be called from any thread."""

    def __init__(
        self,
        root: DataRoot,
        make_writer: MakeWriter,
        *,
        kept_open: int = 0,
        room: WaitingRoom | None = None,
        on_quarantine: OnQuarantine = lambda _address, _reason: None,
    ) -> None:
        """Start empty; up to `kept_open` actors stay open however long they idle."""
        self._kept_open = kept_open
        self._room = WaitingRoom() if room is None else room
        self._retiring: set[Address] = set()
        self._at_rest: set[Address] = set()
        self._on_quarantine = on_quarantine
        self._root = root
        self._make_writer = make_writer
        self._lock = threading.RLock()
        self._open: dict[Address, Any] = {}
        self._due: dict[Address, datetime] = {}
        self._used: dict[Address, datetime] = {}
        self._quarantined: dict[Address, str] = {}
        self._vitals: dict[Address, Vitals] = {}
        self._known: set[Address] = set()
        self._nowhere = LostMail()
        self._closed = False

    # Mail -----------------------------------------------------------------------------------------------------

    def send(self, to: Address, envelope: Envelope) -> None:
        """Deliver to an actor, opening it if need be; a question that cannot be delivered is refused by name.

        It never raises: whoever sends has committed, and one address that leads nowhere must not stop its other mail.
        """
        with self._lock:
            refusal = self._deliver(to, envelope)
        if refusal is not None:
            self._refuse(to, envelope, refusal)

    def _deliver(self, to: Address, envelope: Envelope) -> RejectCode | None:
        if self._closed:
            return RejectCode.SHUTTING_DOWN
        if to in self._quarantined:
            return RejectCode.CONTEST_QUARANTINED
        if self._must_wait(to, envelope):
            self._room.park(to, envelope)
            return None
        reference = self._open.get(to) or self._start(to, envelope)
        if reference is None:
            return RejectCode.CONTEST_QUARANTINED if to in self._quarantined else RejectCode.NOT_FOUND
        try:
            reference.tell(envelope)
        except ActorDeadError:
            # It has just died, and its supervisor has not been told yet: whoever asks may ask again.
            return RejectCode.SHUTTING_DOWN
        return None

    def _must_wait(self, to: Address, envelope: Envelope) -> bool:
        """Whether a contest is not opened now. Who is asked at an edge never waits: edges limit themselves."""
        if to in self._open or isinstance(envelope, Ask | Asks) or not to.startswith(_CONTEST):
            return False
        if to not in self._room and self._room.has_room(utc_now()):
            return False
        try:
            return self._root.path_of(to).exists()
        except ValueError:
            return False

    def _admit(self) -> None:
        """Open those who wait, as far as there is room; the lock is held."""
        for address, mail in self._room.admitted(utc_now()):
            if not self._closed and address not in self._open and address not in self._quarantined:
                self._start(address, mail[0])
            for envelope in mail:
                refusal = self._deliver(address, envelope)
                if refusal is not None:
                    self._refuse(address, envelope, refusal)

    def _refuse(self, to: Address, envelope: Envelope, code: RejectCode) -> None:
        match envelope:
            case Ask() | Asks():
                answer = Rejected(code=code, details={"actor": to})
                send_replies([(ask.future, answer) for ask in each(envelope)])
            case Delivery(key=key, sender=sender, message=message):
                waits = code is RejectCode.SHUTTING_DOWN
                say = log.info if waits else log.error
                say("delivery_waits", to=to, key=key, sender=sender, message=type(message).__name__, code=code)
                if code is RejectCode.NOT_FOUND:
                    with self._lock:
                        self._nowhere.note(to, key, utc_now())
            case _:
                pass

    def _start(self, address: Address, envelope: Envelope) -> Any | None:
        try:
            exists = self._root.path_of(address).exists()
        except ValueError:
            return None
        founds = any(isinstance(getattr(one, "message", None), _FOUNDING) for one in each(envelope))
        founding = founds and address not in self._known
        if not exists and not founding:
            if address in self._known:
                self.quarantine(address, "its file is missing")
            return None
        reference = self._make_writer(address, founding)
        self._open[address] = reference
        if not isinstance(envelope, Ask | Asks) and address.startswith(_CONTEST):
            self._room.enter(address, utc_now())
        for waiting in self._room.take(address):
            reference.tell(waiting)
        return reference

    def open(self, address: Address, *, create: bool = False) -> None:
        """Open an actor without a message, as at boot."""
        with self._lock:
            if not self._closed and address not in self._open and address not in self._quarantined:
                self._open[address] = self._make_writer(address, create)

    # Time -----------------------------------------------------------------------------------------------------

    def note(self, address: Address, due_at: datetime | None, used_at: datetime, *, at_rest: bool = False) -> None:
        """Remember when an actor wants to look at the clock next, and that it was used.

        One that is `at_rest` owes nothing: it makes room for the next, in a crowd by closing at once.
        """
        with self._lock:
            self._known.add(address)
            self._used[address] = used_at
            if due_at is None:
                self._due.pop(address, None)
            else:
                self._due[address] = due_at
            if not at_rest:
                self._retiring.discard(address)
                self._at_rest.discard(address)
                return
            self._at_rest.add(address)
            if self._room.holds_slot(address):
                self._give_up_slot(address)

    def _give_up_slot(self, address: Address) -> None:
        """Let the next one in: beside this one, or in its place where so many are open already; the lock is held."""
        if len(self._open) <= CROWD:
            if len(self._open) > FILES_OPEN:
                self.send(address, Rest())
            self._room.leave(address)
            self._admit()
        elif address not in self._retiring:
            self._retiring.add(address)
            self.send(address, Retire(self._release))

    def note_closed(self, address: Address, due_at: datetime | None) -> None:
        """Remember when an actor that is not open wants to look at the clock; one that is open has said so itself."""
        with self._lock:
            if address not in self._open and address not in self._quarantined and due_at is not None:
                self._due[address] = due_at

    def measure(self, address: Address, vitals: Vitals | None) -> None:
        """Remember the figures of a file, which outlive the actor that has closed it."""
        with self._lock:
            if vitals is None:
                self._vitals.pop(address, None)
            else:
                self._vitals[address] = vitals

    def vitals(self) -> list[Vitals]:
        """Return the figures of every file that has some, in order of addresses."""
        with self._lock:
            return [vitals for _, vitals in sorted(self._vitals.items(), key=lambda item: item[0])]

    def look_at_due(self, now: datetime, cause: str) -> int:
        """Tell every actor whose time has come to look; return how many were told or wait to be opened."""
        with self._lock:
            due = [(at, address) for address, at in self._due.items() if at <= now and address not in self._room]
            waiting = len(self._room)
            self._admit()
        for _, address in sorted(due):
            self.send(address, Tell(Look(), cause))
        return len(due) + waiting

    def redeliver(self) -> None:
        """Have every open actor that owes something send again what has been owed for too long."""
        with self._lock:
            owing = sorted(self._open.keys() - self._at_rest)
        for address in owing:
            self.send(address, Redeliver())

    def retire_idle(self, now: datetime) -> None:
        """Close actors, but for the core, that have idled; what is due opens them again.

        Opening costs a fold of the whole file, so a few are kept open for their next message. While many are open,
        those that stay let go of their files at least.
        """
        with self._lock:
            surplus = max(0, len(self._open) - self._kept_open)
            crowded = len(self._open) > CROWD
            idle_after = IDLE_IN_A_CROWD if crowded else IDLE_AFTER
            idle = [
                address
                for address in self._unused_for(idle_after, now)
                if crowded or address not in self._due or self._due[address] - now > DUE_SOON
            ]
            resting = self._unused_for(IDLE_IN_A_CROWD, now) if len(self._open) > FILES_OPEN else []
        for address in idle[:surplus]:
            self.send(address, Retire(self._release))
        for address in sorted(set(resting).difference(idle[:surplus])):
            self.send(address, Rest())

    def _unused_for(self, period: timedelta, now: datetime) -> list[Address]:
        """Return who is open, is none of the core and was not used for so long, the longest first; the lock is held."""
        unused = [
            address
            for address in self._open
            if address not in CORE and address in self._used and now - self._used[address] >= period
        ]
        return sorted(unused, key=self._used.__getitem__)

    def _release(self, actor: Mailbox) -> bool:
        with self._lock:
            self._retiring.discard(actor.address)
            if not actor.actor_inbox.empty():
                return False
            if self._open.get(actor.address) is actor.actor_ref:
                self._close(actor.address)
            return True

    def _close(self, address: Address) -> None:
        """Forget who is closed or dead, and let the next one in; the lock is held."""
        self._open.pop(address, None)
        self._retiring.discard(address)
        self._at_rest.discard(address)
        self._room.leave(address)
        self._admit()

    async def restart(self, address: Address) -> bool:
        """Stop an actor, wait until it has let go of its file, and open it anew. One that is closed is opened.

        Returns False for one that does not stop in time: two writers must never hold one file.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + RESTART_SECONDS_MAX
        with self._lock:
            reference = self._open.get(address)
        if reference is not None:
            writers = actors_of([reference])
            with contextlib.suppress(ActorDeadError):
                reference.stop(block=False)
            while not all(writer.closed for writer in writers):
                if loop.time() > give_up_at:
                    return False
                await asyncio.sleep(RESTART_PAUSE_S)
            with self._lock:
                if self._open.get(address) is reference:
                    self._close(address)
        self.open(address)
        self.send(address, Tell(Look(), "restart"))
        return True

    # Trouble --------------------------------------------------------------------------------------------------

    def forget(self, address: Address) -> None:
        """Drop an actor that has died; its next message opens it again from its file."""
        with self._lock:
            self._close(address)

    def quarantine(self, address: Address, reason: str, *, on_record: bool = False) -> None:
        """Keep an actor closed until a person has mended its file (runbooks/contest-quarantined.md).

        It is put on record, unless it is `on_record` already and this is a new start.
        """
        with self._lock:
            self._due.pop(address, None)
            self._quarantined[address] = reason
            self._close(address)
        log.error("quarantined", address=address, reason=reason, runbook="runbooks/contest-quarantined.md")
        if not on_record:
            self._on_quarantine(address, reason)

    def release(self, address: Address) -> None:
        """Open what was kept closed: its file is judged anew, and kept closed again if it is no better."""
        with self._lock:
            if self._closed or self._quarantined.pop(address, None) is None:
                return
            if self._root.path_of(address).exists():
                self.open(address)
                return
        self.quarantine(address, "its file is missing")

    def quarantined(self) -> dict[Address, str]:
        """Return what is kept closed, with reasons."""
        with self._lock:
            return dict(self._quarantined)

    def undeliverable(self) -> int:
        """Return how many owed messages found no file to go to; their senders keep them until a person has looked."""
        with self._lock:
            return self._nowhere.count(utc_now())

    def remember(self, addresses: Iterable[Address]) -> None:
        """Know these files: one that is missing, now or later, is a fault, and is never made again empty."""
        for address in addresses:
            with self._lock:
                self._known.add(address)
                known_closed = address in self._quarantined
            if not known_closed and not self._root.path_of(address).exists():
                self.quarantine(address, "its file is missing")

    @property
    def waiting(self) -> int:
        """How many contests wait to be opened."""
        with self._lock:
            return len(self._room)

    # The whole --------------------------------------------------------------------------------------------------

    def addresses(self) -> list[Address]:
        """Return every open actor's address, in order."""
        with self._lock:
            return sorted(self._open)

    def writers(self) -> list[Writer]:
        """Return the open actors themselves, to look at and not to touch; contests and feeds first, the core last."""
        with self._lock:
            opened = sorted(self._open.items(), key=lambda item: (item[0] in CORE, item[0]))
        return actors_of(reference for _, reference in opened)

    def close(self) -> list[Writer]:
        """Take no more mail; return all that was open, to be stopped in this order."""
        with self._lock:
            self._closed = True
            self._room.clear()
            return self.writers()
