"""The calls that payouts to the bank need, and when they may be made; it judges no message.

Money reaches a bank in two steps: what the connected account lacks is transferred to it, then the account pays out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cutline.engine.messages import CallStripe
from cutline.engine.payout.bank_events import payout_key
from cutline.engine.payout.bank_state import BankPayout
from cutline.engine.payout.state import Abilities, PayoutState, bank_subject
from cutline.engine.stripe_attempts import AttemptStarted, Parameters
from cutline.engine.stripe_call import start

Step = tuple[AttemptStarted, CallStripe]


def may_start(payout: BankPayout, able: Abilities) -> bool:
    """Say whether the account can take what it lacks and pay out now (Stripe, "Account capabilities")."""
    return able.payouts_enabled and (able.transfers_active or not payout.lacks_cents)


def next_step(payout: BankPayout, stripe_account_id: str, now: datetime) -> Step:
    """Return the call that a payout needs next: the transfer of what is lacking, or the payout itself."""
    return fund(payout, stripe_account_id, now) if payout.lacks_cents else pay_out(payout, stripe_account_id, now)


def fund(payout: BankPayout, stripe_account_id: str, now: datetime) -> Step:
    """Return the transfer of what the connected account lacks; it is found again by its group."""
    plan = payout.plan
    parameters: Parameters = {
        "amount": payout.lacks_cents,
        "currency": plan.currency,
        "destination": stripe_account_id,
        "transfer_group": payout_key(plan.payout_id),
        "metadata": _metadata(payout),
    }
    return start(bank_subject("payout-transfer", plan.payout_id), "create_transfer", parameters, now)


def pay_out(payout: BankPayout, stripe_account_id: str, now: datetime) -> Step:
    """Return the payout from the connected account to its bank."""
    plan = payout.plan
    parameters: Parameters = {
        "amount": plan.amount_cents,
        "currency": plan.currency,
        "metadata": _metadata(payout),
        "stripe_account": stripe_account_id,
    }
    return start(bank_subject("payout", plan.payout_id), "create_payout", parameters, now)


def ask_after(payout: BankPayout, stripe_account_id: str, now: datetime) -> Step:
    """Return the question how a payout stands that Stripe has made."""
    parameters: Parameters = {"id": payout.stripe_payout_id or "", "stripe_account": stripe_account_id}
    subject = bank_subject("payout-check", payout.plan.payout_id)
    return start(subject, "retrieve_payout", parameters, now, attempt=payout.checks + 1)


def payouts_going_on(
    state: PayoutState, account_did: str, stripe_account_id: str, able: Abilities, now: datetime
) -> tuple[list[Any], list[CallStripe]]:
    """Return how each payout that waited for its holder's account goes on."""
    events: list[Any] = []
    effects: list[CallStripe] = []
    for payout_id in state.bank.waiting.get(account_did, {}):
        payout = state.bank.payouts[payout_id]
        if may_start(payout, able):
            started, effect = next_step(payout, stripe_account_id, now)
            events.append(started)
            effects.append(effect)
    return events, effects


def _metadata(payout: BankPayout) -> dict[str, str]:
    plan = payout.plan
    return {"payout_id": plan.payout_id, "account_did": plan.account_did, "ledger_head": plan.head}
