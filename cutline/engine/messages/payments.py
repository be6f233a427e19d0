"""The messages to `payments`, which takes fees and gives them back; they must not hold a card's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIntent:
    """From a contest: ask Stripe for a payment intent for one reserved entry."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelIntent:
    """From a contest: the seat is gone; cancel the open intent. If Stripe says it is paid, it is paid."""

    contest_id: str
    entry_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundEntry:
    """From the ledger: give one fee back by a Stripe refund."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str
    payment_intent: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentReported:
    """From the ledger: what a webhook said about a payment intent.

    The entry is named where the intent's metadata name one: a webhook may overtake the answer that created the intent.
    """

    payment_intent: str
    status: Literal["succeeded", "failed", "canceled"]
    reason: str | None = None
    event_id: str | None = None
    contest_id: str | None = None
    entry_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReported:
    """From the ledger: what a webhook said about the refund of an entry's fee. `status` is Stripe's own word."""

    contest_id: str
    entry_id: str
    payment_intent: str
    stripe_refund_id: str
    status: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimIntent:
    """From an edge: take an entry's intent under an idempotency key of its holder (PAY-030, PAY-031).

    The first key stands for the entry; any other is a second intent, which there is not.
    """

    contest_id: str
    entry_id: str
    principal: str
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIntent:
    """Ask for the payment intent of an entry: status, id and client secret. Decides nothing."""

    contest_id: str
    entry_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIntents:
    """Ask for a holder's intents in all contests, the newest first, older than place `before`. Decides nothing."""

    account_did: str
    before: int | None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOrphanedIntents:
    """Ask for the intents that have been open at Stripe for so long without an end (PAY-041). Decides nothing."""

    older_than_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LookForOrphans:
    """From the scheduler: raise an alert if there are such intents."""

    older_than_minutes: int
