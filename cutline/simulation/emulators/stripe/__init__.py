"""A Stripe of our own for tests, demonstrations and simulations; the official SDK is its only client."""

from cutline.simulation.emulators.stripe.emulator import (
    PUBLISHABLE_KEY,
    SECRET_KEY,
    StripeEmulator,
    listening,
    serve_stripe,
)
from cutline.simulation.emulators.stripe.errors import ApiError
from cutline.simulation.emulators.stripe.faults import ApiFault, WebhookFault
from cutline.simulation.emulators.stripe.platform import Fees
from cutline.simulation.emulators.stripe.state import StripeState
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint

__all__ = [
    "PUBLISHABLE_KEY",
    "SECRET_KEY",
    "ApiError",
    "ApiFault",
    "Fees",
    "StripeEmulator",
    "StripeState",
    "WebhookEndpoint",
    "WebhookFault",
    "listening",
    "serve_stripe",
]
