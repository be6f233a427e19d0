"""Check that contests, ledger and payouts tell one story of every fee and every prize; it must not move a cent.

A difference that a message still owed explains is no problem: the message is sent again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cutline.engine.contest.events import EntryStatus
from cutline.engine.ledger.events import TransactionPosted
from cutline.engine.messages import CompleteTransfer, MoveEntryFee, PayWinners, PostSettlement, WinningsPaid
from cutline.engine.payout.events import TransferCompleted
from cutline.storage.verify.file_check import CheckedFile
from cutline.storage.verify.report import Code, Problem

Files = Mapping[str, CheckedFile]
EntryKey = tuple[str, str]
"""A contest's id and an entry's id."""


@dataclass(slots=True)
class Booked:
    """What the ledger has booked for contests, gathered from its events."""

    fees: dict[EntryKey, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Cents by outcome, `entry_activated` or `entry_returned`."""
    settlements: dict[str, TransactionPosted] = field(default_factory=dict)
    completed: dict[EntryKey, tuple[int, str]] = field(default_factory=dict)
    """Cents and Stripe's id of every transfer that is booked as made."""


def check_money(files: Files) -> Iterator[Problem]:
    """Yield where fees, settlements and transfers disagree between the files that hold them (I1-I4)."""
    ledger, payouts = files.get("ledger"), files.get("payouts")
    if ledger is None or ledger.folding is None:
        return
    booked = _gather(ledger)
    contests = [file for file in files.values() if file.state is not None and file.address.startswith("contest/")]
    for file in contests:
        if file.state.contest is not None:
            yield from _check_fees(file, booked, ledger)
            yield from _check_settlement(file, booked, ledger)
            yield from _check_paid(file, booked, ledger)
    if payouts is not None and payouts.folding is not None:
        yield from _check_transfers(payouts, booked, ledger)
    yield from _check_paid_once(booked, ledger)


def _gather(ledger: CheckedFile) -> Booked:
    booked = Booked()
    for recorded in ledger.kept:
        event = recorded.event
        if not isinstance(event, TransactionPosted):
            continue
        content, kind = event.content, event.posting.kind
        if kind in ("entry_activated", "entry_returned"):
            booked.fees[_entry(content)][kind] = int(content["amount_cents"])
        elif kind == "settlement":
            booked.settlements[content["contest_id"]] = event
        elif kind == "transfer_completed":
            booked.completed[_entry(content)] = (int(content["amount_cents"]), content["stripe_transfer_id"])
    return booked


def _entry(content: Mapping[str, str]) -> EntryKey:
    return content["contest_id"], content["entry_id"]


def _owes(file: CheckedFile, kind: type[Any]) -> dict[EntryKey, Any]:
    """Return the messages of one kind about entries that a file still owes."""
    messages = (owed.message for owed in file.owed.values())
    return {(m.contest_id, m.entry_id): m for m in messages if isinstance(m, kind)}


def _check_fees(file: CheckedFile, booked: Booked, ledger: CheckedFile) -> Iterator[Problem]:
    """Every ACTIVE entry's fee lies in the pot or was settled from it, and no other's (design: ENTRIES)."""
    contest = file.state.contest
    waiting = {key for key, m in _owes(file, MoveEntryFee).items() if m.outcome in ("activated", "returned")}
    fee_cents = contest.config.entry.fee_cents
    for entry in contest.seats.entries.values():
        key = (contest.contest_id, entry.entry_id)
        fees = booked.fees.get(key, {})
        in_pot_cents = fees.get("entry_activated", 0) - fees.get("entry_returned", 0)
        wanted_cents = fee_cents if entry.status is EntryStatus.ACTIVE else 0
        if in_pot_cents != wanted_cents and key not in waiting:
            message = (
                f"{entry.entry_id} is {entry.status}; of its fee of {fee_cents} cents, {in_pot_cents} are in the pot"
            )
            yield Problem(code=Code.FEES_DISAGREE, file=ledger.name, where=f"pot:{contest.contest_id}", message=message)
    for contest_id, entry_id in booked.fees:
        if contest_id == contest.contest_id and entry_id not in contest.seats.entries:
            message = f"the pot holds a fee of {entry_id}, which the contest does not know"
            yield Problem(code=Code.FEES_DISAGREE, file=ledger.name, where=f"pot:{contest_id}", message=message)


