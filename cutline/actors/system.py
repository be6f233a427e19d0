"""The whole engine behind its doors: wiring, start in order, stop in reverse; it must not decide anything.

Every seam of the time machine comes in through `Parts`: the scheduler, the workers and the two gateways. The clock is
`datetime.now`, and Pykka's hooks are replaced at the base class.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from apscheduler.schedulers.base import BaseScheduler
from pykka import ActorDeadError

from cutline.actors.alerts import Alerts
from cutline.actors.clock import utc_now
from cutline.actors.directory import CORE, Directory
from cutline.actors.file_work import FileWorks
from cutline.actors.jobs import Job
from cutline.actors.leaderboards import Leaderboards
from cutline.actors.mailbox import Acknowledgement, Answer, Delivery, Envelope, Tell
from cutline.actors.outgoing import Outgoing
from cutline.actors.performers import performers
from cutline.actors.questions import Questions
from cutline.actors.reconciling import StripeComparison
from cutline.actors.replica_gate import OpenGate, ReplicaGate
from cutline.actors.rescoring import Rescoring
from cutline.actors.restore_gate import RestoreGate
from cutline.actors.stripe_reading import StripeReading
from cutline.actors.supervisor import Supervisor, die
from cutline.actors.survey import Survey
from cutline.actors.tasks import Tasks
from cutline.actors.timekeeper import RUNBOOK, Timekeeper
from cutline.actors.workers import Workers
from cutline.actors.writer import Writer
from cutline.engine.decision import Address, Machine
from cutline.engine.errors import RejectCode
from cutline.engine.messages import (
    AuditScores,
    FetchUndelivered,
    ListAllEvents,
    Look,
    LookForOrphans,
    LookForStrandedFees,
    QuarantineContest,
    RaiseAlert,
    RetryForwarding,
)
from cutline.engine.messages.reconciliation import CompareWithStripe, ReconcileWithStripe
from cutline.engine.messages.untriggered import LookForUntriggered
from cutline.engine.vitals import Vitals, unheard_of
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway
from cutline.settings import Settings
from cutline.storage.anchors import LedgerAnchors
from cutline.storage.checkpoint import checkpoint
from cutline.storage.contest_directory import created_contests, quarantined_contests
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import create_file

log = structlog.get_logger(__name__)

T = TypeVar("T")

ASK_TIMEOUT_S = 10.0
DRAIN_TIMEOUT_S = 10.0

RETRIES_MAX = 100
"""So many broken postings are tried again at one tick; the others wait for the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the engine is given: the outside world, where heavy work runs, and who turns time into messages."""

    stripe: StripeGateway
    feed: ScoreFeed
    workers: Workers
    scheduler: BaseScheduler
    gate: ReplicaGate = field(default_factory=OpenGate)
    machines: Mapping[str, Machine[Any]] = field(default_factory=dict)
    """Rules in the place of a file kind's own, for rehearsals of faults."""


