"""Check that ledger and payouts tell one story of every payout to a bank; it must not move a cent.

A difference that a message still owed explains is no problem: the message is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cutline.engine.messages.bank import PayoutBooked, PayoutLocked, PayoutOutcome
from cutline.engine.payout.bank_events import PayoutAccepted, PayoutFinalized
from cutline.storage.verify.file_check import CheckedFile
from cutline.storage.verify.report import Code, Problem

_TERMS = ("account_did", "amount_cents", "currency", "transfer_cents")


def check_payouts(files: Mapping[str, CheckedFile]) -> Iterator[Problem]:
    """Yield where holds, payouts and their ends disagree, and where two payouts claim one of Stripe's (I4)."""
    ledger, payouts = files.get("ledger"), files.get("payouts")
    if ledger is None or ledger.folding is None or payouts is None or payouts.folding is None:
        return
    yield from _check_begun(ledger, payouts)
    yield from _check_ends(ledger, payouts)
    yield from _check_made_once(payouts)


def _check_begun(ledger: CheckedFile, payouts: CheckedFile) -> Iterator[Problem]:
    """Every payout was held for, on the same terms, and everything held for is a payout."""
    held, begun = ledger.state.payouts.payouts, payouts.state.bank.payouts
    told = {owed.message.payout_id for owed in ledger.owed.values() if isinstance(owed.message, PayoutLocked)}
    for payout_id in sorted(held.keys() | begun.keys()):
        one, other = held.get(payout_id), begun.get(payout_id)
        if one is None:
            yield _problem(payouts, payout_id, "the payout has begun, but the ledger holds nothing for it")
        elif other is None:
            if payout_id not in told:
                yield _problem(ledger, payout_id, "money is held for a payout that has not begun")
        else:
            odd = [name for name in _TERMS if getattr(one.plan, name) != getattr(other.plan, name)]
            if odd:
                yield _problem(payouts, payout_id, f"the ledger holds it on other terms: {', '.join(odd)}")


def _check_ends(ledger: CheckedFile, payouts: CheckedFile) -> Iterator[Problem]:
    """What payouts has as booked is booked, and the other way round."""
    finalized: dict[str, PayoutOutcome] = {}
    for recorded in payouts.kept:
        if isinstance(recorded.event, PayoutFinalized):
            finalized[recorded.event.payout_id] = recorded.event.outcome
    told = {owed.message.payout_id for owed in ledger.owed.values() if isinstance(owed.message, PayoutBooked)}
    for payout_id, held in sorted(ledger.state.payouts.payouts.items()):
        if finalized.get(payout_id) != held.outcome and payout_id not in told:
            message = f"payouts has it as {finalized.get(payout_id)}, the ledger booked {held.outcome}"
            yield _problem(ledger, payout_id, message)


def _check_made_once(payouts: CheckedFile) -> Iterator[Problem]:
    made: dict[str, str] = {}
    for recorded in payouts.kept:
        event = recorded.event
        if isinstance(event, PayoutAccepted):
            first = made.setdefault(event.stripe_payout_id, event.payout_id)
            if first != event.payout_id:
                where, message = event.stripe_payout_id, f"it is the payout {first} and the payout {event.payout_id}"
                yield Problem(code=Code.PAID_TWICE, file=payouts.name, where=where, message=message)


def _problem(file: CheckedFile, payout_id: str, message: str) -> Problem:
    return Problem(code=Code.PAYOUTS_DISAGREE, file=file.name, where=f"payout:{payout_id}", message=message)
