"""How each effect is carried out: one call to a gateway or one function in a worker, turned into a message.

It must not decide anything and must not touch a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog

from cutline.actors.alerts import Alerts
from cutline.actors.replica_gate import ReplicaGate
from cutline.actors.stripe_reading import StripeReading
from cutline.actors.tasks import Perform
from cutline.actors.workers import Workers
from cutline.engine.decision import Address
from cutline.engine.messages import (
    BalanceTransactionsListed,
    CallStripe,
    ComputeSettlement,
    FeedPolled,
    ListBalanceTransactions,
    ListUndelivered,
    PollFeed,
    RaiseAlert,
    ReadPlatformBalance,
    ReopenStripeEvents,
    SettlementComputed,
    StripeAnswered,
)
from cutline.engine.settlement import settle_json
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway, StripeOutcome, Succeeded

log = structlog.get_logger(__name__)

BALANCE_WINDOW = timedelta(days=30)
"""How far back balance transactions are read; what is older was booked long ago."""


def performers(
    stripe: StripeGateway,
    feed: ScoreFeed,
    workers: Workers,
    gate: ReplicaGate,
    reading: StripeReading,
    alerts: Alerts,
) -> Mapping[type, Perform]:
    """Return who carries out which effect."""

    async def call_stripe(effect: CallStripe) -> StripeAnswered:
        if effect.operation == "create_transfer" and not await gate.holds(causes_of_transfer(effect)):
            return not_replicated(effect)
        return answered(effect, await stripe.call(effect.operation, effect.parameters, effect.idempotency_key))

    async def list_balance(effect: ListBalanceTransactions) -> BalanceTransactionsListed | None:
        return await list_balance_transactions(stripe, effect)

    async def poll_feed(effect: PollFeed) -> FeedPolled:
        polled = await feed.poll(effect.provider_event_id, effect.etag)
        return FeedPolled(
            http_status=polled.status or None,
            body=polled.body,
            etag=polled.etag,
            error=None if polled.error is None else str(polled.error),
            duration_ms=polled.duration_ms,
        )

    async def compute_settlement(effect: ComputeSettlement) -> SettlementComputed:
        try:
            result = await workers.run(settle_json, effect.input_json)
        except Exception as failure:  # noqa: BLE001  # a run that breaks is a failed run, recorded and tried again
            error = {"code": "INTERNAL_FAULT", "details": {"error": repr(failure)}}
            return SettlementComputed(run_id=effect.run_id, error=error)
        return SettlementComputed(run_id=effect.run_id, result_json=result.decode())

    return {
        CallStripe: call_stripe,
        ListBalanceTransactions: list_balance,
        ListUndelivered: reading.list_undelivered,
        ReopenStripeEvents: reading.reopen,
        ReadPlatformBalance: reading.read_platform_balance,
        RaiseAlert: alerts.raise_alert,
        PollFeed: poll_feed,
        ComputeSettlement: compute_settlement,
    }


def causes_of_transfer(effect: CallStripe) -> list[Address]:
    """Return the files that justify a transfer: the contest, the ledger and the payout attempt."""
    return [f"contest/{effect.parameters['metadata']['contest_id']}", "ledger", "payouts"]


def not_replicated(effect: CallStripe) -> StripeAnswered:
    """Answer a call that was not made because the replica lags: the same call may be made later."""
    return StripeAnswered(
        subject=effect.subject,
        attempt=effect.attempt,
        operation=effect.operation,
        succeeded=False,
        kind="retry_same_key",
        code="replica_behind",
        message="the replica does not hold the cause of this transfer yet",
        money_moved="no",
    )


def answered(effect: CallStripe, outcome: StripeOutcome) -> StripeAnswered:
    """Turn a gateway's outcome into the message for the actor that asked."""
    if isinstance(outcome, Succeeded):
        return StripeAnswered(
            subject=effect.subject,
            attempt=effect.attempt,
            operation=effect.operation,
            succeeded=True,
            object=outcome.object,
        )
    if outcome.alert:
        log.error("stripe_refused", subject=effect.subject, code=outcome.code, request_id=outcome.request_id)
    return StripeAnswered(
        subject=effect.subject,
        attempt=effect.attempt,
        operation=effect.operation,
        succeeded=False,
        object=outcome.object,
        kind=outcome.kind,
        code=outcome.code,
        message=outcome.message,
        money_moved=outcome.money_moved,
    )


async def list_balance_transactions(
    stripe: StripeGateway, effect: ListBalanceTransactions
) -> BalanceTransactionsListed | None:
    """List what is newer than the last transaction booked, oldest first; nothing when Stripe does not answer.

    Where Stripe does not know the last one any more, a window of the last days is read: what was booked is known.
    """
    outcome: StripeOutcome | None = None
    if effect.after is not None:
        outcome = await stripe.list_balance_transactions(newer_than=effect.after)
    if outcome is None or (not isinstance(outcome, Succeeded) and outcome.code == "resource_missing"):
        outcome = await stripe.list_balance_transactions(created_from=datetime.now(UTC) - BALANCE_WINDOW)
    if not isinstance(outcome, Succeeded):
        return None
    return BalanceTransactionsListed(items=tuple(reversed(outcome.objects)))
