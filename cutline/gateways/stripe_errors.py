"""What every answer of Stripe means for the attempt that asked: one table, and the names it is looked up by.

It must not call anything, nor decide what the engine does about an outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import stripe

from cutline.engine.errors import MoneyMoved

FailureKind = Literal["retry_same_key", "later_new_attempt", "final"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One row of the table.

    `retry_same_key`: ask again with the same key and parameters (never after 24 hours: look the object up first).
    `later_new_attempt`: this key is spent; a new attempt with a new key may succeed once something has changed.
    `final`: no attempt like this one will succeed.

    `money_moved` speaks of this answer alone. An earlier try under the same key that went unanswered stays unknown,
    and `final` with `unknown` means: hold the money and look, never give it back by itself.
    `runbook` says what a person can do; None where it is the cardholder's matter alone.
    """

    kind: FailureKind
    money_moved: MoneyMoved
    alert: bool = False
    runbook: str | None = None


_STUCK = "runbooks/payout-transfer-stuck-retryable.md"
_REFUSED = "runbooks/payout-stripe-transfer-failure.md"

_RETRY_UNKNOWN = Meaning(kind="retry_same_key", money_moved="unknown", runbook=_STUCK)
_RETRY_UNTOUCHED = Meaning(kind="retry_same_key", money_moved="no", runbook=_STUCK)
_MISCONFIGURED = Meaning(
    kind="retry_same_key", money_moved="no", alert=True, runbook="runbooks/stripe-refuses-our-key.md"
)
_LATER = Meaning(kind="later_new_attempt", money_moved="no", runbook="runbooks/platform-funds-short.md")
_CARD = Meaning(kind="final", money_moved="no")
_UNPAYABLE = Meaning(kind="final", money_moved="no", runbook="runbooks/payout-destination-account-invalid.md")
_FINAL = Meaning(kind="final", money_moved="no", runbook=_REFUSED)

UNKNOWN_CODE = Meaning(kind="retry_same_key", money_moved="unknown", alert=True, runbook=_STUCK)
"""A code that is not in the table: never silently terminal (POUT-047)."""

