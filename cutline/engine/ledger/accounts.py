"""The chart of accounts: names, normal sides and which may not fall below zero; it holds no balance.

Amounts are debit-positive everywhere: a credit-normal account in its normal state has a balance below zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeGuard

PLATFORM: Final = "stripe:platform"
SUSPENSE: Final = "suspense"
RAKE: Final = "income:rake"
STRIPE_FEES: Final = "expense:stripe_fees"
DISPUTE_FEES: Final = "expense:dispute_fees"
BAD_DEBT: Final = "expense:bad_debt"
CAPITAL: Final = "equity:capital"
BANK: Final = "clearing:bank"
PAYOUTS: Final = "clearing:payouts"
PROVIDER: Final = "clearing:provider"

OWNER_PATTERN: Final = r"[A-Za-z0-9._:%@+-]{1,200}"
"""The characters of a DID, and of mail addresses: whoever can enter can hold money."""

INTERNAL: Final = "did:internal:"
"""DIDs of accounts of the house, such as `did:internal:clearing:payouts`; nobody can have one of them."""

_OWNER: Final = re.compile(OWNER_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKind:
    """One kind of account. `floored` accounts are refused below zero in their normal sense."""

    name: str
    normal: Literal["debit", "credit"]
    floored: bool = False


def _credit(name: str, *, floored: bool = False) -> AccountKind:
    return AccountKind(name=name, normal="credit", floored=floored)


def _debit(name: str) -> AccountKind:
    return AccountKind(name=name, normal="debit")


AVAILABLE_KIND: Final = _credit("available", floored=True)
HELD_KIND: Final = _credit("held", floored=True)

SINGLE: Final[Mapping[str, AccountKind]] = {
    PLATFORM: _debit("stripe_platform"),
    SUSPENSE: _credit("suspense", floored=True),
    RAKE: _credit("income"),
    STRIPE_FEES: _debit("expense"),
    DISPUTE_FEES: _debit("expense"),
    BAD_DEBT: _debit("expense"),
    CAPITAL: _credit("equity"),
    BANK: _credit("clearing"),
    PAYOUTS: _credit("clearing"),
    PROVIDER: _credit("clearing"),
}
"""Accounts that exist once."""

OWNED: Final[Mapping[str, AccountKind]] = {
    "escrow:": _credit("escrow", floored=True),
    "pot:": _credit("pot", floored=True),
    "refunds:": _credit("refunds", floored=True),
    "stripe:connected:": _debit("stripe_connected"),
    "receivable:": _debit("receivable"),
    "disputes:": _debit("disputes"),
}
"""Accounts of one contest, account holder or dispute, by the prefix before the owner's id."""


def available(account_did: str) -> str:
    """Name the account holder's money that can be used: A."""
    return f"user:{account_did}:available"


def held(account_did: str) -> str:
    """Name the account holder's money that is kept for a known source: H."""
    return f"user:{account_did}:held"


def escrow(contest_id: str) -> str:
    """Name the fees that wait for their contest's word."""
    return f"escrow:{contest_id}"


def pot(contest_id: str) -> str:
    """Name the fees of the entries that play."""
    return f"pot:{contest_id}"


def refunds(contest_id: str) -> str:
    """Name the fees that go back."""
    return f"refunds:{contest_id}"


def connected(account_did: str) -> str:
    """Name the balance of a holder's connected account, payouts in transit included."""
    return f"stripe:connected:{account_did}"


def receivable(account_did: str) -> str:
    """Name the debt of an account holder; no other account carries a debt."""
    return f"receivable:{account_did}"


def disputed(dispute_id: str) -> str:
    """Name what Stripe withdrew for an open dispute."""
    return f"disputes:{dispute_id}"


def clearing_did(domain: str) -> str:
    """Return the DID of a clearing account, which mirrors its name in the chart (POUT-022, LED-012)."""
    return f"{INTERNAL}clearing:{domain}"


def is_owner(value: object) -> TypeGuard[str]:
    """Say whether a value can stand in an account's name: a short id without blanks that is none of the house's."""
    return isinstance(value, str) and _OWNER.fullmatch(value) is not None and not value.startswith(INTERNAL)


def kind_of(account: str) -> AccountKind | None:
    """Return the kind of an account, or None where the chart has no such name (LED-010, LED-013)."""
    single = SINGLE.get(account)
    if single is not None:
        return single
    if account.startswith("user:"):
        return _user_kind(account)
    for prefix, kind in OWNED.items():
        if account.startswith(prefix):
            return kind if is_owner(account[len(prefix) :]) else None
    return None


def holder_of(account: str) -> str:
    """Return the account holder of an A or H account."""
    return account.removeprefix("user:").rpartition(":")[0]


def _user_kind(account: str) -> AccountKind | None:
    owner, _, bucket = account.removeprefix("user:").rpartition(":")
    if not is_owner(owner):
        return None
    return {"available": AVAILABLE_KIND, "held": HELD_KIND}.get(bucket)
