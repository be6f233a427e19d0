"""What Stripe's events about disputes and reversals mean for the books; it books nothing.

A dispute takes money from the platform, not from its payer: the payer's money is frozen, and owed only once the
dispute is lost (DISP-002 to DISP-004). The entry plays on (LOSS-023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.state import LedgerState, balances
from cutline.engine.ledger.stripe_objects import (
    IGNORED,
    Mapped,
    UnreadableError,
    cents_of,
    currency_of,
    identity_of,
    mapping_of,
    text_of,
)
from cutline.engine.messages import RaiseAlert, RecordStripeEvent

RUNBOOK: Final = "runbooks/money-went-back.md"

_TRANSFERS_SINCE: Final = "2017-04-06"
"""Before this version of Stripe's API, `transfer` was the name of a payout to the bank."""


def refund_alert(name: str, facts: Mapping[str, str], cents: int, currency: str) -> RaiseAlert:
    """Return the alert about a refund that was made outside, or came back."""
    details = {"refund": facts["refund"], "amount_cents": cents, "currency": currency}
    return RaiseAlert(name=name, runbook=RUNBOOK, details=details)


def _dispute_opened(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Book what Stripe withdrew, once it has, and freeze what the payer has of it.

    An inquiry withdraws nothing and is only recorded.
    """
    if event.account is not None:
        return IGNORED
    facts = _facts(state, event.object)
    withdrawn_cents, fee_cents = _withdrawn(event.object)
    if not withdrawn_cents:
        return Mapped(outcome="recorded", facts=facts)
    currency = currency_of(event.object)
    facts |= {"amount_cents": str(withdrawn_cents), "fee_cents": str(fee_cents), "currency": currency}
    did = facts.get("account_did")
    return Mapped(
        outcome="posted",
        draft=postings.dispute_created(facts["dispute"], withdrawn_cents, fee_cents, currency),
        facts=facts,
        failure=None if did is not None else "PAYMENT_INTENT_NOT_FOUND",
        later=() if did is None else tuple(_freeze(state, facts["dispute"], did, withdrawn_cents, currency)),
        alerts=(_alert("dispute_opened", facts),),
    )


def _dispute_reinstated(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    return IGNORED if event.account is not None else _won(state, _facts(state, event.object))


def _dispute_closed(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Book a dispute's end. Other ends than won and lost leave the money frozen, and a person is told (G-21)."""
    if event.account is not None:
        return IGNORED
    facts = _facts(state, event.object)
    if facts["dispute_status"] == "won":
        return _won(state, facts)
    if facts["dispute_status"] == "lost":
        return _lost(state, facts)
    return Mapped(outcome="recorded", facts=facts, alerts=(_alert("dispute_ended_otherwise", facts),))


def _won(state: LedgerState, facts: dict[str, str]) -> Mapped:
    name = facts["dispute"]
    dispute = state.losses.disputes.get(name)
    if dispute is None:
        return Mapped(outcome="pending", too_early=f"dispute:{name}:withdrawn")
    if dispute.status == "lost":
        return Mapped(outcome="dead_letter", facts=facts, failure="INVALID_STATUS_TRANSITION")
    later: tuple[Draft, ...] = ()
    if dispute.account_did is not None:
        source = postings.loss_hold_source(name)
        held_cents = state.holds.get((accounts.held(dispute.account_did), source, dispute.currency), 0)
        if held_cents:
            later = (postings.loss_hold_resolved(name, dispute.account_did, held_cents, dispute.currency),)
    draft = postings.dispute_won(name, dispute.amount_cents, dispute.currency)
    return Mapped(outcome="posted", draft=draft, facts=facts, later=later)


def _lost(state: LedgerState, facts: dict[str, str]) -> Mapped:
    name = facts["dispute"]
    dispute = state.losses.disputes.get(name)
    if dispute is None:
        return Mapped(outcome="pending", too_early=f"dispute:{name}:withdrawn")
    if dispute.status == "won":
        return Mapped(outcome="dead_letter", facts=facts, failure="INVALID_STATUS_TRANSITION")
    did = dispute.account_did or facts.get("account_did")
    if did is None:
        return Mapped(outcome="dead_letter", facts=facts, failure="PAYMENT_INTENT_NOT_FOUND")
    draft = postings.dispute_lost(name, did, dispute.amount_cents, dispute.currency)
    return Mapped(outcome="posted", draft=draft, facts=facts, alerts=(_alert("dispute_lost", facts),))


def _transfer_reversed(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Book every reversal of a transfer that is not booked yet; a transfer is reversed in parts or whole."""
    transfer = event.object
    if event.account is not None:
        return IGNORED
    if event.api_version is not None and event.api_version < _TRANSFERS_SINCE:
        raise UnreadableError(f"transfers of version {event.api_version} are payouts to the bank")
    name, currency = text_of(transfer, "id"), currency_of(transfer)
    did = state.losses.transfers.get(name)
    if did is None:
        return Mapped(outcome="pending", too_early=f"transfer {name}")
    listed = mapping_of(transfer.get("reversals")).get("data")
    if not isinstance(listed, list) or not listed:
        raise UnreadableError("reversals are missing")
    drafts = [
        postings.transfer_reversed(text_of(one, "id"), did, cents_of(one, "amount"), currency)
        for one in map(mapping_of, listed)
    ]
    news = [draft for draft in drafts if draft.effect_key not in state.effects] or drafts[:1]
    facts = {"transfer": name, "account_did": did}
    details = {"transfer": name, "amount_cents": sum(draft.legs[0][1] for draft in news), "currency": currency}
    alert = RaiseAlert(name="transfer_reversed", runbook=RUNBOOK, details=details)
    return Mapped(outcome="posted", draft=news[0], facts=facts, later=tuple(news[1:]), alerts=(alert,))


def _facts(state: LedgerState, dispute: Mapping[str, Any]) -> dict[str, str]:
    """Return what outlives a dispute's body; whose it is, the books say by the payment or by its charge."""
    facts = {"dispute": text_of(dispute, "id"), "dispute_status": text_of(dispute, "status")}
    if not accounts.is_owner(facts["dispute"]) or ":" in facts["dispute"]:
        raise UnreadableError("id is not one of Stripe's")
    charge = identity_of(dispute.get("charge"))
    intent = identity_of(dispute.get("payment_intent"))
    if charge is not None:
        facts["charge"] = charge
        intent = intent or state.losses.charges.get(charge)
    payment = None if intent is None else state.payments.get(intent)
    if intent is not None:
        facts["payment_intent"] = intent
    if payment is not None:
        owner = {"account_did": payment.account_did, "contest_id": payment.contest_id, "entry_id": payment.entry_id}
        facts |= {field: value for field, value in owner.items() if value is not None}
    return facts


def _withdrawn(dispute: Mapping[str, Any]) -> tuple[int, int]:
    """Return what Stripe took for a dispute and what it charged for that, in cents, by its balance transactions."""
    listed = dispute.get("balance_transactions")
    rows = [mapping_of(row) for row in listed] if isinstance(listed, list) else []
    taken = [row for row in rows if type(row.get("amount")) is int and row["amount"] < 0]
    fees = [row["fee"] for row in taken if type(row.get("fee")) is int and row["fee"] > 0]
    return -sum(row["amount"] for row in taken), sum(fees)


def _freeze(state: LedgerState, name: str, account_did: str, cents: int, currency: str) -> Iterator[Draft]:
    available_cents, _ = balances(state, account_did, currency)
    if available_cents > 0:
        yield postings.loss_hold(name, account_did, min(available_cents, cents), currency)


def _alert(name: str, facts: Mapping[str, str]) -> RaiseAlert:
    told = ("dispute", "dispute_status", "amount_cents", "currency", "contest_id", "entry_id")
    return RaiseAlert(name=name, runbook=RUNBOOK, details={field: facts[field] for field in told if field in facts})


MAPPERS: Final[Mapping[str, Callable[[LedgerState, RecordStripeEvent], Mapped]]] = {
    "charge.dispute.created": _dispute_opened,
    "charge.dispute.updated": _dispute_opened,
    "charge.dispute.funds_withdrawn": _dispute_opened,
    "charge.dispute.funds_reinstated": _dispute_reinstated,
    "charge.dispute.closed": _dispute_closed,
    "transfer.reversed": _transfer_reversed,
}
