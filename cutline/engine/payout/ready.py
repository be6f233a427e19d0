"""What a ready account lets happen: winnings are held, then transferred; it judges no message."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cutline.engine.messages import CallStripe
from cutline.engine.payout.events import TransferLockRequested, TransferPlanned
from cutline.engine.payout.state import PayoutState
from cutline.engine.stripe_attempts import AttemptStarted, Parameters
from cutline.engine.stripe_call import start


def going_on(
    state: PayoutState, account_did: str, stripe_account_id: str, now: datetime
) -> tuple[list[Any], list[CallStripe]]:
    """Return how each waiting transfer of a ready account goes on."""
    events: list[Any] = []
    effects: list[CallStripe] = []
    for key in state.waiting.get(account_did, {}):
        transfer = state.transfers[key]
        if transfer.head is not None:
            started, effect = first_attempt(transfer.plan, stripe_account_id, transfer.head, now)
            events.append(started)
            effects.append(effect)
        elif not transfer.lock_requested:
            events.append(lock_request(transfer.plan))
    return events, effects


def lock_request(plan: TransferPlanned) -> TransferLockRequested:
    """Return the request to hold the winnings of a transfer."""
    return TransferLockRequested(contest_id=plan.contest_id, entry_id=plan.entry_id)


def first_attempt(
    plan: TransferPlanned, stripe_account_id: str, head: str, now: datetime
) -> tuple[AttemptStarted, CallStripe]:
    """Return the first call for a transfer; later attempts repeat its exact parameters (POUT-032)."""
    parameters: Parameters = {
        "amount": plan.amount_cents,
        "currency": plan.currency,
        "destination": stripe_account_id,
        "transfer_group": plan.contest_id,
        "metadata": {
            "contest_id": plan.contest_id,
            "entry_id": plan.entry_id,
            "account_did": plan.account_did,
            "ledger_head": head,
        },
    }
    return start(plan.key, "create_transfer", parameters, now)
