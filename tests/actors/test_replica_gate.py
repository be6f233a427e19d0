"""Nothing irrevocable leaves before the replica holds its cause, and the engine goes on without it (FAULTS O2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import freezegun
import pytest
import structlog
from msgspec.structs import replace
from structlog.testing import LogCapture

from cutline.actors import replica_gate
from cutline.actors.alerts import Alerts
from cutline.actors.jobs import SteppedScheduler
from cutline.actors.mailbox import Acknowledgement, Delivery
from cutline.actors.outgoing import Mail, Outgoing
from cutline.actors.performers import performers
from cutline.actors.replica_gate import LitestreamGate, OpenGate
from cutline.actors.restore_gate import RestoreGate
from cutline.actors.stripe_reading import StripeReading
from cutline.actors.workers import ProcessWorkers
from cutline.engine.decision import Accepted
from cutline.engine.messages import (
    CallStripe,
    ContestReady,
    CreateContest,
    MoveEntryFee,
    PlanContest,
    PublishConfig,
    ReadDirectory,
    RecordAnchor,
    StripeAnswered,
)
from cutline.engine.stripe_call import LOOKUPS
from cutline.engine.tournament import canonical, sha256
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway
from cutline.service import assemble
from cutline.storage.files import DataRoot
from tests.engine.golf import tournament
from tests.http.standin import settings
from tests.storage.replicated_box import Box, append

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:9"
TRANSFER = CallStripe(
    subject="payout:transfer:c1:e1",
    attempt=1,
    operation="create_transfer",
    parameters={"amount": 100, "currency": "usd", "destination": "acct_1", "metadata": {"contest_id": "c1"}},
    idempotency_key="payout:transfer:c1:e1",
)


class Gate:
    """A gate that a test opens and shuts; `asked` is what had to be in the replica."""

    def __init__(self, *, held: bool) -> None:
        self.held = held
        self.asked: list[list[str]] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def holds(self, addresses: Sequence[str]) -> bool:
        self.asked.append(list(addresses))
        await self.answers.wait()
        return self.held


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def call(
    session: aiohttp.ClientSession, gate: Gate | OpenGate, effect: CallStripe, restored: RestoreGate | None = None
) -> StripeAnswered:
    stripe = StripeGateway("sk_test_x", base_url=NOWHERE, session=session)
    root = DataRoot(Path("nowhere"))
    reading = StripeReading(stripe, root, frozenset({False}))
    restored = restored or RestoreGate(root)
    parts = performers(stripe, ScoreFeed(session, NOWHERE), ProcessWorkers(), gate, reading, Alerts(), restored)
    outcome: Any = await parts[CallStripe](effect)
    assert isinstance(outcome, StripeAnswered)
    return outcome


@pytest.mark.parametrize("operation", sorted(LOOKUPS))
async def test_no_money_leaves_a_restored_root_before_it_has_caught_up(
    session: aiohttp.ClientSession, tmp_path: Path, operation: str
) -> None:
    """Whatever moves money out waits, and nobody at Stripe is asked; an intent is asked for all the same."""
    (tmp_path / "restored").touch()
    restored = RestoreGate(DataRoot(tmp_path))
    effect = replace(TRANSFER, operation=operation)
    answer = await call(session, OpenGate(), effect, restored)
    assert (answer.code, answer.kind, answer.money_moved) == ("restored_not_caught_up", "retry_same_key", "no")
    coming_in = await call(session, OpenGate(), replace(TRANSFER, operation="create_payment_intent"), restored)
    assert coming_in.code == "connection_lost", "it is tried"
    restored.open()
    assert (await call(session, OpenGate(), effect, restored)).code == "connection_lost", "now it is tried"
    assert not RestoreGate(DataRoot(tmp_path)).is_shut


async def test_no_transfer_leaves_while_the_replica_is_behind(session: aiohttp.ClientSession) -> None:
    """The contest, the ledger and the payout attempt must be in the replica; the same call may be made later."""
    gate = Gate(held=False)
    answer = await call(session, gate, TRANSFER)
    assert (answer.code, answer.kind, answer.money_moved) == ("replica_behind", "retry_same_key", "no")
    assert gate.asked == [["contest/c1", "ledger", "payouts"]]
    gate.held = True
    assert (await call(session, gate, TRANSFER)).code == "connection_lost", "now it is tried"


@pytest.mark.parametrize("operation", ["create_payout", "create_transfer"])
async def test_no_payout_to_a_bank_leaves_while_the_replica_is_behind(
    session: aiohttp.ClientSession, operation: str
) -> None:
    """Neither the payout nor the transfer of what its account lacks; the ledger and the attempt justify both."""
    gate = Gate(held=False)
    payout = CallStripe(
        subject="payout:p1",
        attempt=1,
        operation=operation,
        parameters={"amount": 100, "currency": "usd", "metadata": {"payout_id": "p1"}},
        idempotency_key="payout:p1",
    )
    assert (await call(session, gate, payout)).code == "replica_behind"
    assert gate.asked == [["ledger", "payouts"]]


async def test_what_moves_no_money_away_does_not_wait(session: aiohttp.ClientSession) -> None:
    gate = Gate(held=False)
    looked = CallStripe(
        subject="s", attempt=1, operation="retrieve_account", parameters={"id": "acct_1"}, idempotency_key=None
    )
    assert (await call(session, gate, looked)).code == "connection_lost"
    assert gate.asked == []


def anchor(number: int) -> Delivery:
    message = RecordAnchor(address="contest/c1", seq=number, hash="00", reason="locked")
    return Delivery(f"anchor-{number}", "contest/c1", message, "test")


def fee(number: int) -> Delivery:
    message = MoveEntryFee(
        contest_id="c1",
        entry_id=f"e{number}",
        account_did="did:x",
        amount_cents=1,
        currency="usd",
        payment_intent="pi",
        outcome="activated",
        reason="PAID_IN_TIME",
    )
    return Delivery(f"fee-{number}", "contest/c1", message, "test")


ACKNOWLEDGED = Acknowledgement(("key",), "contest/c1")
READY = Delivery("ready", "contest/c1", ContestReady(contest_id="c1"), "test")


async def posted(gate: Gate, *mails: Mail) -> list[Mail]:
    left: list[Mail] = []
    outgoing = Outgoing(gate, lambda _to, mail: left.append(mail))
    for mail in mails:
        outgoing.post("ledger", mail)
    await emptied(outgoing)
    await outgoing.close()
    return left


async def emptied(outgoing: Outgoing) -> None:
    while not outgoing.idle:  # noqa: ASYNC110  # mail leaves without telling anybody
        await asyncio.sleep(0)


async def test_mail_leaves_in_order_once_the_replica_holds_its_cause() -> None:
    gate = Gate(held=True)
    mails: list[Mail] = [fee(1), ACKNOWLEDGED, anchor(2), READY, fee(3)]
    assert await posted(gate, *mails) == mails
    assert gate.asked == [["contest/c1"]], "what queued up shares one confirmation"


async def test_without_a_replica_money_messages_leave_and_what_can_wait_stays() -> None:
    assert await posted(Gate(held=False), fee(1), ACKNOWLEDGED, anchor(2), READY, fee(3)) == [fee(1), fee(3)]


async def test_mail_that_comes_during_a_confirmation_waits_for_the_next() -> None:
    """A confirmation that began before a commit says nothing about it."""
    gate, left = Gate(held=True), list[Mail]()
    gate.answers.clear()
    outgoing = Outgoing(gate, lambda _to, mail: left.append(mail))
    outgoing.post("ledger", fee(1))
    await asyncio.sleep(0.01)
    outgoing.post("ledger", fee(2))
    assert (left, len(gate.asked)) == ([], 1)
    gate.answers.set()
    await emptied(outgoing)
    assert (left, len(gate.asked)) == ([fee(1), fee(2)], 2)


async def test_a_stopped_post_office_lets_nothing_leave() -> None:
    gate, left = Gate(held=True), list[Mail]()
    gate.answers.clear()
    outgoing = Outgoing(gate, lambda _to, mail: left.append(mail))
    outgoing.post("ledger", fee(1))
    await asyncio.sleep(0.01)
    await outgoing.close()
    outgoing.post("ledger", fee(2))
    assert (left, outgoing.idle) == ([], True)


async def test_a_contest_is_not_ready_before_its_copy_is(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """Planned, file, replicated, created: a contest without its copy is not yet one that may not be missing."""
    gate, root, config = Gate(held=False), DataRoot(tmp_path / "data"), tournament()
    with freezegun.freeze_time(NOON, real_asyncio=True) as clock, root.lock() as lock:
        engine = assemble(
            settings(cutline_data_dir=root.path),
            root,
            lock.boot_epoch,
            scheduler=SteppedScheduler(),
            workers=ProcessWorkers(),
            session=session,
            gate=gate,
        )
        system = engine.system
        system.start()
        try:
            asked = PublishConfig(
                config_id="small", config_json=canonical(config), config_sha256=sha256(config), actor="ada"
            )
            assert isinstance(await system.ask("governance", asked, "test"), Accepted)
            plan = await system.ask("governance", PlanContest(contest_id="c1", config_id="small", actor="ada"), "test")
            assert isinstance(plan, Accepted)
            create = CreateContest(
                contest_id="c1", config_json=plan.reply["config_json"], config_sha256=plan.reply["config_sha256"]
            )
            assert isinstance(await system.ask("contest/c1", create, "test"), Accepted)
            await _quiet(system)
            assert await _created_at(system) is None, "its file is there, its copy is not"
            gate.held = True
            clock.tick(61)
            system.directory.redeliver()
            await _quiet(system)
            assert await _created_at(system) is not None
        finally:
            await system.stop()


async def _quiet(system: Any) -> None:
    looks = 0
    while looks < 5:
        await asyncio.sleep(0.01)
        looks = looks + 1 if system.idle else 0


async def _created_at(system: Any) -> Any:
    answer = await system.ask("governance", ReadDirectory(), "test")
    return answer.reply["contests"][0]["created_at"]


async def test_the_real_gate_stays_shut_for_a_while_and_opens_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the replica out of reach it says so by name, and then at once."""
    box = Box(tmp_path)
    box.replica.write_text("not a folder")
    async with box.replicator() as replicator:
        gate = LitestreamGate(replicator, DataRoot(box.data), confirm_within_s=0.2, shut_for_s=0.3)
        append(box.ledger, 1)
        alarms = LogCapture()
        alarmed = structlog.wrap_logger(None, processors=[alarms], wrapper_class=structlog.stdlib.BoundLogger)
        monkeypatch.setattr(replica_gate, "log", alarmed)
        assert not await gate.holds(["payments", "ledger"])
        assert not await gate.holds(["payments"])
        assert not await gate.holds(["contest/unknown"])
        named = [(alarm["event"], alarm["log_level"], alarm["address"]) for alarm in alarms.entries]
        assert named == [("replica_behind", "error", "payments"), ("replica_behind", "error", "contest/unknown")]
        box.replica.unlink()
        await asyncio.sleep(0.3)
        for _ in range(50):
            if await gate.holds(["payments", "ledger"]):
                break
            await asyncio.sleep(0.1)
        assert await gate.holds(["payments", "ledger"])
