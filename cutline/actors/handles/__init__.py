"""What an edge holds of an actor: typed methods instead of addresses and messages; a handle must not decide anything.

Each method sends one message and returns what the given `ask` returns, unawaited, so that a handle costs the hot path
no coroutine of its own. Awaiting it gives the committed reply, or raises what `ask` raises. Actors hold no handles:
they are told, and answer by messages.
"""

from __future__ import annotations

from cutline.actors.handles.asking import Ask, Reply
from cutline.actors.handles.contest import ContestHandle, Entries, FeedHandle
from cutline.actors.handles.governance import GovernanceHandle, Listing
from cutline.actors.handles.ledger import Account, LedgerHandle, Losses, Retried, Retries
from cutline.actors.handles.money import Intent, IntentListed, Intents, PaymentsHandle, PayoutPage, PayoutsHandle

__all__ = [
    "Account",
    "Ask",
    "ContestHandle",
    "Entries",
    "FeedHandle",
    "GovernanceHandle",
    "Intent",
    "IntentListed",
    "Intents",
    "LedgerHandle",
    "Listing",
    "Losses",
    "PaymentsHandle",
    "PayoutPage",
    "PayoutsHandle",
    "Reply",
    "Retried",
    "Retries",
]
