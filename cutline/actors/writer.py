"""The one writer of one file: decide, commit as a group, then act; it must not know what any event means.

What has queued up is applied in one transaction and answered after one flush, so a slow disk is shared by everyone
waiting and a lone request never waits for company. Time is read once a batch, inside the transaction, and never runs
backwards: that is commit time. If anything goes wrong in a batch it is rolled back, the state is folded again from the
file, and the commands run one by one, so that one bad command harms no neighbour.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from cutline.actors.aftermath import Aftermath
from cutline.actors.clock import utc_now
from cutline.actors.company import Company
from cutline.actors.debts import Debts
from cutline.actors.failures import broken_command, broken_envelope, refused_delivery
from cutline.actors.file_work import FileWork
from cutline.actors.mailbox import (
    Acknowledgement,
    Ask,
    Delivery,
    Envelope,
    Mailbox,
    Redeliver,
    Rest,
    Retire,
    Tell,
    each,
    send_replies,
)
from cutline.actors.own_file import AtRest, OwnFile
from cutline.actors.surroundings import Surroundings
from cutline.engine.bookkeeping import DeliveriesAcknowledged, WriterOpened
from cutline.engine.decision import Accepted, Address, Decision, Owed, Recorded, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import Look
from cutline.engine.vitals import Measured
from cutline.storage.anchors import no_anchors
from cutline.storage.checkpoint import WalGrowth
from cutline.storage.errors import MisusedFile, Retryable, StorageError, Untrusted, WrongFile
from cutline.storage.machines import Folding

log = structlog.get_logger(__name__)

NOTED_EVERY = timedelta(seconds=1)
"""A busy actor says no more often than this that it is in use."""


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
        rests: bool = False,
        anchors: Callable[[Address], Mapping[int, bytes]] = no_anchors,
    ) -> None:
        """With `rests`, the file is let go of while nothing is written, and opened again when something is."""
        super().__init__(address, surroundings.failed)
        self._anchors = anchors
        self._own = OwnFile(path, work.kind, replicated=replicated)
        self._rests = rests
        self._opening = 0
        self._over = False
        self._path = path
        self._work = work
        self._tables = tuple(work.kind.tables)
        self._around = surroundings
        self._boot_epoch = boot_epoch
        self._create = create
        self._replicated = replicated
        self._postponed: list[Envelope] = []
        self._folding = Folding.of(work)
        self._debts = Debts()
        self._company = Company()
        self._measured = work.machine if isinstance(work.machine, Measured) else None
        self._growth = WalGrowth()
        self._noted: tuple[tuple[datetime | None, bool], datetime] | None = None

    # Life -----------------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Open the file in this thread and fold it, leaving no earlier commit in doubt.

        Where one could be, the opening is committed before the fold; else it goes along with the first commit.
        """
        in_good_order = self._own.open(create=self._create, anchors=self._anchors(self.address))
        self._opening = self._own.seq + 1
        if not (self._rests and in_good_order):
            self._begin()
            self._record_opening(self._commit_time())
            self._commit()
        self._fold()
        inside = self._folding.identity
        if inside is not None and inside != self.address.partition("/")[2]:
            raise WrongFile(f"{self._path} holds {inside}")
        now = utc_now()
        after = Aftermath()
        self._redeliver(now, after)
        after.effects = [(effect, "resume") for effect in self._work.machine.resume(self._folding.state, now)]
        self._act(after, now)
        self._rest_if_untouched()

    def on_stop(self) -> None:
        """Keep the acknowledgements that were waiting for company, answer who still waits, and close the file."""
        try:
            self._keep_acknowledgements()
        except BaseException as failure:  # noqa: BLE001  # they come again; the file is closed whatever happens
            log.warning("acknowledgements_lost", address=self.address, error=repr(failure))
        self._own.close()
        self._over = True

    @property
    def closed(self) -> bool:
        """Whether this actor has stopped and let go of its file; Pykka calls it dead a little earlier."""
        return self._over

    def _keep_acknowledgements(self) -> None:
        """Record what receivers have confirmed, so that the next start does not send it again."""
        if self._debts.confirmed:
            if self._own.at_rest:
                self._own.open_again()
            self._begin()
            self._record_acknowledgements(self._commit_time())
            self._commit()

    def _fold(self) -> None:
        """Rebuild the state and what is owed from the file: the only source of both."""
        self._folding = Folding.of(self._work)
        for entry in self._own.log.entries():
            self._folding.take(entry)

    # Mail -----------------------------------------------------------------------------------------------------

    def on_receive(self, message: Envelope) -> None:
        """Apply this message and all that has queued up behind it as one batch."""
        batch, self._postponed = [*self._postponed, *each(message), *self.queued()], []
        batch.extend(self._company.awaited(self, len(batch)))
        work = [envelope for envelope in batch if not isinstance(envelope, Rest)]
        if work:
            self._flush(work)
        if len(work) < len(batch):
            self._rest()
        else:
            self._rest_if_untouched()

    def _rest(self) -> None:
        """Let go of the file with nothing left to record: the next start then finds it at rest, too."""
        with contextlib.suppress(Retryable):
            self._keep_acknowledgements()
            self._own.rest()

    def _rest_if_untouched(self) -> None:
        """Let go of a file from which only was read; the next message may well do without it."""
        if self._rests and self._own.is_untouched and self.actor_inbox.empty():
            self._own.rest()

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
                self.goes_on()
                self._try([envelope])
            return
        kept = broken_envelope(self.address, batch[0], failure, self._work.keeps_broken) if batch else None
        if kept is not None:
            self._try([kept])
            return
        log.error("command_failed", address=self.address, error=repr(failure), exc_info=failure)
        self.refuse(batch, RejectCode.INTERNAL_FAULT)

    def _run(self, batch: Sequence[Envelope]) -> None:
        if self._own.at_rest:
            with contextlib.suppress(AtRest):
                self._answer(batch)
                return
            self._own.open_again()
        after, file = Aftermath(), self._own.log
        self._begin()
        now = self._commit_time()
        before = file.seq
        for envelope in batch:
            self._handle(envelope, now, after)
        if self._debts.many_confirmed or (self._debts.confirmed and file.seq > before):
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
                self._outside(self._around.checkpoint, self.address, self._growth.counted)
        else:
            file.rollback()
        self._act(after, now)

    def _answer(self, batch: Sequence[Envelope]) -> None:
        """Do without the file what writes nothing. Raises AtRest, with nothing done yet, if anything is to be written.

        Deciding is pure, and an acknowledgement that is heard twice is heard once: the batch can be run again.
        """
        after, now = Aftermath(), self._commit_time()
        for envelope in batch:
            self._handle(envelope, now, after)
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
        if self._own.at_rest:
            return
        self._own.log.rollback()
        self._fold()

    def _begin(self) -> None:
        self._own.log.begin()

    def _commit(self) -> None:
        self._own.log.commit()
        self._debts.recorded()

    def _record_acknowledgements(self, now: datetime) -> None:
        self._record_opening(now)
        event = DeliveriesAcknowledged(first=self._own.log.seq + 1, keys=self._debts.confirmed)
        self._folding.fold(self._append(event, now, "acknowledgements"))

    def _commit_time(self) -> datetime:
        now, last = utc_now(), self._own.last_at
        return now if last is None or now > last else last

    # Commands ---------------------------------------------------------------------------------------------------

    def _handle(self, envelope: Envelope, now: datetime, after: Aftermath) -> None:
        match envelope:
            case Ask(message=message, cause=cause, future=future):
                after.replies.append((future, self._decide(message, cause, now, after)))
            case Tell(message=message, cause=cause):
                self._decide(message, cause, now, after)
            case Delivery(key=key, sender=sender, message=message, cause=cause):
                before = self._own.seq
                answer = self._decide(message, cause, now, after)
                # A refusal that is itself recorded is an outcome, and would be recorded again each time.
                if isinstance(answer, Rejected) and self._own.seq == before:
                    refused_delivery(self.address, key, answer)
                else:
                    after.sends.append((sender, Acknowledgement((key,), self.address)))
            case Acknowledgement(keys=keys):
                self._debts.confirm(keys, self._folding.owed)
            case Redeliver():
                self._redeliver(now, after)
            case Retire(release=release):
                after.release = release

    def _decide(self, message: Any, cause: str, now: datetime, after: Aftermath) -> Decision:
        machine, state = self._work.machine, self._folding.state
        try:
            decision = machine.decide(state, message, now)
        except Exception as failure:
            # Deciding changes nothing, so what must be kept can be kept at once, and the batch goes on.
            if not isinstance(message, self._work.keeps_broken):
                raise
            decision = machine.decide(state, broken_command(self.address, message, failure), now)
        if isinstance(decision, Accepted):
            blobs = decision.blobs
            for event in decision.events:
                for owed in self._record(event, blobs.get(event.key) if blobs else None, now, cause, after):
                    after.sends.append((owed.to, Delivery(owed.key, self.address, owed.message, cause)))
            if decision.effects:
                after.effects.extend((effect, cause) for effect in decision.effects)
            if isinstance(decision.reply, Rejected):
                return decision.reply
        return decision

    def _record(self, event: Any, blob: bytes | None, now: datetime, cause: str, after: Aftermath) -> Sequence[Owed]:
        recorded = self._append(event, now, cause)
        owes = self._folding.fold(recorded)
        stored = self._work.wrap_blob(blob, now) if blob is not None else None
        for table, row in self._work.project(recorded, stored):
            after.rows[table].append(row)
        return owes

    def _record_opening(self, now: datetime) -> None:
        """Say once, before anything else is appended, that this process writes here now."""
        file = self._own.log
        if file.seq < self._opening:
            event = WriterOpened(boot_epoch=self._boot_epoch, opening=self._opening)
            payload = self._work.codec.encode(event)
            file.append(type=type(event).__name__, key=event.key, at=now, cause="boot", payload=payload)

    def _append(self, event: Any, now: datetime, cause: str) -> Recorded:
        self._record_opening(now)
        payload = self._work.codec.encode(event)
        entry = self._own.log.append(type=type(event).__name__, key=event.key, at=now, cause=cause, payload=payload)
        return Recorded(seq=entry.seq, at=now, cause=cause, event=event, hash=entry.hash)

    def _redeliver(self, now: datetime, after: Aftermath) -> None:
        for key, owed in self._debts.to_send_again(self._folding.owed, now):
            after.sends.append((owed.to, Delivery(key, self.address, owed.message, "redelivery")))

    @property
    def _owes(self) -> bool:
        return self._debts.any_open(self._folding.owed)

    def _retire(self, release: Callable[[Mailbox], bool]) -> None:
        """Close the file if nothing is left to do; once released, another writer may own it."""
        if self._owes or self._postponed:
            return
        with contextlib.suppress(Retryable):
            self._keep_acknowledgements()
            if release(self):
                self.stop()

    # After the commit ---------------------------------------------------------------------------------------------

    def _act(self, after: Aftermath, now: datetime) -> None:
        send_replies(after.replies)
        self._company.answered(len(after.replies) + self.actor_inbox.qsize())
        for to, envelope in after.sends:
            if isinstance(envelope, Delivery):
                self._debts.sent(envelope.key, now)
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
        at_rest = not self._owes and not self._postponed and self.actor_inbox.empty()
        noted = (self._work.machine.due_at(self._folding.state), at_rest)
        if self._noted is None or self._noted[0] != noted or now - self._noted[1] >= NOTED_EVERY:
            self._noted = (noted, now)
            self._around.note(self.address, *noted)
        if self._measured is not None:
            self._around.measure(self.address, self._measured.vitals(self._folding.state))
