"""When a day is compared with Stripe, and what its comparison leaves: a record, and an alert for every difference.

It compares nothing itself. A day is compared once it has been over for some hours; one that differs is compared again
each day for a week, for a late webhook may still mend it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import RaiseAlert
from cutline.engine.messages.reconciliation import (
    CompareWithStripe,
    DayCompared,
    ReadReconciliation,
    ReconcileWithStripe,
)
from cutline.engine.reconciliation import Comparison

ALERT: Final = "stripe_differs"
RUNBOOK: Final = "runbooks/stripe-differs.md"

OVER_FOR: Final = timedelta(hours=3)
"""The fees of a day's last hours are listed within the hour, and most webhooks come within minutes."""

PATIENCE: Final = timedelta(hours=1)
"""After so long a comparison without an answer is started anew."""

AGAIN_FOR: Final = timedelta(days=7)
BACK_MAX: Final = timedelta(days=30)
"""An engine that slept for longer compares the last thirty days only: Stripe redelivers nothing older either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayComparisonStarted:
    """Stripe is asked what moved the platform's balance on a UTC day."""

    day: str
    run: int
    started_at: datetime

    @property
    def key(self) -> str:
        """Return the business key: each run of a day starts once."""
        return f"reconciliation:{self.day}:{self.run}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReconciled:
    """A day of Stripe's was held against the books, with this outcome."""

    day: str
    run: int
    comparison: Comparison

    @property
    def key(self) -> str:
        """Return the business key: each run of a day ends once."""
        return f"reconciliation:{self.day}:{self.run}:compared"


RECONCILIATION_EVENTS: Final = (DayComparisonStarted, DayReconciled)
ReconciliationEvent = DayComparisonStarted | DayReconciled


@dataclass(slots=True, kw_only=True)
class ComparedDay:
    """One day: the run under way or done, and the last outcome."""

    run: int
    started_at: datetime
    is_open: bool = True
    last: DayReconciled | None = None


@dataclass(slots=True)
class Reconciliation:
    """Every day that was compared, in the order of its first run."""

    days: dict[str, ComparedDay] = field(default_factory=dict)


def fold(state: Reconciliation, event: ReconciliationEvent) -> None:
    """Fold one event."""
    if isinstance(event, DayComparisonStarted):
        before = state.days.get(event.day)
        last = None if before is None else before.last
        state.days[event.day] = ComparedDay(run=event.run, started_at=event.started_at, last=last)
        return
    day = state.days[event.day]
    day.is_open, day.last = False, event


def decide(
    state: Reconciliation, command: ReconcileWithStripe | DayCompared | ReadReconciliation, now: datetime
) -> Decision:
    """Judge a message about reconciliation."""
    match command:
        case ReconcileWithStripe():
            return _reconcile(state, command, now)
        case DayCompared():
            return _compared(state, command, now)
        case ReadReconciliation():
            return _read(state, command)


def resume(state: Reconciliation) -> tuple[CompareWithStripe, ...]:
    """Return the comparisons that were under way."""
    return tuple(CompareWithStripe(day=name, run=day.run) for name, day in state.days.items() if day.is_open)


def _open_differences(state: Reconciliation) -> int:
    """Return how many differences the last comparisons of the last days have left."""
    recent = sorted(state.days.items(), reverse=True)[: AGAIN_FOR.days]
    return sum(day.last.comparison.differences_found for _, day in recent if day.last is not None)


def _reconcile(state: Reconciliation, command: ReconcileWithStripe, now: datetime) -> Decision:
    """Start the comparison that is due, one at a time; for an admin, of a day that is over, whenever wanted.

    Refused: INVALID_STATUS_TRANSITION for a day that is not over.
    """
    if command.day is None:
        due = next(_due(state, now), None)
        return Accepted() if due is None else _start(state, due, now)
    if date.fromisoformat(command.day) >= now.astimezone(UTC).date():
        return Rejected(code=RejectCode.INVALID_STATUS_TRANSITION, details={"day": command.day, "from": "not over"})
    known = state.days.get(command.day)
    if known is not None and _is_under_way(known, now):
        return Accepted(reply={"day": command.day, "run": known.run, "deduped": True})
    return _start(state, command.day, now)


def _compared(state: Reconciliation, command: DayCompared, now: datetime) -> Decision:
    """Record the outcome of the run that is under way, alert where the sides differ, and start what is due next."""
    day = state.days.get(command.day)
    if day is None or not day.is_open or day.run != command.run:
        return Accepted()
    outcome = DayReconciled(day=command.day, run=command.run, comparison=command.comparison)
    alerts = (_alert(outcome),) if command.comparison.differences_found else ()
    due = next(_due(state, now, besides=command.day), None)
    if due is None:
        return Accepted(events=(outcome,), effects=alerts)
    following = _start(state, due, now)
    return Accepted(events=(outcome, *following.events), effects=(*alerts, *following.effects))


def _read(state: Reconciliation, command: ReadReconciliation) -> Decision:
    """Answer the last outcome of a day, or a line for every day. Refused: NOT_FOUND for a day never compared."""
    if command.day is None:
        lines = [_line(name, day) for name, day in sorted(state.days.items(), reverse=True)]
        return Accepted(reply={"days": lines, "open_differences": _open_differences(state)})
    day = state.days.get(command.day)
    if day is None or day.last is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"day": command.day})
    return Accepted(reply=_line(command.day, day) | asdict(day.last.comparison))


def _due(state: Reconciliation, now: datetime, *, besides: str | None = None) -> Iterator[str]:
    """Yield the days to compare, the new ones first; none while a comparison is under way."""
    if any(_is_under_way(day, now) for name, day in state.days.items() if name != besides):
        return
    newest = (now.astimezone(UTC) - OVER_FOR).date() - timedelta(days=1)
    last = date.fromisoformat(max(state.days)) if state.days else newest - timedelta(days=1)
    day = max(last, newest - BACK_MAX) + timedelta(days=1)
    while day <= newest:
        yield day.isoformat()
        day += timedelta(days=1)
    today = datetime.combine(now.astimezone(UTC).date(), time.min, UTC)
    for name, known in sorted(state.days.items()):
        if name == besides or date.fromisoformat(name) < newest - AGAIN_FOR:
            continue
        differs = known.last is None or known.last.comparison.differences_found > 0
        if known.is_open or (differs and known.started_at < today):
            yield name


def _is_under_way(day: ComparedDay, now: datetime) -> bool:
    return day.is_open and now - day.started_at < PATIENCE


def _start(state: Reconciliation, name: str, now: datetime) -> Accepted:
    known = state.days.get(name)
    run = 1 if known is None else known.run + 1
    return Accepted(
        events=(DayComparisonStarted(day=name, run=run, started_at=now),),
        reply={"day": name, "run": run, "deduped": False},
        effects=(CompareWithStripe(day=name, run=run),),
    )


def _alert(outcome: DayReconciled) -> RaiseAlert:
    comparison = outcome.comparison
    details = {"day": outcome.day, "differences": comparison.differences_found, **comparison.by_kind}
    return RaiseAlert(name=ALERT, runbook=RUNBOOK, details=details)


def _line(name: str, day: ComparedDay) -> dict[str, Any]:
    return {
        "day": name,
        "run": day.run if day.last is None else day.last.run,
        "started_at": day.started_at,
        "under_way": day.is_open,
        "differences_found": None if day.last is None else day.last.comparison.differences_found,
    }
