"""Stripe's words about money that goes back, and what admins say of it, for tests of the books."""

from __future__ import annotations

from typing import Any

from cutline.engine.messages import (
    CompleteTransfer,
    LockTransfer,
    PostSettlement,
    Prize,
    RecordStripeEvent,
    RefundOutcome,
)
from tests.engine.ledger.books import Books, fee, paid, stripe_event

HOLDER = "did:e1"
WON: dict[str, Any] = {
    "contest_id": "c1",
    "entry_id": "e1",
    "account_did": HOLDER,
    "amount_cents": 4000,
    "currency": "usd",
}
SETTLE = PostSettlement(
    contest_id="c1",
    currency="usd",
    score_version=1,
    pot_cents=5000,
    rake_cents=1000,
    prizes=(Prize(entry_id="e1", account_did=HOLDER, amount_cents=4000),),
    result_sha256="f" * 64,
)
REFUNDED = RefundOutcome(
    contest_id="c1",
    entry_id="e1",
    account_did=HOLDER,
    amount_cents=2500,
    currency="usd",
    payment_intent="pi_e1",
    stripe_refund_id="re_1",
    succeeded=True,
)


def play(books: Books) -> None:
    """Let two entries pay, by charges that Stripe names, and play."""
    for entry in ("e1", "e2"):
        books.accept(paid(entry, latest_charge=f"ch_{entry}"))
        books.accept(fee("activated", entry))


def win(books: Books) -> None:
    """Settle the contest for the first entry."""
    play(books)
    books.accept(SETTLE)


def transfer(books: Books) -> None:
    """Pay the winner by one transfer."""
    win(books)
    books.accept(LockTransfer(**WON))
    books.accept(CompleteTransfer(**WON, stripe_transfer_id="tr_1", stripe_account_id="acct_1"))


def refund(status: str, event_id: str, **other: Any) -> RecordStripeEvent:
    """Return a word about a refund that nobody here asked for."""
    obj = {"id": "re_1", "status": status, "amount": 2500, "currency": "usd", "payment_intent": "pi_e1", "metadata": {}}
    return stripe_event("refund.updated", obj | other, event_id)


def dispute(step: str, event_id: str | None = None, **other: Any) -> RecordStripeEvent:
    """Return a word about the dispute of the first entry's charge, as Stripe says it at each step."""
    withdrawn = {"id": "txn_w", "object": "balance_transaction", "amount": -2500, "fee": 1500, "net": -4000}
    reinstated = {"id": "txn_r", "object": "balance_transaction", "amount": 2500, "fee": 0, "net": 2500}
    statuses = {"funds_reinstated": "won", "won": "won", "lost": "lost", "warning_closed": "warning_closed"}
    rows = {"created": [], "won": [withdrawn, reinstated], "funds_reinstated": [withdrawn, reinstated]}
    obj = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 2500,
        "currency": "usd",
        "charge": "ch_e1",
        "payment_intent": None,
        "status": statuses.get(step, "needs_response"),
        "balance_transactions": rows.get(step, [withdrawn]),
    }
    kind = "closed" if step in ("won", "lost", "warning_closed") else step
    return stripe_event(f"charge.dispute.{kind}", obj | other, event_id or f"evt_{step}")


def reversal(*parts: tuple[str, int], event_id: str = "evt_trr", **other: Any) -> RecordStripeEvent:
    """Return Stripe's word that a transfer has been reversed in these parts so far."""
    rows = [{"id": name, "object": "transfer_reversal", "amount": cents} for name, cents in parts]
    obj = {
        "id": "tr_1",
        "object": "transfer",
        "amount": 4000,
        "currency": "usd",
        "destination": "acct_1",
        "reversals": {"data": rows},
    }
    return stripe_event("transfer.reversed", obj | other, event_id)
