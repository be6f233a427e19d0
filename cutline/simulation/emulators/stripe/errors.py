"""The refusals of the emulated Stripe, in Stripe's own words and statuses; it must not decide when they apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An error answer of the API.

    `kept` tells whether execution had begun, so that the answer is saved under the idempotency key. Validation
    failures, conflicts and rate limits are not saved (Stripe, "Idempotent requests").
    """

    def __init__(self, http_status: int, kind: str, message: str, *, kept: bool = False, **fields: Any) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.kept = kept
        present = {name: value for name, value in fields.items() if value is not None}
        self.body: dict[str, Any] = {"error": {"type": kind, "message": message, **present}}


def _invalid(message: str, *, http_status: int = 400, **fields: Any) -> ApiError:
    return ApiError(http_status, "invalid_request_error", message, **fields)


def missing_parameter(name: str) -> ApiError:
    """Return the refusal of a request that lacks a required parameter."""
    return _invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unknown_parameter(name: str) -> ApiError:
    """Return the refusal of a parameter that the endpoint does not take."""
    return _invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def invalid_parameter(name: str, message: str, *, code: str | None = None) -> ApiError:
    """Return the refusal of a malformed value; without a code where Stripe gives none."""
    return _invalid(message, code=code, param=name)


def resource_missing(noun: str, object_id: str, *, param: str, http_status: int = 404) -> ApiError:
    """Return the refusal of an unknown id: 404 in a path, 400 in a parameter."""
    message = f"No such {noun}: '{object_id}'"
    return _invalid(message, http_status=http_status, code="resource_missing", param=param)


def account_invalid(account: str) -> ApiError:
    """Return the refusal of a `Stripe-Account` header naming an account that is not connected."""
    message = f"The provided key does not have access to account '{account}' (or that account does not exist)."
    return _invalid(message, http_status=403, code="account_invalid")


def unauthenticated(message: str) -> ApiError:
    """Return the refusal of a missing or wrong API key; Stripe sends no code with it."""
    return _invalid(message, http_status=401)


def route_missing(method: str, path: str) -> ApiError:
    """Return the refusal of a URL that the emulator does not know."""
    return _invalid(f"Unrecognized request URL ({method}: {path}).", http_status=404)


def unexpected_state(intent: Mapping[str, Any], verb: str) -> ApiError:
    """Return the refusal of an act that the PaymentIntent's status forbids; it carries the intent."""
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return _invalid(message, code="payment_intent_unexpected_state", kept=True, payment_intent=dict(intent))


def card_error(*, code: str, decline_code: str | None, charge: str, intent: Mapping[str, Any]) -> ApiError:
    """Return the answer 402 to a declined card; it carries the intent."""
    fields = {"code": code, "decline_code": decline_code, "charge": charge, "payment_intent": dict(intent)}
    return ApiError(402, "card_error", "Your card was declined.", kept=True, **fields)


def already_refunded(charge: str) -> ApiError:
    """Return the refusal to refund a charge that has nothing left."""
    return _invalid(f"Charge {charge} has already been refunded.", code="charge_already_refunded", kept=True)


def refund_too_large(amount: int, left: int) -> ApiError:
    """Return the refusal of a refund above what is left of the charge; Stripe sends no code with it."""
    message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
    return _invalid(message, param="amount", kept=True)


def source_exhausted(left: int) -> ApiError:
    """Return the refusal of a transfer above what its source charge still holds."""
    message = f"Transfers using this transaction as a source must not exceed the source amount of {left}"
    return _invalid(message, param="amount", kept=True)


def already_reversed(transfer: str) -> ApiError:
    """Return the refusal to reverse a transfer that has nothing left."""
    return _invalid(f"Transfer {transfer} is already fully reversed.", kept=True)


def reversal_too_large(amount: int, left: int) -> ApiError:
    """Return the refusal of a reversal above what is left of the transfer; Stripe sends no code with it."""
    message = f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({left})"
    return _invalid(message, param="amount", kept=True)


def charge_disputed(charge: str) -> ApiError:
    """Return the refusal to refund, or dispute again, a charge that the bank has taken back."""
    return _invalid(f"Charge {charge} has been charged back.", code="charge_disputed", kept=True)


def out_of_turn(noun: str, status: str, wanted: str) -> ApiError:
    """Return the refusal of a step that the object's status forbids; Stripe sends no code with it."""
    return _invalid(f"This {noun} has a status of {status} and cannot become {wanted}.", kept=True)


def payouts_disabled() -> ApiError:
    """Return the refusal of a payout from an account whose payouts are switched off."""
    return _invalid("Payouts are not enabled for this account.", code="payouts_not_allowed", kept=True)


def charge_not_succeeded(charge: str) -> ApiError:
    """Return the refusal to refund what was never charged."""
    return _invalid(f"Charge {charge} was not successful; nothing to refund.", kept=True)


def balance_insufficient() -> ApiError:
    """Return the refusal of a transfer or payout above the available balance."""
    message = "You have insufficient available funds in your Stripe account."
    return _invalid(message, code="balance_insufficient", kept=True)


def capability_missing() -> ApiError:
    """Return the refusal of a transfer to an account whose `transfers` capability is not active."""
    message = "Your destination account needs to have at least one of the following capabilities enabled: transfers"
    return _invalid(message, code="insufficient_capabilities_for_transfer", kept=True)


def key_in_use(key: str) -> ApiError:
    """Return the answer 409 to a request whose twin is still running."""
    message = f"There is currently another in-progress request using this Idempotent Key ({key})."
    return _invalid(message, http_status=409, code="idempotency_key_in_use")


def key_reused(key: str) -> ApiError:
    """Return the answer 400 to a key that comes back with other parameters; Stripe sends no code with it."""
    message = (
        f"Keys for idempotent requests can only be used with the same parameters they were first used with ({key})."
    )
    return ApiError(400, "idempotency_error", message)


def lock_timeout() -> ApiError:
    """Return the answer 429 to a request whose object is locked by another."""
    message = "This object cannot be accessed right now because another request is accessing it."
    return _invalid(message, http_status=429, code="lock_timeout")


def server_error() -> ApiError:
    """Return the answer 500 of a request that broke while it executed, which is saved like any other."""
    return ApiError(500, "api_error", "An unknown error occurred.", kept=True)
