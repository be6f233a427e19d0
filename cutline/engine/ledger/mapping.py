"""What a Stripe event means for the books: a pure map from its object to a draft and facts; it books nothing.

Stripe's objects are read with suspicion: optional fields may be absent, and nothing but our own metadata says
whose money it is (PAY-013, PAY-032). Every other type of event is stored and ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

from msgspec.structs import replace

from cutline.engine.ledger import accounts, loss_mapping, postings
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.state import LedgerState, Payment, balances, payment_of
from cutline.engine.ledger.stripe_objects import (
    IGNORED,
    Mapped,
    cents_of,
    currency_of,
    identity_of,
    mapping_of,
    text_of,
)
from cutline.engine.messages import RecordStripeEvent

_CONTEST_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

ENTRY_FEE: Final = "contest_entry_fee"
"""The purpose that our payment intents carry in their metadata."""


def map_event(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Map one event. Raises `UnreadableError` where a mapped type lacks its required fields."""
    mapper = _MAPPERS.get(event.type)
    return IGNORED if mapper is None else mapper(state, event)


def _payment(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Map a payment, and with it the refunds of it that Stripe reported first (T9)."""
    mapped = _payment_succeeded(state, event)
    early = state.early_refunds.get(mapped.facts.get("payment_intent", ""))
    if mapped.draft is None or early is None:
        return mapped
    payment = payment_of(mapped.facts, mapped.draft.kind)
    later: list[Draft] = []
    for refund_id, (cents, currency) in early.items():
        later += _refund_drafts(state, refund_id, payment, cents, currency, asked=False)
    return replace(mapped, later=tuple(later))


def _payment_succeeded(_state: LedgerState, event: RecordStripeEvent) -> Mapped:
    if event.account is not None:
        return IGNORED  # A connected account's own sale is not the platform's money.
    intent = event.object
    intent_id = text_of(intent, "id")
    received = intent.get("amount_received")
    cents = cents_of(intent, "amount" if received is None else "amount_received")
    currency = currency_of(intent)
    metadata = mapping_of(intent.get("metadata"))
    facts = {"payment_intent": intent_id, "amount_cents": str(cents), "currency": currency}
    holder = metadata.get("account_did") or metadata.get("user_id")
    charge = identity_of(intent.get("latest_charge"))
    if charge is not None:
        facts["charge"] = charge
    if not accounts.is_owner(holder):
        return _suspended(facts, "PAYMENT_INTENT_NOT_FOUND")
    facts["account_did"] = holder
    if metadata.get("purpose") != ENTRY_FEE and "entry_id" not in metadata:
        return Mapped(outcome="posted", draft=postings.payment(intent_id, holder, cents, currency), facts=facts)
    contest_id, entry_id = metadata.get("contest_id"), metadata.get("entry_id")
    if not _is_contest_id(contest_id) or not accounts.is_owner(entry_id):
        return _suspended(facts, "PAYMENT_INTENT_NOT_FOUND")
    facts["contest_id"], facts["entry_id"] = contest_id, entry_id
    if metadata.get("fee_cents") != facts["amount_cents"] or metadata.get("currency") != currency:
        return _suspended(facts, "AMOUNT_MISMATCH")
    draft = postings.entry_payment(intent_id, holder, contest_id, cents, currency)
    return Mapped(outcome="posted", draft=draft, facts=facts)


def _is_contest_id(value: object) -> TypeGuard[str]:
    """Say whether a contest could have this id; another's money must not wait for a contest that cannot be."""
    return isinstance(value, str) and _CONTEST_ID.fullmatch(value) is not None


def _suspended(facts: dict[str, str], failure: str) -> Mapped:
    draft = postings.suspended_payment(facts["payment_intent"], int(facts["amount_cents"]), facts["currency"])
    return Mapped(outcome="suspense", draft=draft, facts=facts, failure=failure)


def _payment_ended(_state: LedgerState, event: RecordStripeEvent) -> Mapped:
    if event.account is not None:
        return IGNORED
    intent = event.object
    metadata = mapping_of(intent.get("metadata"))
    facts = {
        "payment_intent": text_of(intent, "id"),
        "intent_status": "canceled" if event.type == "payment_intent.canceled" else "failed",
    }
    for name in ("contest_id", "entry_id"):
        if accounts.is_owner(metadata.get(name)):
            facts[name] = metadata[name]
    error = mapping_of(intent.get("last_payment_error"))
    reason = intent.get("cancellation_reason") or error.get("decline_code") or error.get("code")
    if isinstance(reason, str):
        facts["reason"] = reason
    return Mapped(outcome="recorded", facts=facts)


def _refund_changed(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    return IGNORED if event.account is not None else _refund(state, event.object)


def _charge_refunded(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Map the refunds that older API versions embed in a charge; newer ones send `refund.*` events."""
    listed = mapping_of(event.object.get("refunds")).get("data")
    if event.account is not None or not isinstance(listed, list) or not listed:
        return IGNORED
    mapped = [_refund(state, mapping_of(item)) for item in listed]
    news = [one for one in mapped if one.draft is not None and one.draft.effect_key not in state.effects]
    if not news:
        return mapped[0]
    first = news[0]
    others = tuple(draft for one in news[1:] if (draft := one.draft) is not None)
    return Mapped(outcome=first.outcome, draft=first.draft, facts=first.facts, later=first.later + others)


def _refund(state: LedgerState, refund: Mapping[str, Any]) -> Mapped:
    refund_id, status = text_of(refund, "id"), text_of(refund, "status")
    metadata = mapping_of(refund.get("metadata"))
    intent = identity_of(refund.get("payment_intent"))
    facts = {"refund": refund_id, "refund_status": "failed" if status == "canceled" else status}
    for name in ("contest_id", "entry_id"):
        if accounts.is_owner(metadata.get(name)):
            facts[name] = metadata[name]
    if intent is not None:
        facts["payment_intent"] = intent
    if facts["refund_status"] == "succeeded":
        return _refund_succeeded(state, facts, cents_of(refund, "amount"), currency_of(refund))
    if facts["refund_status"] == "failed" and f"refund:{refund_id}:succeeded" in state.effects:
        return _refund_failed(state, facts, cents_of(refund, "amount"), currency_of(refund))
    return Mapped(outcome="recorded", facts=facts)


def _refund_succeeded(state: LedgerState, facts: dict[str, str], cents: int, currency: str) -> Mapped:
    """Take a refund out of where its payment lies; one that we did not ask for is its holder's debt.

    Where our own refund was refused, the money was credited: a later one takes it from there, while it is there.
    """
    intent = facts.get("payment_intent", "")
    payment = state.payments.get(intent)
    if payment is None:
        return _early_refund(state, facts, intent, cents, currency)
    asked = (facts.get("contest_id"), facts.get("entry_id")) == (payment.contest_id, payment.entry_id)
    if f"refund:{intent}:refused" in state.effects:
        if asked and facts["refund"] in state.failed_refunds:
            return Mapped(outcome="recorded", facts=facts)  # It came back before we heard of it: nothing moved.
        holder = payment.account_did
        if holder is not None and currency == payment.currency and balances(state, holder, currency)[0] >= cents:
            own = postings.refund_succeeded(facts["refund"], accounts.available(holder), cents, currency)
            return Mapped(outcome="posted", draft=own, facts=facts)
    drafts = _refund_drafts(state, facts["refund"], payment, cents, currency, asked=asked)
    if not drafts:
        return Mapped(outcome="dead_letter", facts=facts, failure="PAYMENT_INTENT_NOT_FOUND")
    mapped = Mapped(outcome="posted", draft=drafts[0], facts=facts, later=drafts[1:])
    if drafts[0].kind != "refund_outside":
        return mapped
    return replace(mapped, alerts=(loss_mapping.refund_alert("refund_made_outside", facts, cents, currency),))


def _early_refund(state: LedgerState, facts: dict[str, str], intent: str, cents: int, currency: str) -> Mapped:
    """Keep a refund that came before its payment: it is booked with it, and until then a person should know."""
    if facts["refund"] in state.early_refunds.get(intent, {}):
        return Mapped(outcome="duplicate_effect", facts=facts)
    facts |= {"amount_cents": str(cents), "currency": currency}
    return Mapped(outcome="dead_letter", facts=facts, failure="PAYMENT_INTENT_NOT_FOUND")


def _refund_drafts(
    state: LedgerState, refund_id: str, payment: Payment, cents: int, currency: str, *, asked: bool
) -> tuple[Draft, ...]:
    """Return the posting of a refund, and of its failure if that was said first; none where it fits no payment."""
    holder, contest_id = payment.account_did, payment.contest_id
    if payment.currency != currency:
        return ()
    if payment.place == "suspense":
        draft = postings.refund_succeeded(refund_id, accounts.SUSPENSE, cents, currency)
    elif payment.place == "refunds" and asked and contest_id and cents == payment.amount_cents:
        draft = postings.refund_succeeded(refund_id, accounts.refunds(contest_id), cents, currency)
    elif holder is not None:
        draft = postings.refund_outside(refund_id, holder, cents, currency)
    else:
        return ()
    if refund_id in state.failed_refunds and holder is not None:
        return (draft, postings.refund_failed(refund_id, holder, cents, currency))
    return (draft,)


def _refund_failed(state: LedgerState, facts: dict[str, str], cents: int, currency: str) -> Mapped:
    payment = state.payments.get(facts.get("payment_intent", ""))
    if payment is None or payment.account_did is None:
        return Mapped(outcome="dead_letter", facts=facts, failure="PAYMENT_INTENT_NOT_FOUND")
    draft = postings.refund_failed(facts["refund"], payment.account_did, cents, currency)
    alert = loss_mapping.refund_alert("refund_came_back", facts, cents, currency)
    return Mapped(outcome="posted", draft=draft, facts=facts, alerts=(alert,))


def _account_updated(_state: LedgerState, event: RecordStripeEvent) -> Mapped:
    account = event.object
    capabilities = mapping_of(account.get("capabilities"))
    facts = {
        "stripe_account_id": text_of(account, "id"),
        "transfers_active": str(capabilities.get("transfers") == "active").lower(),
        "payouts_enabled": str(account.get("payouts_enabled") is True).lower(),
    }
    return Mapped(outcome="recorded", facts=facts)


def _account_disconnected(_state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Map that an account's owner has disconnected it: the object is the application, the account is beside it."""
    if event.account is None:
        return IGNORED
    facts = {"stripe_account_id": event.account, "transfers_active": "false", "payouts_enabled": "false"}
    return Mapped(outcome="recorded", facts=facts)


def _payout_ended(state: LedgerState, event: RecordStripeEvent) -> Mapped:
    """Map the end of a payout from a connected account; the platform's own payouts are nobody's winnings.

    Money that left an account without our asking is no payout of ours: a person must look.
    """
    if event.account is None:
        return IGNORED
    payout = event.object
    payout_id = mapping_of(payout.get("metadata")).get("payout_id")
    outcome = "paid" if event.type == "payout.paid" else "failed"
    facts = {
        "stripe_payout_id": text_of(payout, "id"),
        "stripe_account_of_payout": event.account,
        "payout_outcome": outcome,
    }
    if not isinstance(payout_id, str) or payout_id not in state.payouts.payouts:
        failure = "PAYOUT_NOT_FOUND" if outcome == "paid" else None
        return Mapped(outcome="dead_letter" if failure else "ignored", facts=facts, failure=failure)
    cents = payout.get("amount")
    if type(cents) is int:
        facts["payout_cents"] = str(cents)
    reason = payout.get("failure_code") or ("canceled" if event.type == "payout.canceled" else None)
    if isinstance(reason, str):
        facts["reason"] = reason
    return Mapped(outcome="recorded", facts=facts | {"payout_id": payout_id})


_MAPPERS: Final[Mapping[str, Callable[[LedgerState, RecordStripeEvent], Mapped]]] = {
    "payment_intent.succeeded": _payment,
    "payment_intent.payment_failed": _payment_ended,
    "payment_intent.canceled": _payment_ended,
    "refund.created": _refund_changed,
    "refund.updated": _refund_changed,
    "refund.failed": _refund_changed,
    "charge.refund.updated": _refund_changed,
    "charge.refunded": _charge_refunded,
    "account.updated": _account_updated,
    "account.application.deauthorized": _account_disconnected,
    **loss_mapping.MAPPERS,
    "payout.paid": _payout_ended,
    "payout.failed": _payout_ended,
    "payout.canceled": _payout_ended,
}
