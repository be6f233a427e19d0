"""The effects that tasks perform beside the actors, and the answer of a call to Stripe; they must not do any of it.

Each is the effect of a committed event. What comes of it goes to the actor that wanted it, as a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStripe:
    """An effect: make one call to Stripe with exactly these committed parameters and this key; answer its actor.

    `operation` names a method of the gateway (`create_payment_intent`, `create_transfer`, ...). `subject` is the
    business key that the answer must name.
    """

    subject: str
    attempt: int
    operation: str
    parameters: Mapping[str, Any]
    idempotency_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAnswered:
    """From a task: the outcome of one `CallStripe`.

    `object` is Stripe's object on success. On failure `kind` says what may be done next, `money_moved` whether the
    call may have had its effect.
    """

    subject: str
    attempt: int
    operation: str
    succeeded: bool
    object: Mapping[str, Any] | None = None
    kind: Literal["retry_same_key", "later_new_attempt", "final"] | None = None
    code: str | None = None
    message: str | None = None
    money_moved: Literal["yes", "no", "unknown"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettlement:
    """An effect: settle these recorded inputs in a worker process; answer with `SettlementComputed`."""

    run_id: str
    input_json: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditScores:
    """An effect: read a settled contest's file again in a worker process; answer with `ScoresAudited`."""

    contest_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenStripeEvents:
    """An effect: open the sealed bodies of these events, named with their next attempt; each becomes a `PostAgain`."""

    events: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUndelivered:
    """An effect: list Stripe's events that were not delivered.

    Each becomes a `RecordStripeEvent`, and after them comes one `UndeliveredListed`.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlatformBalance:
    """An effect: ask Stripe for the platform's balance. The answer is `PlatformBalanceRead`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlert:
    """An effect: say to whoever watches that a person should look. `details` hold no personal data."""

    name: str
    runbook: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBalanceTransactions:
    """An effect: list Stripe's balance transactions that are newer than `after` (all of them without it).

    The answer is `BalanceTransactionsListed`.
    """

    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFeed:
    """An effect: fetch the provider's leaderboard once, with the last ETag."""

    provider_event_id: str
    etag: str | None
