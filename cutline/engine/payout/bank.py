"""Judging payouts to the bank: each is paid once or given back once, whatever is said of it and in whatever order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cutline.engine import stripe_call
from cutline.engine.decision import Accepted, Decision, Owed, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import CallStripe, RaiseAlert
from cutline.engine.messages.bank import (
    AdmitPayout,
    BookPayoutTransfer,
    FinalizePayout,
    PayoutBooked,
    PayoutLocked,
    PayoutOutcome,
    PayoutReported,
    RetryPayout,
)
from cutline.engine.payout.accounts import checking
from cutline.engine.payout.bank_calls import ask_after, may_start, next_step, pay_out
from cutline.engine.payout.bank_events import (
    PayoutAccepted,
    PayoutFinalized,
    PayoutFunded,
    PayoutInitiated,
    PayoutOutcomeRecorded,
    PayoutRetried,
)
from cutline.engine.payout.bank_lifecycle import TRANSITIONAL, PayoutStatus
from cutline.engine.payout.bank_state import BankPayout
from cutline.engine.payout.state import Account, BankPart, PayoutState, account_subject, bank_subject
from cutline.engine.stripe_call import Judgement, postpone

RUNBOOK: Final = "runbooks/payout-to-bank-failed.md"

_OUTCOMES: Final[Mapping[str, PayoutOutcome]] = {"paid": "paid", "failed": "failed", "canceled": "failed"}
"""The ends that Stripe knows; everything else is on its way (Stripe, "Payouts", statuses)."""


def admit_payout(state: PayoutState, command: AdmitPayout, _now: datetime) -> Decision:
    """Say whether a payout could begin; one that is known was admitted before.

    Refused: PAYOUTS_NOT_ENABLED, so that nobody's money is held for an account that cannot be paid.
    """
    account = state.accounts.get(command.account_did)
    known = command.payout_id in state.bank.payouts
    if known or (account is not None and account.payouts_enabled):
        return Accepted(reply={"known": known})
    return Rejected(code=RejectCode.PAYOUTS_NOT_ENABLED, details={"account_did": command.account_did})


def payout_locked(state: PayoutState, command: PayoutLocked, now: datetime) -> Decision:
    """Begin a payout whose money is held; where the account has become unable meanwhile, it waits."""
    if command.payout_id in state.bank.payouts:
        return Accepted(reply={"deduped": True})
    initiated = PayoutInitiated(
        payout_id=command.payout_id,
        account_did=command.account_did,
        amount_cents=command.amount_cents,
        currency=command.currency,
        transfer_cents=command.transfer_cents,
        principal=command.principal,
        idempotency_key=command.idempotency_key,
        head=command.head,
        created_at=state.bank.next_place(now),
    )
    payout = BankPayout(plan=initiated, changed_at=now)
    events, effects = _begin(state, payout, now)
    return Accepted(events=(initiated, *events), reply={"deduped": False}, effects=effects)


def funding_answered(state: PayoutState, payout_id: str, judged: Judgement, now: datetime) -> Decision:
    """Go on to the payout itself once the connected account has what it lacked, or give the money back."""
    payout = state.bank.payouts[payout_id]
    if judged.outcome == "failed":
        return _ended(payout, "failed", None, judged.code, "answer")
    call = state.calls.calls[bank_subject("payout-transfer", payout_id)]
    stripe_account_id = str(call.parameters["destination"])
    funded = PayoutFunded(
        payout_id=payout_id, stripe_transfer_id=str(judged.object["id"]), stripe_account_id=stripe_account_id
    )
    started, effect = pay_out(payout, stripe_account_id, now)
    return Accepted(events=(funded, started), effects=(effect,))


def payout_answered(state: PayoutState, payout_id: str, judged: Judgement) -> Decision:
    """Record that Stripe has made the payout, or never will."""
    payout = state.bank.payouts[payout_id]
    if judged.outcome == "failed":
        return _ended(payout, "failed", None, judged.code, "answer")
    accepted = _accepted(payout_id, judged.object)
    outcome = _OUTCOMES.get(str(judged.object.get("status")))
    if outcome is None:
        return Accepted(events=(accepted,))
    reason = _reason(judged.object)
    ended = _ended(payout, outcome, accepted.stripe_payout_id, reason, "answer")
    return Accepted(events=(accepted, *ended.events), effects=ended.effects)


def payout_check_answered(state: PayoutState, payout_id: str, judged: Judgement, now: datetime) -> Decision:
    """Take what Stripe says of a payout of which no webhook came; one still on its way is asked after again."""
    payout = state.bank.payouts[payout_id]
    call = state.calls.calls[bank_subject("payout-check", payout_id)]
    outcome = _OUTCOMES.get(str(judged.object.get("status")))
    if judged.outcome == "failed" or outcome is None:
        waiting = postpone(call, now, judged.code or "payout_on_its_way", judged.message, "new_attempt")
        return Accepted(events=waiting.events)
    return _ended(payout, outcome, payout.stripe_payout_id, _reason(judged.object), f"check:{call.attempt}")


def payout_reported(state: PayoutState, command: PayoutReported, _now: datetime) -> Decision:
    """Take a webhook's word about a payout, in whatever order the webhooks come.

    Refused for now: MESSAGE_TOO_EARLY before the payout is known here, while the transfer that it needs is under way,
    and for a failure before the books have what it follows; the ledger sends it again. What is said about another
    payout than ours moves nothing.
    """
    payout = state.bank.payouts.get(command.payout_id)
    if payout is None:
        return Rejected(code=RejectCode.MESSAGE_TOO_EARLY, details={"payout_id": command.payout_id})
    if not _is_ours(state, payout, command):
        details = {"payout_id": command.payout_id, "stripe_payout_id": command.stripe_payout_id}
        alert = RaiseAlert(name="foreign_payout_reported", runbook=RUNBOOK, details=details)
        return Accepted(reply={"deduped": False}, effects=(alert,))
    news: list[Any] = []
    if payout.stripe_payout_id is None and payout.status in (PayoutStatus.INITIATED, PayoutStatus.SUBMITTED):
        news.append(
            PayoutAccepted(payout_id=command.payout_id, stripe_payout_id=command.stripe_payout_id, arrives_at=None)
        )
    match payout.status, command.outcome:
        case PayoutStatus.SUBMITTED, _ if payout.lacks_cents:
            # Our payout is made after its transfer only; taken now, what the transfer comes to would be forgotten.
            return Rejected(code=RejectCode.MESSAGE_TOO_EARLY, details={"payout_id": command.payout_id})
        case (PayoutStatus.INITIATED | PayoutStatus.SUBMITTED, _) | (PayoutStatus.PAID, "failed"):
            ended = _ended(payout, command.outcome, command.stripe_payout_id, command.reason, command.event_id)
            return Accepted(events=(*news, *ended.events), reply={"deduped": False}, effects=ended.effects)
        case PayoutStatus.FINALIZING_PAID, "failed":
            return Rejected(code=RejectCode.MESSAGE_TOO_EARLY, details={"payout_id": command.payout_id})
        case _:
            return Accepted(reply={"deduped": True})


def payout_booked(state: PayoutState, command: PayoutBooked, now: datetime) -> Decision:
    """Record that the books have a payout's end; said twice, it changes nothing."""
    payout = state.bank.payouts.get(command.payout_id)
    if payout is None or payout.status != f"finalizing_{command.outcome}":
        return Accepted(reply={"deduped": True})
    finalized = PayoutFinalized(payout_id=command.payout_id, outcome=command.outcome, finalized_at=now)
    return Accepted(events=(finalized,), reply={"deduped": False})


