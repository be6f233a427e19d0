"""A model of Stripe's money: balances, keys that replay what they first answered, and accounts that come and go.

It knows nothing of the engine; what it answers, and whether the answer arrives, is decided by whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from cutline.engine.messages import CallStripe

KEYS_KEPT_FOR: Final = timedelta(hours=24)


class Refusal(Exception):
    """Stripe says no, by a code; `saved` answers are replayed under their key."""

    def __init__(self, code: str, *, saved: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.saved = saved


@dataclass(slots=True)
class Holder:
    """One person's connected account."""

    id: str
    balance_cents: int = 0
    transfers_active: bool = False
    payouts_enabled: bool = False
    closed: bool = False

    def wire(self) -> dict[str, Any]:
        """Return the account as Stripe shows it."""
        transfers = "active" if self.transfers_active else "inactive"
        return {"id": self.id, "capabilities": {"transfers": transfers}, "payouts_enabled": self.payouts_enabled}


@dataclass
class MoodyStripe:
    """The platform, its connected accounts, and all that was ever made. Amounts are cents."""

    available_cents: int = 0
    pending_cents: int = 0
    holders: dict[str, Holder] = field(default_factory=dict)
    transfers: list[dict[str, Any]] = field(default_factory=list)
    payouts: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, tuple[datetime, dict[str, Any] | Refusal]] = field(default_factory=dict)

    @property
    def cash_cents(self) -> int:
        """What the platform has, available or not yet."""
        return self.available_cents + self.pending_cents

    def account(self, stripe_account_id: str) -> Holder:
        """Return an account by Stripe's id."""
        return next(one for one in self.holders.values() if one.id == stripe_account_id)

    def in_transit_cents(self, stripe_account_id: str) -> int:
        """Return what has left an account and not reached its bank."""
        found = (one for one in self.payouts.values() if one["account"] == stripe_account_id)
        return sum(one["amount"] for one in found if one["status"] == "in_transit")

    def perform(self, call: CallStripe, now: datetime, *, break_after: bool = False) -> dict[str, Any]:
        """Do what is asked, once a key; with `break_after` the effect stays and a 500 is what the key remembers."""
        key = call.idempotency_key
        if key is None:
            return self._read(call)
        kept = self.keys.get(key)
        if kept is not None and now - kept[0] < KEYS_KEPT_FOR:
            if isinstance(kept[1], Refusal):
                raise kept[1]
            return kept[1]
        try:
            made = self._make(call, key)
        except Refusal as refusal:
            if refusal.saved:
                self.keys[key] = (now, refusal)
            raise
        if break_after:
            self.keys[key] = (now, Refusal("api_error", saved=True))
            raise Refusal("api_error", saved=True)
        self.keys[key] = (now, made)
        return made

    def break_before(self, call: CallStripe, now: datetime) -> Refusal:
        """Break while executing, with no effect: the key remembers the 500."""
        refusal = Refusal("api_error", saved=True)
        if call.idempotency_key is not None:
            self.keys.setdefault(call.idempotency_key, (now, refusal))
        return refusal

    def _open(self, stripe_account_id: str) -> Holder:
        """Return an account that has not been closed; of one that has, Stripe neither shows nor does anything."""
        holder = self.account(stripe_account_id)
        if holder.closed:
            raise Refusal("account_invalid")
        return holder

    def _read(self, call: CallStripe) -> dict[str, Any]:
        asked = call.parameters
        match call.operation:
            case "retrieve_account":
                return self._open(str(asked["id"])).wire()
            case "retrieve_payout":
                self._open(str(asked["stripe_account"]))
                return self.payouts[str(asked["id"])]
            case "find_transfers":
                return {"data": [one for one in self.transfers if one["transfer_group"] == asked["transfer_group"]]}
            case "find_payouts":
                account = self._open(str(asked["stripe_account"]))
                return {"data": [one for one in self.payouts.values() if one["account"] == account.id]}
            case _:
                raise AssertionError(call.operation)

    def _make(self, call: CallStripe, key: str) -> dict[str, Any]:
        asked: dict[str, Any] = dict(call.parameters)
        match call.operation:
            case "create_account":
                did = asked["metadata"]["account_did"]
                return self.holders.setdefault(did, Holder(id=f"acct_{len(self.holders) + 1}")).wire()
            case "create_account_link":
                return {"url": f"https://example.test/{key}", "expires_at": 0}
            case "create_transfer":
                return self._transfer(asked)
            case "create_payout":
                return self._payout(asked)
            case _:
                raise AssertionError(call.operation)

    def _transfer(self, asked: dict[str, Any]) -> dict[str, Any]:
        to = self._open(asked["destination"])
        if not to.transfers_active:
            raise Refusal("insufficient_capabilities_for_transfer")
        if self.available_cents < asked["amount"]:
            raise Refusal("balance_insufficient", saved=True)
        self.available_cents -= asked["amount"]
        to.balance_cents += asked["amount"]
        made = {"id": f"tr_{len(self.transfers) + 1}"} | asked
        self.transfers.append(made)
        return made

    def _payout(self, asked: dict[str, Any]) -> dict[str, Any]:
        account = self._open(asked["stripe_account"])
        if not account.payouts_enabled:
            raise Refusal("payouts_not_allowed")
        if account.balance_cents < asked["amount"]:
            raise Refusal("balance_insufficient", saved=True)
        account.balance_cents -= asked["amount"]
        made = {"id": f"po_{len(self.payouts) + 1}", "status": "in_transit", "account": account.id} | asked
        self.payouts[made["id"]] = made
        return made

    def end(self, payout_id: str, status: str) -> dict[str, Any]:
        """Let the bank take a payout, or send it back, even after it had taken it."""
        payout = self.payouts[payout_id]
        if status == "failed":
            self.account(payout["account"]).balance_cents += payout["amount"]
        # What was answered before is not changed by what happens later.
        self.payouts[payout_id] = payout | {"status": status}
        return self.payouts[payout_id]
