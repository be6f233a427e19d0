"""The levers of the emulator: what the world does to a Stripe account while nobody asks its API for anything."""

from __future__ import annotations

from datetime import datetime, timedelta

from cutline.simulation.emulators.stripe import accounts, disputes, payment_intents, payouts, refunds, topups
from cutline.simulation.emulators.stripe.calls import Call
from cutline.simulation.emulators.stripe.platform import Clock, Platform, Wire
from cutline.simulation.emulators.stripe.webhooks import WebhookEndpoint, Webhooks

ROTATION_OVERLAP = timedelta(hours=24)


class EmulatorClock:
    """The emulator's own time: a clock, and how far it has been set forward."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the emulator's present, UTC."""
        return self._base() + self._ahead

    def set_forward(self, by: timedelta) -> None:
        """Let time pass; raise `ValueError` for time that would run backwards."""
        if by < timedelta():
            raise ValueError("time does not run backwards")
        self._ahead += by


class Levers:
    """Every lever makes the changes that are due by then, first; none of its events names a request."""

    def __init__(self, platform: Platform, webhooks: Webhooks, clock: EmulatorClock) -> None:
        self.platform = platform
        self.webhooks = webhooks
        self.clock = clock
        self._automatic_payouts = payouts.AutomaticPayouts(platform)

    def set_account(
        self, account_id: str, *, transfers: accounts.CapabilityStatus, payouts_enabled: bool | None = None
    ) -> Wire:
        """Finish, or take back, an account's onboarding; sends `account.updated`. Payouts follow transfers."""
        self.platform.begin()
        return accounts.change_status(self.platform, account_id, transfers=transfers, payouts_enabled=payouts_enabled)

    def onboard(self, token: str) -> str:
        """Follow an account link to its end; return where its person goes next, or raise `KeyError`."""
        self.platform.begin()
        return accounts.onboard(self.platform, token)

    def deauthorize(self, account_id: str) -> Wire:
        """Let an account's owner disconnect it; sends `account.application.deauthorized`."""
        self.platform.begin()
        return accounts.deauthorize(self.platform, account_id)

    def top_up(self, amount_cents: int) -> Wire:
        """Add money of the owner's own to the platform's available balance, in US cents."""
        self.platform.begin()
        return topups.top_up(self.platform, amount_cents=amount_cents)

    def pay_intent(self, intent_id: str, payment_method: str = "pm_card_visa") -> Wire:
        """Confirm an intent as the entrant's browser would; raise `ApiError` 402 where the card declines."""
        self.platform.begin()
        call = Call(object_id=intent_id, parameters={"payment_method": payment_method})
        return payment_intents.confirm(self.platform, call)

    def fail_refund(self, refund_id: str, reason: refunds.RefundFailure = "lost_or_stolen_card") -> Wire:
        """Let the card's bank send a refund back that had succeeded; sends `refund.failed`."""
        self.platform.begin()
        return refunds.fail(self.platform, refund_id, reason)

    def fail_payout(self, payout_id: str, failure_code: str = "account_closed") -> Wire:
        """Let the bank refuse a payout, even days after it was paid; sends `payout.failed`."""
        self.platform.begin()
        return payouts.fail(self.platform, payout_id, failure_code)

    def open_dispute(
        self,
        charge_id: str,
        *,
        reason: disputes.DisputeReason = "fraudulent",
        amount_cents: int | None = None,
        names_intent: bool = True,
    ) -> Wire:
        """Let the cardholder's bank take a charge back; sends `charge.dispute.created` and `.funds_withdrawn`."""
        self.platform.begin()
        return disputes.open_dispute(
            self.platform, charge_id, reason=reason, amount_cents=amount_cents, names_intent=names_intent
        )

    def decide_dispute(self, dispute_id: str, outcome: disputes.DisputeOutcome) -> Wire:
        """Let the bank decide a dispute; sends `charge.dispute.closed`."""
        self.platform.begin()
        return disputes.decide(self.platform, dispute_id, outcome)

    def pay_out_automatically(self, *, enabled: bool) -> None:
        """Send the platform's whole available balance to its bank every midnight (UTC), or no longer."""
        self.platform.begin()
        self._automatic_payouts.switch(enabled=enabled)

    def add_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Deliver events made from now on to this endpoint too."""
        self.webhooks.endpoints.append(endpoint)

    def rotate_secret(self, url: str, secret: str, *, overlap: timedelta = ROTATION_OVERLAP) -> None:
        """Give an endpoint a new signing secret; the old ones sign too until the overlap is over.

        Raises `KeyError` for an endpoint that is not known.
        """
        self.platform.begin()
        old = self.webhooks.secrets_of(url)
        self.webhooks.change_secrets(url, (secret, *old) if overlap else (secret,))
        if overlap:
            self.platform.at(self.clock() + overlap, lambda: self._expire(url, old))

    def _expire(self, url: str, old: tuple[str, ...]) -> None:
        kept = tuple(secret for secret in self.webhooks.secrets_of(url) if secret not in old)
        self.webhooks.change_secrets(url, kept)

    def set_clock_forward(self, by: timedelta) -> datetime:
        """Let time pass for the emulator alone, and do what is due by then; return its new present.

        Deliveries stay signed with the time at which they are really made, which their receivers compare.
        """
        self.clock.set_forward(by)
        self.platform.begin()
        return self.clock()
