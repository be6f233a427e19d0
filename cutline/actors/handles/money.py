"""The edge's way to payments and payouts: typed questions, and no decision."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import TypedDict

from cutline.actors.handles.asking import Ask, Reply
from cutline.engine.messages import (
    ClaimIntent,
    ListIntents,
    OnboardAccount,
    ReadIntent,
    ReadOrphanedIntents,
    ReadTransfers,
)
from cutline.engine.messages.bank import (
    AdmitPayout,
    ListPayouts,
    ReadFailedPayouts,
    ReadPayout,
    ReadStuckPayouts,
    RetryPayout,
)
from cutline.engine.messages.reconciliation import ReadReconciliation, ReconcileWithStripe
from cutline.engine.messages.untriggered import ReadUntriggered, SettledContest


class Intent(TypedDict):
    """The payment intent of an entry; its id is None until Stripe has answered."""

    deduped: bool
    status: str
    payment_intent: str | None
    client_secret: str | None
    amount_cents: int
    currency: str
    failure: str | None


class IntentListed(TypedDict):
    """One of a holder's intents, by its entry, and its place among them."""

    place: int
    contest_id: str
    entry_id: str
    status: str


class Intents(TypedDict):
    """Some of a holder's intents."""

    intents: list[IntentListed]


class PaymentsHandle:
    """The actor that asks Stripe for fees and gives them back."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def intent(self, *, contest_id: str, entry_id: str) -> Awaitable[Intent]:
        """Return the payment intent of an entry."""
        return self._ask("payments", ReadIntent(contest_id=contest_id, entry_id=entry_id))

    def intents(self, *, account_did: str, before: int | None, limit: int) -> Awaitable[Intents]:
        """Return a holder's intents in all contests, the newest first, older than a place."""
        return self._ask("payments", ListIntents(account_did=account_did, before=before, limit=limit))

    def orphaned(self, older_than_minutes: int) -> Awaitable[Reply]:
        """Return the intents that have been open for so long (PAY-041)."""
        return self._ask("payments", ReadOrphanedIntents(older_than_minutes=older_than_minutes))

    def claim(self, *, contest_id: str, entry_id: str, principal: str, idempotency_key: str) -> Awaitable[Intent]:
        """Return the payment intent of an entry, taken under a key of its holder (PAY-030, PAY-031)."""
        message = ClaimIntent(
            contest_id=contest_id, entry_id=entry_id, principal=principal, idempotency_key=idempotency_key
        )
        return self._ask("payments", message)


class PayoutPage(TypedDict):
    """One page of payouts, and the place of its last one; None where nothing follows."""

    payouts: list[Reply]
    after: tuple[datetime, str] | None


class PayoutsHandle:
    """The actor that pays winners, and holders' money to their banks."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def onboard(self, *, account_did: str, email: str | None) -> Awaitable[Reply]:
        """Create or return the connected account of an account holder (POUT-001)."""
        return self._ask("payouts", OnboardAccount(account_did=account_did, email=email))

    def transfers(self, contest_id: str | None) -> Awaitable[Sequence[Reply]]:
        """Return the transfers of one contest, or of all."""
        return self._ask("payouts", ReadTransfers(contest_id=contest_id))

    def admit(self, *, payout_id: str, account_did: str) -> Awaitable[Reply]:
        """Make sure that an account could be paid to its bank now, or that this payout is known."""
        return self._ask("payouts", AdmitPayout(payout_id=payout_id, account_did=account_did))

    def payout(self, payout_id: str) -> Awaitable[Reply]:
        """Return one payout and its audit events (POUT-003)."""
        return self._ask("payouts", ReadPayout(payout_id=payout_id))

    def payouts(
        self,
        *,
        created_from: datetime,
        created_before: datetime,
        account_did: str | None,
        status: str | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Awaitable[PayoutPage]:
        """Return one page of payouts in order of (created_at, payout_id), beginning behind `after` (POUT-008)."""
        message = ListPayouts(
            created_from=created_from,
            created_before=created_before,
            account_did=account_did,
            status=status,
            after=after,
            limit=limit,
        )
        return self._ask("payouts", message)

    def retry(self, payout_id: str, *, actor: str) -> Awaitable[Reply]:
        """Take the next step of a stuck payout at once (POUT-004)."""
        return self._ask("payouts", RetryPayout(payout_id=payout_id, actor=actor))

    def stuck(self, *, minutes: int, limit: int) -> Awaitable[Reply]:
        """Return the payouts that have waited for so many minutes (POUT-005)."""
        return self._ask("payouts", ReadStuckPayouts(minutes=minutes, limit=limit))

    def failed(self, *, limit: int) -> Awaitable[Reply]:
        """Return the latest payouts that failed (POUT-006)."""
        return self._ask("payouts", ReadFailedPayouts(limit=limit))

    def untriggered(self, settled: Sequence[SettledContest], older_than_minutes: int) -> Awaitable[Reply]:
        """Return which of these contests settled so long ago and have no transfer (POUT-042)."""
        return self._ask("payouts", ReadUntriggered(settled=tuple(settled), older_than_minutes=older_than_minutes))

    def reconcile(self, day: str) -> Awaitable[Reply]:
        """Compare a UTC day that is over with Stripe, again if it was compared before."""
        return self._ask("payouts", ReconcileWithStripe(day=day))

    def reconciliation(self, day: str | None) -> Awaitable[Reply]:
        """Return the last comparison of a day, or a line for each."""
        return self._ask("payouts", ReadReconciliation(day=day))
