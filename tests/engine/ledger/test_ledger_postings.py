"""The table of postings, row by row: debits, credits, effect key, and a sum of zero."""

from __future__ import annotations

import pytest

from cutline.engine.errors import InvariantViolated
from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.postings import Draft
from cutline.engine.messages import Prize

PRIZES = (
    Prize(entry_id="e1", account_did="did:a", amount_cents=700),
    Prize(entry_id="e2", account_did="did:b", amount_cents=200),
)
A, H = "user:did:a:available", "user:did:a:held"
KEY = "payout:transfer:c:e"

ROWS: list[tuple[Draft, str, dict[str, int]]] = [
    (postings.payment("pi_1", "did:a", 5, "usd"), "pi:pi_1:succeeded", {"stripe:platform": 5, A: -5}),
    (
        postings.entry_payment("pi_1", "did:a", "c", 5, "usd"),
        "pi:pi_1:succeeded",
        {"stripe:platform": 5, A: 0, "escrow:c": -5},
    ),
    (
        postings.suspended_payment("pi_1", 5, "usd"),
        "pi:pi_1:succeeded",
        {"stripe:platform": 5, "suspense": -5},
    ),
    (
        postings.stripe_fee("txn_1", 3, "usd"),
        "btxn:txn_1:fee",
        {"expense:stripe_fees": 3, "stripe:platform": -3},
    ),
    (
        postings.stripe_fee("txn_1", -3, "usd"),
        "btxn:txn_1:fee",
        {"expense:stripe_fees": -3, "stripe:platform": 3},
    ),
    (postings.entry_activated("c", "e", 5, "usd"), "entry:c:e:activated", {"escrow:c": 5, "pot:c": -5}),
    (postings.entry_refused("c", "e", 5, "usd"), "entry:c:e:refused", {"escrow:c": 5, "refunds:c": -5}),
    (postings.entry_returned("c", "e", 5, "usd"), "entry:c:e:returned", {"pot:c": 5, "refunds:c": -5}),
    (
        postings.refund_succeeded("re_1", accounts.refunds("c"), 5, "usd"),
        "refund:re_1:succeeded",
        {"refunds:c": 5, "stripe:platform": -5},
    ),
    (
        postings.refund_succeeded("re_1", accounts.SUSPENSE, 5, "usd"),
        "refund:re_1:succeeded",
        {"suspense": 5, "stripe:platform": -5},
    ),
    (postings.refund_failed("re_1", "did:a", 5, "usd"), "refund:re_1:failed", {"stripe:platform": 5, A: -5}),
    (
        postings.refund_outside("re_1", "did:a", 5, "usd"),
        "refund:re_1:succeeded",
        {"receivable:did:a": 5, "stripe:platform": -5},
    ),
    (
        postings.settlement("c", PRIZES, 100, "usd"),
        "settlement:c",
        {"pot:c": 1000, A: -700, "user:did:b:available": -200, "income:rake": -100},
    ),
    (postings.transfer_locked("c", "e", "did:a", 5, "usd"), KEY, {A: 5, H: -5}),
    (
        postings.transfer_completed("c", "e", "did:a", 5, "usd"),
        f"{KEY}:completed",
        {"stripe:connected:did:a": 5, "stripe:platform": -5, H: 5, A: -5},
    ),
    (postings.transfer_failed("c", "e", "did:a", 5, "usd"), f"{KEY}:failed", {H: 5, A: -5}),
    (
        postings.transfer_reversed("trr_1", "did:a", 5, "usd"),
        "reversal:trr_1",
        {"stripe:platform": 5, "stripe:connected:did:a": -5},
    ),
    (postings.payout_locked("po", "did:a", 5, "usd"), "payout:po:lock", {A: 5, H: -5}),
    (
        postings.payout_transferred("po", "did:a", 5, "usd"),
        "payout:po:transfer",
        {"stripe:connected:did:a": 5, "stripe:platform": -5},
    ),
    (
        postings.payout_paid("po", "did:a", 5, "usd"),
        "payout:po:paid",
        {H: 5, "clearing:bank": 5, "clearing:payouts": -5, "stripe:connected:did:a": -5},
    ),
    (postings.payout_failed("po", "did:a", 5, "usd"), "payout:po:failed", {H: 5, A: -5}),
    (
        postings.payout_failed_after_paid("po", "did:a", 5, "usd"),
        "payout:po:failed",
        {"clearing:payouts": 5, "stripe:connected:did:a": 5, A: -5, "clearing:bank": -5},
    ),
    (postings.netting("n1", 5, "usd"), "netting:entry:n1", {"clearing:payouts": 5, "clearing:bank": -5}),
    (
        postings.dispute_created("dp_1", 5, 2, "usd"),
        "dispute:dp_1:withdrawn",
        {"disputes:dp_1": 5, "expense:dispute_fees": 2, "stripe:platform": -7},
    ),
    (postings.loss_hold("l1", "did:a", 5, "usd"), "loss-event:l1:ledger_hold", {A: 5, H: -5}),
    (postings.loss_hold("l1", "did:a", 5, "usd", part=2), "loss-event:l1:ledger_hold:2", {A: 5, H: -5}),
    (
        postings.loss_hold_resolved("l1", "did:a", 5, "usd"),
        "loss-event:l1:ledger_hold:resolve",
        {H: 5, A: -5},
    ),
    (
        postings.dispute_won("dp_1", 5, "usd"),
        "dispute:dp_1:won",
        {"stripe:platform": 5, "disputes:dp_1": -5},
    ),
    (
        postings.dispute_lost("dp_1", "did:a", 5, "usd"),
        "dispute:dp_1:lost",
        {"receivable:did:a": 5, "disputes:dp_1": -5},
    ),
    (
        postings.written_off("l1", "did:a", 3, 2, "usd"),
        "loss-event:l1:written_off",
        {H: 3, "expense:bad_debt": 2, "receivable:did:a": -5},
    ),
    (postings.account_closed("did:a", 5, "usd"), "account:did:a:closed", {A: 5, "suspense": -5}),
    (
        postings.outside_ingest("their-key", "did:a", 5, "usd"),
        "their-key",
        {"clearing:provider": 5, A: -5},
    ),
    (postings.top_up("txn_1", 5, "usd"), "btxn:txn_1", {"stripe:platform": 5, "equity:capital": -5}),
]


