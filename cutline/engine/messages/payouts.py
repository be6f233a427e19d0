"""The messages to `payouts`, which pays winners; they must not hold more of a person than an address to write to."""

from __future__ import annotations

from msgspec import Struct

from cutline.engine.messages.ledger import Prize


class OnboardAccount(Struct, frozen=True, kw_only=True):
    """Create, or return, the connected account of an account holder, and a link to finish its onboarding."""

    account_did: str
    email: str | None = None


class AccountReported(Struct, frozen=True, kw_only=True):
    """From the ledger or a poll: whether a connected account can take transfers now. A webhook names its event."""

    stripe_account_id: str
    transfers_active: bool
    payouts_enabled: bool
    event_id: str | None = None


class HolderClosed(Struct, frozen=True, kw_only=True):
    """From the ledger: an account holder is gone, and what is theirs lies in suspense; transfer nothing to them."""

    account_did: str


class PayWinners(Struct, frozen=True, kw_only=True):
    """From the ledger: the settlement is posted; pay each prize by one transfer."""

    contest_id: str
    currency: str
    prizes: tuple[Prize, ...]


class TransferLocked(Struct, frozen=True, kw_only=True):
    """From the ledger: the winnings of one entry are held; Stripe may be called."""

    contest_id: str
    entry_id: str
    head: str


class ReadTransfers(Struct, frozen=True, kw_only=True):
    """Ask for the transfers of a contest (or of all): status, amount, attempts. Decides nothing."""

    contest_id: str | None = None
