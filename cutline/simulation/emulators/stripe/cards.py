"""The test payment methods and what each does to a charge, as in Stripe's page "Test card numbers"."""

from __future__ import annotations

from dataclasses import dataclass

from cutline.simulation.emulators.stripe.errors import resource_missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A test card: how it declines, if it does; whether its money is available, or disputed, at once."""

    brand: str = "visa"
    last4: str = "4242"
    code: str | None = None
    decline_code: str | None = None
    bypasses_pending: bool = False
    is_disputed: bool = False


def _declined(last4: str, code: str, decline_code: str | None = None) -> Card:
    return Card(last4=last4, code=code, decline_code=decline_code)


_GENERIC = _declined("0002", "card_declined", "generic_decline")
_NO_FUNDS = _declined("9995", "card_declined", "insufficient_funds")

CARDS = {
    "pm_card_visa": Card(),
    "pm_card_mastercard": Card(brand="mastercard", last4="4444"),
    "pm_card_bypassPending": Card(last4="0077", bypasses_pending=True),
    "pm_card_createDispute": Card(last4="0259", is_disputed=True),
    "pm_card_chargeDeclined": _GENERIC,
    "pm_card_visa_chargeDeclined": _GENERIC,
    "pm_card_chargeCustomerFail": _declined("0341", "card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": _NO_FUNDS,
    "pm_card_visa_chargeDeclinedInsufficientFunds": _NO_FUNDS,
    "pm_card_visa_chargeDeclinedLostCard": _declined("9987", "card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declined("9979", "card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": _declined("0069", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": _declined("0127", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _declined("0119", "processing_error"),
}


def find_card(payment_method: str) -> Card:
    """Return the test card; raise `ApiError` 400 `resource_missing` for any other payment method."""
    card = CARDS.get(payment_method)
    if card is None:
        raise resource_missing("PaymentMethod", payment_method, param="payment_method", http_status=400)
    return card