MEANINGS: Mapping[str, Meaning] = {
    # Nothing, or nothing legible, came back: the effect may exist (faults T1, T2).
    "connection_lost": _RETRY_UNKNOWN,
    "body_illegible": _RETRY_UNKNOWN,
    # Stripe broke. Its 5xx is saved and replayed for a day, so a new key may only follow a look-up (fault T6).
    "api_error": _RETRY_UNKNOWN,
    # The same request is still running, and may yet succeed (fault T4).
    "idempotency_key_in_use": _RETRY_UNKNOWN,
    # Refused before execution, and not saved under the key.
    "rate_limit": _RETRY_UNTOUCHED,
    "lock_timeout": _RETRY_UNTOUCHED,
    # Our key or our account is at fault, not the entrant: ending every payout would be the worse error.
    "authentication_failed": _MISCONFIGURED,
    "api_key_expired": _MISCONFIGURED,
    "permission_denied": _MISCONFIGURED,
    "platform_api_key_expired": _MISCONFIGURED,
    "testmode_charges_only": _MISCONFIGURED,
    "livemode_mismatch": _MISCONFIGURED,
    # The refusal is saved under the key for a day; what is lacking may come (fault T7).
    "balance_insufficient": _LATER,
    "insufficient_funds": _LATER,
    # A key came back with other parameters: a fault of ours, and the first use may have moved money (fault T5).
    "idempotency_error": Meaning(
        kind="final", money_moved="unknown", alert=True, runbook="runbooks/payout-idempotency-conflict.md"
    ),
    # Cards.
    "card_declined": _CARD,
    "expired_card": _CARD,
    "incorrect_cvc": _CARD,
    "incorrect_number": _CARD,
    "processing_error": _CARD,
    "authentication_required": _CARD,
    "payment_intent_authentication_failure": _CARD,
    # The object is not, or no longer, in a state for it; the object itself comes with the error.
    "payment_intent_unexpected_state": _CARD,
    "charge_already_refunded": Meaning(kind="final", money_moved="yes", runbook=_REFUSED),
    "charge_disputed": _FINAL,
    "resource_missing": _FINAL,
    # The destination cannot be paid (fault T8).
    "account_closed": _UNPAYABLE,
    "account_invalid": _UNPAYABLE,
    "insufficient_capabilities_for_transfer": _UNPAYABLE,
    "transfers_not_allowed": _UNPAYABLE,
    "payouts_not_allowed": _UNPAYABLE,
    "country_unsupported": _UNPAYABLE,
    # The request itself is wrong.
    "amount_too_large": _FINAL,
    "amount_too_small": _FINAL,
    "email_invalid": _FINAL,
    "invalid_request": Meaning(kind="final", money_moved="no", alert=True, runbook=_REFUSED),
    "parameter_invalid_empty": _FINAL,
    "parameter_invalid_integer": _FINAL,
    "parameter_missing": _FINAL,
    "parameter_unknown": _FINAL,
    "url_invalid": _FINAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Stripe did not do it, or did not say so. `object` is what the error carried, such as a PaymentIntent."""

    kind: FailureKind
    code: str
    http_status: int | None
    message: str
    money_moved: MoneyMoved
    request_id: str | None = None
    alert: bool = False
    runbook: str | None = None
    object: Mapping[str, Any] = field(default_factory=dict)


def classify(error: stripe.StripeError, *, is_read: bool = False) -> Failed:
    """Return what an SDK error means; a read never moved money, whatever became of it."""
    code = name_of(error)
    meaning = MEANINGS.get(code, UNKNOWN_CODE)
    return Failed(
        kind=meaning.kind,
        code=code,
        http_status=error.http_status,
        message=error.user_message or type(error).__name__,
        money_moved="no" if is_read else meaning.money_moved,
        request_id=error.request_id,
        alert=meaning.alert,
        runbook=meaning.runbook,
        object=_carried_object(error),
    )


def name_of(error: stripe.StripeError) -> str:
    """Return the name by which an error is looked up: Stripe's code, else a name for its class and status.

    Several errors have no code on the exception: 409 and 429 carry it in the body only, and idempotency errors,
    401, 403, 5xx and some validation failures have none at all.
    """
    if isinstance(error, stripe.APIConnectionError):
        return "connection_lost"
    if isinstance(error, stripe.IdempotencyError):
        return "idempotency_error"
    status = error.http_status or 0
    if status >= 500:
        return "api_error"
    body = _error_body(error)
    if body is None:
        return "body_illegible"
    code = body.get("code")
    return code if isinstance(code, str) and code else _name_of_status(status)


def _name_of_status(status: int) -> str:
    match status:
        case 401:
            return "authentication_failed"
        case 402:
            return "card_declined"
        case 403:
            return "permission_denied"
        case 409:
            return "idempotency_key_in_use"
        case 429:
            return "rate_limit"
        case 400 | 404:
            return "invalid_request"
        case _:
            return f"http_{status}"


def _error_body(error: stripe.StripeError) -> Mapping[str, Any] | None:
    body = error.json_body
    inner = body.get("error") if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else None


def _carried_object(error: stripe.StripeError) -> Mapping[str, Any]:
    for name in ("payment_intent", "charge"):
        carried = (_error_body(error) or {}).get(name)
        if isinstance(carried, dict):
            return carried
    return {}


def describe() -> str:
    """Return the table as Markdown, a row for each code, in the table's order (POUT-047)."""
    rows = [
        f"| `{code}` | {meaning.kind.replace('_', ' ')} | {meaning.money_moved} | {'yes' if meaning.alert else 'no'} "
        f"| {_link(meaning.runbook)} |"
        for code, meaning in [*MEANINGS.items(), ("any other", UNKNOWN_CODE)]
    ]
    return "\n".join(["| code | what follows | money moved | alert | runbook |", "|---|---|---|---|---|", *rows]) + "\n"


def _link(runbook: str | None) -> str:
    return "" if runbook is None else f"[{runbook.rpartition('/')[2].removesuffix('.md')}](../{runbook})"
