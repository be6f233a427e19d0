"""The whole engine behind its doors: wiring, start in order, stop in reverse; it must not decide anything.

Every seam of the time machine comes in through `Parts`: the scheduler, the workers and the two gateways. The clock is
`datetime.now`, and Pykka's hooks are replaced at the base class.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from apscheduler.schedulers.base import BaseScheduler
from pykka import ActorDeadError

from cutline.actors.clock import utc_now
from cutline.actors.directory import CORE, Directory
from cutline.actors.file_work import FileWorks
from cutline.actors.jobs import Job, install
from cutline.actors.leaderboards import Leaderboards
from cutline.actors.mailbox import Acknowledgement, Answer, Ask, Delivery, Envelope, Tell, resolve
from cutline.actors.outgoing import Outgoing
from cutline.actors.performers import performers
from cutline.actors.replica_gate import OpenGate, ReplicaGate
from cutline.actors.stripe_reading import StripeReading
from cutline.actors.supervisor import Supervisor, die
from cutline.actors.survey import Survey
from cutline.actors.tasks import Tasks
from cutline.actors.workers import Workers
from cutline.actors.writer import Writer
from cutline.engine.decision import Address, Machine, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import FetchUndelivered, Look, RetryForwarding
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway
from cutline.settings import Settings
from cutline.storage.contest_directory import created_contests
from cutline.storage.files import DataRoot, kind_of
from cutline.storage.sqlite import create_file

log = structlog.get_logger(__name__)

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
        self._works = FileWorks(root, onboarding_url=settings.stripe_connect_onboard_base_url, machines=parts.machines)
        self.directory = Directory(root, self._start_writer, kept_open=settings.cutline_actors_kept_open)
        self._supervisor = Supervisor(self.directory, asyncio.get_running_loop())
        reading = StripeReading(parts.stripe, root, settings.livemodes)
        self.tasks = Tasks(
            performers(parts.stripe, parts.feed, parts.workers, parts.gate, reading), self.directory.send
        )
        self.leaderboards = Leaderboards(root, parts.workers)
        self._survey = Survey(self.directory, root, self._works.of)
        self._outgoing = None if isinstance(parts.gate, OpenGate) else Outgoing(parts.gate, self.directory.send)
        self._asking: Counter[Address] = Counter()
        self.must_die: Callable[[BaseException], None] = die

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

    def note(self, address: Address, due_at: datetime | None) -> None:
        """Remember when an actor wants to look at the clock."""
        self.directory.note(address, due_at, utc_now())

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
        )

    # Life -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the core, then each contest and feed that owes or is soon due (see `survey`), and start the clock."""
        self._found()
        governance = self.root.path_of("governance")
        if governance.exists():
            self.directory.remember(f"contest/{contest_id}" for contest_id in created_contests(governance))
        for address in CORE:
            self.directory.open(address)
        self._survey.start()
        install(self._parts.scheduler, self.jobs())
        self._parts.scheduler.start()
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
        self._parts.scheduler.shutdown(wait=False)
        await self._survey.stop()
        self.leaderboards.close()
        await self.tasks.close(DRAIN_TIMEOUT_S)
        if self._outgoing is not None:
            await self._outgoing.close()
        writers = self.directory.close()
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
            Job(name="redeliver", run=self.directory.redeliver, every_s=120),
            Job(name="retire-idle", run=self._retire_idle, every_s=60),
        ]

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

    def _retire_idle(self) -> None:
        self.directory.retire_idle(utc_now())

    # The edge -----------------------------------------------------------------------------------------------------

    async def ask(self, to: Address, message: Any, cause: str, *, timeout_s: float = ASK_TIMEOUT_S) -> Answer:
        """Ask an actor from the event loop and await its committed answer, holding no thread.

        Refusals: MAILBOX_FULL when too many questions wait for this actor already, ACTOR_TIMEOUT when no answer came
        in time (the command may still happen: ask again with the same business key).
        """
        if self._asking[to] >= self.settings.cutline_asks_max:
            return Rejected(code=RejectCode.MAILBOX_FULL, details={"actor": to, "retry_after_s": 1})
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        late = Rejected(code=RejectCode.ACTOR_TIMEOUT, details={"actor": to, "timeout_s": timeout_s})
        # A timer that answers costs a third of asyncio.timeout, which cancels the task; every webhook passes here.
        timer = loop.call_later(timeout_s, resolve, [(future, late)])
        self._asking[to] += 1
        try:
            self.directory.send(to, Ask(message, cause, future))
            return await future
        finally:
            timer.cancel()
            self._asking[to] -= 1

    @property
    def idle(self) -> bool:
        """Whether no mail waits and no effect is under way; true only at the moment of asking."""
        no_mail_left = self._outgoing is None or self._outgoing.idle
        done = self._survey.done and no_mail_left and self.tasks.idle
        return done and all(writer.idle for writer in self.directory.writers())
