"""The one writer of one file: decide, commit as a group, then act; it must not know what any event means.

What has queued up is applied in one transaction and answered after one flush, so a slow disk is shared by everyone
waiting and a lone request never waits for company. Time is read once a batch, inside the transaction, and never runs
backwards: that is commit time. If anything goes wrong in a batch it is rolled back, the state is folded again from the
file, and the commands run one by one, so that one bad command harms no neighbour.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog

from cutline.actors.clock import utc_now
from cutline.actors.company import Company
from cutline.actors.failures import broken_command
from cutline.actors.mailbox import (
    Acknowledgement,
    Ask,
    Delivery,
    Envelope,
    Mailbox,
    Redeliver,
    Replies,
    Retire,
    Tell,
    send_replies,
)
from cutline.engine.bookkeeping import DeliveriesAcknowledged, WriterOpened
from cutline.engine.decision import Accepted, Address, Decision, Machine, Owed, Recorded, Rejected
from cutline.engine.errors import NOT_YET, RejectCode
from cutline.storage.codec import Codec
from cutline.storage.errors import MisusedFile, Retryable, StorageError
from cutline.storage.event_log import Entry, EventLog
from cutline.storage.kinds import FileKind
from cutline.storage.sqlite import Connection, open_writer

log = structlog.get_logger(__name__)

REDELIVERY_AFTER = timedelta(seconds=60)
"""An owed message that is not acknowledged after this long is sent again; receivers apply it once all the same."""

ACKNOWLEDGEMENTS_MAX = 512
"""So many acknowledgements may wait for the next commit before they get one of their own."""


class Surroundings(Protocol):
    """What a writer needs of the system around it."""

    def send(self, to: Address, envelope: Envelope) -> None:
        """Put an envelope into another actor's inbox, opening the actor if need be."""

    def perform(self, effect: Any, address: Address, cause: str) -> None:
        """Start an effect beside the actors; its outcome comes back to `address` as a message."""

    def note(self, address: Address, due_at: datetime | None, owes: bool) -> None:
        """Remember when this actor wants to look at the clock, and whether it still owes messages."""

    def failed(self, address: Address, failure: BaseException) -> None:
        """Hear that an actor has stopped because of a failure."""

    def must_die(self, failure: BaseException) -> None:
        """End the process at once: what the disk holds is unknown, and only a restart can tell."""


