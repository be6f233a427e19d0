"""What the log of payouts can say: connected accounts and transfers here, payouts to the bank beside; logic-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from cutline.engine.payout.bank_events import BANK_EVENTS
from cutline.engine.payout.reconciling import RECONCILIATION_EVENTS
from cutline.engine.stripe_attempts import CALL_EVENTS


class AccountPlanned(Struct, frozen=True, kw_only=True):
    """An account holder wants to be paid; a connected account is to be made."""

    account_did: str
    email: str | None

    @property
    def key(self) -> str:
        """Return the business key, which is also the first attempt's key at Stripe."""
        return f"payout:account:{self.account_did}"


class AccountCreated(Struct, frozen=True, kw_only=True):
    """Stripe has made the connected account of an account holder."""

    account_did: str
    stripe_account_id: str
    transfers_active: bool
    payouts_enabled: bool

    @property
    def key(self) -> str:
        """Return the business key: a holder has one connected account."""
        return f"payout:account:{self.account_did}:created"


class AccountRefused(Struct, frozen=True, kw_only=True):
    """Stripe would not make the connected account; the holder may ask again."""

    account_did: str
    attempt: int
    code: str
    message: str

    @property
    def key(self) -> str:
        """Return the business key: each attempt is refused once."""
        return f"payout:account:{self.account_did}:{self.attempt}:refused"


class AccountLinkEnded(Struct, frozen=True, kw_only=True):
    """Stripe has made a link that finishes the onboarding, or would not. `expires_at` is in Unix seconds."""

    account_did: str
    attempt: int
    url: str | None
    expires_at: int
    code: str | None = None

    @property
    def key(self) -> str:
        """Return the business key: each link is made once."""
        return f"payout:account-link:{self.account_did}:{self.attempt}:ended"


class AccountStatusRecorded(Struct, frozen=True, kw_only=True):
    """What a connected account can do has changed, by a webhook or by asking."""

    stripe_account_id: str
    transfers_active: bool
    payouts_enabled: bool
    report: str

    @property
    def key(self) -> str:
        """Return the business key: each report counts once."""
        return f"account-report:{self.report}"


class AccountLost(Struct, frozen=True, kw_only=True):
    """Stripe does not show us the connected account any more: it was closed, or its owner has disconnected it."""

    account_did: str
    attempt: int
    code: str
    message: str

    @property
    def key(self) -> str:
        """Return the business key: each look finds the account gone once."""
        return f"payout:account:{self.account_did}:lost:{self.attempt}"


class HolderClosureRecorded(Struct, frozen=True, kw_only=True):
    """An account holder is gone, and what is theirs lies in suspense: nothing is transferred to them any more."""

    account_did: str

    @property
    def key(self) -> str:
        """Return the business key: a holder goes once."""
        return f"payout:holder-closed:{self.account_did}"


class TransferPlanned(Struct, frozen=True, kw_only=True):
    """An entry's winnings are to be paid by one transfer."""

    contest_id: str
    entry_id: str
    account_did: str
    amount_cents: int
    currency: str

    @property
    def key(self) -> str:
        """Return the business key, which is also the first attempt's key at Stripe."""
        return f"payout:transfer:{self.contest_id}:{self.entry_id}"


class TransferLockRequested(Struct, frozen=True, kw_only=True):
    """The winner's account is ready; the ledger is asked to hold the winnings."""

    contest_id: str
    entry_id: str

    @property
    def key(self) -> str:
        """Return the business key: a transfer is locked once."""
        return f"payout:transfer:{self.contest_id}:{self.entry_id}:lock"


class FundsLocked(Struct, frozen=True, kw_only=True):
    """The ledger holds the winnings. `head` is its chain's head, an anchor that travels with the transfer."""

    contest_id: str
    entry_id: str
    head: str

    @property
    def key(self) -> str:
        """Return the business key: a transfer's funds are locked once."""
        return f"payout:transfer:{self.contest_id}:{self.entry_id}:locked"


class TransferCompleted(Struct, frozen=True, kw_only=True):
    """Stripe has made the transfer."""

    contest_id: str
    entry_id: str
    stripe_transfer_id: str
    stripe_account_id: str

    @property
    def key(self) -> str:
        """Return the business key: a transfer completes once."""
        return f"payout:transfer:{self.contest_id}:{self.entry_id}:completed"


class TransferFailed(Struct, frozen=True, kw_only=True):
    """Stripe will never make the transfer; the reason is its code (POUT-036)."""

    contest_id: str
    entry_id: str
    code: str
    message: str

    @property
    def key(self) -> str:
        """Return the business key: a transfer fails once."""
        return f"payout:transfer:{self.contest_id}:{self.entry_id}:failed"


class TransferAbandoned(Struct, frozen=True, kw_only=True):
    """A transfer ends before Stripe was called, for its winner is gone; `code` says how (POUT-043)."""

    contest_id: str
    entry_id: str
    code: str

    @property
    def key(self) -> str:
        """Return the business key, which is that of a failure: a transfer ends once."""
        return f"payout:transfer:{self.contest_id}:{self.entry_id}:failed"


EVENTS: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        AccountPlanned,
        AccountCreated,
        AccountRefused,
        AccountLinkEnded,
        AccountStatusRecorded,
        AccountLost,
        HolderClosureRecorded,
        TransferPlanned,
        TransferLockRequested,
        FundsLocked,
        TransferCompleted,
        TransferFailed,
        TransferAbandoned,
        *RECONCILIATION_EVENTS,
        *BANK_EVENTS,
        *CALL_EVENTS,
    )
}
