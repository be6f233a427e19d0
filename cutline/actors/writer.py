"""The one writer of one file: decide, commit as a group, then act; it must not know what any event means.

What has queued up is applied in one transaction and answered after one flush, so a slow disk is shared by everyone
waiting and a lone request never waits for company. Time is read once a batch, inside the transaction, and never runs
backwards: that is commit time. If anything goes wrong in a batch it is rolled back, the state is folded again from the
file, and the commands run one by one, so that one bad command harms no neighbour.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from cutline.actors.clock import utc_now
from cutline.actors.company import Company
from cutline.actors.failures import broken_command, broken_envelope
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
    each,
    send_replies,
)
from cutline.actors.surroundings import Surroundings
from cutline.engine.bookkeeping import DeliveriesAcknowledged, WriterOpened
from cutline.engine.decision import Accepted, Address, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import NOT_YET, RejectCode
from cutline.engine.messages import Look
from cutline.storage.chain import verify_chain
from cutline.storage.checkpoint import WalGrowth
from cutline.storage.errors import Corrupt, MisusedFile, Retryable, StorageError, Untrusted, WrongFile
from cutline.storage.event_log import EventLog
from cutline.storage.machines import FileRules, Folding
from cutline.storage.sqlite import Connection, open_writer

log = structlog.get_logger(__name__)

REDELIVERY_AFTER = timedelta(seconds=60)
"""An owed message that is not acknowledged after this long is sent again; receivers apply it once all the same."""

NOTED_EVERY = timedelta(seconds=1)
"""A busy actor says no more often than this that it is in use."""

ACKNOWLEDGEMENTS_MAX = 512
"""So many acknowledgements may wait for the next commit before they get one of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWork(FileRules):
    """Everything that tells one kind of writer from another: its rules, and how what must not lie open is wrapped."""

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
    release: Callable[[Mailbox], bool] | None = None


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
        self._tables = tuple(work.kind.tables)
        self._around = surroundings
        self._boot_epoch = boot_epoch
        self._create = create
        self._replicated = replicated
        self._postponed: list[Envelope] = []
        self._folding = Folding.of(work)
        self._sent_at: dict[str, datetime] = {}
        self._acknowledged: dict[str, None] = {}
        self._connection: Connection | None = None
        self._log: EventLog | None = None
        self._company = Company()
        self._growth = WalGrowth()
        self._noted: tuple[datetime | None, datetime] | None = None

    # Life -----------------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Open the file in this thread, commit the opening, and only then fold: no earlier commit stays in doubt."""
        now = utc_now()
        self._connection = open_writer(
            self._path, self._work.kind, create=self._create, now=now, replicated=self._replicated
        )
        self._log = EventLog(self._connection, self._work.kind)
        for problem in verify_chain(self._connection, problems_max=1):
            raise Corrupt(f"{self._path}: {problem.name} at row {problem.seq}: {problem.detail}")
        self._begin()
        opened = WriterOpened(boot_epoch=self._boot_epoch, opening=self._file.seq + 1)
        self._append(opened, self._commit_time(), "boot")
        self._commit()
        self._fold()
        inside = self._folding.identity
        if inside is not None and inside != self.address.partition("/")[2]:
            raise WrongFile(f"{self._path} holds {inside}")
        now = utc_now()
        after = _nothing()
        self._redeliver(now, after)
        after.effects = [(effect, "resume") for effect in self._work.machine.resume(self._folding.state, now)]
        self._act(after, now)

    def on_stop(self) -> None:
        """Keep the acknowledgements that were waiting for company, answer who still waits, and close the file."""
        if self._connection is not None:
            try:
                self._keep_acknowledgements()
            except BaseException as failure:  # noqa: BLE001  # they come again; the file is closed whatever happens
                log.warning("acknowledgements_lost", address=self.address, error=repr(failure))
            self._connection.close()
            self._connection = self._log = None

    @property
    def closed(self) -> bool:
        """Whether this actor has stopped and let go of its file; Pykka calls it dead a little earlier."""
        return self.actor_stopped.is_set() and self._connection is None

    def _keep_acknowledgements(self) -> None:
        """Record what receivers have confirmed, so that the next start does not send it again."""
        if self._acknowledged:
            self._begin()
            self._record_acknowledgements(self._commit_time())
            self._commit()

    @property
    def _file(self) -> EventLog:
        if self._log is None:
            raise MisusedFile(f"{self._path} is closed")
        return self._log

    def _fold(self) -> None:
        """Rebuild the state and what is owed from the file: the only source of both."""
        self._folding = Folding.of(self._work)
        for entry in self._file.entries():
            self._folding.take(entry)

    # Mail -----------------------------------------------------------------------------------------------------

    def on_receive(self, message: Envelope) -> None:
        """Apply this message and all that has queued up behind it as one batch."""
        batch, self._postponed = [*self._postponed, *each(message), *self.queued()], []
        batch.extend(self._company.awaited(self, len(batch)))
        self._flush(batch)

    def _flush(self, batch: Sequence[Envelope]) -> None:
        try:
            self._try(batch)
        except Untrusted:
            self.refuse(batch, RejectCode.CONTEST_QUARANTINED)
            raise
        except StorageError as failure:
            self._around.must_die(failure)
            raise
        except BaseException:
            self.refuse(batch, RejectCode.INTERNAL_FAULT)
            raise

    def _try(self, batch: Sequence[Envelope]) -> None:
        """Run a batch. If it breaks, undo it, fold again, and let each of its commands stand or fall alone."""
        try:
            self._run(batch)
        except Retryable as trouble:
            self._postpone(batch, trouble)
            return
        except MisusedFile as own:
            failure: Exception = own
        except StorageError:
            raise
        except Exception as own:  # noqa: BLE001  # a bug in one command must not reach its neighbours
            failure = own
        else:
            return
        self._undo()
        if len(batch) > 1:
            for envelope in batch:
                self._try([envelope])
            return
        kept = broken_envelope(self.address, batch[0], failure, self._work.keeps_broken) if batch else None
        if kept is not None:
            self._try([kept])
            return
        log.error("command_failed", address=self.address, error=repr(failure), exc_info=failure)
        self.refuse(batch, RejectCode.INTERNAL_FAULT)

    def _run(self, batch: Sequence[Envelope]) -> None:
        after, file = _nothing(), self._file
        self._begin()
        now = self._commit_time()
        before = file.seq
        for envelope in batch:
            self._handle(envelope, now, after)
        if self._acknowledged and (file.seq > before or len(self._acknowledged) >= ACKNOWLEDGEMENTS_MAX):
            self._record_acknowledgements(now)
        if file.seq > before:
            # A batch may open an account and use it in one breath: parents go in before what refers to them.
            for table in self._tables:
                if table in after.rows:
                    file.insert(table, after.rows[table])
            began = time.monotonic()
            self._commit()
            self._company.flushed(time.monotonic() - began)
            if not self._replicated and self._growth.is_due(file.seq - before):
                self._outside(self._around.checkpoint, self.address)
        else:
            file.rollback()
        self._act(after, now)

    def _postpone(self, batch: Sequence[Envelope], trouble: Retryable) -> None:
        """The disk is full or another process holds the file: nothing is done, and whoever asked is told so.

        Deliveries come again from their senders, and so does the clock; outcomes of effects would not, and wait for
        the next message.
        """
        log.warning("storage_unavailable", address=self.address, error=str(trouble))
        self._undo()
        self.refuse(batch, RejectCode.STORAGE_UNAVAILABLE)
        self._postponed.extend(e for e in batch if isinstance(e, Tell) and not isinstance(e.message, Look))

    def _undo(self) -> None:
        self._file.rollback()
        self._fold()

    def _begin(self) -> None:
        self._file.begin()

    def _commit(self) -> None:
        self._file.commit()
        self._acknowledged.clear()

    def _record_acknowledgements(self, now: datetime) -> None:
        event = DeliveriesAcknowledged(first=self._file.seq + 1, keys=tuple(self._acknowledged))
        self._folding.fold(self._append(event, now, "acknowledgements"))

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
                before = self._file.seq
                answer = self._decide(message, cause, now, after)
                # A refusal that is itself recorded is an outcome, and would be recorded again each time.
                if isinstance(answer, Rejected) and self._file.seq == before:
                    self._rejected(key, answer)
                else:
                    after.sends.append((sender, Acknowledgement((key,), self.address)))
            case Acknowledgement(keys=keys):
                for key in keys:
                    if key in self._folding.owed:
                        self._acknowledged[key] = None
                        self._sent_at.pop(key, None)
            case Redeliver():
                self._redeliver(now, after)
            case Retire(release=release):
                after.release = release

    def _rejected(self, key: str, answer: Rejected) -> None:
        """Leave a message that is refused with its sender, who owes it still: no money dies of a refusal.

        Some are only early. Any other refusal of what a committed event owes is a fault, and stays visible as such
        until a mended release takes the message.
        """
        say = log.info if answer.code in NOT_YET else log.error
        say("delivery_rejected", address=self.address, key=key, code=answer.code, details=dict(answer.details))

    def _decide(self, message: Any, cause: str, now: datetime, after: _After) -> Decision:
        machine, state = self._work.machine, self._folding.state
        try:
            decision = machine.decide(state, message, now)
        except Exception as failure:
            # Deciding changes nothing, so what must be kept can be kept at once, and the batch goes on.
            if not isinstance(message, self._work.keeps_broken):
                raise
            decision = machine.decide(state, broken_command(self.address, message, failure), now)
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
        owes = self._folding.fold(recorded)
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
        for key, owed in self._folding.owed.items():
            sent_at = self._sent_at.get(key)
            if key not in self._acknowledged and (sent_at is None or now - sent_at >= REDELIVERY_AFTER):
                after.sends.append((owed.to, Delivery(key, self.address, owed.message, "redelivery")))

    @property
    def _owes(self) -> bool:
        return len(self._folding.owed) > len(self._acknowledged)

    def _retire(self, release: Callable[[Mailbox], bool]) -> None:
        """Close the file if nothing is left to do; once released, another writer may own it."""
        if self._owes or self._postponed:
            return
        with contextlib.suppress(Retryable):
            self._keep_acknowledgements()
            if release(self):
                self.stop()

    # After the commit ---------------------------------------------------------------------------------------------

    def _act(self, after: _After, now: datetime) -> None:
        send_replies(after.replies)
        self._company.answered(len(after.replies) + self.actor_inbox.qsize())
        for to, envelope in after.sends:
            if isinstance(envelope, Delivery):
                self._sent_at[envelope.key] = now
            self._outside(self._around.send, to, envelope)
        for effect, cause in after.effects:
            self._outside(self._around.perform, effect, self.address, cause)
        self._note(now)
        if after.release is not None:
            self._retire(after.release)

    def _outside(self, call: Callable[..., None], *arguments: Any) -> None:
        """What is committed stands, whatever goes wrong outside: a message is owed and an effect is due again."""
        try:
            call(*arguments)
        except Exception:  # one failure must neither undo the batch nor keep back what follows
            log.exception("acting_failed", address=self.address)

    def _note(self, now: datetime) -> None:
        """Say when this actor wants to look at the clock, and every second that it is in use."""
        due_at = self._work.machine.due_at(self._folding.state)
        if self._noted is None or self._noted[0] != due_at or now - self._noted[1] >= NOTED_EVERY:
            self._noted = (due_at, now)
            self._around.note(self.address, due_at)
