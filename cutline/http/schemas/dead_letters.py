"""What is asked and answered about Stripe's events that a person must look at."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import StringConstraints

from cutline.http.paging import PageAsked
from cutline.http.schemas.base import Given

Wanted = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class DeadLettersAsked(PageAsked):
    """Which page of which dead letters."""

    event_type: Wanted | None = None
    failure_class: Wanted | None = None
    stripe_event_id: Wanted | None = None


class DeadLetterGiven(Given):
    """One event that moved no money though it might have had to; `error` says what is known, without its body."""

    id: str
    stripe_event_id: str | None
    event_type: str | None
    failure_class: str
    error: dict[str, Any]
    created_at: datetime


class DeadLettersGiven(Given):
    """A page of dead letters, the newest first; `counts` is of all that were asked for, by failure class."""

    dead_letters: list[DeadLetterGiven]
    counts: dict[str, int]
    next_cursor: str | None
