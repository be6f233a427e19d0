"""How each effect is carried out: one call to a gateway or one function in a worker, turned into a message.

It must not decide anything and must not touch a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cutline.actors.tasks import Perform
from cutline.actors.workers import Workers
from cutline.engine.messages import CallStripe, FeedPolled, PollFeed, StripeAnswered
from cutline.gateways.score_feed import ScoreFeed
from cutline.gateways.stripe import StripeGateway


def performers(stripe: StripeGateway, feed: ScoreFeed, workers: Workers) -> Mapping[type, Perform]:
    """Return who carries out which effect."""

    async def call_stripe(effect: CallStripe) -> StripeAnswered:
        outcome = await stripe.call(effect.operation, effect.parameters, effect.idempotency_key)
        raise NotImplementedError(outcome)

    async def poll_feed(effect: PollFeed) -> FeedPolled:
        polled = await feed.poll(effect.provider_event_id, effect.etag)
        return FeedPolled(
            http_status=polled.status,
            body=polled.body,
            etag=polled.etag,
            error=polled.error,
            duration_ms=polled.duration_ms,
        )

    del workers
    table: dict[type, Any] = {CallStripe: call_stripe, PollFeed: poll_feed}
    return table