def _check_settlement(file: CheckedFile, booked: Booked, ledger: CheckedFile) -> Iterator[Problem]:
    """The ledger has divided the pot as the contest settled it, once (SET-003, LED-008)."""
    contest = file.state.contest
    recorded, posted = contest.settlement.recorded, booked.settlements.get(contest.contest_id)
    where = f"settlement:{contest.contest_id}"
    if recorded is None:
        if posted is not None:
            message = "the ledger has divided the pot, but the contest is not settled"
            yield Problem(code=Code.PRIZES_DISAGREE, file=file.name, where=where, message=message)
        return
    if posted is None:
        owed = any(isinstance(owed.message, PostSettlement) for owed in file.owed.values())
        if recorded.pot_cents and not owed:
            message = "the contest is settled, but the ledger has not divided its pot"
            yield Problem(code=Code.PRIZES_DISAGREE, file=ledger.name, where=where, message=message)
        return
    wanted = {row.entry_id: (row.account_did, row.prize_cents) for row in recorded.entries if row.prize_cents}
    found = {prize.entry_id: (prize.account_did, prize.amount_cents) for prize in posted.prizes}
    if wanted != found or posted.content.get("result_sha256") != recorded.result_sha256:
        odd = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
        message = (
            f"the ledger divided the pot otherwise than the contest settled it: {', '.join(odd) or 'another result'}"
        )
        yield Problem(code=Code.PRIZES_DISAGREE, file=ledger.name, where=where, message=message)


def _check_paid(file: CheckedFile, booked: Booked, ledger: CheckedFile) -> Iterator[Problem]:
    """What the contest believes paid is booked as paid, and the other way round (I4)."""
    contest = file.state.contest
    told = {entry_id for contest_id, entry_id in _owes(ledger, WinningsPaid) if contest_id == contest.contest_id}
    paid = contest.settlement.paid
    completed = {
        entry_id: cents
        for (contest_id, entry_id), (cents, _) in booked.completed.items()
        if contest_id == contest.contest_id
    }
    for entry_id in sorted(paid.keys() | (completed.keys() - told)):
        if paid.get(entry_id) != completed.get(entry_id):
            where = f"prize:{entry_id}"
            message = f"the contest has {paid.get(entry_id)} cents as paid, the ledger {completed.get(entry_id)}"
            yield Problem(code=Code.PRIZES_DISAGREE, file=file.name, where=where, message=message)
    for entry_id, cents in completed.items():
        row = contest.settlement.results.get(entry_id)
        if row is None or row.prize_cents != cents:
            won_cents = None if row is None else row.prize_cents
            message = f"{cents} cents were transferred for {entry_id}, which won {won_cents}"
            yield Problem(code=Code.PRIZES_DISAGREE, file=ledger.name, where=f"prize:{entry_id}", message=message)


def _check_transfers(payouts: CheckedFile, booked: Booked, ledger: CheckedFile) -> Iterator[Problem]:
    """Every transfer that Stripe made is booked, and every booked one was made; each entry has one (I4)."""
    made: dict[EntryKey, str] = {}
    for recorded in payouts.kept:
        event = recorded.event
        if not isinstance(event, TransferCompleted):
            continue
        key = (event.contest_id, event.entry_id)
        if key in made:
            message = f"{made[key]} and {event.stripe_transfer_id} both pay {event.entry_id}"
            yield Problem(code=Code.PAID_TWICE, file=payouts.name, where=f"log seq={recorded.seq}", message=message)
        made[key] = event.stripe_transfer_id
    waiting = _owes(payouts, CompleteTransfer).keys()
    for key in sorted(made.keys() | booked.completed.keys()):
        booked_as = booked.completed.get(key, (0, None))[1]
        if made.get(key) != booked_as and key not in waiting:
            where = f"payout:transfer:{key[0]}:{key[1]}"
            message = f"payouts made {made.get(key)}, the ledger booked {booked_as}"
            yield Problem(code=Code.PRIZES_DISAGREE, file=ledger.name, where=where, message=message)
    planned = {(t.plan.contest_id, t.plan.entry_id): t.plan.amount_cents for t in payouts.state.transfers.values()}
    owed = {owed.message.contest_id for owed in ledger.owed.values() if isinstance(owed.message, PayWinners)}
    won = {
        (contest_id, prize.entry_id): prize.amount_cents
        for contest_id, posted in booked.settlements.items()
        if contest_id not in owed
        for prize in posted.prizes
    }
    for key in sorted(
        planned.keys() ^ won.keys() | {key for key in planned if won.get(key, planned[key]) != planned[key]}
    ):
        if key[0] not in owed:
            where = f"payout:transfer:{key[0]}:{key[1]}"
            message = f"payouts plans {planned.get(key)} cents, the settlement awards {won.get(key)}"
            yield Problem(code=Code.PRIZES_DISAGREE, file=payouts.name, where=where, message=message)


def _check_paid_once(booked: Booked, ledger: CheckedFile) -> Iterator[Problem]:
    by_transfer: dict[str, EntryKey] = {}
    for key, (_, transfer) in booked.completed.items():
        if transfer in by_transfer:
            message = f"{transfer} is booked for {by_transfer[transfer][1]} and for {key[1]}"
            yield Problem(code=Code.PAID_TWICE, file=ledger.name, where=transfer, message=message)
        by_transfer[transfer] = key
