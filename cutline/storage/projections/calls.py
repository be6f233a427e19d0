"""Rows of the calls that are made at Stripe, alike for what goes in and what goes out; it must not make a call."""

from __future__ import annotations

from typing import Final

import orjson

from cutline.engine.decision import Recorded
from cutline.engine.stripe_attempts import AttemptDeferred, AttemptRepeated, AttemptStarted, LookupStarted
from cutline.storage.projections import Rows

_STEPS: Final[dict[type, str]] = {
    AttemptStarted: "attempt_started",
    AttemptRepeated: "attempt_repeated",
    AttemptDeferred: "attempt_deferred",
    LookupStarted: "lookup_started",
}


def attempt_row(table: str, event: AttemptStarted, recorded: Recorded) -> Rows:
    """Return the row of one attempt, the exact call under its key; a call that only reads has none and leaves none."""
    if event.idempotency_key is None:
        return ()
    parameters = orjson.dumps(event.parameters, option=orjson.OPT_SORT_KEYS).decode()
    row = (event.subject, event.operation, event.attempt, event.idempotency_key, parameters, recorded.seq)
    return ((table, row),)


def step_of(event: object) -> tuple[str, str] | None:
    """Return the subject and the name of a step in a call, or None for an event that is none."""
    name = _STEPS.get(type(event))
    return None if name is None else (str(getattr(event, "subject", "")), name)
