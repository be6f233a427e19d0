"""Payments in, accounts and transfers out, and the ledger's balances; it must not move a cent itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from cutline.actors.handles import Intent
from cutline.engine.errors import RejectCode
from cutline.http.addresses import account_did_of
from cutline.http.asking import Refused, ask_until
from cutline.http.door import ADMIN, ANYONE, ENTRANT, LEDGER, STAFF, Call, Reply, Route
from cutline.http.routes.entries import own_entry
from cutline.http.schemas.money import (
    AccountGiven,
    AccountQueried,
    IntentAsked,
    IntentGiven,
    OnboardAsked,
    OnboardGiven,
    RefundAsked,
    RefundGiven,
    TransferGiven,
    TransfersGiven,
    TransfersQueried,
    TrialBalanceGiven,
)

_PAYABLE = "PENDING_PAYMENT"
_PLANNED = "planned"
_REFUSED = "refused"


async def read_intent(call: Call) -> Reply:
    """Return the payment intent of an entry as it stands, waiting a few seconds for Stripe if it is only planned.

    With an Idempotency-Key the intent is taken under that key, and no other key can take it (PAY-030, PAY-031).
    Refusals: NOT_FOUND for an entry that is not the caller's, DUPLICATE_INTENT and IDEMPOTENCY_KEY_REUSED for keys,
    PAYMENT_FAILED when Stripe made no intent for good, INTENT_NOT_READY when Stripe has not answered in time.
    """
    asked = call.body_as(IntentAsked)
    entry = await own_entry(call, asked.contest_id, asked.entry_id)
    ask = _way_to_intent(call, asked)
    if entry["status"] == _PAYABLE:
        intent = await ask_until(ask, _is_decided, otherwise=RejectCode.INTENT_NOT_READY)
    else:
        intent = await ask()
    if not intent["payment_intent"]:
        code = RejectCode.PAYMENT_FAILED if intent["status"] == "failed" else RejectCode.ENTRY_NOT_PENDING
        raise Refused(code, {"status": intent["status"], "failure": intent.get("failure")})
    return Reply(body=IntentGiven.model_validate(intent))


def _way_to_intent(call: Call, asked: IntentAsked) -> Callable[[], Awaitable[Intent]]:
    if call.idempotency_key is None:
        return partial(call.payments.intent, contest_id=asked.contest_id, entry_id=asked.entry_id)
    return partial(
        call.payments.claim,
        contest_id=asked.contest_id,
        entry_id=asked.entry_id,
        principal=call.principal.subject,
        idempotency_key=call.idempotency_key,
    )


async def refund(call: Call) -> Reply:
    """Take an entry back before the lock and give its fee back, at the word of its holder or of an admin (PAY-042).

    The entry is the business key: asked twice, it happens once. Refusals: NOT_FOUND for an entry that is not the
    caller's, REFUND_AFTER_LOCK, ENTRY_NOT_PENDING where the entry has ended another way.
    """
    asked = call.body_as(RefundAsked)
    entry = await own_entry(call, asked.contest_id, asked.entry_id)
    contest = call.contest(asked.contest_id)
    left = await contest.withdraw(entry_id=asked.entry_id, account_did=entry["account_did"])
    paid = left["payment_intent"] is not None
    return Reply(
        body=RefundGiven(
            contest_id=asked.contest_id,
            entry_id=asked.entry_id,
            entry_status=left["status"],
            status="requested" if paid else "nothing_paid",
            amount_cents=left["fee_cents"] if paid else 0,
            currency=left["currency"],
            payment_intent=left["payment_intent"],
            deduped=left["deduped"],
        )
    )


def _is_decided(intent: Intent) -> bool:
    return bool(intent["payment_intent"]) or intent["status"] != _PLANNED


async def onboard(call: Call) -> Reply:
    """Return the caller's connected account and Stripe's page that finishes it, once Stripe has made both (POUT-001).

    Refusals: NOT_FOUND for another's account, ACCOUNT_REFUSED when Stripe would not make it, ACCOUNT_NOT_READY when
    Stripe has not answered in time.
    """
    asked = call.body_as(OnboardAsked)
    account_did = asked.account_did or call.principal.subject
    if account_did != call.principal.subject and not call.principal.is_staff:
        raise Refused(RejectCode.NOT_FOUND, {"account_did": account_did})
    ask = partial(call.payouts.onboard, account_did=account_did, email=asked.email)
    account = await ask_until(ask, _is_open, otherwise=RejectCode.ACCOUNT_NOT_READY)
    if account["status"] == _REFUSED:
        raise Refused(RejectCode.ACCOUNT_REFUSED, {"account_did": account_did, "refusal": account.get("refusal")})
    return Reply(body=OnboardGiven.model_validate({**account, "url": account.get("onboarding_url")}))


def _is_open(account: dict[str, Any]) -> bool:
    if account["status"] == _REFUSED:
        return True
    way_in = account.get("onboarding_url") or account.get("transfers_active")
    return bool(account.get("stripe_account_id") and way_in)


async def list_transfers(call: Call) -> Reply:
    """List the transfers of one contest, or of all."""
    listed = await call.payouts.transfers(call.query_as(TransfersQueried).contest_id)
    return Reply(body=TransfersGiven(transfers=[TransferGiven.model_validate(one) for one in listed]))


async def read_account(call: Call) -> Reply:
    """Return what an account holder has, available and held, to the holder and to the ledger's key.

    `?currency=` chooses one; without it the first by name. Another's account is as unknown as one that is not.
    """
    account_did = account_did_of(call.part("account_did"))
    if account_did != call.principal.subject and "ledger" not in call.principal.scopes:
        raise Refused(RejectCode.ACCOUNT_UNKNOWN, {"account_did": account_did})
    balances = (await call.ledger.account(account_did))["balances"]
    currency = call.query_as(AccountQueried).currency or min(balances)
    if currency not in balances:
        raise Refused(RejectCode.ACCOUNT_UNKNOWN, {"account_did": account_did, "currency": currency})
    account = {"account_did": account_did, "currency": currency, "balances": balances, **balances[currency]}
    return Reply(body=AccountGiven.model_validate(account))


async def read_trial_balance(call: Call) -> Reply:
    """Return every account's balance, and the sum of each currency, which is zero (LED-003)."""
    balances = await call.ledger.trial_balance()
    sums = {currency: sum(book.values()) for currency, book in balances.items()}
    return Reply(body=TrialBalanceGiven(balances=balances, sums=sums))


