"""Entries: enter, list, read, pick, withdraw. What belongs to others does not exist here (A8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from cutline.actors.handles import IntentListed
from cutline.engine.errors import RejectCode
from cutline.http.addresses import contest_id_of, entry_id_of
from cutline.http.asking import Refused
from cutline.http.door import ANYONE, ENTRANT, Call, Reply, Route
from cutline.http.paging import cursor_of
from cutline.http.schemas.entries import (
    ChangePicksAsked,
    EnterAsked,
    EntriesAsked,
    EntriesGiven,
    EntryGiven,
    OwnEntriesAsked,
    OwnEntriesGiven,
    OwnEntryGiven,
)


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


async def list_entries(call: Call) -> Reply:
    """List the caller's own entries in the order of entering; to staff everybody's, or one holder's."""
    contest_id = contest_id_of(call.part("contest_id"))
    asked = call.query_as(EntriesAsked)
    holder = asked.account_did if call.principal.is_staff else call.principal.subject
    try:
        found = call.house.engine.leaderboards.entry_ids(
            contest_id, account_did=holder, after=asked.place.number, limit=asked.limit + 1
        )
    except KeyError as error:
        raise Refused(RejectCode.NOT_FOUND, {"contest_id": contest_id}) from error
    shown = found[: asked.limit]
    listed = (await call.contest(contest_id).entries([entry_id for _, entry_id in shown]))["entries"]
    next_cursor = cursor_of(shown[-1][0]) if len(found) > len(shown) else None
    return Reply(body=EntriesGiven(entries=[_given(entry) for entry in listed], next_cursor=next_cursor))


async def list_own_entries(call: Call) -> Reply:
    """List the caller's entries in all contests, the newest first; to staff one holder's, if they name one.

    Payments has asked a fee for each of them and knows where they are, so no contest is asked that has none of the
    page. An entry that was made this instant may be missing until payments has heard of it.
    """
    asked = call.query_as(OwnEntriesAsked)
    holder = (call.principal.is_staff and asked.account_did) or call.principal.subject
    before = None if asked.cursor is None else asked.place.number
    found = (await call.payments.intents(account_did=holder, before=before, limit=asked.limit + 1))["intents"]
    shown = found[: asked.limit]
    contest_ids = sorted({one["contest_id"] for one in shown})
    answers = await asyncio.gather(*(_of_contest(call, contest_id, shown) for contest_id in contest_ids))
    known = {entry.entry_id: entry for entries in answers for entry in entries}
    listed = [
        OwnEntryGiven(
            contest_id=one["contest_id"],
            entry_id=one["entry_id"],
            payment_status=one["status"],
            entry=known.get(one["entry_id"]),
        )
        for one in shown
    ]
    next_cursor = cursor_of(shown[-1]["place"]) if len(found) > len(shown) else None
    return Reply(body=OwnEntriesGiven(entries=listed, next_cursor=next_cursor))


async def _of_contest(call: Call, contest_id: str, listed: Sequence[IntentListed]) -> list[EntryGiven]:
    """Return those of the listed entries that are in one contest; none of one that is kept closed or not restored."""
    entry_ids = [one["entry_id"] for one in listed if one["contest_id"] == contest_id]
    try:
        return [_given(entry) for entry in (await call.contest(contest_id).entries(entry_ids))["entries"]]
    except Refused as refused:
        # One contest that is out of reach hides no other.
        if refused.code not in (RejectCode.CONTEST_QUARANTINED, RejectCode.NOT_FOUND):
            raise
        return []


async def change_picks(call: Call) -> Reply:
    """Give an entry other golfers before the lock, paid or not; the same ones again change nothing."""
    entry_id, asked = call.part("entry_id"), call.body_as(ChangePicksAsked)
    try:
        changed = await call.contest(call.part("contest_id")).change_picks(
            entry_id=entry_id, account_did=call.principal.subject, picks=asked.picks, tiebreak=asked.tiebreak
        )
    except Refused as refused:
        raise _no_entry(refused, entry_id) from refused
    return Reply(body=_given(changed))


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
        path="/v1/entries",
        handle=list_own_entries,
        needs=ANYONE,
        gives=OwnEntriesGiven,
        summary="List your entries in all contests.",
        query=OwnEntriesAsked,
        polled=True,
    ),
    Route(
        method="GET",
        path="/v1/contests/{contest_id}/entries",
        handle=list_entries,
        needs=ANYONE,
        gives=EntriesGiven,
        summary="List your entries in a contest.",
        query=EntriesAsked,
        polled=True,
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
        method="PUT",
        path="/v1/contests/{contest_id}/entries/{entry_id}/picks",
        handle=change_picks,
        needs=ENTRANT,
        takes=ChangePicksAsked,
        gives=EntryGiven,
        summary="Change the picks of an entry of yours before the lock.",
        refuses=(RejectCode.CONTEST_LOCKED, RejectCode.ENTRY_NOT_PENDING, RejectCode.ROSTER_INVALID),
        idempotency="by content",
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
