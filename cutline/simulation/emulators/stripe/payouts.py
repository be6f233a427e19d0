"""Payouts from a balance to a bank: pending, in transit, paid, failed even after that. It must not touch charges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from cutline.simulation.emulators.stripe.balance import available_cents, post
from cutline.simulation.emulators.stripe.calls import PAGING, Call
from cutline.simulation.emulators.stripe.errors import balance_insufficient, out_of_turn, payouts_disabled
from cutline.simulation.emulators.stripe.forms import (
    read_currency,
    read_integer,
    read_metadata,
    read_optional_text,
)
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire

CREATE = frozenset({"amount", "currency", "description", "metadata", "method", "statement_descriptor"})
LIST = PAGING | {"arrival_date", "destination", "status"}

_SENT_AFTER = timedelta(days=1)
_ARRIVES_AFTER = timedelta(days=2)
_FAILS_WITHIN_BUSINESS_DAYS = 5
_MESSAGES = {
    "account_closed": "The bank account has been closed.",
    "could_not_process": "The bank could not process this payout.",
    "no_account": "The bank account could not be located.",
}


def create(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/payouts`: the caller's available balance leaves at once and reaches the bank in two days."""
    parameters = call.parameters
    amount_cents = read_integer(parameters, "amount", at_least=1)
    currency, metadata = read_currency(parameters), read_metadata(parameters)
    if call.owner != PLATFORM and not platform.accounts[call.owner]["payouts_enabled"]:
        raise payouts_disabled()
    if available_cents(platform, call.owner, currency) < amount_cents:
        raise balance_insufficient()
    return pay_out(
        platform,
        owner=call.owner,
        amount_cents=amount_cents,
        currency=currency,
        automatic=False,
        texts={
            "description": read_optional_text(parameters, "description"),
            "metadata": metadata,
            "statement_descriptor": read_optional_text(parameters, "statement_descriptor"),
        },
    )


def pay_out(
    platform: Platform, *, owner: str, amount_cents: int, currency: str, automatic: bool, texts: Wire | None = None
) -> Wire:
    """Take the amount, in cents, from the owner's balance and send it on its way."""
    arrives_at = platform.now + _ARRIVES_AFTER
    payout: Wire = {
        "id": platform.mint("po"),
        "object": "payout",
        "amount": amount_cents,
        "arrival_date": int(arrives_at.timestamp()),
        "automatic": automatic,
        "balance_transaction": None,
        "created": platform.now_s,
        "currency": currency,
        "description": None,
        "destination": platform.mint("ba", owner),
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": platform.livemode,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "type": "bank_account",
    } | (texts or {})
    sent = post(
        platform,
        owner=owner,
        source=payout["id"],
        kind="payout",
        amount_cents=-amount_cents,
        currency=currency,
    )
    payout["balance_transaction"] = sent["id"]
    platform.payouts[payout["id"]] = payout
    platform.owners[payout["id"]] = owner
    _record(platform, "payout.created", payout)
    platform.at(platform.now + _SENT_AFTER, lambda: _move_on(platform, payout, "pending", "in_transit"))
    platform.at(arrives_at, lambda: _move_on(platform, payout, "in_transit", "paid"))
    return payout


def _move_on(platform: Platform, payout: Wire, expected: str, status: str) -> None:
    """Take the next step of a payout that nobody stopped meanwhile."""
    if payout["status"] == expected:
        payout["status"] = status
        _record(platform, "payout.paid" if status == "paid" else "payout.updated", payout)


def fail(platform: Platform, payout_id: str, failure_code: str) -> Wire:
    """Let the bank refuse a payout: its money returns to the balance it came from.

    A bank may do so until five business days after it was paid (Stripe, "Payouts", failures).
    """
    payout = platform.find(platform.payouts, "payout", payout_id)
    arrived_on = datetime.fromtimestamp(payout["arrival_date"], UTC).date()
    is_final = platform.now.date() > _business_days_later(arrived_on, _FAILS_WITHIN_BUSINESS_DAYS)
    if payout["status"] not in ("pending", "in_transit", "paid") or is_final:
        raise out_of_turn("payout", payout["status"], "failed")
    message = _MESSAGES.get(failure_code, "The bank refused this payout.")
    payout |= {"failure_code": failure_code, "failure_message": message}
    return _give_back(platform, payout, "payout_failure", "failed")


def cancel(platform: Platform, call: Call) -> Wire:
    """Answer `POST /v1/payouts/{id}/cancel`: possible for a manual payout that is still pending."""
    payout = retrieve(platform, call)
    if payout["status"] != "pending" or payout["automatic"]:
        raise out_of_turn("payout", payout["status"], "canceled")
    return _give_back(platform, payout, "payout_cancel", "canceled")


def _give_back(platform: Platform, payout: Wire, kind: str, status: str) -> Wire:
    returned = post(
        platform,
        owner=platform.owners[payout["id"]],
        source=payout["id"],
        kind=kind,
        amount_cents=payout["amount"],
        currency=payout["currency"],
    )
    payout |= {"status": status, "failure_balance_transaction": returned["id"]}
    _record(platform, f"payout.{status}", payout)
    return payout


def _business_days_later(day: date, count: int) -> date:
    """Return the day that lies so many Mondays to Fridays after another."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _record(platform: Platform, kind: str, payout: Wire) -> None:
    owner = platform.owners[payout["id"]]
    platform.record(kind, payout, account=None if owner == PLATFORM else owner)


def retrieve(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/payouts/{id}`, to the account that owns it alone."""
    owned = {key: wire for key, wire in platform.payouts.items() if platform.owners[key] == call.owner}
    return platform.find(owned, "payout", call.object_id)


def list_all(platform: Platform, call: Call) -> Wire:
    """Answer `GET /v1/payouts`, newest first, of the caller's account alone."""
    owned = (wire for key, wire in platform.payouts.items() if platform.owners[key] == call.owner)
    return call.page(owned, "/v1/payouts", equal=("destination", "status"))


class AutomaticPayouts:
    """Stripe's default schedule: every midnight (UTC) all that is available on the platform goes to its bank.

    It drains what transfers to winners need, which is why a real platform switches it off.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._run = 0

    def switch(self, *, enabled: bool) -> None:
        """Start or end the schedule; an earlier run of it ends either way."""
        self._run += 1
        if enabled:
            self._await_midnight(self._run)

    def _await_midnight(self, run: int) -> None:
        tomorrow = self._platform.now.date() + timedelta(days=1)
        midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC)
        self._platform.at(midnight, lambda: self._drain(run))

    def _drain(self, run: int) -> None:
        if run != self._run:
            return
        platform = self._platform
        full = [(code, cents) for (who, code), cents in sorted(platform.available.items()) if who == PLATFORM]
        for currency, cents in full:
            if cents > 0:
                self._pay(currency, cents)
        self._await_midnight(run)

    def _pay(self, currency: str, cents: int) -> None:
        platform = self._platform
        included = [
            wire["id"]
            for wire in platform.balance_transactions.values()
            if platform.owners[wire["id"]] == PLATFORM
            and (wire["currency"], wire["status"]) == (currency, "available")
            and wire["id"] not in platform.paid_out_by
        ]
        payout = pay_out(platform, owner=PLATFORM, amount_cents=cents, currency=currency, automatic=True)
        for transaction_id in (*included, payout["balance_transaction"]):
            platform.paid_out_by[transaction_id] = payout["id"]
