"""Shows Prometheus the figures by which files are watched: ingestion, settlements, audits. It asks no actor."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cutline.engine.vitals import ContestVitals, FeedVitals, Vitals
from cutline.http.asking import Jobs

SETTLEMENT_STATUSES = ("PENDING", "RUNNING", "FAILED", "COMPLETE")
SETTLEMENT_BUCKETS_S = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0)


class VitalSigns(Collector):
    """The figures of all files at one moment."""

    def __init__(self, vitals: Sequence[Vitals], now: datetime) -> None:
        self._feeds = [one for one in vitals if isinstance(one, FeedVitals)]
        self._contests = [one for one in vitals if isinstance(one, ContestVitals)]
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield ingestion by provider event, and settlements and audits over all contests."""
        yield from self._ingestion()
        yield from self._settlements()
        mismatches = sum(contest.audit_mismatches for contest in self._contests)
        yield GaugeMetricFamily("score_audit_mismatches", "Differences that the last audits found.", value=mismatches)
        audits = sum(contest.audits for contest in self._contests)
        yield GaugeMetricFamily("cutline_score_audits", "Audits of settled contests so far.", value=audits)
        late = sum(contest.late_corrections for contest in self._contests)
        yield GaugeMetricFamily("cutline_late_corrections", "Corrections that came after the end.", value=late)

    def _ingestion(self) -> Iterator[Metric]:
        lag = GaugeMetricFamily(
            "ingestion_lag_seconds", "Time since something sound came.", labels=["provider_event_id"]
        )
        failing = GaugeMetricFamily("cutline_feed_failing", "Polls fail.", labels=["provider_event_id"])
        held = GaugeMetricFamily(
            "cutline_feed_held_regressions", "Values that went back, not believed.", labels=["provider_event_id"]
        )
        rejected = GaugeMetricFamily(
            "cutline_feed_rejected_payloads", "Payloads refused so far.", labels=["provider_event_id"]
        )
        for feed in self._feeds:
            names = [feed.provider_event_id]
            if feed.last_good_at is not None:
                lag.add_metric(names, (self._now - feed.last_good_at).total_seconds())
            failing.add_metric(names, float(feed.failing))
            held.add_metric(names, feed.held_regressions)
            rejected.add_metric(names, feed.rejected_payloads)
        yield from (lag, failing, held, rejected)

    def _settlements(self) -> Iterator[Metric]:
        counts = Counter(contest.settlement_status for contest in self._contests)
        status = GaugeMetricFamily("settlement_status", "Contests by how their settlement stands.", labels=["status"])
        for name in SETTLEMENT_STATUSES:
            status.add_metric([name], counts[name])
        yield status
        seconds = [one.settlement_seconds for one in self._contests if one.settlement_seconds is not None]
        buckets = [0] * (len(SETTLEMENT_BUCKETS_S) + 1)
        for taken in seconds:
            buckets[bisect_left(SETTLEMENT_BUCKETS_S, taken)] += 1
        duration = HistogramMetricFamily("settlement_duration_seconds", "Time of the runs that settled contests.")
        total, rows = 0, []
        for end, count in zip([*map(str, SETTLEMENT_BUCKETS_S), "+Inf"], buckets, strict=True):
            total += count
            rows.append((end, float(total)))
        duration.add_metric([], rows, sum(seconds))
        yield duration


class ClockSigns(Collector):
    """Whether time is turned into messages: when each job ran last, and how often its scheduler had stopped."""

    def __init__(self, timekeeper: Jobs) -> None:
        self._timekeeper = timekeeper

    def collect(self) -> Iterator[Metric]:
        """Yield one age a job, and the count."""
        age = GaugeMetricFamily("cutline_job_age_seconds", "Time since a job ran last.", labels=["job"])
        for name, seconds in sorted(self._timekeeper.seconds_since().items()):
            age.add_metric([name], seconds)
        yield age
        replaced = self._timekeeper.replaced
        yield CounterMetricFamily("cutline_schedulers_replaced", "Schedulers that had stopped.", value=replaced)
