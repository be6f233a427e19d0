"""Entries: enter, read, withdraw. What belongs to others does not exist here (A8)."""

from __future__ import annotations

from typing import Any

from cutline.engine.errors import RejectCode
from cutline.http.addresses import entry_id_of
from cutline.http.asking import Refused
from cutline.http.door import ANYONE, ENTRANT, Call, Reply, Route
from cutline.http.schemas.entries import EnterAsked, EntryGiven


async def enter(call: Call) -> Reply:
    """Reserve a seat until the fee is paid: 201, and 200 when the same key comes again."""
    contest_id, asked = call.part("contest_id"), call.body_as(EnterAsked)
    contest = call.contest(contest_id)
    account_did = call.principal.subject
    entered = await contest.enter(
        entry_id=entry_id_of(contest_id, account_did, call.key),
        account_did=account_did,
        picks=asked.picks,
        tiebreak=asked.tiebreak,
    )
    given = _given(entered)
    return Reply(status=200 if given.deduped else 201, body=given)


async def read_entry(call: Call) -> Reply:
    """Return an entry as it is, to its owner and to staff."""
    return Reply(body=_given(await own_entry(call, call.part("contest_id"), call.part("entry_id"))))


async def withdraw(call: Call) -> Reply:
    """Withdraw an entry before the lock; what was paid is given back."""
    contest_id, entry_id = call.part("contest_id"), call.part("entry_id")
    try:
        left = await call.contest(contest_id).withdraw(entry_id=entry_id, account_did=call.principal.subject)
    except Refused as refused:
        raise _no_entry(refused, entry_id) from refused
    return Reply(body=_given(left))


async def own_entry(call: Call, contest_id: str, entry_id: str) -> dict[str, Any]:
    """Return an entry that the caller may see; any other is NOT_FOUND, with the very same answer as one that is not."""
    try:
        entry = await call.contest(contest_id).entry(entry_id)
    except Refused as refused:
        raise _no_entry(refused, entry_id) from refused
    if entry["account_did"] != call.principal.subject and not call.principal.is_staff:
        raise Refused(RejectCode.NOT_FOUND, {"entry_id": entry_id})
    return entry


def _no_entry(refused: Refused, entry_id: str) -> Refused:
    if refused.code is RejectCode.NOT_FOUND:
        return Refused(RejectCode.NOT_FOUND, {"entry_id": entry_id})
    return refused


def _given(entry: dict[str, Any]) -> EntryGiven:
    return EntryGiven.model_validate({**entry, "paid": entry.get("prize_status") == "paid"})


ROUTES = (
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/entries",
        handle=enter,
        needs=ENTRANT,
        takes=EnterAsked,
        gives=EntryGiven,
        summary="Enter a contest.",
        statuses=(200, 201),
        refuses=(
            RejectCode.CONTEST_LOCKED,
            RejectCode.CONTEST_FULL,
            RejectCode.ENTRY_LIMIT_REACHED,
            RejectCode.ROSTER_INVALID,
        ),
        idempotency="required",
    ),
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/entries/{entry_id}",
        handle=read_entry,
        needs=ANYONE,
        gives=EntryGiven,
        summary="Read an entry of yours.",
        polled=True,
    ),
    Route(
        method="POST",
        path="/v1/contests/{contest_id}/entries/{entry_id}/withdraw",
        handle=withdraw,
        needs=ENTRANT,
        gives=EntryGiven,
        summary="Withdraw an entry before the lock.",
        refuses=(RejectCode.CONTEST_LOCKED, RejectCode.ENTRY_NOT_PENDING, RejectCode.REFUND_AFTER_LOCK),
        idempotency="by content",
    ),
)
