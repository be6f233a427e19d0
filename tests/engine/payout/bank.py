"""Ledger and payouts together in memory, and a Stripe that says what a test lets it say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cutline.engine.decision import Rejected
from cutline.engine.errors import NOT_YET
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.state import balances
from cutline.engine.messages import (
    AccountReported,
    CallStripe,
    OnboardAccount,
    PostSettlement,
    PostTransaction,
    Prize,
    RecordStripeEvent,
    StripeAnswered,
)
from cutline.engine.messages.bank import LockPayout, ReadPayout
from cutline.engine.payout.machine import PayoutMachine
from tests.engine.driver import File

NOW = datetime(2026, 4, 14, 9, 0, tzinfo=UTC)
DID = "did:a"
ACCOUNT = "acct_1"
READY = {"id": ACCOUNT, "capabilities": {"transfers": "active"}, "payouts_enabled": True}


def lock(payout_id: str = "p1", cents: int = 1200, **other: Any) -> LockPayout:
    """Ask for a payout."""
    fields: dict[str, Any] = {
        "payout_id": payout_id,
        "account_did": DID,
        "amount_cents": cents,
        "currency": "usd",
        "principal": DID,
        "idempotency_key": f"key-{payout_id}",
    }
    return LockPayout(**(fields | other))


class Bank:
    """Delivers what one file owes the other until nothing is left; Stripe is called by hand."""

    def __init__(self) -> None:
        self.files = {
            "ledger": File(LedgerMachine()),
            "payouts": File(PayoutMachine(onboarding_url="https://example.test")),
        }
        self.ledger, self.payouts = self.files["ledger"], self.files["payouts"]
        self.now = NOW
        self.events = 0
        self._told = dict.fromkeys(self.files, 0)

    def send(self, to: str, message: Any) -> None:
        """Send a message that is accepted, and everything that comes of it."""
        self.files[to].send(message, self.now)
        self.settle()

    def settle(self) -> None:
        """Deliver what is owed; what is refused as too early stays owed and is tried again."""
        while True:
            waiting = [(name, owed) for name in self.files for owed in self.files[name].owed[self._told[name] :]]
            if not waiting:
                return
            for name, owed in waiting:
                self._told[name] += 1
                if owed.to in self.files:
                    self._deliver(owed.to, owed.message)

    def _deliver(self, to: str, message: Any) -> None:
        decision = self.files[to].decide(message, self.now)
        if isinstance(decision, Rejected):
            assert decision.code in NOT_YET, decision
            return
        self.files[to].send(message, self.now)

    def credit(self, cents: int, *, at_stripe: bool = False, did: str = DID) -> None:
        """Give the holder money, and their connected account as much of it if it is there already."""
        self.events += 1
        key = f"credit-{self.events}"
        account = f"stripe:connected:{did}" if at_stripe else "stripe:platform"
        self.send(
            "ledger",
            PostTransaction(
                idempotency_key=key,
                effect_key=key,
                kind="test",
                currency="usd",
                legs=((account, cents), (f"user:{did}:available", -cents)),
                occurred_at=self.now,
            ),
        )

    def win(self, contest_id: str = "c1") -> None:
        """Let the holder win 4000, and everybody hear of it."""
        self.post_settlement(contest_id)
        self.settle()

    def post_settlement(self, contest_id: str = "c1") -> None:
        """Post a settlement of which nobody has heard yet."""
        key = f"pot-{contest_id}"
        fees = PostTransaction(
            idempotency_key=key,
            effect_key=key,
            kind="test",
            currency="usd",
            legs=(("stripe:platform", 4000), (f"pot:{contest_id}", -4000)),
            occurred_at=self.now,
        )
        self.ledger.send(fees, self.now)
        settlement = PostSettlement(
            contest_id=contest_id,
            currency="usd",
            score_version=1,
            pot_cents=4000,
            rake_cents=0,
            prizes=(Prize(entry_id="e1", account_did=DID, amount_cents=4000),),
            result_sha256="0",
        )
        self.ledger.send(settlement, self.now)

    def onboard(self, account: Mapping[str, Any] = READY, did: str = DID) -> None:
        """Open the holder's account, as Stripe answers."""
        self.send("payouts", OnboardAccount(account_did=did))
        self.answer("create_account", account)

    def report(self, *, transfers: bool = True, payouts: bool = True) -> None:
        """Say what the account can do."""
        self.events += 1
        self.send(
            "payouts",
            AccountReported(
                stripe_account_id=ACCOUNT,
                transfers_active=transfers,
                payouts_enabled=payouts,
                event_id=f"evt_account_{self.events}",
            ),
        )

    def call(self, operation: str) -> CallStripe:
        """Return the last call of an operation."""
        return self.calls(operation)[-1]

    def calls(self, operation: str) -> list[CallStripe]:
        """Return every call of an operation."""
        return [one for one in self.payouts.effects if isinstance(one, CallStripe) and one.operation == operation]

    def answer(self, operation: str, obj: Mapping[str, Any]) -> None:
        """Let Stripe answer the last call of an operation with this object."""
        call = self.call(operation)
        self.send("payouts", _answered(call, succeeded=True, object=obj))

    def break_off(self, operation: str, kind: Any, moved: Any = "no", code: str = "some_code") -> None:
        """Let Stripe refuse the last call of an operation, or the line be lost."""
        call = self.call(operation)
        self.send("payouts", _answered(call, succeeded=False, kind=kind, code=code, message="no", money_moved=moved))

    def webhook(self, kind: str, *, payout_id: str = "p1", number: int = 1, **other: Any) -> None:
        """Let Stripe report a payout; each report is an event of its own."""
        self.events += 1
        obj = {"id": f"po_{number}", "metadata": {"payout_id": payout_id}, **other}
        event_id = f"evt_{self.events}"
        self.send(
            "ledger",
            RecordStripeEvent(
                event_id=event_id,
                type=kind,
                api_version=None,
                livemode=False,
                created=int(self.now.timestamp()),
                account=ACCOUNT,
                object=obj,
                sha256=f"{self.events:064x}",
                body=b"{}",
            ),
        )

    def redeliver(self) -> None:
        """Send everything again that was ever owed, as a restart may."""
        self._told = dict.fromkeys(self.files, 0)
        self.settle()

    def payout(self, payout_id: str = "p1") -> dict[str, Any]:
        """Return how a payout stands."""
        self.payouts.send(ReadPayout(payout_id=payout_id), self.now)
        return dict(self.payouts.reply)

    def funds(self, did: str = DID) -> tuple[int, int]:
        """Return what the holder has: available and held."""
        return balances(self.ledger.state, did, "usd")

    def balance(self, account: str) -> int:
        """Return an account's balance, debit positive."""
        return int(self.ledger.state.books["usd"].get(account, 0))

    def postings(self, kind: str) -> int:
        """Count the transactions of a kind."""
        events = (recorded.event for recorded in self.ledger.log)
        return sum(1 for event in events if getattr(getattr(event, "posting", None), "kind", None) == kind)

    def assert_replays(self) -> None:
        """Both logs fold to the state that lives."""
        for file in self.files.values():
            file.assert_replays()


def _answered(call: CallStripe, **outcome: Any) -> StripeAnswered:
    return StripeAnswered(subject=call.subject, attempt=call.attempt, operation=call.operation, **outcome)


def made(number: int = 1, payout_id: str = "p1", status: str = "pending", **other: Any) -> dict[str, Any]:
    """Return a payout as Stripe answers it."""
    arrives_at = int(NOW.timestamp()) + 2 * 86_400
    metadata = {"payout_id": payout_id}
    return {"id": f"po_{number}", "status": status, "arrival_date": arrives_at, "metadata": metadata} | other