Projection = Callable[[Recorded, bytes | None], Iterable[tuple[str, tuple[Any, ...]]]]
"""The typed rows that an event leaves beside the log, given its blob as it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWork:
    """Everything that tells one kind of writer from another."""

    kind: FileKind
    machine: Machine[Any]
    codec: Codec
    project: Projection
    wrap_blob: Callable[[bytes, datetime], bytes]
    keeps_broken: tuple[type, ...] = ()
    """Commands that must not be lost when a bug breaks them: the machine is asked again, with a `CommandBroke`."""


@dataclass(slots=True)
class _After:
    """What a batch does once it is committed."""

    replies: Replies
    sends: list[tuple[Address, Envelope]]
    effects: list[tuple[Any, str]]
    rows: dict[str, list[tuple[Any, ...]]]


def _nothing() -> _After:
    return _After(replies=[], sends=[], effects=[], rows=defaultdict(list))


class Writer(Mailbox):
    """Owns one file. Public only through messages."""

    def __init__(
        self,
        address: Address,
        path: Path,
        work: FileWork,
        surroundings: Surroundings,
        *,
        boot_epoch: int,
        create: bool,
        replicated: bool = False,
    ) -> None:
        super().__init__(address, surroundings.failed)
        self._path = path
        self._work = work
        self._around = surroundings
        self._boot_epoch = boot_epoch
        self._create = create
        self._replicated = replicated
        self._postponed: list[Envelope] = []
        self._acknowledged: list[str] = []
        self._owed: dict[str, tuple[Owed, datetime]] = {}
        self._connection: Connection | None = None
        self._log: EventLog | None = None
        self._company = Company()

    # Life -----------------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Open the file in this thread, commit the opening, and only then fold: no earlier commit stays in doubt."""
        now = utc_now()
        self._connection = open_writer(
            self._path, self._work.kind, create=self._create, now=now, replicated=self._replicated
        )
        self._log = EventLog(self._connection, self._work.kind)
        self._begin()
        opened = WriterOpened(boot_epoch=self._boot_epoch, opening=self._file.seq + 1)
        self._append(opened, self._commit_time(), "boot")
        self._commit()
        self._fold()
        now = utc_now()
        for owed, _ in self._owed.values():
            self._around.send(owed.to, Delivery(owed.key, self.address, owed.message, "redelivery"))
        for effect in self._work.machine.resume(self._state, now):
            self._around.perform(effect, self.address, "resume")
        self._note()

    def on_stop(self) -> None:
        """Keep the acknowledgements that were waiting for company, answer who still waits, and close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._log = None

    @property
    def _file(self) -> EventLog:
        if self._log is None:
            raise MisusedFile(f"{self._path} is closed")
        return self._log

    def _fold(self) -> None:
        """Rebuild the state and what is owed from the file: the only source of both."""
        machine = self._work.machine
        self._state = machine.initial()
        self._owed = {}
        for entry in self._file.entries():
            self._evolve(self._recorded(entry), entry.at)

    def _recorded(self, entry: Entry) -> Recorded:
        event = self._work.codec.decode(entry.type, entry.payload)
        return Recorded(seq=entry.seq, at=entry.at, cause=entry.cause, event=event, hash=entry.hash)

    def _evolve(self, recorded: Recorded, sent_at: datetime) -> Sequence[Owed]:
        event = recorded.event
        if isinstance(event, DeliveriesAcknowledged):
            for key in event.keys:
                self._owed.pop(key, None)
            return ()
        if isinstance(event, WriterOpened):
            return ()
        self._work.machine.evolve(self._state, recorded)
        owes = self._work.machine.owes(self._state, recorded)
        for owed in owes:
            self._owed[owed.key] = (owed, sent_at)
        return owes

    # Mail -----------------------------------------------------------------------------------------------------

    def on_receive(self, message: Envelope) -> None:
        """Apply this message and all that has queued up behind it as one batch."""
        batch, self._postponed = [*self._postponed, message, *self.queued()], []
        batch.extend(self._company.awaited(self, len(batch)))
        self._flush(batch)

    def _flush(self, batch: Sequence[Envelope]) -> None:
        try:
            self._run(batch)
        except MisusedFile as failure:
            self._one_by_one(batch, failure)
        except Retryable as trouble:
            self._postpone(batch, trouble)
        except StorageError as failure:
            self._around.must_die(failure)
            raise
        except Exception as failure:  # noqa: BLE001  # any bug: the batch is undone and its commands run one by one
            self._one_by_one(batch, failure)
        except BaseException:
            self.refuse(batch, RejectCode.INTERNAL_FAULT)
            raise

    def _run(self, batch: Sequence[Envelope]) -> None:
        after = _nothing()
        self._begin()
        now = self._commit_time()
        before = self._file.seq
        for envelope in batch:
            self._handle(envelope, now, after)
        if self._acknowledged and (self._file.seq > before or len(self._acknowledged) >= ACKNOWLEDGEMENTS_MAX):
            keys, self._acknowledged = tuple(self._acknowledged), []
            self._append(DeliveriesAcknowledged(first=self._file.seq + 1, keys=keys), now, "acknowledgements")
        if self._file.seq > before:
            # A batch may open an account and use it in one breath: parents go in before what refers to them.
            for table in self._work.kind.tables:
                if table in after.rows:
                    self._file.insert(table, after.rows[table])
            began = time.monotonic()
            self._commit()
            self._company.flushed(time.monotonic() - began)
        else:
            self._file.rollback()
        self._act(after)

    def _one_by_one(self, batch: Sequence[Envelope], failure: Exception) -> None:
        """A batch broke: undo it, fold again, and let each command stand or fall alone."""
        self._undo()
        if len(batch) > 1:
            for envelope in batch:
                self._alone(envelope)
            return
        kept = self._as_broken(batch[0], failure) if batch else None
        if kept is not None:
            self._alone(kept)
            return
        log.error("command_failed", address=self.address, error=repr(failure), exc_info=failure)
        self.refuse(batch, RejectCode.INTERNAL_FAULT)

    def _alone(self, envelope: Envelope) -> None:
        try:
            self._run([envelope])
        except MisusedFile as own:
            self._one_by_one([envelope], own)
        except StorageError:
            raise
        except Exception as own:  # noqa: BLE001  # a bug in one command must not reach its neighbours
            self._one_by_one([envelope], own)

    def _as_broken(self, envelope: Envelope, failure: Exception) -> Envelope | None:
        """Return the same envelope with what must be kept of its command, or None where nothing must."""
        if isinstance(envelope, Ask | Tell) and isinstance(envelope.message, self._work.keeps_broken):
            return replace(envelope, message=broken_command(self.address, envelope.message, failure))
        return None

    def _postpone(self, batch: Sequence[Envelope], trouble: Retryable) -> None:
        """The disk is full or another process holds the file: nothing is done, and whoever asked is told so.

        Deliveries come again from their senders; outcomes of effects would not, and wait for the next message.
        """
        log.warning("storage_unavailable", address=self.address, error=str(trouble))
        self._undo()
        self.refuse(batch, RejectCode.STORAGE_UNAVAILABLE)
        self._postponed.extend(envelope for envelope in batch if isinstance(envelope, Tell))

    def _undo(self) -> None:
        self._file.rollback()
        self._fold()

    def _begin(self) -> None:
        self._file.begin()

    def _commit(self) -> None:
        self._file.commit()

    def _commit_time(self) -> datetime:
        now, last = utc_now(), self._file.last_at
        return now if last is None or now > last else last

    # Commands ---------------------------------------------------------------------------------------------------

    def _handle(self, envelope: Envelope, now: datetime, after: _After) -> None:
        match envelope:
            case Ask(message=message, cause=cause, future=future):
                after.replies.append((future, self._decide(message, cause, now, after)))
            case Tell(message=message, cause=cause):
                self._decide(message, cause, now, after)
            case Delivery(key=key, sender=sender, message=message, cause=cause):
                answer = self._decide(message, cause, now, after)
                if isinstance(answer, Rejected):
                    log.warning("delivery_rejected", address=self.address, key=key, code=answer.code)
                    if answer.code in NOT_YET:
                        return
                after.sends.append((sender, Acknowledgement((key,), self.address)))
            case Acknowledgement(keys=keys):
                self._acknowledged.extend(key for key in keys if self._owed.pop(key, None))
            case Redeliver():
                self._redeliver(now, after)
            case Retire(release=release):
                self._retire(release)

    def _decide(self, message: Any, cause: str, now: datetime, after: _After) -> Decision:
        try:
            decision = self._work.machine.decide(self._state, message, now)
        except Exception as failure:
            # Deciding changes nothing, so what must be kept can be kept at once, and the batch goes on.
            if not isinstance(message, self._work.keeps_broken):
                raise
            decision = self._work.machine.decide(self._state, broken_command(self.address, message, failure), now)
        if isinstance(decision, Accepted):
            for event in decision.events:
                for owed in self._record(event, decision.blobs.get(event.key), now, cause, after):
                    after.sends.append((owed.to, Delivery(owed.key, self.address, owed.message, cause)))
            after.effects.extend((effect, cause) for effect in decision.effects)
            if isinstance(decision.reply, Rejected):
                return decision.reply
        return decision

    def _record(self, event: Any, blob: bytes | None, now: datetime, cause: str, after: _After) -> Sequence[Owed]:
        recorded = self._append(event, now, cause)
        owes = self._evolve(recorded, now)
        stored = self._work.wrap_blob(blob, now) if blob is not None else None
        for table, row in self._work.project(recorded, stored):
            after.rows[table].append(row)
        return owes

    def _append(self, event: Any, now: datetime, cause: str) -> Recorded:
        entry = self._file.append(
            type=type(event).__name__, key=event.key, at=now, cause=cause, payload=self._work.codec.encode(event)
        )
        return Recorded(seq=entry.seq, at=now, cause=cause, event=event, hash=entry.hash)

    def _redeliver(self, now: datetime, after: _After) -> None:
        for key, (owed, sent_at) in self._owed.items():
            if now - sent_at >= REDELIVERY_AFTER:
                self._owed[key] = (owed, now)
                after.sends.append((owed.to, Delivery(key, self.address, owed.message, "redelivery")))

    def _retire(self, release: Callable[[Mailbox], bool]) -> None:
        if not self._owed and release(self):
            self.stop()

    # After the commit ---------------------------------------------------------------------------------------------

    def _act(self, after: _After) -> None:
        send_replies(after.replies)
        self._company.answered(len(after.replies) + self.actor_inbox.qsize())
        for to, envelope in after.sends:
            self._around.send(to, envelope)
        for effect, cause in after.effects:
            self._around.perform(effect, self.address, cause)
        self._note()

    def _note(self) -> None:
        due_at = self._work.machine.due_at(self._state)
        self._around.note(self.address, due_at, bool(self._owed))
