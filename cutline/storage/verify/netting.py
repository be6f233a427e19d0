"""Count netting again from the ledger's events alone: each payout once, each entry to the cent, each run whole.

It groups nothing and asks nothing of the ledger's own machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cutline.engine.decision import Recorded
from cutline.engine.ledger.accounts import PAYOUTS
from cutline.engine.ledger.netting_events import NettingEntryApplied, NettingRunApplied, NettingRunCreated
from cutline.storage.verify.books import posting_of
from cutline.storage.verify.report import Code, Problem


@dataclass(slots=True, kw_only=True)
class _Counted:
    """What was counted so far: cents on `clearing:payouts` by place and by effect, and who took which payout."""

    cents_at: dict[int, int] = field(default_factory=dict)
    cents_of: dict[str, int] = field(default_factory=dict)
    taken: dict[tuple[str, str], str] = field(default_factory=dict)
    planned: dict[str, set[str]] = field(default_factory=dict)
    left: dict[str, set[str]] = field(default_factory=dict)


def check_netting(events: Iterable[Recorded], file: str) -> Iterator[Problem]:
    """Yield every way in which netting disagrees with the postings that it closes (NET-008, NET-013)."""
    counted = _Counted()
    for recorded in events:
        event, where = recorded.event, f"log seq={recorded.seq}"
        posting = posting_of(recorded)
        if posting is not None:
            cents = sum(cents for account, cents, _ in posting.legs if account == PAYOUTS)
            counted.cents_at[recorded.seq] = counted.cents_of[posting.effect_key] = cents
            faults: Iterable[str] = ()
        elif isinstance(event, NettingRunCreated):
            counted.planned[event.run_id] = {entry.entry_id for entry in event.entries}
            counted.left[event.run_id] = set(counted.planned[event.run_id])
            faults = ()
        elif isinstance(event, NettingEntryApplied):
            faults = list(_entry(event, counted))
        elif isinstance(event, NettingRunApplied):
            faults = [f"run {event.run_id} is applied without its entries"] if counted.left.get(event.run_id) else ()
        else:
            continue
        for message in faults:
            yield Problem(code=Code.NETTING_DISAGREES, file=file, where=where, message=message)


def _entry(event: NettingEntryApplied, counted: _Counted) -> Iterator[str]:
    name = f"netting entry {event.entry_id}"
    counted.left.get(event.run_id, set()).discard(event.entry_id)
    if event.entry_id not in counted.planned.get(event.run_id, ()):
        yield f"{name} was never planned by run {event.run_id}"
    total_cents = 0
    for payout_id, movement, cents, seq in event.payouts:
        total_cents += cents
        if (payout_id, movement) in counted.taken:
            other = counted.taken[payout_id, movement]
            yield f"{name}: payout {payout_id} ({movement}) was netted before, by entry {other}"
        counted.taken[payout_id, movement] = event.entry_id
        if counted.cents_at.get(seq) != -cents:
            yield f"{name}: payout {payout_id} is netted by {cents} cents, its posting says otherwise"
    posted_cents = counted.cents_of.get(f"netting:entry:{event.entry_id}", 0)
    if not total_cents == event.amount_cents == posted_cents:
        yield f"{name}: its payouts sum to {total_cents} cents, {posted_cents} were posted"
