"""Ledger, payments and payouts as one, on a line that loses, repeats and reorders, with crashes in between.

Whatever happens, each fee is refunded or played for once, and each winner is paid by one transfer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutline.engine.decision import Rejected
from cutline.engine.errors import NOT_YET
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.state import trial_balance
from cutline.engine.messages import (
    BalanceTransactionsListed,
    CallStripe,
    CancelIntent,
    FeePaid,
    ListBalanceTransactions,
    ListUndelivered,
    Look,
    MoveEntryFee,
    OnboardAccount,
    PostSettlement,
    Prize,
    ReadPlatformBalance,
    RecordStripeEvent,
    RequestIntent,
    StripeAnswered,
    WinningsPaid,
)
from cutline.engine.payment.machine import PaymentMachine
from cutline.engine.payout.machine import PayoutMachine
from tests.engine.driver import File

START = datetime(2026, 4, 9, tzinfo=UTC)
FEE_CENTS = 2500
PLAYING = ("e1", "e2", "e3")
LATE = ("e4", "e5")
POT_CENTS = FEE_CENTS * len(PLAYING)
PRIZES = {"e1": 5000, "e2": 1500}
MACHINES: Mapping[str, Any] = {
    "ledger": LedgerMachine(),
    "payments": PaymentMachine(),
    "payouts": PayoutMachine(onboarding_url="https://example.test"),
}


class Stripe:
    """Stripe as far as these machines see it: it keeps keys, and makes one object for each."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.transfers: list[dict[str, Any]] = []
        self.events: list[RecordStripeEvent] = []

    def perform(self, call: CallStripe) -> dict[str, Any]:
        parameters = call.parameters
        match call.operation:
            case "find_refunds":
                return {"data": self.refunds}
            case "find_transfers":
                return {"data": self.transfers}
            case "retrieve_account":
                return {"id": parameters["id"], "capabilities": {"transfers": "active"}}
            case "retrieve_payment_intent":
                return {"id": parameters["id"], "status": "succeeded"}
            case _:
                key = call.idempotency_key
                assert key is not None
                if key not in self.answers:
                    self.answers[key] = self._make(call.operation, dict(parameters))
                return self.answers[key]

    def _make(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        number = len(self.answers) + 1
        match operation:
            case "create_payment_intent":
                made = {"id": f"pi_{number}", "client_secret": "s", "amount_received": FEE_CENTS} | parameters
                self.say("payment_intent.succeeded", made)
            case "create_refund":
                made = {"id": f"re_{number}", "status": "succeeded", "currency": "usd"} | parameters
                self.refunds.append(made)
                self.say("refund.updated", made)
            case "create_account":
                made = {"id": f"acct_{number}", "capabilities": {"transfers": "inactive"}}
                self.say("account.updated", {"id": made["id"], "capabilities": {"transfers": "active"}})
            case "create_transfer":
                made = {"id": f"tr_{number}"} | parameters
                self.transfers.append(made)
            case _:
                made = {"id": f"x_{number}", "url": "https://example.test/link"}
        return made

    def say(self, kind: str, obj: dict[str, Any]) -> None:
        number = len(self.events)
        event = RecordStripeEvent(
            event_id=f"evt_{number}",
            type=kind,
            api_version=None,
            livemode=False,
            created=int(START.timestamp()),
            account=None,
            object=obj,
            sha256=f"{number:064x}",
            body=b"{}",
        )
        self.events.append(event)


class Contest:
    """A contest that takes the early fees, refuses the late ones, and settles when all have come."""

    def __init__(self) -> None:
        self.moved: dict[str, MoveEntryFee] = {}
        self.paid: dict[str, int] = {}

    def take(self, message: Any) -> list[Any]:
        if isinstance(message, WinningsPaid):
            self.paid[message.entry_id] = message.amount_cents
            return []
        assert isinstance(message, FeePaid)
        if message.entry_id in self.moved:
            return [self.moved[message.entry_id]]
        move = MoveEntryFee(
            contest_id="c1",
            entry_id=message.entry_id,
            account_did=message.account_did,
            amount_cents=message.amount_cents,
            currency=message.currency,
            payment_intent=message.payment_intent,
            outcome="activated" if message.entry_id in PLAYING else "refused",
            reason="test",
        )
        self.moved[message.entry_id] = move
        return [move, settlement()] if set(PLAYING) <= set(self.moved) else [move]


def settlement() -> PostSettlement:
    prizes = tuple(
        Prize(entry_id=entry, account_did=f"did:{entry}", amount_cents=cents) for entry, cents in PRIZES.items()
    )
    return PostSettlement(
        contest_id="c1",
        currency="usd",
        score_version=1,
        pot_cents=POT_CENTS,
        rake_cents=POT_CENTS - sum(PRIZES.values()),
        prizes=prizes,
        result_sha256="0",
    )


class World:
    """Delivers what is owed and performs what leaves, in an order and with faults that chance decides."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.now = START
        self.stripe = Stripe()
        self.contest = Contest()
        self.files: dict[str, File] = {}
        for name, machine in MACHINES.items():
            self.files[name] = File(machine)
            self.files[name].pure = False
        self.told = dict.fromkeys(MACHINES, 0)
        self.heard = 0
        self.post: list[tuple[str, Any]] = []
        self.calls: list[tuple[str, Any]] = []
        self.faults = 40

    def run(self) -> None:
        for entry in (*PLAYING, *LATE):
            request = RequestIntent(
                contest_id="c1", entry_id=entry, account_did=f"did:{entry}", amount_cents=FEE_CENTS, currency="usd"
            )
            self.post.append(("payments", request))
            self.post.append(("payouts", OnboardAccount(account_did=f"did:{entry}")))
        self.post.append(("payments", CancelIntent(contest_id="c1", entry_id="e9", reason="expired")))
        for _ in range(5000):
            if self._finished():
                return
            self._step()
        raise AssertionError("what is owed never finished")

    def _finished(self) -> bool:
        if self.post or self.calls or self.contest.paid.keys() != PRIZES.keys():
            return False
        return not any(self.files[name].state.calls.calls for name in ("payments", "payouts"))

    def _step(self) -> None:
        if self._fault(0.03):
            self._crash(self.chance.choice(list(MACHINES)))
        choices = [self._deliver] * bool(self.post) + [self._perform] * bool(self.calls)
        if choices and self.chance.random() > 0.05:
            self.chance.choice(choices)()
        else:
            self._wait()

    def _fault(self, odds: float) -> bool:
        if self.faults <= 0 or self.chance.random() >= odds:
            return False
        self.faults -= 1
        return True

    def _deliver(self) -> None:
        to, message = self.post.pop(self.chance.randrange(len(self.post)))
        if self._fault(0.2):
            self.post.append((to, message))
        if to.startswith("contest/"):
            self.post.extend(("ledger", answer) for answer in self.contest.take(message))
            return
        decision = self.files[to].decide(message, self.now)
        if isinstance(decision, Rejected):
            assert decision.code in NOT_YET, decision
            self.post.append((to, message))
            return
        self._send(to, message)

    def _send(self, to: str, message: Any) -> None:
        file = self.files[to]
        file.effects.clear()
        file.send(message, self.now)
        self.calls.extend((to, effect) for effect in file.effects)
        self.post.extend((owed.to, owed.message) for owed in file.owed[self.told[to] :])
        self.told[to] = len(file.owed)

    def _perform(self) -> None:
        by, effect = self.calls.pop(self.chance.randrange(len(self.calls)))
        if isinstance(effect, ListBalanceTransactions):
            self._send(by, BalanceTransactionsListed(items=()))
            return
        if isinstance(effect, ListUndelivered | ReadPlatformBalance):
            return  # Stripe does not answer: nobody waits for it.
        lost_on_the_way, lost_on_the_way_back = self._fault(0.1), self._fault(0.15)
        obj = {} if lost_on_the_way else self.stripe.perform(effect)
        self.post.extend(("ledger", event) for event in self.stripe.events[self.heard :])
        self.heard = len(self.stripe.events)
        failed = lost_on_the_way or lost_on_the_way_back
        answer = StripeAnswered(
            subject=effect.subject,
            attempt=effect.attempt,
            operation=effect.operation,
            succeeded=not failed,
            object=None if failed else obj,
            kind=self.chance.choice(["retry_same_key", "final"])
            if failed and self._may_fail(effect)
            else "retry_same_key"
            if failed
            else None,
            code="line_lost" if failed else None,
            money_moved="unknown" if failed else None,
        )
        self._send(by, answer)

    def _may_fail(self, effect: CallStripe) -> bool:
        """A final answer is fair only where the effect was made: nothing but a look can tell."""
        return effect.operation == "create_transfer" and any(
            one["metadata"] == effect.parameters["metadata"] for one in self.stripe.transfers
        )

    def _wait(self) -> None:
        due = [at for name in MACHINES if (at := self.files[name].machine.due_at(self.files[name].state)) is not None]
        self.now = max(self.now + timedelta(seconds=1), min(due, default=self.now))
        for name in MACHINES:
            self._send(name, Look())

    def _crash(self, name: str) -> None:
        """Kill one actor: its calls and what it was told are lost; its log says what is owed and under way."""
        file = self.files[name].replayed()
        assert file.state == self.files[name].state
        file.pure = False
        self.files[name] = file
        self.calls = [(by, effect) for by, effect in self.calls if by != name]
        self.calls.extend((name, effect) for effect in file.machine.resume(file.state, self.now))
        self.post.extend((owed.to, owed.message) for owed in file.owed)
        self.told[name] = len(file.owed)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(seed=st.integers(0, 2**32))
def test_every_fee_and_every_prize_has_its_one_effect_whatever_the_line_does(seed: int) -> None:
    """I1, I4, I8."""
    world = World(Random(seed))
    world.run()
    transfers = {one["metadata"]["entry_id"]: one["amount"] for one in world.stripe.transfers}
    assert transfers == PRIZES
    assert len(world.stripe.transfers) == len(PRIZES), "one transfer for each winning entry"
    assert sorted(one["metadata"]["entry_id"] for one in world.stripe.refunds) == sorted(LATE)
    assert world.contest.paid == PRIZES
    books = trial_balance(world.files["ledger"].state)["usd"]
    assert {name: cents for name, cents in books.items() if cents} == {
        "income:rake": -(POT_CENTS - 6500),
        "stripe:connected:did:e1": 5000,
        "stripe:connected:did:e2": 1500,
        "stripe:platform": POT_CENTS - 6500,
        "user:did:e1:available": -5000,
        "user:did:e2:available": -1500,
    }
    for file in world.files.values():
        file.assert_replays()
