"""Compares a day with Stripe beside the actors: lists at Stripe, reads the books in a worker; it must not record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import structlog

from cutline.actors.workers import Workers
from cutline.engine.messages.reconciliation import CompareWithStripe, DayCompared
from cutline.engine.reconciliation import ITEM_FIELDS
from cutline.gateways.stripe import StripeGateway, Succeeded
from cutline.storage.reports.platform_days import AROUND, compare_day
from cutline.storage.reports.reading import day_after, start_of

log = structlog.get_logger(__name__)

Items = list[dict[str, Any]]


class StripeComparison:
    """Compares for one engine."""

    def __init__(self, stripe: StripeGateway, root: Path, workers: Workers) -> None:
        self._stripe = stripe
        self._root = root
        self._workers = workers

    async def compare(self, effect: CompareWithStripe) -> DayCompared | None:
        """Compare one day; nothing when Stripe does not answer, and the day is due again within the hour.

        The days around it are listed only where the books hold what Stripe does not date on this day.
        """
        start = start_of(date.fromisoformat(effect.day))
        end = start_of(day_after(start.date()))
        items = await self._listed(start, end)
        if items is None:
            return None
        comparison = await self._workers.run(compare_day, self._root, effect.day, items, [])
        if "missing_at_stripe" in comparison.by_kind:
            before, after = await self._listed(start - AROUND, start), await self._listed(end, end + AROUND)
            if before is None or after is None:
                return None
            comparison = await self._workers.run(compare_day, self._root, effect.day, items, before + after)
        return DayCompared(day=effect.day, run=effect.run, comparison=comparison)

    async def _listed(self, start: datetime, end: datetime) -> Items | None:
        outcome = await self._stripe.list_balance_transactions(created_from=start, created_before=end)
        if not isinstance(outcome, Succeeded):
            log.warning("day_not_listed", code=outcome.code, day=str(start.date()))
            return None
        return [_slim(item) for item in outcome.objects]


def _slim(item: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what is compared; a worker need not be sent the rest."""
    source = item.get("source")
    kept = {name: item.get(name) for name in ITEM_FIELDS}
    return kept | {"source": source.get("id") if isinstance(source, Mapping) else source}
