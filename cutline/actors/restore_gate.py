"""After a restore no money leaves before all of Stripe's events were listed again.

A restored box does not know what it did in its last moments; Stripe does. It must not list anything itself.
"""

from __future__ import annotations

from cutline.engine.messages import CallStripe, StripeAnswered
from cutline.engine.stripe_call import LOOKUPS
from cutline.storage.files import DataRoot


class RestoreGate:
    """Shut from the first start of a restored root until the ledger has recorded what Stripe still lists.

    The mark in the data root outlives the process, so a restart in between finds the gate shut.
    """

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self.is_shut = root.is_restored

    def open(self) -> None:
        """Let money leave again; opening an open gate changes nothing."""
        if self.is_shut:
            self._root.forget_restore()
            self.is_shut = False

    def holds_back(self, call: CallStripe) -> bool:
        """Say whether a call must wait: those that move money out do, all others may go."""
        return self.is_shut and call.operation in LOOKUPS


def not_caught_up(call: CallStripe) -> StripeAnswered:
    """Answer a call that was not made because the books may lag behind Stripe: the same call may be made later."""
    return StripeAnswered(
        subject=call.subject,
        attempt=call.attempt,
        operation=call.operation,
        succeeded=False,
        kind="retry_same_key",
        code="restored_not_caught_up",
        message="Stripe's events were not all listed again since the restore",
        money_moved="no",
    )