class System:
    """One engine over one data root. Build and use it on a running event loop."""

    def __init__(self, settings: Settings, root: DataRoot, boot_epoch: int, parts: Parts) -> None:
        self.settings = settings
        self.root = root
        self._boot_epoch = boot_epoch
        self._parts = parts
        self._works = FileWorks(
            root,
            onboarding_url=settings.stripe_connect_onboard_base_url,
            retries=settings.retries,
            machines=parts.machines,
        )
        self.directory = Directory(
            root,
            self._start_writer,
            kept_open=settings.cutline_actors_kept_open,
            on_quarantine=self._record_quarantine,
        )
        self._loop = asyncio.get_running_loop()
        self._checkpointing: set[Path] = set()
        self._supervisor = Supervisor(self.directory, self._loop)
        self.alerts = Alerts()
        self.restore_gate = RestoreGate(root)
        self.anchors = LedgerAnchors(root.path_of("ledger"))
        reading = StripeReading(parts.stripe, root, settings.livemodes)
        self.rescoring = Rescoring(root, parts.workers)
        comparison = StripeComparison(parts.stripe, root.path, parts.workers)
        effects: dict[type, Callable[[Any], Awaitable[Any]]] = {
            **performers(parts.stripe, parts.feed, parts.workers, parts.gate, reading, self.alerts, self.restore_gate),
            AuditScores: self.rescoring.audit,
            CompareWithStripe: comparison.compare,
        }
        self.tasks = Tasks(effects, self.directory.send, lanes={"payouts": settings.stripe_payout_calls_at_once})
        self.leaderboards = Leaderboards(root, parts.workers)
        self._survey = Survey(self.directory, root, self._works.of)
        self._outgoing = None if isinstance(parts.gate, OpenGate) else Outgoing(parts.gate, self.directory.send)
        self._questions = Questions(self.directory.send, waiting_max=settings.cutline_asks_max, timeout_s=ASK_TIMEOUT_S)
        self.must_die: Callable[[BaseException], None] = die
        self.timekeeper = Timekeeper(parts.scheduler, alert=self._alert, must_die=partial(die, runbook=RUNBOOK))

    # Surroundings of the writers ---------------------------------------------------------------------------------

    def send(self, to: Address, envelope: Envelope) -> None:
        """Put an envelope into another actor's inbox, with replication on once the replica holds its cause."""
        if self._outgoing is not None and isinstance(envelope, Delivery | Acknowledgement):
            self._outgoing.post(to, envelope)
        else:
            self.directory.send(to, envelope)

    def perform(self, effect: Any, address: Address, cause: str) -> None:
        """Start an effect beside the actors."""
        self.tasks.perform(effect, address, cause)

    def note(self, address: Address, due_at: datetime | None, at_rest: bool) -> None:
        """Remember when an actor wants to look at the clock, and whether it owes nothing until then."""
        self.directory.note(address, due_at, utc_now(), at_rest=at_rest)

    def measure(self, address: Address, vitals: Vitals | None) -> None:
        """Remember the figures by which an actor's file is watched."""
        self.directory.measure(address, vitals)

    def checkpoint(self, address: Address, counted: Callable[[int], None]) -> None:
        """Copy a file's write-ahead log into the file on a thread that nobody waits for, and say how long it was."""
        with contextlib.suppress(RuntimeError):  # the loop has stopped, and closing the file copies all of it
            self._loop.call_soon_threadsafe(self._start_checkpoint, self.root.path_of(address), counted)

    def _start_checkpoint(self, path: Path, counted: Callable[[int], None]) -> None:
        if path not in self._checkpointing:
            self._checkpointing.add(path)
            copying = self._loop.run_in_executor(None, checkpoint, path)
            copying.add_done_callback(partial(self._checkpointed, path, counted))

    def _checkpointed(self, path: Path, counted: Callable[[int], None], done: asyncio.Future[int | None]) -> None:
        self._checkpointing.discard(path)
        if done.cancelled():
            return
        if done.exception() is not None:
            log.warning("checkpoint_failed", path=str(path), error=repr(done.exception()))
            return
        pages = done.result()
        if pages is not None:
            counted(pages)

    def failed(self, address: Address, failure: BaseException) -> None:
        """Hand a dead actor to the supervisor."""
        self._supervisor.failed(address, failure)

    def _start_writer(self, address: Address, create: bool) -> Any:
        return Writer.start(
            address,
            self.root.path_of(address),
            self._works.of(address),
            self,
            boot_epoch=self._boot_epoch,
            create=create,
            replicated=self.settings.cutline_replica_url is not None,
            rests=address not in CORE,
            anchors=self._anchors_of,
        )

    def _anchors_of(self, address: Address) -> Mapping[int, bytes]:
        """Return what the ledger has kept of a contest's chain: one that lost its end is not opened (FAULTS S7)."""
        return self.anchors.of(address) if address.startswith("contest/") else {}

    def _record_quarantine(self, address: Address, reason: str) -> None:
        """Put it on record that a contest is kept closed, so that a restart keeps it closed too."""
        kind, _, contest_id = address.partition("/")
        if kind == "contest":
            message = QuarantineContest(contest_id=contest_id, reason=reason)
            self.directory.send("governance", Tell(message, "supervisor"))

    # Life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the core, then each contest and feed that owes or is soon due (see `survey`), and start the clock."""
        self._found()
        governance = self.root.path_of("governance")
        if governance.exists():
            for contest_id, reason in quarantined_contests(governance).items():
                self.directory.quarantine(f"contest/{contest_id}", reason, on_record=True)
            self.directory.remember(f"contest/{contest_id}" for contest_id in created_contests(governance))
        for address in CORE:
            self.directory.open(address)
        self._survey.start()
        self._catch_up()
        self.timekeeper.start(self.jobs())
        log.info("engine_started", data=str(self.root.path), boot_epoch=self._boot_epoch)

    def _found(self) -> None:
        """Make the core's files in a new root, one after the other, governance last: where it exists, all of them do.

        A root that holds a contest or a feed is not new: what is missing there is a fault, and never made again empty.
        """
        is_new = all(address in CORE for address, _ in self.root.all_files())
        if is_new and not self.root.path_of("governance").exists():
            for address in CORE:
                if not self.root.path_of(address).exists():
                    create_file(self.root.path_of(address), kind_of(address), utc_now())

    async def stop(self) -> None:
        """Drain: no new mail, finish what is under way, close the files. What is left is owed and comes again."""
        self.timekeeper.stop()
        await self._survey.stop()
        self.leaderboards.close()
        await self.tasks.close(DRAIN_TIMEOUT_S)
        if self._outgoing is not None:
            await self._outgoing.close()
        writers = self.directory.close()
        self.anchors.close()
        for writer in writers:
            # One that has died by itself needs no stopping.
            with contextlib.suppress(ActorDeadError):
                writer.stop()
        deadline = asyncio.get_running_loop().time() + DRAIN_TIMEOUT_S
        while left := [writer.address for writer in writers if not writer.closed]:
            if asyncio.get_running_loop().time() > deadline:
                log.error("actors_did_not_stop", actors=left)
                break
            await asyncio.sleep(0.005)
        self.anchors.close()
        await self._parts.workers.close()
        log.info("engine_stopped")

    def jobs(self) -> list[Job]:
        """Return the one table of what the clock does here."""
        settings = self.settings
        return [
            Job(name="look-at-due", run=self._look_at_due, every_s=settings.cutline_look_every_s),
            Job(name="pay-winners", run=self._pay_winners, every_s=settings.cutline_payouts_every_s),
            Job(name="read-balance", run=self._read_balance, every_s=3600),
            Job(name="retry-forwarding", run=self._retry_forwarding, every_s=120),
            Job(name="fetch-undelivered", run=self._fetch_undelivered, every_s=3600),
            Job(name="reconcile", run=self._reconcile, every_s=3600),
            Job(name="catch-up", run=self._catch_up, every_s=60),
            Job(name="find-orphans", run=self._find_orphans, every_s=3600),
            Job(name="redeliver", run=self.directory.redeliver, every_s=120),
            Job(name="retire-idle", run=self._retire_idle, every_s=60),
        ]

    def _alert(self, alert: RaiseAlert) -> None:
        self.tasks.perform(alert, "governance", "timekeeper")

    def _look_at_due(self) -> None:
        self.directory.look_at_due(utc_now(), "look-at-due")

    def _pay_winners(self) -> None:
        self.directory.send("payouts", Tell(Look(), "pay-winners"))

    def _read_balance(self) -> None:
        self.directory.send("ledger", Tell(Look(), "read-balance"))

    def _retry_forwarding(self) -> None:
        self.directory.send("ledger", Tell(RetryForwarding(limit=RETRIES_MAX), "retry-forwarding"))

    def _fetch_undelivered(self) -> None:
        self.directory.send("ledger", Tell(FetchUndelivered(), "fetch-undelivered"))

    def _reconcile(self) -> None:
        self.directory.send("payouts", Tell(ReconcileWithStripe(), "reconcile"))

    def _find_orphans(self) -> None:
        minutes = self.settings.payment_orphaned_minutes
        self.directory.send("payments", Tell(LookForOrphans(older_than_minutes=minutes), "find-orphans"))
        self.directory.send("ledger", Tell(LookForStrandedFees(older_than_minutes=minutes), "find-orphans"))
        if settled := unheard_of(self.directory.vitals()):
            minutes = self.settings.payout_untriggered_minutes
            look = LookForUntriggered(settled=settled, older_than_minutes=minutes)
            self.directory.send("payouts", Tell(look, "find-orphans"))

    def _catch_up(self) -> None:
        """After a restore, list all of Stripe's events until that has worked once."""
        if self.restore_gate.is_shut:
            self.tasks.perform(ListAllEvents(), "ledger", "restored")

    def _retire_idle(self) -> None:
        self.directory.retire_idle(utc_now())

    # The edge -----------------------------------------------------------------------------------------------------

    def ask(self, to: Address, message: Any, cause: str) -> Awaitable[Answer]:
        """Ask an actor from the event loop; see `Questions.ask` for what may be refused."""
        return self._questions.ask(to, message, cause)

    def question(self, to: Address, message: Any, cause: str, answered: Callable[[Answer], None]) -> None:
        """Ask an actor with the next `hand_over`; the answer is told by a call."""
        self._questions.put(to, message, cause, answered)

    def hand_over(self) -> None:
        """Send what was put to actors by `question`."""
        self._questions.hand_over()

    async def restart(self, address: Address) -> RejectCode | None:
        """Stop an actor and open it again from its file (ING-014).

        What it is asked meanwhile is answered SHUTTING_DOWN; what it is owed comes again. Refusals: NOT_FOUND for an
        address without a file, ACTOR_TIMEOUT for an actor that does not stop.
        """
        if not self.root.path_of(address).exists():
            return RejectCode.NOT_FOUND
        return None if await self.directory.restart(address) else RejectCode.ACTOR_TIMEOUT

    async def report(self, build: Callable[..., T], *arguments: Any) -> T:
        """Run a module-level function over the data root in a worker; it may read files, and write none."""
        return await self._parts.workers.run(build, self.root.path, *arguments)

    @property
    def idle(self) -> bool:
        """Whether no mail waits and no effect is under way; true only at the moment of asking."""
        no_mail_left = self._outgoing is None or self._outgoing.idle
        done = self._survey.done and no_mail_left and self.tasks.idle and not self.directory.waiting
        return done and all(writer.idle for writer in self.directory.writers())