@pytest.mark.parametrize(("draft", "effect_key", "moved"), ROWS, ids=lambda value: getattr(value, "kind", ""))
def test_each_row_of_the_table_debits_and_credits_what_it_says(
    draft: Draft, effect_key: str, moved: dict[str, int]
) -> None:
    totals: dict[str, int] = {}
    for account, cents in draft.legs:
        totals[account] = totals.get(account, 0) + cents
        assert accounts.kind_of(account) is not None, "every account is in the chart"
    assert (draft.effect_key, totals) == (effect_key, moved)
    assert sum(totals.values()) == 0
    assert (draft.hold_source is not None) == any(name.endswith(":held") for name in totals)


@pytest.mark.parametrize("cents", [0, -1])
def test_a_move_of_nothing_or_less_is_a_bug(cents: int) -> None:
    with pytest.raises(InvariantViolated):
        postings.payment("pi_1", "did:a", cents, "usd")


def test_a_settlement_without_money_or_with_a_negative_prize_is_a_bug() -> None:
    with pytest.raises(InvariantViolated):
        postings.settlement("c", (), 0, "usd")
    negative = Prize(entry_id="e1", account_did="did:a", amount_cents=-1)
    with pytest.raises(InvariantViolated):
        postings.settlement("c", (negative, *PRIZES), 0, "usd")


@pytest.mark.parametrize(
    "account",
    ["", "user:x", "user::held", "user:x:spent", "escrow:", "pot:a b", "stripe:other", "income:", "x"],
)
def test_the_chart_knows_no_other_names(account: str) -> None:
    """LED-010, LED-013."""
    assert accounts.kind_of(account) is None


@pytest.mark.parametrize("form", ["{}", "user:{}:available", "receivable:{}", "stripe:connected:{}"])
def test_nobody_holds_money_under_a_did_of_the_house(form: str) -> None:
    """LED-012, LED-013, POUT-022: the DID of a clearing account names no other account."""
    assert accounts.kind_of(form.format(accounts.clearing_did("payouts"))) is None
    assert accounts.kind_of("clearing:other") is None


def test_only_a_receivable_carries_a_debt() -> None:
    floored = {"user:x:available", "user:x:held", "escrow:c", "pot:c", "refunds:c", "suspense"}
    for account in floored:
        kind = accounts.kind_of(account)
        assert kind is not None
        assert (kind.floored, kind.normal) == (True, "credit")
    debt = accounts.kind_of("receivable:x")
    assert debt is not None
    assert (debt.floored, debt.normal) == (False, "debit")
    assert accounts.holder_of("user:did:plc:x:held") == "did:plc:x"
