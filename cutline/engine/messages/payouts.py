"""The messages to `payouts`, which pays winners; they must not hold more of a person than an address to write to."""

from __future__ import annotations

from dataclasses import dataclass

from cutline.engine.messages.ledger import Prize


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardAccount:
    """Create, or return, the connected account of an account holder, and a link to finish its onboarding."""

    account_did: str
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReported:
    """From the ledger or a poll: whether a connected account can take transfers now. A webhook names its event."""

    stripe_account_id: str
    transfers_active: bool
    payouts_enabled: bool
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderClosed:
    """From the ledger: an account holder is gone, and what is theirs lies in suspense; transfer nothing to them."""

    account_did: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayWinners:
    """From the ledger: the settlement is posted; pay each prize by one transfer."""

    contest_id: str
    currency: str
    prizes: tuple[Prize, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLocked:
    """From the ledger: the winnings of one entry are held; Stripe may be called."""

    contest_id: str
    entry_id: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTransfers:
    """Ask for the transfers of a contest (or of all): status, amount, attempts. Decides nothing."""

    contest_id: str | None = None