ROUTES = (
    Route(
        method="POST",
        path="/v1/payments/intents",
        handle=read_intent,
        needs=ANYONE,
        takes=IntentAsked,
        gives=IntentGiven,
        summary="Get the payment intent of an entry of yours.",
        refuses=(
            RejectCode.NOT_FOUND,
            RejectCode.CONTEST_QUARANTINED,
            RejectCode.DUPLICATE_INTENT,
            RejectCode.PAYMENT_FAILED,
            RejectCode.ENTRY_NOT_PENDING,
            RejectCode.INTENT_NOT_READY,
        ),
        idempotency="taken",
    ),
    Route(
        method="POST",
        path="/v1/payments/refunds",
        handle=refund,
        needs=ENTRANT | ADMIN,
        takes=RefundAsked,
        gives=RefundGiven,
        summary="Take an entry back before the lock, and its fee with it.",
        refuses=(
            RejectCode.NOT_FOUND,
            RejectCode.CONTEST_QUARANTINED,
            RejectCode.REFUND_AFTER_LOCK,
            RejectCode.ENTRY_NOT_PENDING,
        ),
        idempotency="by content",
    ),
    Route(
        method="POST",
        path="/v1/payouts/connect/onboard",
        handle=onboard,
        needs=ANYONE,
        takes=OnboardAsked,
        gives=OnboardGiven,
        summary="Open a connected account to be paid on.",
        refuses=(RejectCode.NOT_FOUND, RejectCode.ACCOUNT_REFUSED, RejectCode.ACCOUNT_NOT_READY),
        idempotency="by content",
    ),
    Route(
        method="GET",
        path="/v1/payouts/transfers",
        handle=list_transfers,
        needs=STAFF,
        gives=TransfersGiven,
        summary="List transfers.",
        query=TransfersQueried,
    ),
    Route(
        method="GET",
        path="/v1/accounts/{account_did}",
        handle=read_account,
        needs=ANYONE | LEDGER,
        gives=AccountGiven,
        summary="Read the balances of an account.",
        query=AccountQueried,
        refuses=(RejectCode.ACCOUNT_UNKNOWN,),
    ),
    Route(
        method="GET",
        path="/v1/ledger/trial-balance",
        handle=read_trial_balance,
        needs=LEDGER,
        gives=TrialBalanceGiven,
        summary="Read every account's balance.",
    ),
)
