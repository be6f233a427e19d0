"""Fills a real data root by hand: the real machines, codecs, projections and files, and a tiny pump between them.

What the outside world would say is said here: every card pays, every account is ready, every transfer is made.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cutline.actors.file_work import FileWorks
from cutline.engine import tournament as configs
from cutline.engine.bookkeeping import DeliveriesAcknowledged, WriterOpened
from cutline.engine.decision import Accepted, Recorded
from cutline.engine.messages import (
    BalanceTransactionsListed,
    CallStripe,
    ComputeSettlement,
    EnterContest,
    FeedPolled,
    ListBalanceTransactions,
    Look,
    OnboardAccount,
    PlanContest,
    PollFeed,
    PublishConfig,
    RecordStripeEvent,
    SettlementComputed,
    StripeAnswered,
    WithdrawEntry,
)
from cutline.engine.settlement import settle_json
from cutline.storage.event_log import EventLog
from cutline.storage.files import DataRoot
from cutline.storage.machines import Folding, rules_of
from cutline.storage.sqlite import open_writer
from tests.engine.golf import CARDS, EVENT_ID, GOLDEN, payload, raw, tournament

BEFORE = datetime(2026, 4, 5, 12, tzinfo=UTC)
LOCK = datetime(2026, 4, 9, 11, 40, tzinfo=UTC)
PLAYED = datetime(2026, 4, 12, 22, 30, tzinfo=UTC)
CORE = ("ledger", "payouts", "payments", "governance")
FIELD: dict[str, Any] = {player: (None, []) for player in CARDS}


class Actor:
    """One file and its machine, without a thread."""

    def __init__(self, box: Box, address: str, now: datetime) -> None:
        self.address = address
        self.work = box.works.of(address)
        self.connection = open_writer(box.root.path_of(address), self.work.kind, create=True, now=now)
        self.log = EventLog(self.connection, self.work.kind)
        rules = rules_of(self.work.kind.name)
        self.folding = Folding(rules=rules, state=rules.machine.initial())
        self.log.begin()
        self._append(WriterOpened(boot_epoch=1, opening=1), now)
        self.log.commit()

    def send(self, command: Any, now: datetime) -> Accepted:
        """Decide, commit and fold; what is owed and what is to be performed is for the box to see to."""
        decision = self.work.machine.decide(self.folding.state, command, now)
        assert isinstance(decision, Accepted), (self.address, command, decision)
        if decision.events:
            self.log.begin()
            rows: dict[str, list[Any]] = {}
            for event in decision.events:
                blob = decision.blobs.get(event.key)
                stored = None if blob is None else self.work.wrap_blob(blob, now)
                for table, row in self.work.project(self._append(event, now), stored):
                    rows.setdefault(table, []).append(row)
            for table in self.work.kind.tables:
                if table in rows:
                    self.log.insert(table, rows[table])
            self.log.commit()
        return decision

    def acknowledge(self, keys: tuple[str, ...], now: datetime) -> None:
        """Record that receivers hold what was owed."""
        self.log.begin()
        self._append(DeliveriesAcknowledged(first=self.log.seq + 1, keys=keys), now)
        self.log.commit()

    def _append(self, event: Any, now: datetime) -> Recorded:
        payload = self.work.codec.encode(event)
        entry = self.log.append(type=type(event).__name__, key=event.key, at=now, cause="stage", payload=payload)
        return self.folding.take(entry)


class Box:
    """A data root and the pump that carries owed messages and effects between its files."""

    def __init__(self, path: Path) -> None:
        self.root = DataRoot(path)
        self.works = FileWorks(self.root, onboarding_url="https://cutline.example")
        self.now = BEFORE
        self.actors: dict[str, Actor] = {}
        self.held: set[type] = set()
        """Message types that are not delivered for now, as when a process dies on the way."""
        self.served: bytes | None = raw(payload(FIELD, status="scheduled"))
        self._numbers: dict[str, int] = {}
        for address in CORE:
            self.actor(address)

    def actor(self, address: str) -> Actor:
        if address not in self.actors:
            self.actors[address] = Actor(self, address, self.now)
        return self.actors[address]

    def send(self, address: str, command: Any) -> Any:
        """Send one message, then everything that follows from it."""
        effects = deque((address, effect) for effect in self._send(address, command))
        while True:
            while effects:
                asked_by, effect = effects.popleft()
                answer = self._perform(effect)
                if answer is not None:
                    effects.extend((asked_by, more) for more in self._send(asked_by, answer))
            if not (delivered := self._deliver()):
                return self._reply
            effects.extend(delivered)

    def _send(self, address: str, command: Any) -> list[Any]:
        decision = self.actor(address).send(command, self.now)
        self._reply = decision.reply
        return list(decision.effects)

    def _deliver(self) -> list[tuple[str, Any]]:
        effects: list[tuple[str, Any]] = []
        for sender in list(self.actors.values()):
            waiting = [o for o in sender.folding.owed.values() if type(o.message) not in self.held]
            for owed in waiting:
                effects += [(owed.to, effect) for effect in self._send(owed.to, owed.message)]
            if waiting:
                sender.acknowledge(tuple(owed.key for owed in waiting), self.now)
                # An empty effect keeps the pump going until nobody owes anything.
                effects.append((sender.address, None))
        return effects

    def _perform(self, effect: Any) -> Any:
        match effect:
            case CallStripe():
                return self._stripe(effect)
            case PollFeed():
                body, self.served = self.served, None
                return FeedPolled(http_status=200 if body else 304, body=body, etag="e", error=None, duration_ms=1.0)
            case ComputeSettlement():
                return SettlementComputed(run_id=effect.run_id, result_json=settle_json(effect.input_json).decode())
            case ListBalanceTransactions():
                return BalanceTransactionsListed(items=())
            case _:
                return None

    def _stripe(self, call: CallStripe) -> StripeAnswered:
        made: dict[str, Any] = {"id": self._id(call.operation), "metadata": call.parameters.get("metadata", {})}
        match call.operation:
            case "create_payment_intent":
                made |= {"client_secret": "secret", "status": "requires_payment_method"}
            case "cancel_payment_intent":
                made |= {"status": "canceled"}
            case "create_account" | "retrieve_account":
                made |= {"capabilities": {"transfers": "active"}, "payouts_enabled": True}
            case "create_refund":
                made |= {"status": "succeeded", **call.parameters}
        return StripeAnswered(
            subject=call.subject, attempt=call.attempt, operation=call.operation, succeeded=True, object=made
        )

    def _id(self, operation: str) -> str:
        number = self._numbers[operation] = self._numbers.get(operation, 0) + 1
        return f"{operation.removeprefix('create_')}_{number}"

    # What people and Stripe do ---------------------------------------------------------------------------------

    def create(self, contest_id: str = "open-1") -> None:
        config = tournament()
        self.send(
            "governance",
            PublishConfig(
                config_id=config.id,
                config_json=configs.canonical(config),
                config_sha256=configs.sha256(config),
                actor="ops",
            ),
        )
        self.send("governance", PlanContest(contest_id=contest_id, config_id=config.id, actor="ops"))

    def enter(self, contest_id: str, entry_id: str, picks: tuple[str, ...], tiebreak: int | None = None) -> None:
        did = f"did:{entry_id}"
        self.send(
            f"contest/{contest_id}",
            EnterContest(entry_id=entry_id, account_did=did, picks=picks, tiebreak=tiebreak),
        )

    def pay(self, contest_id: str, entry_id: str) -> None:
        intent = self.actor("payments").folding.state.intents[contest_id, entry_id]
        body = {
            "id": intent.payment_intent,
            "object": "payment_intent",
            "amount_received": 1001,
            "currency": "usd",
            "metadata": {
                "contest_id": contest_id,
                "entry_id": entry_id,
                "account_did": f"did:{entry_id}",
                "purpose": "contest_entry_fee",
                "fee_cents": "1001",
                "currency": "usd",
            },
        }
        self.stripe_says(f"evt_{intent.payment_intent}", "payment_intent.succeeded", body)

    def stripe_says(self, event_id: str, kind: str, body: dict[str, Any], *, account: str | None = None) -> Any:
        text = json.dumps({"id": event_id, "type": kind, "data": {"object": body}}).encode()
        return self.send(
            "ledger",
            RecordStripeEvent(
                event_id=event_id,
                type=kind,
                api_version="2026-01-28",
                livemode=False,
                created=int(self.now.timestamp()),
                account=account,
                object=body,
                sha256=hashlib.sha256(text).hexdigest(),
                body=text,
            ),
        )

    def look(self, *addresses: str) -> None:
        for address in addresses:
            self.send(address, Look())

    def play(self, contest_id: str = "open-1") -> None:
        """From creation to paid winners: seven entries, one withdrawn, one never paid."""
        contest = f"contest/{contest_id}"
        self.create(contest_id)
        self.look(f"feed/{EVENT_ID}")
        for entry in GOLDEN:
            self.enter(contest_id, entry.entry_id, entry.picks, entry.tiebreak)
            self.pay(contest_id, entry.entry_id)
            self.send("payouts", OnboardAccount(account_did=f"did:{entry.entry_id}"))
        self.enter(contest_id, "gone", ("A", "B", "C"))
        self.pay(contest_id, "gone")
        self.send(contest, WithdrawEntry(entry_id="gone", account_did="did:gone"))
        self.enter(contest_id, "late", ("A", "B", "C"))
        self.play_out(contest_id)

    def play_out(self, contest_id: str) -> None:
        """From the lock to the end, whoever has entered."""
        contest, feed = f"contest/{contest_id}", f"feed/{EVENT_ID}"
        self.look(feed)
        self.now = LOCK
        self.look(contest)
        self.served = raw(payload(CARDS, status="inprogress"))
        self._poll(feed, LOCK + timedelta(hours=1))
        self.served = raw(payload(CARDS, status="complete"))
        for count in range(8):
            self._poll(feed, PLAYED + timedelta(minutes=5 * count))
        self.look(contest)
        self.look(contest, "payouts", "payments", "ledger")

    def _poll(self, feed: str, at: datetime) -> None:
        self.now = at
        self.look(feed)

    def close(self) -> None:
        for actor in self.actors.values():
            actor.connection.execute("PRAGMA wal_checkpoint")
            actor.connection.close()


@contextmanager
def box(path: Path) -> Iterator[Box]:
    """A data root to be filled; its files are closed at the end."""
    made = Box(path)
    try:
        yield made
    finally:
        made.close()
