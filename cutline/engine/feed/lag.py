"""How long nothing sound has come from the provider, and when that is too long. It asks nobody and polls nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from cutline.engine.feed.events import IngestionCaughtUp, IngestionLagged
from cutline.engine.feed.state import ProviderFeed
from cutline.engine.messages import RaiseAlert

LAG_MAX = timedelta(seconds=3600)
"""At this lag nobody is called; beyond it ops are (ING-011)."""
RUNBOOK = "runbooks/ingestion-lag-exceeds-threshold.md"


def last_good_at(state: ProviderFeed) -> datetime | None:
    """Return when something sound came last, "not modified" included, or None where that is not known.

    Polls that find nothing leave no event. After a restart the beginning of the failures is the nearest witness: up to
    it polls were answered.
    """
    return state.pulse.good_at or state.failing_since


def judge(state: ProviderFeed, now: datetime) -> tuple[IngestionLagged, RaiseAlert] | None:
    """Return what a lag that has become too long leaves in the log and says to ops, once for each stretch.

    Time in which nobody asked proves nothing against the provider: a clock that has jumped, or a machine that slept,
    asks first (C2).
    """
    since = last_good_at(state)
    if since is None or state.lagging or not state.subscribers or now - since <= LAG_MAX:
        return None
    asked_at = state.pulse.asked_at
    if state.failing is None and (asked_at is None or asked_at <= since):
        return None
    lag_seconds = (now - since).total_seconds()
    lagged = IngestionLagged(number=state.lag_stretches + 1, since=since, lag_seconds=lag_seconds)
    details = {
        "provider_event_id": state.provider_event_id,
        "ingestion_lag_seconds": lag_seconds,
        "failing": state.failing,
        "contests": len(state.subscribers),
    }
    return lagged, RaiseAlert(name="ingestion_lag_exceeded", runbook=RUNBOOK, details=details)


def end(state: ProviderFeed) -> list[IngestionCaughtUp]:
    """Return what ends a lag that was recorded."""
    return [IngestionCaughtUp(number=state.lag_stretches)] if state.lagging else []
