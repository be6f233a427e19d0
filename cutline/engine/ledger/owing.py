"""What a booked event owes to other actors, from the event alone, so that a restart can say it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from cutline.engine.decision import Owed, Recorded
from cutline.engine.ledger.events import (
    AccountClosed,
    PayoutAdmitted,
    StripeEventForwarded,
    StripeEventRecorded,
    TransactionPosted,
    TransferEndedUnlocked,
    fee_key,
)
from cutline.engine.messages import (
    AccountReported,
    FeePaid,
    HolderClosed,
    IntentReported,
    PayWinners,
    RefundEntry,
    RefundReported,
    TransferLocked,
    WinningsPaid,
    WinningsUnpayable,
)
from cutline.engine.messages.bank import PayoutBooked, PayoutLocked, PayoutOutcome, PayoutReported

StripeEvent = StripeEventRecorded | StripeEventForwarded
"""What Stripe said, as it was posted at once or later; one whose posting broke owes nothing (PAY-054, FWD-016)."""


def owes(recorded: Recorded) -> Sequence[Owed]:
    """Return what an event of the ledger owes; each key is unique in the ledger's file."""
    event = recorded.event
    kind = type(event)
    if kind is StripeEventRecorded or kind is StripeEventForwarded:
        return _owed_by_stripe_event(event)
    if kind is TransactionPosted:
        return _owed_by_transaction(event, recorded.hash) if event.content else ()
    if isinstance(event, PayoutAdmitted):
        return (_payout_locked(event, recorded.hash.hex()),)
    if isinstance(event, AccountClosed):
        return (Owed(key=event.key, to="payouts", message=HolderClosed(account_did=event.account_did)),)
    if isinstance(event, TransferEndedUnlocked):
        return (_unpayable(event.key, event.contest_id, event.entry_id, event.amount_cents, event.reason),)
    return ()


def _owed_by_stripe_event(event: StripeEvent) -> Sequence[Owed]:
    facts = event.facts
    if "stripe_account_id" in facts:
        return (_account_report(event),)
    if "payout_id" in facts:
        return (_payout_report(event),)
    if "refund_status" in facts:
        return _refund_report(event) if {"contest_id", "entry_id", "payment_intent"} <= facts.keys() else ()
    if "dispute" in facts:
        return ()  # The entry of a disputed payment plays on (LOSS-023).
    status = facts.get("intent_status")
    if status is not None:
        return (_intent_report(event, "canceled" if status == "canceled" else "failed"),)
    if event.posting is None or "entry_id" not in facts:
        return ()
    report = _intent_report(event, "succeeded")
    if event.posting.kind != "entry_payment":
        return (report,)
    fee = FeePaid(
        contest_id=facts["contest_id"],
        entry_id=facts["entry_id"],
        account_did=facts["account_did"],
        amount_cents=int(facts["amount_cents"]),
        currency=facts["currency"],
        payment_intent=facts["payment_intent"],
    )
    return (
        Owed(key=fee_key(facts["payment_intent"]), to=f"contest/{facts['contest_id']}", message=fee),
        report,
    )


def _intent_report(event: StripeEvent, status: Literal["succeeded", "failed", "canceled"]) -> Owed:
    facts = event.facts
    message = IntentReported(
        payment_intent=facts["payment_intent"],
        status=status,
        reason=facts.get("reason"),
        event_id=event.event_id,
        contest_id=facts.get("contest_id"),
        entry_id=facts.get("entry_id"),
    )
    return Owed(key=f"intent-report:{event.event_id}", to="payments", message=message)


def _refund_report(event: StripeEvent) -> Sequence[Owed]:
    facts = event.facts
    message = RefundReported(
        contest_id=facts["contest_id"],
        entry_id=facts["entry_id"],
        payment_intent=facts["payment_intent"],
        stripe_refund_id=facts["refund"],
        status=facts["refund_status"],
        event_id=event.event_id,
    )
    return (Owed(key=f"refund-report:{event.event_id}", to="payments", message=message),)


