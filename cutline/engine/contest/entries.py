"""Judge what entrants and their payments ask of a contest: enter, pick, pay, withdraw. It never moves the lifecycle.

Every deadline is judged by commit time: what commits at `lock_at` or later is too late (I7, C4).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from cutline.engine.contest.events import (
    EntryActivated,
    EntryCancelled,
    EntryExpired,
    EntryPicksChanged,
    EntryRefused,
    EntryReserved,
    EntryStatus,
    EntryWithdrawn,
)
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.reading import describe_entry
from cutline.engine.contest.state import SEATED, Contest, Entry
from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.messages import ChangePicks, EnterContest, FeePaid, WithdrawEntry
from cutline.engine.roster import check_picks

PAYMENT_TIMEOUT = "PAYMENT_TIMEOUT"
UNPAID_AT_LOCK = "UNPAID_AT_LOCK"


def enter(contest: Contest, command: EnterContest, now: datetime) -> Decision:
    """Reserve a seat until its payment, or refuse by name.

    Refusals in order of precedence: IDEMPOTENCY_KEY_REUSED, CONTEST_LOCKED, ROSTER_INVALID, CONTEST_FULL,
    ENTRY_LIMIT_REACHED. The same entry again is answered with the entry as it is.
    """
    known = contest.seats.entries.get(command.entry_id)
    if known is not None:
        return _answer_again(contest, known, command)
    refusal = _refuse_entering(contest, command, now)
    if refusal is not None:
        return refusal
    terms = contest.config.entry
    reserved = EntryReserved(
        contest_id=contest.contest_id,
        entry_id=command.entry_id,
        account_did=command.account_did,
        picks=tuple(command.picks),
        tiebreak=command.tiebreak,
        fee_cents=terms.fee_cents,
        currency=contest.created.currency,
        expires_at=now + timedelta(minutes=terms.payment_minutes),
    )
    entry = Entry(
        entry_id=command.entry_id,
        account_did=command.account_did,
        picks=reserved.picks,
        tiebreak=command.tiebreak,
        entered_at=now,
        expires_at=reserved.expires_at,
    )
    return Accepted(events=(reserved,), reply=describe_entry(contest, entry) | {"deduped": False})


def _answer_again(contest: Contest, known: Entry, command: EnterContest) -> Decision:
    picks, tiebreak = known.asked or (known.picks, known.tiebreak)
    was = {"account_did": known.account_did, "picks": picks, "tiebreak": tiebreak}
    asked = {"account_did": command.account_did, "picks": tuple(command.picks), "tiebreak": command.tiebreak}
    differs = [name for name, value in asked.items() if was[name] != value]
    if differs:
        return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details={"fields": differs})
    return Accepted(reply=describe_entry(contest, known) | {"deduped": True})


def _refuse_entering(contest: Contest, command: EnterContest, now: datetime) -> Rejected | None:
    terms = contest.config.entry
    if contest.status is not Status.SCHEDULED or now >= terms.lock_at:
        return _locked(contest)
    refusal = check_picks(contest.config, command.picks, contest.feed.field, command.tiebreak)
    if refusal is not None:
        return refusal
    code = _no_seat(contest, command.account_did)
    return Rejected(code=code, details=_limits(contest)) if code is not None else None


def _locked(contest: Contest) -> Rejected:
    lock_at = contest.config.entry.lock_at.isoformat()
    return Rejected(code=RejectCode.CONTEST_LOCKED, details={"status": contest.status.value, "lock_at": lock_at})


def _no_seat(contest: Contest, account_did: str) -> RejectCode | None:
    terms = contest.config.entry
    if contest.seats.taken >= terms.max_entries:
        return RejectCode.CONTEST_FULL
    if contest.seats.taken_by_account.get(account_did, 0) >= terms.max_entries_per_user:
        return RejectCode.ENTRY_LIMIT_REACHED
    return None


def _limits(contest: Contest) -> dict[str, int]:
    terms = contest.config.entry
    return {"max_entries": terms.max_entries, "max_entries_per_user": terms.max_entries_per_user}


def change_picks(contest: Contest, command: ChangePicks, now: datetime) -> Decision:
    """Give an entry that holds a seat other golfers before the lock; the same ones again change nothing.

    Refusals in order of precedence: NOT_FOUND (another's entry as well), CONTEST_LOCKED, ENTRY_NOT_PENDING where the
    entry has ended, ROSTER_INVALID.
    """
    entry = contest.seats.entries.get(command.entry_id)
    if entry is None or entry.account_did != command.account_did:
        return Rejected(code=RejectCode.NOT_FOUND, details={"entry_id": command.entry_id})
    if contest.status is not Status.SCHEDULED or now >= contest.config.entry.lock_at:
        return _locked(contest)
    if entry.status not in SEATED:
        return Rejected(code=RejectCode.ENTRY_NOT_PENDING, details={"status": entry.status.value})
    picks = tuple(command.picks)
    if (picks, command.tiebreak) == (entry.picks, entry.tiebreak):
        return Accepted(reply=describe_entry(contest, entry) | {"deduped": True})
    refusal = check_picks(contest.config, picks, contest.feed.field, command.tiebreak)
    if refusal is not None:
        return refusal
    changed = EntryPicksChanged(
        entry_id=entry.entry_id, number=entry.picks_changes + 1, picks=picks, tiebreak=command.tiebreak
    )
    shown = describe_entry(contest, entry) | {"picks": list(picks), "tiebreak": command.tiebreak, "deduped": False}
    return Accepted(events=(changed,), reply=shown)


def take_fee(contest: Contest, paid: FeePaid, now: datetime) -> Decision:
    """Activate the entry that a fee in escrow pays for, or refuse the fee so that it is given back (LIFE-017).

    An expired reservation is seated again while a seat is free. Each payment is judged once.
    """
    outcome = contest.seats.outcomes.get(paid.payment_intent)
    if outcome is not None:
        return Accepted(reply={"outcome": outcome, "deduped": True})
    entry = contest.seats.entries.get(paid.entry_id)
    reason = _refuse_fee(contest, entry, paid, now)
    if reason is None:
        activated = EntryActivated(
            contest_id=contest.contest_id,
            entry_id=paid.entry_id,
            account_did=paid.account_did,
            amount_cents=paid.amount_cents,
            currency=paid.currency,
            payment_intent=paid.payment_intent,
        )
        return Accepted(events=(activated,), reply={"outcome": "activated", "deduped": False})
    refused = EntryRefused(
        contest_id=contest.contest_id,
        entry_id=paid.entry_id,
        account_did=paid.account_did,
        amount_cents=paid.amount_cents,
        currency=paid.currency,
        payment_intent=paid.payment_intent,
        reason=reason,
        entry_status=_status_once_refused(entry, reason),
    )
    return Accepted(events=(refused,), reply={"outcome": "refused", "reason": reason, "deduped": False})


def _refuse_fee(contest: Contest, entry: Entry | None, paid: FeePaid, now: datetime) -> RejectCode | None:
    if entry is None or entry.account_did != paid.account_did:
        return RejectCode.NOT_FOUND
    expected = (contest.config.entry.fee_cents, contest.created.currency)
    if (paid.amount_cents, paid.currency) != expected:
        return RejectCode.AMOUNT_MISMATCH
    if entry.status not in (EntryStatus.PENDING_PAYMENT, EntryStatus.EXPIRED):
        return RejectCode.ENTRY_NOT_PENDING
    open_status = contest.came_from if contest.status is Status.ERROR else contest.status
    if open_status is not Status.SCHEDULED or now >= contest.config.entry.lock_at:
        return RejectCode.CONTEST_LOCKED
    return _no_seat(contest, entry.account_did) if entry.status is EntryStatus.EXPIRED else None


def _status_once_refused(entry: Entry | None, reason: RejectCode) -> EntryStatus | None:
    if entry is None:
        return None
    if reason in (RejectCode.NOT_FOUND, RejectCode.AMOUNT_MISMATCH, RejectCode.ENTRY_NOT_PENDING):
        return entry.status
    return EntryStatus.REFUSED


def withdraw(contest: Contest, command: WithdrawEntry, now: datetime) -> Decision:
    """Withdraw an entry before the lock; afterwards REFUND_AFTER_LOCK. Another's entry is NOT_FOUND."""
    entry = contest.seats.entries.get(command.entry_id)
    if entry is None or entry.account_did != command.account_did:
        return Rejected(code=RejectCode.NOT_FOUND, details={"entry_id": command.entry_id})
    if entry.status is EntryStatus.WITHDRAWN:
        return Accepted(reply=describe_entry(contest, entry) | {"deduped": True})
    if entry.status not in (EntryStatus.PENDING_PAYMENT, EntryStatus.ACTIVE):
        return Rejected(code=RejectCode.ENTRY_NOT_PENDING, details={"status": entry.status.value})
    if contest.status is not Status.SCHEDULED or now >= contest.config.entry.lock_at:
        return Rejected(code=RejectCode.REFUND_AFTER_LOCK, details=_locked(contest).details)
    withdrawn = EntryWithdrawn(
        contest_id=contest.contest_id,
        entry_id=entry.entry_id,
        account_did=entry.account_did,
        amount_cents=contest.config.entry.fee_cents,
        currency=contest.created.currency,
        payment_intent=entry.payment_intent,
    )
    reply = describe_entry(contest, entry) | {"status": EntryStatus.WITHDRAWN.value, "deduped": False}
    return Accepted(events=(withdrawn,), reply=reply)


def expire_overdue(contest: Contest, now: datetime) -> Iterator[EntryExpired]:
    """Free the seats whose time to pay is over, the oldest first; it looks at no others."""
    for entry_id in contest.seats.pending:
        if contest.seats.entries[entry_id].expires_at > now:
            return
        yield _expired(contest, entry_id, PAYMENT_TIMEOUT)


def expire_pending(contest: Contest) -> Iterator[EntryExpired]:
    """Free every seat that is not paid for: the contest locks."""
    for entry_id in contest.seats.pending:
        yield _expired(contest, entry_id, UNPAID_AT_LOCK)


def _expired(contest: Contest, entry_id: str, reason: str) -> EntryExpired:
    return EntryExpired(contest_id=contest.contest_id, entry_id=entry_id, reason=reason)


def cancel_seated(contest: Contest, reason: str) -> Iterator[EntryCancelled]:
    """Cancel every entry that holds a seat, in the order of entering."""
    for entry in contest.seats.entries.values():
        if entry.status in (EntryStatus.PENDING_PAYMENT, EntryStatus.ACTIVE):
            yield EntryCancelled(
                contest_id=contest.contest_id,
                entry_id=entry.entry_id,
                account_did=entry.account_did,
                amount_cents=contest.config.entry.fee_cents,
                currency=contest.created.currency,
                payment_intent=entry.payment_intent,
                reason=reason,
            )
