"""Alerts as they leave the engine: a line in the log for whoever watches, and a count for the metrics; no judgement."""

from __future__ import annotations

from collections import Counter
from typing import Final

import structlog

from cutline.engine.contest.alerting import TRANSITION_FAILED
from cutline.engine.messages import RaiseAlert

log = structlog.get_logger(__name__)

_TRANSITION: Final = ("from", "to")


class Alerts:
    """Says alerts and counts them since the start. Used from the event loop only."""

    def __init__(self) -> None:
        self.raised: Counter[str] = Counter()
        """By name."""
        self.transitions_failed: Counter[tuple[str, str]] = Counter()
        """By the states that a refused transition would have led from and to (LIFE-021)."""

    async def raise_alert(self, alert: RaiseAlert) -> None:
        """Write an alert to the log, from where whoever watches takes it (MON-001)."""
        self.raised[alert.name] += 1
        if alert.name == TRANSITION_FAILED:
            source, target = (str(alert.details.get(end)) for end in _TRANSITION)
            self.transitions_failed[source, target] += 1
        log.error(alert.name, alert=True, runbook=alert.runbook, **alert.details)
