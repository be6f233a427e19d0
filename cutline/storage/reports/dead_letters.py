"""Stripe's events that a person must look at, as a list with its counts; it must not show an event's body."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypedDict

from cutline.storage.reports.reading import core_file

_CHOSEN: Final = """
FROM stripe_webhook_dead_letters
WHERE (:event_type IS NULL OR event_type = :event_type)
  AND (:failure_class IS NULL OR failure_class = :failure_class)
  AND (:stripe_event_id IS NULL OR stripe_event_id = :stripe_event_id)"""
_PAGE: Final = f"""
SELECT row_number, id, stripe_event_id, event_type, failure_class, error_json, created_at {_CHOSEN}
  AND (:before IS NULL OR row_number < :before)
ORDER BY row_number DESC LIMIT :limit"""
_COUNTS: Final = f"SELECT failure_class, count(*) {_CHOSEN} GROUP BY failure_class ORDER BY failure_class"


class Chosen(TypedDict):
    """What the dead letters asked for have in common; None is whatever."""

    event_type: str | None
    failure_class: str | None
    stripe_event_id: str | None


def dead_letters(root: Path, chosen: Chosen, before: int | None, limit: int) -> dict[str, Any]:
    """Return the newest of the chosen dead letters that are older than number `before`, and how many there are.

    `counts` is of all that are chosen, by failure class, whatever the page (FRZ-013).
    """
    with core_file(root, "ledger") as connection:
        rows = connection.execute(_PAGE, {**chosen, "before": before, "limit": limit}).fetchall()
        counts = dict(connection.execute(_COUNTS, dict(chosen)).fetchall())
    names = ("number", "id", "stripe_event_id", "event_type", "failure_class", "error", "created_at")
    letters = [dict(zip(names, (*row[:5], json.loads(row[5]), row[6]), strict=True)) for row in rows]
    return {"dead_letters": letters, "counts": counts}
