"""Finding intents that exist at Stripe and that nobody has heard of since (PAY-041); it changes none of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision
from cutline.engine.messages import LookForOrphans, RaiseAlert, ReadOrphanedIntents
from cutline.engine.payment.state import EntryKey, PaymentState

RUNBOOK: Final = "runbooks/payment-intents-orphaned.md"


def read_orphaned_intents(state: PaymentState, command: ReadOrphanedIntents, now: datetime) -> Decision:
    """List the intents that have been open for so long, oldest first."""
    return Accepted(reply={"intents": [_shown(state, entry, at) for at, entry in _orphans(state, command, now)]})


def look_for_orphans(state: PaymentState, command: LookForOrphans, now: datetime) -> Decision:
    """Raise an alert, at every look, while there are such intents; it names the oldest."""
    found = list(_orphans(state, command, now))
    if not found:
        return Accepted()
    at, entry = found[0]
    details = {"count": len(found), "oldest": state.intents[entry].payment_intent, "open_since": at.isoformat()}
    return Accepted(effects=(RaiseAlert(name="payment_intents_orphaned", runbook=RUNBOOK, details=details),))


def _orphans(
    state: PaymentState, command: ReadOrphanedIntents | LookForOrphans, now: datetime
) -> Iterator[tuple[datetime, EntryKey]]:
    before = now - timedelta(minutes=command.older_than_minutes)
    return iter(sorted((at, entry) for entry, at in state.open_since.items() if at <= before))


def _shown(state: PaymentState, entry: EntryKey, open_since: datetime) -> dict[str, Any]:
    intent = state.intents[entry]
    return {
        "payment_intent": intent.payment_intent,
        "contest_id": entry[0],
        "entry_id": entry[1],
        "account_did": intent.plan.account_did,
        "status": intent.status.value,
        "amount_cents": intent.plan.amount_cents,
        "currency": intent.plan.currency,
        "open_since": open_since,
    }
