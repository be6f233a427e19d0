"""What tests and demonstrations may read of the emulator: lists of objects in the order they were made."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from cutline.simulation.emulators.stripe.balance import balance_of
from cutline.simulation.emulators.stripe.platform import PLATFORM, Platform, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeState:
    """The emulator's objects, oldest first, as Stripe would send them. To be read, not to be changed."""

    payment_intents: tuple[Wire, ...]
    charges: tuple[Wire, ...]
    refunds: tuple[Wire, ...]
    accounts: tuple[Wire, ...]
    transfers: tuple[Wire, ...]
    reversals: tuple[Wire, ...]
    payouts: tuple[Wire, ...]
    disputes: tuple[Wire, ...]
    topups: tuple[Wire, ...]
    balance_transactions: tuple[Wire, ...]
    events: tuple[Wire, ...]
    balance: Wire
    connected_balances: dict[str, Wire]

    def as_json(self) -> dict[str, Any]:
        """Return the lists by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def read_state(platform: Platform) -> StripeState:
    """Return the present state."""
    return StripeState(
        payment_intents=tuple(platform.payment_intents.values()),
        charges=tuple(platform.charges.values()),
        refunds=tuple(platform.refunds.values()),
        accounts=tuple(platform.accounts.values()),
        transfers=tuple(platform.transfers.values()),
        reversals=tuple(platform.reversals.values()),
        payouts=tuple(platform.payouts.values()),
        disputes=tuple(platform.disputes.values()),
        topups=tuple(platform.topups.values()),
        balance_transactions=tuple(platform.balance_transactions.values()),
        events=tuple(platform.events.values()),
        balance=balance_of(platform, PLATFORM),
        connected_balances={account: balance_of(platform, account) for account in platform.accounts},
    )