def retry_payout(state: PayoutState, command: RetryPayout, now: datetime) -> Decision:
    """Take the next step of a payout at once: look at its account, call or look up again, or tell the ledger again.

    Nothing is done twice by it: calls keep their keys, and the books their effects. Refused: NOT_FOUND,
    INVALID_STATUS_TRANSITION where a payout has ended (POUT-004, POUT-016).
    """
    payout = state.bank.payouts.get(command.payout_id)
    if payout is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"payout_id": command.payout_id})
    if payout.status not in TRANSITIONAL:
        details = {"payout_id": command.payout_id, "from": payout.status.value}
        return Rejected(code=RejectCode.INVALID_STATUS_TRANSITION, details=details)
    retried = PayoutRetried(payout_id=command.payout_id, number=payout.retries + 1, actor=command.actor)
    events: Sequence[Any] = ()
    effects: Sequence[CallStripe] = ()
    if payout.status is PayoutStatus.INITIATED:
        events, effects = _begin(state, payout, now)
    elif payout.status is PayoutStatus.SUBMITTED:
        events, effects = _push(state, payout, now)
    return Accepted(events=(retried, *events), reply={"number": retried.number}, effects=effects)


def look_after_payouts(state: PayoutState, now: datetime) -> tuple[list[Any], list[CallStripe]]:
    """Ask after each payout that should have arrived: a lost webhook then delays its end and no more."""
    events: list[Any] = []
    effects: list[CallStripe] = []
    for payout in state.bank.to_ask(now):
        started, effect = ask_after(payout, _stripe_account(state, payout), now)
        events.append(started)
        effects.append(effect)
    return events, effects


