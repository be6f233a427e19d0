"""What an account holder reads of their money: one line for each thing that happened, with running balances; no I/O.

Lines are made of the ledger's postings as they were recorded. An amount is always above zero: the line's kind says
which way it went, and the balances after it say what it changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cutline.engine.ledger import accounts

Bucket = Literal["available", "held", "debt", "connected"]

BUCKETS: Final[tuple[Bucket, ...]] = ("available", "held", "debt", "connected")
COLUMNS: Final = (
    "at", "kind", "amount_cents", "currency", "available_cents", "held_cents", "debt_cents", "connected_cents",
    "contest_id", "entry_id", "reference",
)  # fmt: skip

KINDS: Final[Mapping[str, str]] = {
    "entry_payment": "fee",
    "payment": "payment",
    "outside_ingest": "credit",
    "entry_refused": "refund_due",
    "entry_returned": "refund_due",
    "refund_succeeded": "refund",
    "refund_outside": "refund_made_outside",
    "refund_failed": "refund_came_back",
    "refund_refused": "refund_refused",
    "settlement": "winnings",
    "transfer_locked": "transfer_hold",
    "transfer_completed": "transfer",
    "payout_transferred": "transfer",
    "transfer_failed": "transfer_failed",
    "transfer_reversed": "transfer_reversed",
    "payout_locked": "payout_hold",
    "payout_paid": "payout",
    "payout_failed": "payout_failed",
    "payout_failed_after_paid": "payout_came_back",
    "loss_hold": "freeze",
    "loss_hold_resolved": "freeze_ended",
    "dispute_lost": "dispute_lost",
    "written_off": "debt_written_off",
    "account_closed": "account_closed",
}
"""How a line calls each kind of posting; a kind that is not here is an adjustment."""

TOTALS: Final = (
    "fee", "refund", "refund_made_outside", "winnings", "transfer", "transfer_reversed", "payout", "payout_came_back",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A transaction of the ledger as it concerns one holder: its own legs as (bucket, cents, balance after).

    Cents are debit-positive, as in the books; `moved_cents` is the whole transaction's, and tells the amount of one
    that touches none of the holder's accounts.
    """

    seq: int
    at: str
    kind: str
    effect_key: str
    currency: str
    legs: tuple[tuple[Bucket, int, int], ...]
    moved_cents: int
    contest_id: str | None = None
    entry_ids: tuple[str, ...] = ()


def bucket_of(account: str, account_did: str) -> Bucket | None:
    """Return which of a holder's four accounts this is, or None."""
    names: Mapping[str, Bucket] = {
        accounts.available(account_did): "available",
        accounts.held(account_did): "held",
        accounts.receivable(account_did): "debt",
        accounts.connected(account_did): "connected",
    }
    return names.get(account)


def lines_of(booked: Iterable[Booked]) -> Iterator[dict[str, Any]]:
    """Yield the lines of a holder's transactions, which come in the order of the books.

    A settlement that pays several entries of one holder is a line for each.
    """
    running: dict[str, dict[Bucket, int]] = {}
    for one in booked:
        balances = running.setdefault(one.currency, dict.fromkeys(BUCKETS, 0))
        if one.kind == "settlement":
            yield from _winnings(one, balances)
            continue
        for bucket, _, balance in one.legs:
            balances[bucket] = _shown(bucket, balance)
        yield _line(one, _amount_cents(one), balances, one.entry_ids[0] if one.entry_ids else None)


def totals_of(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return what was paid, won, given back and paid out, in cents by currency and kind."""
    totals: dict[str, dict[str, int]] = {}
    for line in lines:
        sums = totals.setdefault(line["currency"], dict.fromkeys(TOTALS, 0))
        if line["kind"] in sums:
            sums[line["kind"]] += line["amount_cents"]
    return totals


def _winnings(one: Booked, balances: dict[Bucket, int]) -> Iterator[dict[str, Any]]:
    entries = [*one.entry_ids, *[None] * len(one.legs)]
    for (bucket, cents, balance), entry_id in zip(one.legs, entries, strict=False):
        balances[bucket] = _shown(bucket, balance)
        yield _line(one, abs(cents), balances, entry_id)


def _amount_cents(one: Booked) -> int:
    """Return what one transaction moved for its holder: the larger side of its legs, or the whole of it."""
    debits = sum(cents for _, cents, _ in one.legs if cents > 0)
    credits_cents = -sum(cents for _, cents, _ in one.legs if cents < 0)
    return _of_held_money(one) or max(debits, credits_cents) or one.moved_cents


def _of_held_money(one: Booked) -> int:
    """Return what a transfer, a payout or a write-off moved, which touches two of the holder's accounts at once."""
    by_bucket = {bucket: abs(cents) for bucket, cents, _ in one.legs}
    if one.kind == "written_off":
        return by_bucket.get("debt", 0)
    if one.kind in ("transfer_completed", "payout_paid", "payout_failed_after_paid"):
        return by_bucket.get("connected", 0)
    return 0


def _shown(bucket: Bucket, balance: int) -> int:
    """Turn a debit-positive balance into what a holder expects: money and debts are above zero."""
    return balance if bucket in ("debt", "connected") else -balance


def _line(one: Booked, amount_cents: int, balances: Mapping[Bucket, int], entry_id: str | None) -> dict[str, Any]:
    return {
        "at": one.at,
        "kind": KINDS.get(one.kind, "adjustment"),
        "amount_cents": amount_cents,
        "currency": one.currency,
        **{f"{bucket}_cents": balances[bucket] for bucket in BUCKETS},
        "contest_id": one.contest_id,
        "entry_id": entry_id,
        "reference": one.effect_key,
    }
