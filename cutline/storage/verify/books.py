"""Check the ledger's books from its events alone: every transaction balanced, every running balance earned.

It counts again by itself and asks nothing of the ledger's own machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC

from cutline.engine.decision import Recorded
from cutline.engine.ledger.accounts import kind_of
from cutline.engine.ledger.events import Posting, StripeEventForwarded, StripeEventRecorded, TransactionPosted
from cutline.storage.verify.report import Code, Problem

Books = dict[tuple[str, str], int]
"""Debit-positive cents by (currency, account)."""


def posting_of(recorded: Recorded) -> Posting | None:
    """Return what an event of the ledger posted, if it posted anything."""
    event = recorded.event
    return event.posting if isinstance(event, StripeEventRecorded | StripeEventForwarded | TransactionPosted) else None


def check_books(events: Iterable[Recorded], file: str) -> tuple[list[Problem], Books]:
    """Return what is wrong with the books, and every balance as it was counted here (LED-008, LED-013)."""
    books: Books = defaultdict(int)
    effects: dict[str, int] = {}
    problems: list[Problem] = []
    for recorded in events:
        posting = posting_of(recorded)
        if posting is not None:
            problems += _check_posting(posting, recorded.seq, file, books, effects)
    problems += _check_trial_balance(books, file)
    return problems, dict(books)


def _check_posting(posting: Posting, seq: int, file: str, books: Books, effects: dict[str, int]) -> Iterator[Problem]:
    where = f"log seq={seq}"
    name, currency = posting.effect_key, posting.currency
    off_cents = sum(cents for _, cents, _ in posting.legs)
    if off_cents:
        message = f"{name}: the legs sum to {off_cents} cents, not zero"
        yield Problem(code=Code.TRANSACTION_UNBALANCED, file=file, where=where, message=message)
    if name in effects:
        message = f"{name} was posted before, by log seq={effects[name]}"
        yield Problem(code=Code.EFFECT_POSTED_TWICE, file=file, where=where, message=message)
    effects[name] = seq
    if posting.occurred_at.tzinfo is not UTC:
        message = f"{name}: {posting.occurred_at.isoformat()} is not a time in UTC"
        yield Problem(code=Code.PAYLOAD_DIFFERS, file=file, where=where, message=message)
    touched: dict[str, int] = {}
    for account, cents, said_cents in posting.legs:
        counted_cents = touched[account] = books[currency, account] = books[currency, account] + cents
        if counted_cents != said_cents:
            message = f"{name}: {account} stands at {counted_cents} cents, the posting says {said_cents}"
            yield Problem(code=Code.FORGED_BALANCE, file=file, where=where, message=message)
    for account, cents in touched.items():
        # Debit-positive: an account in credit has a balance below zero, and above zero it has fallen short.
        if cents > 0 and (kind := kind_of(account)) is not None and kind.floored:
            message = f"{name}: {account} falls {cents} cents short"
            yield Problem(code=Code.NEGATIVE_BALANCE, file=file, where=where, message=message)


def _check_trial_balance(books: Books, file: str) -> Iterator[Problem]:
    totals: dict[str, int] = defaultdict(int)
    for (currency, _), cents in books.items():
        totals[currency] += cents
    for currency, cents in sorted(totals.items()):
        if cents:
            message = f"all accounts in {currency} sum to {cents} cents, not zero"
            yield Problem(code=Code.TRIAL_BALANCE_OFF, file=file, where=f"currency {currency}", message=message)
