"""The effects that tasks perform beside the actors, and the answer of a call to Stripe; they must not do any of it.

Each is the effect of a committed event. What comes of it goes to the actor that wanted it, as a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct


class CallStripe(Struct, frozen=True, kw_only=True):
    """An effect: make one call to Stripe with exactly these committed parameters and this key; answer its actor.

    `operation` names a method of the gateway (`create_payment_intent`, `create_transfer`, ...). `subject` is the
    business key that the answer must name.
    """

    subject: str
    attempt: int
    operation: str
    parameters: Mapping[str, Any]
    idempotency_key: str | None


class StripeAnswered(Struct, frozen=True, kw_only=True):
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


class ComputeSettlement(Struct, frozen=True, kw_only=True):
    """An effect: settle these recorded inputs in a worker process; answer with `SettlementComputed`."""

    run_id: str
    input_json: bytes


class AuditScores(Struct, frozen=True, kw_only=True):
    """An effect: read a settled contest's file again in a worker process; answer with `ScoresAudited`."""

    contest_id: str
    number: int


class ReopenStripeEvents(Struct, frozen=True, kw_only=True):
    """An effect: open the sealed bodies of these events, named with their next attempt; each becomes a `PostAgain`."""

    events: tuple[tuple[str, int], ...]


class ListUndelivered(Struct, frozen=True, kw_only=True):
    """An effect: list Stripe's events that were not delivered.

    Each becomes a `RecordStripeEvent`, and after them comes one `UndeliveredListed`.
    """


class ListAllEvents(Struct, frozen=True, kw_only=True):
    """An effect: list every event that Stripe still has, delivered or not.

    Each becomes a `RecordStripeEvent`, and after them comes one `AllEventsListed`.
    """


class LetMoneyLeave(Struct, frozen=True, kw_only=True):
    """An effect: the books have caught up with Stripe after a restore, so transfers and refunds may go out again."""


class ReadPlatformBalance(Struct, frozen=True, kw_only=True):
    """An effect: ask Stripe for the platform's balance. The answer is `PlatformBalanceRead`."""


class RaiseAlert(Struct, frozen=True, kw_only=True):
    """An effect: say to whoever watches that a person should look. `details` hold no personal data."""

    name: str
    runbook: str
    details: Mapping[str, Any]


class ListBalanceTransactions(Struct, frozen=True, kw_only=True):
    """An effect: list Stripe's balance transactions that are newer than `after` (all of them without it).

    The answer is `BalanceTransactionsListed`.
    """

    after: str | None


class PollFeed(Struct, frozen=True, kw_only=True):
    """An effect: fetch the provider's leaderboard once, with the last ETag."""

    provider_event_id: str
    etag: str | None
