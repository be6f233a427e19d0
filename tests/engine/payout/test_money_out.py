"""Ledger and payouts against a moody Stripe: a rule-based search for an order of events that loses or doubles money.

Calls succeed, are refused in every class, or lose their answer before or after their effect; webhooks come late, twice,
in any order or never; either file is folded again at any moment. Every winner is paid once or visibly owed.
`make search` looks for longer.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cutline.engine.decision import Rejected
from cutline.engine.errors import NOT_YET, RejectCode
from cutline.engine.ledger.machine import LedgerMachine
from cutline.engine.ledger.state import balances
from cutline.engine.messages import (
    CallStripe,
    CloseAccount,
    Look,
    OnboardAccount,
    PostSettlement,
    PostTransaction,
    Prize,
    RecordStripeEvent,
    StripeAnswered,
    WinningsPaid,
    WinningsUnpayable,
)
from cutline.engine.messages.bank import LockPayout
from cutline.engine.payout.bank_lifecycle import TRANSITIONAL, PayoutStatus
from cutline.engine.payout.lifecycle import TransferStatus
from cutline.engine.payout.machine import PayoutMachine
from cutline.gateways.stripe_errors import MEANINGS, UNKNOWN_CODE
from tests.engine.driver import File
from tests.engine.payout.moody_stripe import MoodyStripe, Refusal

START = datetime(2026, 4, 13, tzinfo=UTC)
PEOPLE = ("did:a", "did:b", "did:c")
MOODS = (
    "fine", "fine", "fine", "lost_before", "lost_after", "broken_before", "broken_after", "rate_limit",
    "idempotency_key_in_use", "authentication_failed", "never_heard_of",
)  # fmt: skip
WHO = st.sampled_from(PEOPLE)
CENTS = st.integers(1, 5000)
PICK = st.integers(0, 10_000)


class MoneyOut(RuleBasedStateMachine):
    """What the world may do, one step at a time."""

    @initialize()
    def begin(self) -> None:
        self.now = START
        self.stripe = MoodyStripe()
        self.files = {"ledger": File(LedgerMachine()), "payouts": File(PayoutMachine(onboarding_url="https://x.test"))}
        for file in self.files.values():
            file.pure = False
        self.told = dict.fromkeys(self.files, 0)
        self.mail: list[tuple[str, Any]] = []
        self.calls: list[CallStripe] = []
        self.prizes: dict[tuple[str, str], tuple[str, int]] = {}
        self.credited: Counter[str] = Counter()
        self.told_winners: dict[tuple[str, str], set[str]] = {}
        self.asked: list[LockPayout] = []
        self.closed: set[str] = set()
        self.number = 0

    # What people and banks do --------------------------------------------------------------------------------------

    @rule(cents=st.lists(st.tuples(WHO, CENTS), min_size=1, max_size=4))
    def a_contest_settles(self, cents: list[tuple[str, int]]) -> None:
        contest_id = f"c{self._next()}"
        prizes = tuple(
            Prize(entry_id=f"e{place}", account_did=did, amount_cents=won) for place, (did, won) in enumerate(cents)
        )
        pot_cents = sum(won for _, won in cents)
        self._pay_in(f"pot:{contest_id}", pot_cents)
        settlement = PostSettlement(
            contest_id=contest_id,
            currency="usd",
            score_version=1,
            pot_cents=pot_cents,
            rake_cents=0,
            prizes=prizes,
            result_sha256="0",
        )
        self._send("ledger", settlement)
        for prize in prizes:
            self.prizes[contest_id, prize.entry_id] = (prize.account_did, prize.amount_cents)
            self.credited[prize.account_did] += prize.amount_cents

    @rule(did=WHO, cents=CENTS)
    def a_holder_pays_in(self, did: str, cents: int) -> None:
        self._pay_in(f"user:{did}:available", cents)
        self.credited[did] += cents

    @rule(did=WHO)
    def a_holder_onboards(self, did: str) -> None:
        self._send("payouts", OnboardAccount(account_did=did))

    @rule(did=WHO, transfers=st.booleans(), payouts=st.booleans(), closed=st.booleans(), copies=st.integers(0, 2))
    def an_account_changes(self, did: str, transfers: bool, payouts: bool, closed: bool, copies: int) -> None:
        holder = self.stripe.holders.get(did)
        if holder is not None:
            holder.transfers_active, holder.payouts_enabled, holder.closed = transfers, payouts, closed
            self._webhook("account.updated", holder.wire(), holder.id, copies)

    @precondition(lambda self: len(self.closed) < 2)
    @rule(did=WHO)
    def a_holder_goes(self, did: str) -> None:
        if self.credited[did]:
            self.closed.add(did)
            self._send("ledger", CloseAccount(account_did=did, actor="admin:ada", reason="deleted"))

    @rule(did=WHO, share=st.floats(0.01, 1.2), same_key=st.booleans())
    def a_payout_is_asked_for(self, did: str, share: float, same_key: bool) -> None:
        if same_key and self.asked:
            asked = self.asked[-1]
        else:
            available_cents, _ = balances(self.files["ledger"].state, did, "usd")
            number = self._next()
            asked = LockPayout(
                payout_id=f"p{number}",
                account_did=did,
                amount_cents=max(1, int(available_cents * share)),
                currency="usd",
                principal=did,
                idempotency_key=f"k{number}",
            )
        decision = self.files["ledger"].decide(asked, self.now)
        if isinstance(decision, Rejected):
            assert decision.code is RejectCode.INSUFFICIENT_FUNDS
            return
        self._send("ledger", asked)
        self.asked.append(asked)

    @precondition(lambda self: self.stripe.payouts)
    @rule(pick=PICK, fails=st.booleans(), copies=st.integers(0, 3))
    def a_bank_decides(self, pick: int, fails: bool, copies: int) -> None:
        payout = list(self.stripe.payouts.values())[pick % len(self.stripe.payouts)]
        if payout["status"] == "in_transit" or (payout["status"] == "paid" and fails):
            # A payout that came back after it was paid is not asked after: its webhook comes in the end.
            copies = max(copies, 1) if payout["status"] == "paid" else copies
            self._bank(payout["id"], "failed" if fails else "paid", copies)

    @rule(cents=CENTS, back=st.booleans())
    def money_is_not_available_for_a_while(self, cents: int, back: bool) -> None:
        cents = min(cents, self.stripe.pending_cents if back else self.stripe.available_cents)
        self.stripe.available_cents += cents if back else -cents
        self.stripe.pending_cents -= cents if back else -cents

    # What the line and the box do ----------------------------------------------------------------------------------

    @precondition(lambda self: self.mail)
    @rule(pick=PICK, again=st.booleans())
    def mail_arrives(self, pick: int, again: bool) -> None:
        to, message = self.mail.pop(pick % len(self.mail))
        if again:
            self.mail.append((to, message))
        self._deliver(to, message)

    @precondition(lambda self: self.calls)
    @rule(pick=PICK, mood=st.sampled_from(MOODS))
    def a_call_is_made(self, pick: int, mood: str) -> None:
        self._perform(self.calls.pop(pick % len(self.calls)), mood)

    @rule(minutes=st.sampled_from([0, 1, 5, 60, 600, 1500, 6000]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self._send("payouts", Look())

    @rule(name=st.sampled_from(["ledger", "payouts"]))
    def a_file_is_folded_again(self, name: str) -> None:
        """What was under way is lost; the log says what is owed and what was being asked."""
        folded = self.files[name].replayed()
        assert folded.state == self.files[name].state
        folded.pure = False
        self.files[name] = folded
        self.mail += [(owed.to, owed.message) for owed in folded.owed]
        self.told[name] = len(folded.owed)
        if name == "payouts":
            self.calls = list(folded.machine.resume(folded.state, self.now))

    # What must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def money_is_conserved(self) -> None:
        """held + available + paid out = credited, for every holder; and no account of theirs is below zero.

        What a holder who is gone had available lies in suspense.
        """
        books = self.files["ledger"].state.books.get("usd", {})
        assert sum(books.values()) == 0
        paid_out, suspended_cents = self._paid_out(), 0
        for did in PEOPLE:
            available_cents, held_cents = balances(self.files["ledger"].state, did, "usd")
            assert min(available_cents, held_cents) >= 0
            gone_cents = self.credited[did] - available_cents - held_cents - paid_out[did]
            assert gone_cents == 0 if did not in self.closed else gone_cents >= available_cents == 0
            suspended_cents += gone_cents
        assert -books.get("suspense", 0) == suspended_cents

    @invariant()
    def nothing_is_made_twice_at_stripe(self) -> None:
        transfers = Counter(
            tuple(sorted(one["metadata"].get(name, "") for name in ("contest_id", "entry_id", "payout_id")))
            for one in self.stripe.transfers
        )
        payouts = Counter(one["metadata"]["payout_id"] for one in self.stripe.payouts.values())
        assert all(count == 1 for count in (*transfers.values(), *payouts.values()))

    @invariant()
    def what_stripe_moved_was_held_before(self) -> None:
        """Every transfer and payout at Stripe has its lock in the books (POUT-011)."""
        effects = self.files["ledger"].state.effects
        for one in self.stripe.transfers:
            names = one["metadata"]
            key = f"payout:{names['payout_id']}:lock" if "payout_id" in names else None
            assert (key or f"payout:transfer:{names['contest_id']}:{names['entry_id']}") in effects
        for one in self.stripe.payouts.values():
            assert f"payout:{one['metadata']['payout_id']}:lock" in effects

    def teardown(self) -> None:
        """Calm weather: every fault ends, and what is owed must come to its end by itself."""
        if hasattr(self, "files"):
            self._calm_down()
            self._check_ends()

    def _calm_down(self) -> None:
        for did in PEOPLE:
            self._send("payouts", OnboardAccount(account_did=did))
        for _ in range(500):
            self._good_news()
            for _ in range(2000):
                if not self.mail and not self.calls:
                    break
                if self.mail:
                    self._deliver(*self.mail.pop(0))
                if self.calls:
                    self._perform(self.calls.pop(0), "fine")
            assert not self.mail, f"nobody takes {self.mail[0]}"
            payouts = self.files["payouts"]
            due = payouts.machine.due_at(payouts.state)
            if due is None and all(one["status"] != "in_transit" for one in self.stripe.payouts.values()):
                return
            self.now = max(self.now, due or self.now)
            self._send("payouts", Look())
        raise AssertionError("what is owed never ends")

    def _good_news(self) -> None:
        self.stripe.available_cents, self.stripe.pending_cents = self.stripe.cash_cents, 0
        for holder in self.stripe.holders.values():
            holder.closed = False
            if not (holder.transfers_active and holder.payouts_enabled):
                holder.transfers_active = holder.payouts_enabled = True
                self._webhook("account.updated", holder.wire(), holder.id, 1)
        for payout in list(self.stripe.payouts.values()):
            if payout["status"] == "in_transit":
                self._bank(payout["id"], "paid", 1)

    def _check_ends(self) -> None:
        ledger, payouts = self.files["ledger"].state, self.files["payouts"].state
        made = Counter(
            (one["metadata"]["contest_id"], one["metadata"]["entry_id"], one["amount"])
            for one in self.stripe.transfers
            if "contest_id" in one["metadata"]
        )
        for (contest_id, entry_id), (_, cents) in self.prizes.items():
            transfer = payouts.transfers[f"payout:transfer:{contest_id}:{entry_id}"]
            assert transfer.status in (TransferStatus.COMPLETED, TransferStatus.FAILED_TERMINAL)
            paid = transfer.status is TransferStatus.COMPLETED
            assert made.pop((contest_id, entry_id, cents), 0) == int(paid)
            assert self.told_winners[contest_id, entry_id] == {"paid" if paid else "unpayable"}
        assert not made, "a transfer for nobody's prize"
        assert all(one.status not in TRANSITIONAL for one in payouts.bank.payouts.values())
        banked = Counter(
            one["metadata"]["account_did"]
            for one in self.stripe.payouts.values()
            if one["status"] == "paid"
            for _ in range(one["amount"])
        )
        assert +banked == +self._paid_out(), "what the banks have is what the books call paid"
        books = ledger.books.get("usd", {})
        assert books.get("stripe:platform", 0) == self.stripe.cash_cents
        for did, holder in self.stripe.holders.items():
            assert books.get(f"stripe:connected:{did}", 0) == holder.balance_cents
        held = sum(balances(ledger, did, "usd")[1] for did in PEOPLE)
        assert held == 0, "nothing stays held when everything has ended"
        ids = {asked.payout_id for asked in self.asked}
        assert set(payouts.bank.payouts) == ids
        paid_ids = {key for key, one in payouts.bank.payouts.items() if one.status is PayoutStatus.PAID}
        assert paid_ids == {
            one["metadata"]["payout_id"] for one in self.stripe.payouts.values() if one["status"] == "paid"
        }

    # Plumbing ------------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _pay_in(self, account: str, cents: int) -> None:
        key = f"in:{self._next()}"
        self.stripe.available_cents += cents
        paid_in = PostTransaction(
            idempotency_key=key,
            effect_key=key,
            kind="test",
            currency="usd",
            legs=(("stripe:platform", cents), (account, -cents)),
            occurred_at=self.now,
        )
        self._send("ledger", paid_in)

    def _bank(self, payout_id: str, status: str, copies: int) -> None:
        ended = self.stripe.end(payout_id, status)
        self._webhook(f"payout.{status}", ended, ended["account"], copies)

    def _webhook(self, kind: str, obj: dict[str, Any], account: str, copies: int) -> None:
        number = self._next()
        event = RecordStripeEvent(
            event_id=f"evt_{number}",
            type=kind,
            api_version=None,
            livemode=False,
            created=int(self.now.timestamp()),
            account=account,
            object=obj,
            sha256=f"{number:064x}",
            body=b"{}",
        )
        self.mail += [("ledger", event)] * copies

    def _deliver(self, to: str, message: Any) -> None:
        if to.startswith("contest/"):
            assert isinstance(message, WinningsPaid | WinningsUnpayable)
            said = "paid" if isinstance(message, WinningsPaid) else "unpayable"
            self.told_winners.setdefault((message.contest_id, message.entry_id), set()).add(said)
            return
        decision = self.files[to].decide(message, self.now)
        if isinstance(decision, Rejected):
            assert decision.code in NOT_YET, decision
            self.mail.append((to, message))
            return
        self._send(to, message)

    def _send(self, to: str, message: Any) -> None:
        file = self.files[to]
        file.effects.clear()
        file.send(message, self.now)
        self.calls += [effect for effect in file.effects if isinstance(effect, CallStripe)]
        self.mail += [(owed.to, owed.message) for owed in file.owed[self.told[to] :]]
        self.told[to] = len(file.owed)

    def _perform(self, call: CallStripe, mood: str) -> None:
        made: dict[str, Any] | None = None
        code: str | None = None
        try:
            if mood in ("fine", "lost_after", "broken_after"):
                made = self.stripe.perform(call, self.now, break_after=mood == "broken_after")
                code = "connection_lost" if mood == "lost_after" else None
            elif mood == "broken_before":
                code = self.stripe.break_before(call, self.now).code
            else:
                code = "connection_lost" if mood == "lost_before" else mood
        except Refusal as refusal:
            code = "connection_lost" if mood == "lost_after" else refusal.code
        meaning = None if code is None else MEANINGS.get(code, UNKNOWN_CODE)
        is_read = call.idempotency_key is None
        answer = StripeAnswered(
            subject=call.subject,
            attempt=call.attempt,
            operation=call.operation,
            succeeded=meaning is None,
            object=made if meaning is None else None,
            kind=None if meaning is None else meaning.kind,
            code=code,
            message=code,
            money_moved=None if meaning is None else "no" if is_read else meaning.money_moved,
        )
        self._send("payouts", answer)

    def _paid_out(self) -> Counter[str]:
        """Return what the books call paid to each holder's bank."""
        paid: Counter[str] = Counter()
        for payout in self.files["ledger"].state.payouts.payouts.values():
            if payout.outcome == "paid":
                paid[payout.plan.account_did] += payout.plan.amount_cents
        return paid


PATIENT = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


class MoneyOutAtLength(MoneyOut):
    """The same world, looked at for longer."""


TestMoneyOut = MoneyOut.TestCase
TestMoneyOut.settings = settings(PATIENT, max_examples=30, stateful_step_count=60)
TestMoneyOutAtLength = pytest.mark.slow(MoneyOutAtLength.TestCase)
TestMoneyOutAtLength.settings = settings(
    PATIENT, max_examples=int(os.environ.get("CUTLINE_SEARCH", "250")), stateful_step_count=100
)
