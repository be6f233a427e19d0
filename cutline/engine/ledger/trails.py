"""Which rows of the ledger's log concern whom, so that a statement is found without an index in the file.

It must not know what a statement says. An index on disk would cost every commit a page for each account that it moves.
"""

from __future__ import annotations

from array import array
from datetime import datetime
from typing import Final

from cutline.engine.decision import Accepted, Decision
from cutline.engine.ledger import accounts
from cutline.engine.ledger.events import StripeEventForwarded, StripeEventRecorded, TransactionPosted
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import ReadTrail

_OF_HOLDERS: Final = ("user:", "stripe:connected:", "receivable:")
_GIVEN_BACK: Final = frozenset({"entry_refused", "entry_returned", "refund_succeeded"})


def follow(state: LedgerState, seq: int, event: object) -> None:
    """Note whom an event that was just folded concerns: by account, and by holder where a fee of theirs went back."""
    if isinstance(event, TransactionPosted):
        posting, said = event.posting, event.content
    elif isinstance(event, (StripeEventRecorded, StripeEventForwarded)) and event.posting is not None:
        posting, said = event.posting, event.facts
    else:
        return
    for account, _, _ in posting.legs:
        if account.startswith(_OF_HOLDERS):
            _note(state, account, seq)
    if posting.kind in _GIVEN_BACK:
        payment = state.payments.get(said.get("payment_intent", ""))
        if payment is not None and payment.account_did is not None:
            _note(state, payment.account_did, seq)


def read_trail(state: LedgerState, command: ReadTrail, _now: datetime) -> Decision:
    """Answer the rows of the log that concern a holder, in order; none for one whom the ledger does not know."""
    did = command.account_did
    own = (accounts.available(did), accounts.held(did), accounts.receivable(did), accounts.connected(did))
    rows = sorted({seq for name in (did, *own) for seq in state.trails.get(name, ())})
    return Accepted(reply={"log_seqs": rows})


def _note(state: LedgerState, name: str, seq: int) -> None:
    trail = state.trails.get(name)
    if trail is None:
        state.trails[name] = array("q", (seq,))
    else:
        trail.append(seq)
