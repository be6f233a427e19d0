"""The table of money, row by row: what arrives (Stripe's word or an actor's) posts what the row says, once."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.decision import Accepted
from cutline.engine.ledger import postings
from cutline.engine.ledger.events import Posting, StripeEventRecorded, TransactionPosted
from cutline.engine.messages import (
    BalanceTransactionsListed,
    CloseAccount,
    CompleteTransfer,
    FailTransfer,
    IngestSettlement,
    LockTransfer,
    WriteOffDebt,
)
from tests.engine.ledger.books import Books, fee, paid, stripe_event
from tests.engine.ledger.setbacks import (
    HOLDER,
    REFUNDED,
    SETTLE,
    WON,
    dispute,
    play,
    refund,
    reversal,
    transfer,
    win,
)

A, H = f"user:{HOLDER}:available", f"user:{HOLDER}:held"
PLATFORM = "stripe:platform"
KEY = "payout:transfer:c1:e1"
HOLD = "loss-event:dp_1:ledger_hold"
WRITE_OFF = WriteOffDebt(loss_event_id="dp_1", actor="admin:ada", reason="gone")
LISTED = {"id": "txn_1", "amount": 2500, "fee": 30, "currency": "usd", "type": "charge", "created": 0}

Arrange = Callable[[Books], None]
Row = tuple[str, Arrange, Any, str, Mapping[str, int]]


def nothing(_books: Books) -> None:
    """Start with empty books."""


def first_paid(books: Books) -> None:
    books.accept(paid(latest_charge="ch_e1"))


def refused(books: Books) -> None:
    first_paid(books)
    books.accept(fee("refused"))


def refunded(books: Books) -> None:
    refused(books)
    books.accept(REFUNDED)


def returned_though_refunded(books: Books) -> None:
    owing_a_refund(books)
    books.accept(fee("returned"))


def suspended(books: Books) -> None:
    books.accept(paid(metadata={}))


def locked(books: Books) -> None:
    win(books)
    books.accept(LockTransfer(**WON))


def disputed(books: Books) -> None:
    win(books)
    books.accept(dispute("funds_withdrawn"))


def disputed_without_money(books: Books) -> None:
    play(books)
    books.accept(dispute("funds_withdrawn"))


def lost(books: Books) -> None:
    disputed(books)
    books.accept(dispute("lost"))


def lost_without_money(books: Books) -> None:
    disputed_without_money(books)
    books.accept(dispute("lost"))


def owing_a_refund(books: Books) -> None:
    play(books)
    books.accept(refund("succeeded", "evt_re"))


UNMADE = replace(REFUNDED, succeeded=False, stripe_refund_id=None, reason="charge_already_refunded")
DIRECT = stripe_event(
    "payment_intent.succeeded",
    {"id": "pi_x", "amount": 1234, "currency": "usd", "metadata": {"user_id": HOLDER}},
    "evt_x",
)
INGEST = IngestSettlement(
    idempotency_key="k", provider_reference="till-7", account_did=HOLDER, amount_cents=5, currency="usd",
    day_cap_cents=9,
)  # fmt: skip
COMPLETE = CompleteTransfer(**WON, stripe_transfer_id="tr_1", stripe_account_id="acct_1")
TOP_UP = LISTED | {"id": "txn_2", "type": "topup", "fee": 0}

ROWS: list[Row] = [
    ("payment", nothing, DIRECT, "pi:pi_x:succeeded", {PLATFORM: 1234, A: -1234}),
    (
        "entry_payment", nothing, paid(), "pi:pi_e1:succeeded", {PLATFORM: 2500, A: 0, "escrow:c1": -2500},
    ),
    (
        "suspended_payment", nothing, paid(amount_received=2400), "pi:pi_e1:succeeded",
        {PLATFORM: 2400, "suspense": -2400},
    ),
    (
        "stripe_fee", first_paid, BalanceTransactionsListed(items=(LISTED,)), "btxn:txn_1:fee",
        {"expense:stripe_fees": 30, PLATFORM: -30},
    ),
    ("entry_activated", first_paid, fee("activated"), "entry:c1:e1:activated", {"escrow:c1": 2500, "pot:c1": -2500}),
    ("entry_refused", first_paid, fee("refused"), "entry:c1:e1:refused", {"escrow:c1": 2500, "refunds:c1": -2500}),
    ("entry_returned", play, fee("returned"), "entry:c1:e1:returned", {"pot:c1": 2500, "refunds:c1": -2500}),
    ("refund_succeeded", refused, REFUNDED, "refund:re_1:succeeded", {"refunds:c1": 2500, PLATFORM: -2500}),
    (
        "refund_succeeded", suspended, refund("succeeded", "evt_re"), "refund:re_1:succeeded",
        {"suspense": 2500, PLATFORM: -2500},
    ),
    ("refund_refused", refused, UNMADE, "refund:pi_e1:refused", {"refunds:c1": 2500, A: -2500}),
    (
        "refund_refused", returned_though_refunded, UNMADE, "refund:pi_e1:refused",
        {"refunds:c1": 2500, f"receivable:{HOLDER}": -2500},
    ),
    ("refund_failed", refunded, refund("failed", "evt_rf"), "refund:re_1:failed", {PLATFORM: 2500, A: -2500}),
    (
        "refund_failed", refunded, replace(REFUNDED, succeeded=False), "refund:re_1:failed",
        {PLATFORM: 2500, A: -2500},
    ),
    (
        "refund_outside", play, refund("succeeded", "evt_re"), "refund:re_1:succeeded",
        {f"receivable:{HOLDER}": 2500, PLATFORM: -2500},
    ),
    ("settlement", play, SETTLE, "settlement:c1", {"pot:c1": 5000, A: -4000, "income:rake": -1000}),
    ("transfer_locked", win, LockTransfer(**WON), KEY, {A: 4000, H: -4000}),
    (
        "transfer_completed", locked, COMPLETE, f"{KEY}:completed",
        {f"stripe:connected:{HOLDER}": 4000, PLATFORM: -4000, H: 4000, A: -4000},
    ),
    ("transfer_failed", locked, FailTransfer(**WON, reason="closed"), f"{KEY}:failed", {H: 4000, A: -4000}),
    (
        "transfer_reversed", transfer, reversal(("trr_1", 1500)), "reversal:trr_1",
        {PLATFORM: 1500, f"stripe:connected:{HOLDER}": -1500},
    ),
    (
        "dispute_created", play, dispute("funds_withdrawn"), "dispute:dp_1:withdrawn",
        {"disputes:dp_1": 2500, "expense:dispute_fees": 1500, PLATFORM: -4000},
    ),
    ("loss_hold", win, dispute("funds_withdrawn"), HOLD, {A: 2500, H: -2500}),
    ("loss_hold", disputed_without_money, SETTLE, HOLD, {A: 2500, H: -2500}),
    ("dispute_won", disputed, dispute("won"), "dispute:dp_1:won", {PLATFORM: 2500, "disputes:dp_1": -2500}),
    ("loss_hold_resolved", disputed, dispute("won"), f"{HOLD}:resolve", {H: 2500, A: -2500}),
    (
        "dispute_lost", disputed, dispute("lost"), "dispute:dp_1:lost",
        {f"receivable:{HOLDER}": 2500, "disputes:dp_1": -2500},
    ),
    ("written_off", lost, WRITE_OFF, "loss-event:dp_1:written_off", {H: 2500, f"receivable:{HOLDER}": -2500}),
    (
        "written_off", lost_without_money, WRITE_OFF, "loss-event:dp_1:written_off",
        {"expense:bad_debt": 2500, f"receivable:{HOLDER}": -2500},
    ),
    (
        "written_off", owing_a_refund, replace(WRITE_OFF, loss_event_id="re_1"), "loss-event:re_1:written_off",
        {"expense:bad_debt": 2500, f"receivable:{HOLDER}": -2500},
    ),
    (
        "account_closed", win, CloseAccount(account_did=HOLDER, actor="admin:ada", reason="deleted"),
        f"account:{HOLDER}:closed", {A: 4000, "suspense": -4000},
    ),
    ("outside_ingest", nothing, INGEST, "ingest:till-7", {"clearing:provider": 5, A: -5}),
    (
        "top_up", nothing, BalanceTransactionsListed(items=(TOP_UP,)), "btxn:txn_2",
        {PLATFORM: 2500, "equity:capital": -2500},
    ),
]  # fmt: skip

ELSEWHERE = {
    "payout_locked",
    "payout_paid",
    "payout_failed",
    "payout_failed_after_paid",
    "payout_transferred",
    "netting",
}
"""Kinds that payouts to the bank and netting ask for; their own tests walk them."""


def posted(decision: Accepted) -> dict[str, Posting]:
    """Return what a decision posts, by its effect."""
    events = [event for event in decision.events if isinstance(event, StripeEventRecorded | TransactionPosted)]
    return {event.posting.effect_key: event.posting for event in events if event.posting is not None}


@pytest.mark.parametrize(("kind", "arrange", "command", "effect", "moved"), ROWS, ids=[row[0] for row in ROWS])
def test_what_arrives_posts_what_the_row_says_and_once(
    kind: str, arrange: Arrange, command: Any, effect: str, moved: Mapping[str, int]
) -> None:
    """LED-005, LED-006, LED-008, LED-021, POUT-043, DISP-002 to DISP-004."""
    books = Books()
    arrange(books)
    posting = posted(books.accept(command))[effect]
    totals: dict[str, int] = {}
    for account, cents, _ in posting.legs:
        totals[account] = totals.get(account, 0) + cents
    assert (posting.kind, totals) == (kind, moved)
    before = books.machine.decide(books.state, command, books.now)
    assert isinstance(before, Accepted)
    assert not before.events, "said again, it changes nothing"


def test_the_walk_knows_every_kind_of_posting() -> None:
    """No row of the table is left out: the names are read from the functions that draft them."""
    drafting = {"_draft", "_hold", "_release"}
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(postings))) if isinstance(node, ast.Call)]
    kinds = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in drafting and isinstance(call.args[0], ast.Constant)
    } | {"settlement"}
    assert {row[0] for row in ROWS} | ELSEWHERE == kinds