def payout_owed(state: PayoutState, event: object) -> Sequence[Owed]:
    """Return what the ledger must be told of a payout; after a retry it is told its end again."""
    match event:
        case PayoutFunded():
            booking = BookPayoutTransfer(
                payout_id=event.payout_id,
                stripe_transfer_id=event.stripe_transfer_id,
                stripe_account_id=event.stripe_account_id,
            )
            return (Owed(key=event.key, to="ledger", message=booking),)
        case PayoutOutcomeRecorded() | PayoutRetried():
            message = _finalizing(state.bank.payouts[event.payout_id])
            return () if message is None else (Owed(key=event.key, to="ledger", message=message),)
        case _:
            return ()


def _begin(state: PayoutState, payout: BankPayout, now: datetime) -> tuple[Sequence[Any], Sequence[CallStripe]]:
    """Make the first call if the account can be paid; otherwise ask Stripe how the account stands."""
    account = state.accounts.get(payout.plan.account_did)
    if account is None or account.stripe_account_id is None:
        return (), ()
    if may_start(payout, account.presumed):
        started, effect = next_step(payout, account.stripe_account_id, now)
        return (started,), (effect,)
    return _look_at_account(state, account, account.stripe_account_id, now)


def _look_at_account(
    state: PayoutState, account: Account, stripe_account_id: str, now: datetime
) -> tuple[Sequence[Any], Sequence[CallStripe]]:
    did = account.plan.account_did
    hurried = stripe_call.hurry(state.calls, account_subject("account-check", did), now)
    return hurried or checking(state, did, stripe_account_id, now, expected=True)


def _push(state: PayoutState, payout: BankPayout, now: datetime) -> tuple[Sequence[Any], Sequence[CallStripe]]:
    """Go on with the call that waits, if one does; a payout that Stripe has made is asked after."""
    payout_id = payout.plan.payout_id
    if payout.stripe_payout_id is None:
        part: BankPart = "payout-transfer" if payout.lacks_cents else "payout"
        return stripe_call.hurry(state.calls, bank_subject(part, payout_id), now) or ((), ())
    subject = bank_subject("payout-check", payout_id)
    if subject in state.calls.calls:
        return stripe_call.hurry(state.calls, subject, now) or ((), ())
    started, effect = ask_after(payout, _stripe_account(state, payout), now)
    return (started,), (effect,)


def _stripe_account(state: PayoutState, payout: BankPayout) -> str:
    return str(state.accounts[payout.plan.account_did].stripe_account_id)


def _is_ours(state: PayoutState, payout: BankPayout, command: PayoutReported) -> bool:
    """Say whether a report is about the payout that we asked for: whoever owns an account can write our metadata.

    One of another amount is another payout (T15), and so is any where ours was never made.
    """
    account = state.accounts.get(payout.plan.account_did)
    same_account = account is not None and account.stripe_account_id == command.stripe_account_id
    never_made = payout.status is PayoutStatus.FAILED and payout.stripe_payout_id is None
    same_amount = command.amount_cents in (None, payout.plan.amount_cents)
    return (
        same_account and same_amount and not never_made and payout.stripe_payout_id in (None, command.stripe_payout_id)
    )


def _ended(
    payout: BankPayout, outcome: PayoutOutcome, stripe_payout_id: str | None, reason: str | None, report: str
) -> Accepted:
    event = PayoutOutcomeRecorded(
        payout_id=payout.plan.payout_id,
        outcome=outcome,
        stripe_payout_id=stripe_payout_id,
        reason=reason or ("unknown" if outcome == "failed" else None),
        report=report,
    )
    if outcome == "paid":
        return Accepted(events=(event,))
    details = {"payout_id": event.payout_id, "code": event.reason, "after": payout.status.value}
    alert = RaiseAlert(name="payout_failed", runbook=RUNBOOK, details=details)
    return Accepted(events=(event,), effects=(alert,))


def _accepted(payout_id: str, made: Mapping[str, Any]) -> PayoutAccepted:
    arrives = made.get("arrival_date")
    return PayoutAccepted(
        payout_id=payout_id,
        stripe_payout_id=str(made["id"]),
        arrives_at=datetime.fromtimestamp(arrives, UTC) if type(arrives) is int else None,
    )


def _reason(made: Mapping[str, Any]) -> str | None:
    code = made.get("failure_code")
    if isinstance(code, str):
        return code
    return "canceled" if made.get("status") == "canceled" else None


def _finalizing(payout: BankPayout) -> FinalizePayout | None:
    outcome: PayoutOutcome
    match payout.status:
        case PayoutStatus.FINALIZING_PAID:
            outcome = "paid"
        case PayoutStatus.FINALIZING_FAILED:
            outcome = "failed"
        case _:
            return None
    return FinalizePayout(
        payout_id=payout.plan.payout_id,
        outcome=outcome,
        stripe_payout_id=payout.stripe_payout_id,
        reason=payout.failure,
    )
