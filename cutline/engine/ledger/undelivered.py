"""When Stripe is asked for events that are missing, and what follows; it fetches nothing and records none of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cutline.engine.decision import Accepted, Decision
from cutline.engine.ledger.events import AllEventsListedAgain, UndeliveredEventsListed
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import (
    AllEventsListed,
    FetchUndelivered,
    LetMoneyLeave,
    ListUndelivered,
    UndeliveredListed,
)

LIST_AGAIN_AFTER: Final = timedelta(hours=23)
"""A little less than a day, so that a job that looks every hour lists once a day and does not slip by an hour."""


def fetch_undelivered(state: LedgerState, _command: FetchUndelivered, now: datetime) -> Decision:
    """Ask for a list once a day; while Stripe does not answer, at every look."""
    last = state.undelivered_listed_at
    if last is not None and now - last < LIST_AGAIN_AFTER:
        return Accepted()
    return Accepted(effects=(ListUndelivered(),))


def undelivered_listed(state: LedgerState, command: UndeliveredListed, now: datetime) -> Decision:
    """Remember that a list was taken in; its events came before this message."""
    if state.undelivered_listed_at == now:
        return Accepted()
    return Accepted(events=(UndeliveredEventsListed(listed_at=now, found=command.found),))


def all_events_listed(state: LedgerState, command: AllEventsListed, now: datetime) -> Decision:
    """Let money leave again after a restore: all that Stripe had to say came before this message."""
    release = (LetMoneyLeave(),)
    if state.all_listed_at == now:
        return Accepted(effects=release)
    return Accepted(events=(AllEventsListedAgain(listed_at=now, found=command.found),), effects=release)