def _account_report(event: StripeEvent) -> Owed:
    facts = event.facts
    message = AccountReported(
        stripe_account_id=facts["stripe_account_id"],
        transfers_active=facts["transfers_active"] == "true",
        payouts_enabled=facts["payouts_enabled"] == "true",
        event_id=event.event_id,
    )
    return Owed(key=f"account-report:{event.event_id}", to="payouts", message=message)


def _payout_report(event: StripeEvent) -> Owed:
    facts = event.facts
    message = PayoutReported(
        payout_id=facts["payout_id"],
        stripe_payout_id=facts["stripe_payout_id"],
        stripe_account_id=facts["stripe_account_of_payout"],
        outcome="paid" if facts["payout_outcome"] == "paid" else "failed",
        reason=facts.get("reason"),
        event_id=event.event_id,
        amount_cents=int(facts["payout_cents"]) if "payout_cents" in facts else None,
    )
    return Owed(key=f"payout-report:{event.event_id}", to="payouts", message=message)


def _payout_locked(event: PayoutAdmitted, head: str) -> Owed:
    message = PayoutLocked(
        payout_id=event.payout_id,
        account_did=event.account_did,
        amount_cents=event.amount_cents,
        currency=event.currency,
        transfer_cents=event.transfer_cents,
        principal=event.principal,
        idempotency_key=event.idempotency_key,
        head=head,
    )
    return Owed(key=event.key, to="payouts", message=message)


def _owed_by_transaction(event: TransactionPosted, head: bytes) -> Sequence[Owed]:
    effect, content = event.posting.effect_key, event.content
    match event.posting.kind:
        case "entry_refused" | "entry_returned":
            return (Owed(key=f"{effect}:refund", to="payments", message=_refund_entry(content)),)
        case "settlement" if event.prizes:
            winners = PayWinners(contest_id=content["contest_id"], currency=event.posting.currency, prizes=event.prizes)
            return (Owed(key=f"{effect}:pay", to="payouts", message=winners),)
        case "transfer_locked":
            locked = TransferLocked(contest_id=content["contest_id"], entry_id=content["entry_id"], head=head.hex())
            return (Owed(key=f"{effect}:locked", to="payouts", message=locked),)
        case "transfer_completed":
            paid = WinningsPaid(
                contest_id=content["contest_id"],
                entry_id=content["entry_id"],
                amount_cents=int(content["amount_cents"]),
                stripe_transfer_id=content["stripe_transfer_id"],
            )
            return (Owed(key=f"{effect}:paid", to=f"contest/{paid.contest_id}", message=paid),)
        case "transfer_failed":
            lost = (content["contest_id"], content["entry_id"], int(content["amount_cents"]), content["reason"])
            return (_unpayable(effect, *lost),)
        case "payout_paid" | "payout_failed" | "payout_failed_after_paid" if "payout_id" in content:
            outcome: PayoutOutcome = "paid" if event.posting.kind == "payout_paid" else "failed"
            booked = PayoutBooked(payout_id=content["payout_id"], outcome=outcome)
            return (Owed(key=f"{effect}:booked", to="payouts", message=booked),)
        case _:
            return ()


def _unpayable(cause: str, contest_id: str, entry_id: str, amount_cents: int, reason: str) -> Owed:
    message = WinningsUnpayable(contest_id=contest_id, entry_id=entry_id, amount_cents=amount_cents, reason=reason)
    return Owed(key=f"{cause}:unpayable", to=f"contest/{contest_id}", message=message)


def _refund_entry(content: Mapping[str, str]) -> RefundEntry:
    return RefundEntry(
        contest_id=content["contest_id"],
        entry_id=content["entry_id"],
        account_did=content["account_did"],
        amount_cents=int(content["amount_cents"]),
        currency=content["currency"],
        payment_intent=content["payment_intent"],
        reason=content["reason"],
    )
