"""The messages to `payments`, which takes fees and gives them back; they must not hold a card's data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class RequestIntent(Struct, frozen=True, kw_only=True):
    """From a contest: ask Stripe for a payment intent for one reserved entry."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str


class CancelIntent(Struct, frozen=True, kw_only=True):
    """From a contest: the seat is gone; cancel the open intent. If Stripe says it is paid, it is paid."""

    contest_id: str
    entry_id: str
    reason: str


class RefundEntry(Struct, frozen=True, kw_only=True):
    """From the ledger: give one fee back by a Stripe refund."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    reason: str


class IntentReported(Struct, frozen=True, kw_only=True):
    """From the ledger: what a webhook said about a payment intent.

    The entry is named where the intent's metadata name one: a webhook may overtake the answer that created the intent.
    """

    payment_intent: str
    status: Literal["succeeded", "failed", "canceled"]
    reason: str | None = None
    event_id: str | None = None
    contest_id: str | None = None
    entry_id: str | None = None


class RefundReported(Struct, frozen=True, kw_only=True):
    """From the ledger: what a webhook said about the refund of an entry's fee. `status` is Stripe's own word."""

    contest_id: str
    entry_id: str
    payment_intent: str
    stripe_refund_id: str
    status: str
    event_id: str


class ClaimIntent(Struct, frozen=True, kw_only=True):
    """From an edge: take an entry's intent under an idempotency key of its holder (PAY-030, PAY-031).

    The first key stands for the entry; any other is a second intent, which there is not.
    """

    contest_id: str
    entry_id: str
    principal: str
    idempotency_key: str


class ReadIntent(Struct, frozen=True, kw_only=True):
    """Ask for the payment intent of an entry: status, id and client secret. Decides nothing."""

    contest_id: str
    entry_id: str


class ListIntents(Struct, frozen=True, kw_only=True):
    """Ask for a holder's intents in all contests, the newest first, older than place `before`. Decides nothing."""

    account_did: str
    before: int | None
    limit: int


class ReadOrphanedIntents(Struct, frozen=True, kw_only=True):
    """Ask for the intents that have been open at Stripe for so long without an end (PAY-041). Decides nothing."""

    older_than_minutes: int


class LookForOrphans(Struct, frozen=True, kw_only=True):
    """From the scheduler: raise an alert if there are such intents."""

    older_than_minutes: int
