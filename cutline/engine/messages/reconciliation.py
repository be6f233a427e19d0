"""The messages about holding Stripe's days against the books: who asks, what a task does, and what came of it."""

from __future__ import annotations

from msgspec import Struct

from cutline.engine.reconciliation import Comparison


class ReconcileWithStripe(Struct, frozen=True, kw_only=True):
    """From the scheduler: compare the days that are over and not compared yet; from an admin: compare `day` again.

    A day is a UTC date as `YYYY-MM-DD`.
    """

    day: str | None = None


class CompareWithStripe(Struct, frozen=True, kw_only=True):
    """An effect: list what moved the platform's balance on a UTC day and compare; the answer is `DayCompared`."""

    day: str
    run: int


class DayCompared(Struct, frozen=True, kw_only=True):
    """From a task: what came of one comparison."""

    day: str
    run: int
    comparison: Comparison


class ReadReconciliation(Struct, frozen=True, kw_only=True):
    """Ask for the last comparison of one day, or for a line a day. Decides nothing."""

    day: str | None = None
