"""Shows Stripe's events that a person must look at (FRZ-013); it must not mend any of them."""

from __future__ import annotations

from cutline.http.door import STAFF, Call, Reply, Route
from cutline.http.paging import cursor_of
from cutline.http.schemas.dead_letters import DeadLetterGiven, DeadLettersAsked, DeadLettersGiven
from cutline.storage.reports.dead_letters import Chosen, dead_letters


async def list_dead_letters(call: Call) -> Reply:
    """List dead letters, the newest first, page by page; filters take exact values."""
    asked = call.query_as(DeadLettersAsked)
    chosen = Chosen(
        event_type=asked.event_type, failure_class=asked.failure_class, stripe_event_id=asked.stripe_event_id
    )
    before = None if asked.cursor is None else asked.place.number
    found = await call.report(dead_letters, chosen, before, asked.limit + 1)
    page = found["dead_letters"][: asked.limit]
    next_cursor = cursor_of(page[-1]["number"]) if len(found["dead_letters"]) > len(page) else None
    letters = [DeadLetterGiven.model_validate(one) for one in page]
    return Reply(body=DeadLettersGiven(dead_letters=letters, counts=found["counts"], next_cursor=next_cursor))


ROUTES = (
    Route(
        method="GET",
        path="/v1/stripe/dead-letters",
        handle=list_dead_letters,
        needs=STAFF,
        gives=DeadLettersGiven,
        summary="List Stripe's events that a person must look at.",
        query=DeadLettersAsked,
    ),
)
