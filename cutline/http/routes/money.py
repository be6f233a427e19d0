"""Payments in, accounts and transfers out, and the ledger's balances; it must not move a cent itself."""

from __future__ import annotations

from typing import Any

from cutline.engine.errors import RejectCode
from cutline.engine.messages import (
    ClaimIntent,
    OnboardAccount,
    ReadAccount,
    ReadIntent,
    ReadTransfers,
    ReadTrialBalance,
    WithdrawEntry,
)
from cutline.http.addresses import contest_of, idempotency_key_of
from cutline.http.asking import Refused
from cutline.http.door import ADMIN, ANYONE, ENTRANT, LEDGER, STAFF, Call, Reply, Route
from cutline.http.routes.entries import own_entry
from cutline.http.schemas.money import (
    AccountGiven,
    IntentAsked,
    IntentGiven,
    OnboardAsked,
    OnboardGiven,
    RefundAsked,
    RefundGiven,
    TransferGiven,
    TransfersGiven,
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
    question = _question(call, asked)
    if entry["status"] == _PAYABLE:
        intent = await call.asking.ask_until("payments", question, _is_decided, otherwise=RejectCode.INTENT_NOT_READY)
    else:
        intent = await call.ask("payments", question)
    if not intent["payment_intent"]:
        code = RejectCode.PAYMENT_FAILED if intent["status"] == "failed" else RejectCode.ENTRY_NOT_PENDING
        raise Refused(code, {"status": intent["status"], "failure": intent.get("failure")})
    return Reply(body=IntentGiven.model_validate(intent))


def _question(call: Call, asked: IntentAsked) -> ReadIntent | ClaimIntent:
    given = call.request.headers.get("Idempotency-Key")
    if given is None:
        return ReadIntent(contest_id=asked.contest_id, entry_id=asked.entry_id)
    return ClaimIntent(
        contest_id=asked.contest_id,
        entry_id=asked.entry_id,
        principal=call.principal.subject,
        idempotency_key=idempotency_key_of(given),
    )


async def refund(call: Call) -> Reply:
    """Take an entry back before the lock and give its fee back, at the word of its holder or of an admin (PAY-042).

    The entry is the business key: asked twice, it happens once. Refusals: NOT_FOUND for an entry that is not the
    caller's, REFUND_AFTER_LOCK, ENTRY_NOT_PENDING where the entry has ended another way.
    """
    asked = call.body_as(RefundAsked)
    entry = await own_entry(call, asked.contest_id, asked.entry_id)
    command = WithdrawEntry(entry_id=asked.entry_id, account_did=entry["account_did"])
    left = await call.ask(contest_of(asked.contest_id), command)
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


def _is_decided(intent: dict[str, Any]) -> bool:
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
    question = OnboardAccount(account_did=account_did, email=asked.email)
    account = await call.asking.ask_until("payouts", question, _is_open, otherwise=RejectCode.ACCOUNT_NOT_READY)
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
    contest_id = call.request.query.get("contest_id")
    if contest_id is not None:
        contest_of(contest_id)
    listed = await call.ask("payouts", ReadTransfers(contest_id=contest_id))
    return Reply(body=TransfersGiven(transfers=[TransferGiven.model_validate(one) for one in listed]))


async def read_account(call: Call) -> Reply:
    """Return what an account holder has, available and held, to the holder and to the ledger's key.

    `?currency=` chooses one; without it the first by name. Another's account is as unknown as one that is not.
    """
    account_did = call.part("account_did")
    if account_did != call.principal.subject and "ledger" not in call.principal.scopes:
        raise Refused(RejectCode.ACCOUNT_UNKNOWN, {"account_did": account_did})
    balances = (await call.ask("ledger", ReadAccount(account_did=account_did)))["balances"]
    currency = call.request.query.get("currency", min(balances))
    if currency not in balances:
        raise Refused(RejectCode.ACCOUNT_UNKNOWN, {"account_did": account_did, "currency": currency[:8]})
    account = {"account_did": account_did, "currency": currency, "balances": balances, **balances[currency]}
    return Reply(body=AccountGiven.model_validate(account))


async def read_trial_balance(call: Call) -> Reply:
    """Return every account's balance, and the sum of each currency, which is zero (LED-003)."""
    balances = await call.ask("ledger", ReadTrialBalance())
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
        summary="Get the payment intent of an entry of yours (Idempotency-Key taken).",
    ),
    Route(
        method="POST",
        path="/v1/payments/refunds",
        handle=refund,
        needs=ENTRANT | ADMIN,
        takes=RefundAsked,
        gives=RefundGiven,
        summary="Take an entry back before the lock, and its fee with it.",
    ),
    Route(
        method="POST",
        path="/v1/payouts/connect/onboard",
        handle=onboard,
        needs=ANYONE,
        takes=OnboardAsked,
        gives=OnboardGiven,
        summary="Open a connected account to be paid on.",
    ),
    Route(
        method="GET",
        path="/v1/payouts/transfers",
        handle=list_transfers,
        needs=STAFF,
        gives=TransfersGiven,
        summary="List transfers (?contest_id=).",
    ),
    Route(
        method="GET",
        path="/v1/accounts/{account_did}",
        handle=read_account,
        needs=ANYONE | LEDGER,
        gives=AccountGiven,
        summary="Read the balances of an account (?currency=).",
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
