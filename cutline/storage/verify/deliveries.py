"""Check that what senders believe delivered is in its receiver's file: a lost end of any file shows here.

What is still owed explains a difference and is no problem: it is sent again on the next start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cutline.engine.messages import (
    AbandonTransfer,
    AdoptConfig,
    CancelIntent,
    CompleteTransfer,
    ContestReady,
    CreateContest,
    FailTransfer,
    FeePaid,
    HolderClosed,
    LockTransfer,
    MoveEntryFee,
    PayWinners,
    PostSettlement,
    RecordAnchor,
    RefundEntry,
    RequestIntent,
    TransferLocked,
    WatchEvent,
    WinningsPaid,
    WinningsUnpayable,
)
from cutline.engine.payout.lifecycle import TransferStatus
from cutline.storage.verify.file_check import CheckedFile
from cutline.storage.verify.report import Code, Problem

Files = Mapping[str, CheckedFile]


def check_deliveries(files: Files) -> Iterator[Problem]:
    """Yield the messages whose receiver has acknowledged them but holds nothing of them."""
    for sender in files.values():
        for owed in sender.delivered:
            receiver = files.get(owed.to)
            holds = _HOLDS.get(type(owed.message))
            if receiver is None or receiver.folding is None or holds is None:
                continue
            if not holds(receiver.state, owed.message):
                message = f"{sender.name} was told that its {type(owed.message).__name__} had arrived; it is not here"
                yield Problem(code=Code.DELIVERY_LOST, file=receiver.name, where=owed.key, message=message)


def _transfer(message: Any) -> str:
    return f"payout:transfer:{message.contest_id}:{message.entry_id}"


def _is_abandoned(ledger: Any, message: Any) -> bool:
    return (message.contest_id, message.entry_id) in ledger.payouts.abandoned


def _contest_holds(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda state, message: state.contest is not None and test(state.contest, message)


_HOLDS: Final[Mapping[type, Callable[[Any, Any], bool]]] = {
    MoveEntryFee: lambda state, m: f"entry:{m.contest_id}:{m.entry_id}:{m.outcome}" in state.effects,
    PostSettlement: lambda state, m: f"settlement:{m.contest_id}" in state.effects or m.pot_cents == 0,
    RecordAnchor: lambda state, m: f"anchor:{m.address}:{m.seq}" in state.anchors,
    LockTransfer: lambda state, m: _transfer(m) in state.effects or _is_abandoned(state, m),
    CompleteTransfer: lambda state, m: f"{_transfer(m)}:completed" in state.effects,
    FailTransfer: lambda state, m: f"{_transfer(m)}:failed" in state.effects,
    AbandonTransfer: lambda state, m: f"{_transfer(m)}:failed" in state.effects or _is_abandoned(state, m),
    FeePaid: _contest_holds(lambda contest, m: m.payment_intent in contest.seats.outcomes),
    WinningsPaid: _contest_holds(lambda contest, m: m.entry_id in contest.settlement.paid),
    WinningsUnpayable: _contest_holds(
        lambda contest, m: m.entry_id in contest.settlement.unpayable or m.entry_id in contest.settlement.paid
    ),
    AdoptConfig: _contest_holds(lambda contest, m: contest.config_judged >= m.version),
    CreateContest: _contest_holds(lambda contest, m: contest.contest_id == m.contest_id),
    ContestReady: lambda state, m: (
        m.contest_id in state.contests and state.contests[m.contest_id].created_at is not None
    ),
    WatchEvent: lambda state, m: state.attempts.get(m.contest_id, 0) >= m.attempt,
    RequestIntent: lambda state, m: (m.contest_id, m.entry_id) in state.intents,
    CancelIntent: lambda state, m: (
        (m.contest_id, m.entry_id) in state.intents or (m.contest_id, m.entry_id) in state.cancelled_unplanned
    ),
    RefundEntry: lambda state, m: m.payment_intent in state.refunds,
    PayWinners: lambda state, m: all(
        f"payout:transfer:{m.contest_id}:{prize.entry_id}" in state.transfers for prize in m.prizes
    ),
    HolderClosed: lambda state, m: m.account_did in state.closed,
    TransferLocked: lambda state, m: (
        (transfer := state.transfers.get(_transfer(m))) is not None
        and (transfer.head is not None or transfer.status is TransferStatus.FAILED_TERMINAL)
    ),
}
"""What each message must have left in its receiver's state. A message that only informs is not among them."""
