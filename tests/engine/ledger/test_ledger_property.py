"""The ledger under any order of any messages: money is conserved, effects happen once, and the log tells it all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from cutline.engine.decision import Accepted, Recorded
from cutline.engine.errors import NOT_YET
from cutline.engine.ledger.accounts import kind_of
from cutline.engine.ledger.events import StripeEventRecorded, TransactionPosted
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import (
    BalanceTransactionsListed,
    CloseAccount,
    CompleteTransfer,
    FailTransfer,
    LockTransfer,
    MoveEntryFee,
    PostSettlement,
    Prize,
    RecordStripeEvent,
    RefundOutcome,
    WriteOffDebt,
)
from tests.engine.driver import stored

NOW = datetime(2026, 4, 9, tzinfo=UTC)
FEE_CENTS = 2500

contests = st.sampled_from(["c1", "c2"])
entries = st.integers(0, 4)
currencies = st.sampled_from(["usd", "usd", "usd", "eur"])
events = st.integers(0, 60)


def webhook(number: int, kind: str, obj: dict[str, Any]) -> RecordStripeEvent:
    body = orjson.dumps(obj)
    return RecordStripeEvent(
        event_id=f"evt_{number}",
        type=kind,
        api_version=None,
        livemode=False,
        created=1_775_000_000,
        account=None,
        object=obj,
        sha256=f"{len(body):064x}",
        body=body,
    )


class AnyOrder(RuleBasedStateMachine):
    """Say anything in any order, twice where it likes; the log alone must explain the books."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = LedgerMachine()
        self.state = self.machine.initial()
        self.log: list[Recorded] = []
        self.keys: set[str] = set()
        self.said: list[Any] = []

    def say(self, command: Any) -> Sequence[Any]:
        decision = self.machine.decide(self.state, command, NOW)
        self.said.append(command)
        if not isinstance(decision, Accepted):
            return ()
        for event in decision.events:
            assert event.key not in self.keys
            self.keys.add(event.key)
            recorded = Recorded(seq=len(self.log) + 1, at=NOW, cause="", event=event, hash=b"")
            self.log.append(recorded)
            self.machine.evolve(self.state, recorded)
        return decision.events

    @rule(contest=contests, entry=entries, number=events, currency=currencies, extra=st.sampled_from([0, 0, 0, 1]))
    def pay(self, contest: str, entry: int, number: int, currency: str, extra: int) -> None:
        metadata = {
            "purpose": "contest_entry_fee",
            "contest_id": contest,
            "entry_id": f"e{entry}",
            "account_did": f"did:{entry % 3}",
            "fee_cents": str(FEE_CENTS),
            "currency": "usd",
        }
        amount = FEE_CENTS + extra
        obj = {"id": f"pi_{contest}_{entry}", "amount": amount, "currency": currency, "metadata": metadata}
        obj["latest_charge"] = f"ch_{contest}_{entry}"
        self.say(webhook(number, "payment_intent.succeeded", obj))

    @rule(contest=contests, entry=entries, outcome=st.sampled_from(["activated", "activated", "refused", "returned"]))
    def move(self, contest: str, entry: int, outcome: Literal["activated", "refused", "returned"]) -> None:
        command = MoveEntryFee(
            contest_id=contest,
            entry_id=f"e{entry}",
            account_did=f"did:{entry % 3}",
            amount_cents=FEE_CENTS,
            currency="usd",
            payment_intent=f"pi_{contest}_{entry}",
            outcome=outcome,
            reason="any",
        )
        self.say(command)

    @rule(contest=contests, version=st.integers(1, 2), rake=st.integers(0, 300))
    def settle(self, contest: str, version: int, rake: int) -> None:
        pot_cents = -self.state.books.get("usd", {}).get(f"pot:{contest}", 0)
        prize = Prize(entry_id="e0", account_did="did:0", amount_cents=max(0, pot_cents - rake))
        command = PostSettlement(
            contest_id=contest,
            currency="usd",
            score_version=version,
            pot_cents=pot_cents,
            rake_cents=rake,
            prizes=(prize,),
            result_sha256="0",
        )
        self.say(command)

    @rule(contest=contests, amount=st.sampled_from([1000, 2500, 5000]), step=st.sampled_from(["lock", "done", "fail"]))
    def transfer(self, contest: str, amount: int, step: str) -> None:
        money: dict[str, Any] = {
            "contest_id": contest,
            "entry_id": "e0",
            "account_did": "did:0",
            "amount_cents": amount,
            "currency": "usd",
        }
        if step == "lock":
            self.say(LockTransfer(**money))
        elif step == "done":
            self.say(CompleteTransfer(**money, stripe_transfer_id="tr_1", stripe_account_id="acct_1"))
        else:
            self.say(FailTransfer(**money, reason="account_closed"))

    @rule(contest=contests, entry=entries, number=events, status=st.sampled_from(["succeeded", "failed", "pending"]))
    def refund(self, contest: str, entry: int, number: int, status: str) -> None:
        obj = {
            "id": f"re_{contest}_{entry}",
            "status": status,
            "amount": FEE_CENTS,
            "currency": "usd",
            "payment_intent": f"pi_{contest}_{entry}",
            "metadata": {"contest_id": contest, "entry_id": f"e{entry}"} if entry % 2 else {},
        }
        self.say(webhook(number, "refund.updated", obj))

    @rule(contest=contests, entry=entries, succeeded=st.booleans())
    def answer_refund(self, contest: str, entry: int, succeeded: bool) -> None:
        command = RefundOutcome(
            contest_id=contest,
            entry_id=f"e{entry}",
            account_did=f"did:{entry % 3}",
            amount_cents=FEE_CENTS,
            currency="usd",
            payment_intent=f"pi_{contest}_{entry}",
            stripe_refund_id=f"re_{contest}_{entry}",
            succeeded=succeeded,
        )
        self.say(command)

    @rule(contest=contests, entry=entries, number=events, step=st.sampled_from(["funds_withdrawn", "won", "lost"]))
    def dispute(self, contest: str, entry: int, number: int, step: str) -> None:
        obj = {
            "id": f"dp_{contest}_{entry}",
            "status": step if step in ("won", "lost") else "needs_response",
            "charge": f"ch_{contest}_{entry}",
            "payment_intent": f"pi_{contest}_{entry}" if entry % 2 else None,
            "currency": "usd",
            "balance_transactions": [{"amount": -FEE_CENTS, "fee": 1500}],
        }
        kind = "closed" if step in ("won", "lost") else step
        self.say(webhook(number, f"charge.dispute.{kind}", obj))

    @rule(number=events, part=st.integers(1, 3), cents=st.sampled_from([100, 900]))
    def reverse(self, number: int, part: int, cents: int) -> None:
        rows = [{"id": f"trr_{one}", "amount": cents} for one in range(1, part + 1)]
        obj = {"id": "tr_1", "currency": "usd", "reversals": {"data": rows}}
        self.say(webhook(number, "transfer.reversed", obj))

    @rule(contest=contests, entry=entries, cause=st.sampled_from(["dp", "re"]))
    def write_off(self, contest: str, entry: int, cause: str) -> None:
        self.say(WriteOffDebt(loss_event_id=f"{cause}_{contest}_{entry}", actor="admin:ada", reason="gone"))

    @rule()
    def close(self) -> None:
        self.say(CloseAccount(account_did="did:2", actor="admin:ada", reason="deleted"))

    @rule(number=st.integers(0, 9), fee=st.integers(0, 200))
    def list_balance(self, number: int, fee: int) -> None:
        item = {"id": f"txn_{number}", "type": "charge", "amount": FEE_CENTS, "fee": fee, "currency": "usd"}
        self.say(BalanceTransactionsListed(items=(item, item)))

    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        """What was accepted once changes nothing when it is said again; what was too early may hold now."""
        if not self.said:
            return
        command = data.draw(st.sampled_from(self.said))
        first = self.machine.decide(self.state, command, NOW)
        if not isinstance(first, Accepted):
            assert first.code in NOT_YET or not self.say(command)
            return
        self.say(command)
        assert not self.say(command)

    @rule()
    def say_again_with_another_body(self) -> None:
        webhooks = [one for one in self.said if isinstance(one, RecordStripeEvent)]
        if not webhooks or webhooks[0].event_id not in self.state.stripe_events:
            return
        before = orjson.dumps(self.state.books)
        self.say(replace(webhooks[0], sha256="f" * 64, object={}))
        assert orjson.dumps(self.state.books) == before

    @invariant()
    def every_currency_sums_to_zero(self) -> None:
        """I1."""
        assert all(sum(book.values()) == 0 for book in self.state.books.values())

    @invariant()
    def nothing_floored_is_below_zero(self) -> None:
        """Only a receivable carries a debt."""
        for book in self.state.books.values():
            for account, balance in book.items():
                kind = kind_of(account)
                assert kind is not None
                assert not kind.floored or balance <= 0
        assert all(cents > 0 for cents in self.state.holds.values())

    @invariant()
    def a_closed_account_keeps_nothing(self) -> None:
        """POUT-043."""
        for did in self.state.losses.closed:
            assert all(book.get(f"user:{did}:available", 0) == 0 for book in self.state.books.values())

    @invariant()
    def nobody_is_frozen_short_while_money_is_available(self) -> None:
        """LED-021: a freeze takes what it can, and no more than was disputed."""
        for did, names in self.state.losses.freezing.items():
            for name in names:
                dispute = self.state.losses.disputes[name]
                hold = (f"user:{did}:held", f"loss-event:{name}:ledger_hold", dispute.currency)
                held_cents = self.state.holds.get(hold, 0)
                available = self.state.books[dispute.currency].get(f"user:{did}:available", 0)
                assert held_cents <= dispute.amount_cents
                assert held_cents == dispute.amount_cents or available == 0

    @invariant()
    def holds_are_what_is_held(self) -> None:
        held: dict[tuple[str, str], int] = {}
        for (account, _, currency), cents in self.state.holds.items():
            held[account, currency] = held.get((account, currency), 0) + cents
        for currency, book in self.state.books.items():
            for account, balance in book.items():
                if account.endswith(":held"):
                    assert -balance == held.get((account, currency), 0)

    def teardown(self) -> None:
        """Fold the log again from its JSON; nothing but the log is needed, and each effect stands in it once."""
        state: LedgerState = self.machine.initial()
        effects: list[str] = []
        for recorded in self.log:
            _, event = stored(recorded.event)
            again = Recorded(seq=recorded.seq, at=NOW, cause="", event=event, hash=b"")
            self.machine.evolve(state, again)
            assert self.machine.owes(state, again) == self.machine.owes(self.state, recorded)
            if isinstance(event, StripeEventRecorded | TransactionPosted) and event.posting is not None:
                effects.append(event.posting.effect_key)
        assert state == self.state
        assert len(effects) == len(set(effects))


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
