"""What the ledger posts, answers and refuses, message by message."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.ledger.events import DeadLettered, TransactionPosted
from cutline.engine.ledger.requests import content_of
from cutline.engine.ledger.state import balances, joined
from cutline.engine.messages import (
    BalanceTransactionsListed,
    CompleteTransfer,
    FailTransfer,
    ListBalanceTransactions,
    ListUndelivered,
    LockTransfer,
    Look,
    MoveEntryFee,
    PostSettlement,
    PostTransaction,
    Prize,
    ReadAccount,
    ReadPlatformBalance,
    ReadTrialBalance,
    RecordAnchor,
)
from tests.engine.ledger.books import NOW, Books, fee, paid

SETTLE = PostSettlement(
    contest_id="c1",
    currency="usd",
    score_version=1,
    pot_cents=5000,
    rake_cents=500,
    prizes=(
        Prize(entry_id="e1", account_did="did:e1", amount_cents=4000),
        Prize(entry_id="e2", account_did="did:e2", amount_cents=500),
    ),
    result_sha256="f" * 64,
)
MONEY: dict[str, Any] = {
    "contest_id": "c1",
    "entry_id": "e1",
    "account_did": "did:e1",
    "amount_cents": 4000,
    "currency": "usd",
}
COMPLETE = CompleteTransfer(**MONEY, stripe_transfer_id="tr_1", stripe_account_id="acct_1")
FAIL = FailTransfer(**MONEY, reason="account_closed")


@pytest.fixture
def books() -> Books:
    return Books()


def settled(books: Books) -> None:
    for entry in ("e1", "e2"):
        books.accept(paid(entry))
        books.accept(fee("activated", entry))
    books.accept(SETTLE)


def test_a_lock_of_1200_from_5000_shows_3800_available_and_1200_held(books: Books) -> None:
    """POUT-015: and a hold is released only by its own source (LED-021)."""
    books.accept(
        PostTransaction(
            idempotency_key="k1",
            effect_key="in",
            kind="outside_ingest",
            currency="usd",
            legs=(("clearing:provider", 5000), ("user:did:u:available", -5000)),
            occurred_at=NOW,
        )
    )
    lock = PostTransaction(
        idempotency_key="k2",
        effect_key="payout:po_1:lock",
        kind="payout_locked",
        currency="usd",
        legs=(("user:did:u:available", 1200), ("user:did:u:held", -1200)),
        occurred_at=NOW,
        hold_source="payout:po_1",
    )
    books.accept(lock)
    reply = books.accept(ReadAccount(account_did="did:u")).reply
    assert reply["balances"] == {"usd": {"available": 3800, "held": 1200}}
    release = replace(
        lock,
        idempotency_key="k3",
        effect_key="payout:po_2:failed",
        hold_source="payout:po_2",
        legs=(("user:did:u:held", 1200), ("user:did:u:available", -1200)),
    )
    refusal = books.refuse(release)
    assert (refusal.code, refusal.details["source"]) == (RejectCode.INSUFFICIENT_FUNDS, "payout:po_2")
    books.accept(replace(release, hold_source="payout:po_1"))
    assert balances(books.state, "did:u", "usd") == (5000, 0)
    assert books.state.holds == {}


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"amount_received": 2400}, "AMOUNT_MISMATCH"),
        ({"currency": "eur"}, "AMOUNT_MISMATCH"),
        ({"metadata": {}}, "PAYMENT_INTENT_NOT_FOUND"),
        ({"metadata": None}, "PAYMENT_INTENT_NOT_FOUND"),
        ({"metadata": {"account_did": "not an id"}}, "PAYMENT_INTENT_NOT_FOUND"),
        ({"metadata": {"account_did": "did:a", "entry_id": "e1"}}, "PAYMENT_INTENT_NOT_FOUND"),
    ],
)
def test_a_payment_that_is_not_what_was_asked_for_lies_in_suspense(
    books: Books, change: dict[str, Any], failure: str
) -> None:
    """PAY-032."""
    decision = books.accept(paid(**change))
    assert decision.reply["outcome"] == "suspense"
    letter = decision.events[-1]
    assert isinstance(letter, DeadLettered)
    assert letter.failure_class == failure
    currency = change.get("currency", "usd")
    assert books.balance("suspense", currency) == -change.get("amount_received", 2500)
    assert "FeePaid" not in books.owed_types()


def test_fees_move_from_escrow_to_pot_and_back_out_as_refunds(books: Books) -> None:
    for entry in ("e1", "e2", "e3"):
        books.accept(paid(entry))
    books.accept(fee("activated", "e1"))
    books.accept(fee("refused", "e2"))
    books.accept(fee("activated", "e3"))
    books.accept(fee("returned", "e3"))
    assert (books.balance("pot:c1"), books.balance("refunds:c1"), books.balance("escrow:c1")) == (
        -2500,
        -5000,
        0,
    )
    refunds = [owed for owed in books.owed if owed.to == "payments" and "refund" in owed.key]
    assert [owed.key for owed in refunds] == ["entry:c1:e2:refused:refund", "entry:c1:e3:returned:refund"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (fee("activated", payment_intent="pi_other"), RejectCode.NOT_FOUND),
        (fee("activated", account_did="did:other"), RejectCode.NOT_FOUND),
        (fee("activated", amount_cents=1), RejectCode.AMOUNT_MISMATCH),
        (fee("activated", currency="eur"), RejectCode.AMOUNT_MISMATCH),
        (fee("returned"), RejectCode.MESSAGE_TOO_EARLY),
    ],
)
def test_a_fee_is_moved_only_as_it_was_paid(books: Books, command: MoveEntryFee, code: RejectCode) -> None:
    books.accept(paid())
    assert books.refuse(command).code is code


def test_a_request_again_is_answered_and_with_other_content_refused_by_field(books: Books) -> None:
    """LED-008."""
    books.accept(paid())
    books.accept(fee("activated"))
    assert books.accept(fee("activated")).reply["deduped"] is True
    refusal = books.refuse(fee("activated", amount_cents=2501))
    assert refusal.code is RejectCode.IDEMPOTENCY_KEY_REUSED
    assert refusal.details["field"] == "amount_cents"


def test_a_settlement_divides_the_pot_and_tells_the_payouts(books: Books) -> None:
    settled(books)
    assert books.balance("pot:c1") == 0
    assert books.balance("income:rake") == -500
    assert balances(books.state, "did:e1", "usd") == (4000, 0)
    assert books.owed[-1].key == "settlement:c1:pay"
    assert books.owed[-1].message.prizes == SETTLE.prizes
    assert books.accept(SETTLE).reply["deduped"] is True
    second = books.refuse(replace(SETTLE, score_version=2))
    assert (second.code, second.details["field"]) == (RejectCode.SETTLEMENT_ALREADY_POSTED, "score_version")
    books.accept(paid("e3"))
    assert books.refuse(fee("activated", "e3")).code is RejectCode.SETTLEMENT_ALREADY_POSTED


def test_a_settlement_waits_for_escrow_and_must_be_the_pot_to_the_cent(books: Books) -> None:
    books.accept(paid("e1"))
    books.accept(fee("activated", "e1"))
    books.accept(paid("e2"))
    assert books.refuse(SETTLE).code is RejectCode.SETTLEMENT_NOT_READY
    books.accept(fee("activated", "e2"))
    for wrong in (
        replace(SETTLE, rake_cents=501),
        replace(SETTLE, pot_cents=5001, rake_cents=501),
        replace(SETTLE, rake_cents=-500, prizes=(Prize(entry_id="e1", account_did="did:e1", amount_cents=5500),)),
    ):
        assert books.refuse(wrong).code is RejectCode.TRANSACTION_UNBALANCED
    twice = replace(SETTLE, rake_cents=1000, prizes=(replace(SETTLE.prizes[0], amount_cents=2000),) * 2)
    assert books.refuse(twice).code is RejectCode.REQUEST_INVALID
    books.accept(SETTLE)


def test_a_contest_without_a_pot_has_nothing_to_post(books: Books) -> None:
    empty = replace(SETTLE, pot_cents=0, rake_cents=0, prizes=())
    assert books.accept(empty).events == ()


def test_winnings_are_held_before_stripe_is_called_and_free_again_after(books: Books) -> None:
    """LED-004, LED-020."""
    assert books.refuse(LockTransfer(**MONEY)).code is RejectCode.SETTLEMENT_NOT_READY
    settled(books)
    assert books.refuse(COMPLETE).code is RejectCode.MESSAGE_TOO_EARLY
    books.accept(LockTransfer(**MONEY))
    assert balances(books.state, "did:e1", "usd") == (0, 4000)
    assert books.owed[-1].message.head == "01" * 32
    assert books.refuse(replace(COMPLETE, amount_cents=3999)).code is RejectCode.AMOUNT_MISMATCH
    books.accept(COMPLETE)
    assert balances(books.state, "did:e1", "usd") == (4000, 0)
    assert books.balance("stripe:connected:did:e1") == 4000
    assert books.owed_types()[-1] == "WinningsPaid"
    assert books.accept(COMPLETE).reply["deduped"] is True
    assert books.refuse(FAIL).code is RejectCode.INVALID_STATUS_TRANSITION


def test_a_transfer_that_failed_gives_the_hold_back_once(books: Books) -> None:
    settled(books)
    books.accept(LockTransfer(**MONEY))
    books.accept(FAIL)
    assert balances(books.state, "did:e1", "usd") == (4000, 0)
    assert books.owed_types()[-1] == "WinningsUnpayable"
    assert books.accept(FAIL).reply["deduped"] is True
    assert books.refuse(COMPLETE).code is RejectCode.INVALID_STATUS_TRANSITION


def test_more_than_is_available_cannot_be_locked(books: Books) -> None:
    settled(books)
    refusal = books.refuse(LockTransfer(**(MONEY | {"amount_cents": 4001})))
    assert (refusal.code, refusal.details["missing_cents"]) == (RejectCode.INSUFFICIENT_FUNDS, 1)


def transaction(**change: Any) -> PostTransaction:
    fields: dict[str, Any] = {
        "idempotency_key": "k1",
        "effect_key": "x1",
        "kind": "outside_ingest",
        "currency": "usd",
        "legs": (("clearing:provider", 5), ("user:did:u:available", -5)),
        "occurred_at": NOW,
    }
    return PostTransaction(**(fields | change))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            {"legs": (("clearing:provider", 5), ("user:did:u:available", -4))},
            RejectCode.TRANSACTION_UNBALANCED,
        ),
        ({"legs": (("clearing:provider", 5), ("nobody", -5))}, RejectCode.ACCOUNT_UNKNOWN),
        ({"legs": (("clearing:provider", -5), ("user:did:u:available", 5))}, RejectCode.INSUFFICIENT_FUNDS),
        ({"legs": (("clearing:provider", 5),)}, RejectCode.REQUEST_INVALID),
        ({"legs": (("clearing:provider", 0), ("suspense", 0))}, RejectCode.REQUEST_INVALID),
        ({"legs": (("clearing:provider", 5), ("user:did:u:held", -5))}, RejectCode.REQUEST_INVALID),
        ({"idempotency_key": "stripe:event:evt_1"}, RejectCode.REQUEST_INVALID),
        ({"currency": "USD"}, RejectCode.REQUEST_INVALID),
        ({"effect_key": ""}, RejectCode.REQUEST_INVALID),
        ({"occurred_at": NOW.replace(tzinfo=None)}, RejectCode.REQUEST_INVALID),
    ],
)
def test_a_transaction_that_does_not_hold_is_refused_by_name(
    books: Books, change: dict[str, Any], code: RejectCode
) -> None:
    assert books.refuse(transaction(**change)).code is code


def test_a_transaction_posts_once_by_key_and_once_by_effect(books: Books) -> None:
    books.accept(transaction())
    assert books.accept(transaction()).reply == {"deduped": True, "idempotency_key": "k1"}
    assert books.accept(transaction(idempotency_key="k2")).reply == {"deduped": True, "idempotency_key": "k1"}
    refusal = books.refuse(transaction(kind="other"))
    assert (refusal.code, refusal.details["field"]) == (RejectCode.IDEMPOTENCY_KEY_REUSED, "kind")


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("effect_key", "x2"),
        ("kind", "other"),
        ("currency", "eur"),
        ("legs", (("clearing:provider", 6), ("user:did:u:available", -6))),
        ("occurred_at", NOW + timedelta(milliseconds=1)),
        ("hold_source", "loss-event:1:ledger_hold"),
    ],
)
def test_a_transaction_again_under_its_key_differs_by_a_named_field(books: Books, field: str, other: Any) -> None:
    """LED-008: the posting alone says what was asked."""
    books.accept(transaction())
    refusal = books.refuse(transaction(**{field: other}))
    assert (refusal.code, refusal.details["field"]) == (RejectCode.IDEMPOTENCY_KEY_REUSED, field)
    assert books.accept(transaction()).reply == {"deduped": True, "idempotency_key": "k1"}


@pytest.mark.parametrize("hours", [timedelta(hours=2), timedelta(hours=5, minutes=30, seconds=15)])
def test_a_transaction_again_may_tell_its_time_in_another_zone(books: Books, hours: timedelta) -> None:
    """LED-008: a moment is a moment, live and read back from the log."""
    books.accept(transaction(occurred_at=NOW.astimezone(timezone(hours))))
    assert books.log[-1].event.posting.occurred_at == NOW
    for again in (NOW, NOW.astimezone(timezone(hours))):
        assert books.accept(transaction(occurred_at=again)).reply["deduped"] is True


def test_no_two_transactions_have_one_key_whoever_posts_them(books: Books) -> None:
    """LED-008, SCH-014: the file keeps effects and the other keys apart; what they have in common is refused here."""
    books.accept(transaction(idempotency_key="k1", effect_key="k1"))
    first = books.log[-1]
    other = replace(first.event, posting=replace(first.event.posting, effect_key="x2"))
    with pytest.raises(InvariantViolated, match="k1"):
        books.machine.evolve(books.state, replace(first, seq=first.seq + 1, event=other))


def test_an_anchor_is_kept_once_and_another_hash_is_refused(books: Books) -> None:
    anchor = RecordAnchor(address="contest/c1", seq=7, hash="ab", reason="lock")
    books.accept(anchor)
    assert books.accept(replace(anchor, reason="settled")).events == ()
    assert books.refuse(replace(anchor, hash="cd")).code is RejectCode.IDEMPOTENCY_KEY_REUSED


def test_balance_transactions_are_asked_for_hourly_and_booked_once(books: Books) -> None:
    assert books.machine.due_at(books.state) is None
    books.accept(paid())
    assert books.machine.due_at(books.state) == NOW + timedelta(hours=1)
    assert books.accept(Look()).events == ()
    books.now = NOW + timedelta(hours=1)
    assert books.accept(Look()).effects == (ListBalanceTransactions(after=None), ReadPlatformBalance())
    assert books.accept(Look()).events == ()
    assert books.machine.resume(books.state, books.now) == (ListUndelivered(), ListBalanceTransactions(after=None))
    items = (
        {"id": "txn_1", "type": "charge", "amount": 2500, "fee": 103, "currency": "usd", "created": 1},
        {"id": "txn_2", "type": "topup", "amount": 10000, "fee": 0, "currency": "usd", "created": 2},
        {"id": "txn_3", "type": "stripe_fee", "amount": -7, "fee": 0, "currency": "usd", "created": 3},
        {"id": "txn_4", "type": "adjustment", "amount": -2500, "fee": 1500, "currency": "usd", "created": 4},
        {"id": "txn_5", "type": "transfer", "amount": -10, "fee": 0, "currency": "usd", "created": 5},
        {"type": "charge"},
        {"id": "txn_6", "type": "charge", "amount": "2500", "currency": "usd"},
    )
    for _ in range(2):
        books.accept(BalanceTransactionsListed(items=items))
    assert books.balance("expense:stripe_fees") == 110
    assert books.balance("equity:capital") == -10000
    assert books.balance("stripe:platform") == 2500 - 110 + 10000
    assert books.state.balance_cursor == "txn_6"
    assert books.machine.resume(books.state, books.now) == (ListUndelivered(),)
    books.now += timedelta(hours=2)
    assert books.accept(Look()).effects == (ListBalanceTransactions(after="txn_6"), ReadPlatformBalance())


def test_reading_decides_nothing(books: Books) -> None:
    assert books.refuse(ReadAccount(account_did="did:none")).code is RejectCode.ACCOUNT_UNKNOWN
    books.accept(paid())
    reply = books.accept(ReadTrialBalance()).reply
    assert sum(reply["usd"].values()) == 0
    with pytest.raises(InvariantViolated):
        books.say("nonsense")


def test_a_posted_transaction_keeps_what_was_asked(books: Books) -> None:
    """LED-018."""
    books.accept(paid())
    books.accept(fee("activated"))
    posted = books.log[-1].event
    assert isinstance(posted, TransactionPosted)
    assert posted.content["payment_intent"] == "pi_e1"


def test_a_request_read_back_from_a_log_is_the_same_request() -> None:
    """LED-008: a log that is read again gives the fields of a request in another order."""
    content = content_of(SETTLE)
    assert joined(dict(sorted(content.items()))) == joined(content)


def test_two_payments_for_one_entry_that_are_both_refused_both_leave_the_escrow(books: Books) -> None:
    """A second refusal that was taken for the first one would keep the contest from being settled for ever (I4)."""
    books.accept(paid())
    books.accept(paid(event_id="evt_2", id="pi_again"))
    for _ in range(2):
        books.accept(fee("refused", reason="CONTEST_LOCKED"))
        books.accept(fee("refused", reason="CONTEST_LOCKED", payment_intent="pi_again"))
    assert (books.balance("escrow:c1"), books.balance("refunds:c1")) == (0, -5000)
    assert books.owed_types().count("RefundEntry") == 2


@pytest.mark.parametrize("contest_id", ["Masters-2026", "a:b", "../c1", "", "c" * 65])
def test_a_fee_for_a_contest_that_cannot_be_goes_to_suspense(books: Books, contest_id: str) -> None:
    """PAY-032: and owes no message to an address that no file has."""
    metadata = {**paid().object["metadata"], "contest_id": contest_id}
    assert books.accept(paid(metadata=metadata)).reply["outcome"] == "suspense"
    assert books.balance("suspense") == -2500
    assert "FeePaid" not in books.owed_types()
