"""Counts what happens at the doors in plain numbers, and shows them to Prometheus; it must not cost a request time."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cutline.actors.alerts import Alerts

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the duration buckets, in seconds; what is slower falls into the last, open one."""


class Tally(Collector):
    """The numbers of one set of doors. Used from one event loop only, so that counting needs no lock."""

    def __init__(self) -> None:
        self.asks_in_flight = 0
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._webhooks: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._admissions: Counter[str] = Counter()
        self._undeclared: Counter[tuple[str, int, str]] = Counter()
        self._durations: dict[str, list[int]] = {}
        self._duration_sums_s: dict[str, float] = {}

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answered request; `path` is the route's pattern, never what a caller sent."""
        self._requests[method, path, status] += 1
        buckets = self._durations.get(path)
        if buckets is None:
            buckets = self._durations[path] = [0] * (len(BUCKETS_S) + 1)
        buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._duration_sums_s[path] = self._duration_sums_s.get(path, 0.0) + seconds

    def webhook(self, result: str) -> None:
        """Count one webhook by what became of it."""
        self._webhooks[result] += 1

    def refusal(self, code: str) -> None:
        """Count one refusal by its code (FRZ-020)."""
        self._refusals[code] += 1

    def admission(self, result: str) -> None:
        """Count one attempt to prove who asks: `ok`, or the code of its refusal."""
        self._admissions[result] += 1

    def undeclared(self, operation: str, status: int, code: str | None) -> None:
        """Count one answer that the operation's row in the table does not announce: a bug (FRZ-020)."""
        self._undeclared[operation, status, code or ""] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield everything counted so far, as Prometheus wants it."""
        requests = CounterMetricFamily(
            "cutline_http_requests", "Requests answered.", labels=["method", "route", "status"]
        )
        for (method, path, status), count in sorted(self._requests.items()):
            requests.add_metric([method, path, str(status)], count)
        yield requests
        yield from self._collect_durations()
        webhooks = CounterMetricFamily("cutline_webhooks", "Stripe's webhooks by result.", labels=["result"])
        for result, count in sorted(self._webhooks.items()):
            webhooks.add_metric([result], count)
        yield webhooks
        refusals = CounterMetricFamily("cutline_refusals", "Refusals by code.", labels=["code"])
        for code, count in sorted(self._refusals.items()):
            refusals.add_metric([code], count)
        yield refusals
        admissions = CounterMetricFamily("cutline_admissions", "Credentials judged.", labels=["result"])
        for result, count in sorted(self._admissions.items()):
            admissions.add_metric([result], count)
        yield admissions
        undeclared = CounterMetricFamily(
            "cutline_undeclared_answers", "Answers outside the contract.", labels=["operation", "status", "code"]
        )
        for (operation, status, name), count in sorted(self._undeclared.items()):
            undeclared.add_metric([operation, str(status), name], count)
        yield undeclared
        yield GaugeMetricFamily("cutline_asks_in_flight", "Questions waiting for an actor.", value=self.asks_in_flight)

    def _collect_durations(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "cutline_http_request_duration_seconds", "Time from the request's head to its answer.", labels=["route"]
        )
        for path, counts in sorted(self._durations.items()):
            total, buckets = 0, []
            for end, count in zip([*map(str, BUCKETS_S), "+Inf"], counts, strict=True):
                total += count
                buckets.append((end, float(total)))
            family.add_metric([path], buckets, self._duration_sums_s[path])
        yield family


class MoneyHealth(Collector):
    """What the ledger says of its outbox, its dead letters and the platform's funds, at one moment (FWD-020)."""

    def __init__(self, health: Mapping[str, Any], now: datetime) -> None:
        self._health = health
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; money is in cents, by currency."""
        said = self._health
        outbox = GaugeMetricFamily("cutline_outbox_events", "Stripe's events not in the books.", labels=["status"])
        outbox.add_metric(["pending"], said["outbox_pending"])
        outbox.add_metric(["failed"], said["outbox_failed"])
        yield outbox
        since = said["outbox_oldest_at"]
        age_s = 0.0 if since is None else (self._now - since).total_seconds()
        yield GaugeMetricFamily("cutline_outbox_oldest_age_seconds", "Age of the oldest of them.", value=age_s)
        yield CounterMetricFamily("dead_letters", "Dead letters there are (FRZ-013).", value=said["dead_letters"])
        yield GaugeMetricFamily("cutline_dead_letters", "What a person should look at.", value=said["dead_letters"])
        for name, about in _FUNDS.items():
            gauge = GaugeMetricFamily(f"cutline_platform_{name}", about, labels=["currency"])
            for funds in said["funds"]:
                gauge.add_metric([funds.currency], getattr(funds, name))
            yield gauge
        for name, about in _LOSSES.items():
            gauge = GaugeMetricFamily(f"cutline_{name}_cents", about, labels=["currency"])
            for currency, cents in said["losses"][name].items():
                gauge.add_metric([currency], cents)
            yield gauge


class AlertCounts(Collector):
    """How often each alert was raised since the start, and which transitions of contests were refused (C-32)."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def collect(self) -> Iterator[Metric]:
        """Yield the counters."""
        raised = CounterMetricFamily("cutline_alerts", "Alerts by name.", labels=["name"])
        for name, count in sorted(self._alerts.raised.items()):
            raised.add_metric([name], count)
        yield raised
        name, meaning = "contest_status_transitions_failed", "Transitions of contests that were refused."
        refused = CounterMetricFamily(name, meaning, labels=["from", "to"])
        for (source, target), count in sorted(self._alerts.transitions_failed.items()):
            refused.add_metric([source, target], count)
        yield refused


class StripeDifferences(Collector):
    """How many differences with Stripe the comparisons of the last week have left."""

    def __init__(self, open_differences: int) -> None:
        self._open_differences = open_differences

    def collect(self) -> Iterator[Metric]:
        """Yield the one gauge."""
        about = "Differences between Stripe and the books, of the last week."
        yield GaugeMetricFamily("cutline_stripe_differences", about, value=self._open_differences)


_LOSSES: Final[Mapping[str, str]] = {
    "receivable": "What account holders owe and nobody has written off.",
    "disputed": "What open disputes have withdrawn.",
    "suspense": "What came and is nobody's yet.",
}
_FUNDS: Final[Mapping[str, str]] = {
    "available_cents": "What the platform has at Stripe and can transfer.",
    "pending_cents": "What the platform will have at Stripe.",
    "owed_cents": "What holders and refunds could ask for today.",
}


def exposition(
    tally: Tally, quarantined: Callable[[], int], undeliverable: Callable[[], int], *others: Collector
) -> bytes:
    """Return the metrics page: the doors' numbers, what is kept closed, what mail finds no file, and what is given."""

    class Closed(Collector):
        def collect(self) -> Iterator[Metric]:
            yield GaugeMetricFamily("cutline_quarantined", "Files kept closed.", value=quarantined())
            name, meaning = "cutline_undeliverable", "Owed messages that no file exists for."
            yield GaugeMetricFamily(name, meaning, value=undeliverable())

    registry = CollectorRegistry(auto_describe=False)
    registry.register(tally)
    registry.register(Closed())
    for other in others:
        registry.register(other)
    return generate_latest(registry)
