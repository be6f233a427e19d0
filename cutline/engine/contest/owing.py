"""Say what each event of a contest owes to other actors, as a function of the event alone and of what was folded.

The key of an owed message is the event's key and the message's name: one event never owes one actor the same twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from cutline.engine.contest.config_events import ContestConfigChanged
from cutline.engine.contest.events import (
    ContestCreated,
    EntryActivated,
    EntryCancelled,
    EntryExpired,
    EntryRefused,
    EntryReserved,
    EntryWithdrawn,
    FeedGapFound,
    SettlementRecorded,
    StatusChanged,
)
from cutline.engine.contest.lifecycle import Status
from cutline.engine.contest.state import Contest
from cutline.engine.decision import Address, Owed, Recorded
from cutline.engine.messages import (
    CancelIntent,
    ContestReady,
    MoveEntryFee,
    PostSettlement,
    Prize,
    RecordAnchor,
    RequestIntent,
    UnwatchEvent,
    WatchEvent,
)

WATCH_BEFORE_FIRST_TEE = timedelta(days=7)
"""How long before the first tee the provider's event is polled."""
ANCHORED = frozenset({Status.LOCKED, Status.COMPLETE})
LETTER = tuple[Address, Any]


def owed_by(contest: Contest, recorded: Recorded) -> Sequence[Owed]:
    """Return the messages that an event owes."""
    write = _LETTERS.get(type(recorded.event))
    if write is None:
        return ()
    key = recorded.event.key
    return [
        Owed(key=f"{key}/{type(message).__name__}", to=to, message=message) for to, message in write(contest, recorded)
    ]


def _created(contest: Contest, recorded: Recorded) -> list[LETTER]:
    return [
        ("governance", ContestReady(contest_id=recorded.event.contest_id)),
        _watch(contest, attempt=1),
    ]


def _watch(contest: Contest, attempt: int) -> LETTER:
    event = contest.config.event
    watch = WatchEvent(
        contest_id=contest.contest_id,
        provider_event_id=contest.created.provider_event_id,
        from_at=event.first_tee_at - WATCH_BEFORE_FIRST_TEE,
        first_tee_at=event.first_tee_at,
        attempt=attempt,
    )
    return f"feed/{contest.created.provider_event_id}", watch


def _config_changed(contest: Contest, recorded: Recorded) -> list[LETTER]:
    event: ContestConfigChanged = recorded.event
    return [] if event.watch_attempt is None else [_watch(contest, attempt=event.watch_attempt)]


def _changed(contest: Contest, recorded: Recorded) -> list[LETTER]:
    event: StatusChanged = recorded.event
    letters: list[LETTER] = []
    if event.to_status in ANCHORED:
        letters.append(_anchor(contest, recorded, event.to_status.value.lower()))
    if event.to_status in (Status.COMPLETE, Status.CANCELLED):
        feed = f"feed/{contest.created.provider_event_id}"
        letters.append((feed, UnwatchEvent(contest_id=contest.contest_id)))
    if event.from_status is Status.ERROR and event.to_status is not Status.CANCELLED:
        # Changes that came during the error were not taken: have them all sent again.
        letters.append(_watch(contest, attempt=contest.feed.watches))
    return letters


def _gap(contest: Contest, recorded: Recorded) -> list[LETTER]:
    event: FeedGapFound = recorded.event
    return [_watch(contest, attempt=event.attempt)]


def _anchor(contest: Contest, recorded: Recorded, reason: str) -> LETTER:
    address = f"contest/{contest.contest_id}"
    return "ledger", RecordAnchor(address=address, seq=recorded.seq, hash=recorded.hash.hex(), reason=reason)


def _reserved(_contest: Contest, recorded: Recorded) -> list[LETTER]:
    event: EntryReserved = recorded.event
    request = RequestIntent(
        contest_id=event.contest_id,
        entry_id=event.entry_id,
        account_did=event.account_did,
        amount_cents=event.fee_cents,
        currency=event.currency,
    )
    return [("payments", request)]


def _move(event: EntryActivated | EntryRefused | EntryWithdrawn | EntryCancelled, outcome: Any, reason: str) -> LETTER:
    return "ledger", MoveEntryFee(
        contest_id=event.contest_id,
        entry_id=event.entry_id,
        account_did=event.account_did,
        amount_cents=event.amount_cents,
        currency=event.currency,
        payment_intent=event.payment_intent or "",
        outcome=outcome,
        reason=reason,
    )


def _activated(_contest: Contest, recorded: Recorded) -> list[LETTER]:
    return [_move(recorded.event, "activated", "PAID_IN_TIME")]


def _refused(_contest: Contest, recorded: Recorded) -> list[LETTER]:
    return [_move(recorded.event, "refused", str(recorded.event.reason))]


def _expired(_contest: Contest, recorded: Recorded) -> list[LETTER]:
    event: EntryExpired = recorded.event
    cancel = CancelIntent(contest_id=event.contest_id, entry_id=event.entry_id, reason=event.reason)
    return [("payments", cancel)]


def _gone(_contest: Contest, recorded: Recorded) -> list[LETTER]:
    event: EntryWithdrawn | EntryCancelled = recorded.event
    reason = event.reason if isinstance(event, EntryCancelled) else "WITHDRAWN"
    if event.payment_intent is not None:
        return [_move(event, "returned", reason)]
    return [("payments", CancelIntent(contest_id=event.contest_id, entry_id=event.entry_id, reason=reason))]


def _settled(contest: Contest, recorded: Recorded) -> list[LETTER]:
    event: SettlementRecorded = recorded.event
    anchor = _anchor(contest, recorded, "settled")
    if event.pot_cents == 0:
        return [anchor]
    prizes = tuple(
        Prize(entry_id=entry.entry_id, account_did=entry.account_did, amount_cents=entry.prize_cents)
        for entry in event.entries
        if entry.prize_cents > 0
    )
    settlement = PostSettlement(
        contest_id=event.contest_id,
        currency=event.currency,
        score_version=event.score_version,
        pot_cents=event.pot_cents,
        rake_cents=event.rake_cents,
        prizes=prizes,
        result_sha256=event.result_sha256,
    )
    return [("ledger", settlement), anchor]


_LETTERS: dict[type, Callable[[Contest, Recorded], list[LETTER]]] = {
    ContestCreated: _created,
    ContestConfigChanged: _config_changed,
    StatusChanged: _changed,
    EntryReserved: _reserved,
    EntryActivated: _activated,
    EntryRefused: _refused,
    EntryExpired: _expired,
    EntryWithdrawn: _gone,
    EntryCancelled: _gone,
    FeedGapFound: _gap,
    SettlementRecorded: _settled,
}
