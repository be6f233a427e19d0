"""Judging what Stripe says: one event, one commit, once; it never raises for what Stripe sends."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import InvariantViolated, RejectCode
from cutline.engine.ledger.events import (
    DeadLettered,
    EventQuarantined,
    Outcome,
    PostingBroke,
    StripeEventForwarded,
    StripeEventRecorded,
)
from cutline.engine.ledger.judging import Broken, Judged, judge
from cutline.engine.ledger.retrying import refused_for_now, retry_at
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import CommandBroke, PostAgain, RaiseAlert, RecordStripeEvent, RefuseStripeEvent
from cutline.engine.retries import RetryTerms

RUNBOOK: Final = "runbooks/posting-broken.md"
LOOK_AT_IT: Final = "runbooks/stripe-event-for-a-person.md"

_FORWARDED: Final = frozenset({"posted", "suspense", "duplicate_effect", "recorded"})


def record_stripe_event(state: LedgerState, command: RecordStripeEvent, now: datetime) -> Decision:
    """Record an event, its mapping and its posting (PAY-009 to PAY-017).

    A second delivery changes nothing; the same id with another body is quarantined; a second event about the
    same effect posts nothing; what cannot be read goes to the dead letters, with the event kept. A posting that
    breaks leaves the event and the first attempt, and is refused as LEDGER_INGEST_FAILED (FWD-008).
    """
    known = state.stripe_events.get(command.event_id)
    if known is not None:
        return _redelivered(state, command, known, now)
    judged = judge(state, command, now)
    if isinstance(judged, Broken):
        return _keep_broken(state, command, judged, now)
    recorded = _recorded(command, judged)
    events: list[Any] = [*judged.opened, recorded]
    alerts = judged.alerts
    if judged.failure is not None:
        events.append(_dead_letter(command, judged.failure, judged.facts))
        alerts = (*alerts, _for_a_person(command, judged.outcome, judged.failure))
    events.extend(judged.later)
    return Accepted(
        events=events,
        reply=_reply(judged.outcome, deduped=False),
        effects=alerts,
        blobs={recorded.key: command.body},
    )


def post_again(state: LedgerState, command: PostAgain, now: datetime) -> Decision:
    """Make the next attempt to post an event that broke; one that somebody else has made changes nothing (FWD-014)."""
    row = state.outbox.get(command.event_id)
    if row is None or command.attempt != row.attempts + 1:
        return Accepted(reply={"attempted": False})
    if command.event is None:
        broken = Broken(code="BODY_FORGOTTEN", http_status=500, reason="the key of its month is destroyed")
        return _break_again(state, command.event_id, None, broken, now, last=True)
    return _attempt(state, command.event, now)


def keep_what_broke(state: LedgerState, command: CommandBroke, now: datetime) -> Decision:
    """Keep an event whose judging or writing raised, as one whose posting broke (FWD-001, LED-011).

    Of a known event only the attempt that was due counts.
    """
    broke = command.command
    event = broke.event if isinstance(broke, PostAgain) else broke
    if not isinstance(event, RecordStripeEvent):
        raise InvariantViolated(f"nothing of a {type(broke).__name__} can be kept")
    broken = Broken(code=command.code.value, http_status=500, reason=command.reason)
    known = state.stripe_events.get(event.event_id)
    if known is None:
        return _keep_broken(state, event, broken, now)
    row = state.outbox.get(event.event_id)
    if isinstance(broke, PostAgain):
        if row is None or broke.attempt != row.attempts + 1:
            return Accepted(reply={"attempted": False})
    elif row is None or row.next_retry_at is None:
        return Accepted(reply=_reply(known[1], deduped=True))
    elif now < row.next_retry_at:
        return refused_for_now(row)
    return _break_again(state, event.event_id, event.type, broken, now)


def refuse_stripe_event(state: LedgerState, command: RefuseStripeEvent, _now: datetime) -> Decision:
    """Keep a dead letter, once, of an event whose livemode is not this installation's, and refuse it (C-11)."""
    subject = f"livemode:{command.event_id}"
    letter = DeadLettered(
        subject=subject,
        event_id=command.event_id,
        event_type=command.type,
        failure_class=RejectCode.LIVEMODE_MISMATCH.value,
        details={
            "livemode": str(command.livemode).lower(),
            "expected_livemode": str(command.expected_livemode).lower(),
        },
    )
    refused = Rejected(code=RejectCode.LIVEMODE_MISMATCH, details={"expected_livemode": command.expected_livemode})
    if subject in state.dead_letters:
        return Accepted(reply=refused)
    reason = f"livemode is {str(command.livemode).lower()}"
    return Accepted(events=(letter,), reply=refused, effects=(_for_a_person(command, letter.failure_class, reason),))


def _redelivered(state: LedgerState, command: RecordStripeEvent, known: tuple[str, str], now: datetime) -> Decision:
    sha256, outcome = known
    if sha256 != command.sha256 and not _same_otherwise(state, command):
        return _quarantine(state, command, sha256)
    row = state.outbox.get(command.event_id)
    if row is None or row.next_retry_at is None:
        return Accepted(reply=_reply(outcome, deduped=True))
    if now < row.next_retry_at:
        return refused_for_now(row)
    return _attempt(state, command, now)


def _same_otherwise(state: LedgerState, command: RecordStripeEvent) -> bool:
    """Say whether other bytes are the same event: one of the two was listed by Stripe, not delivered."""
    return command.fetched or state.fetched.get(command.event_id) == _fingerprint(command)


def _fingerprint(command: RecordStripeEvent) -> str:
    return f"{command.type}|{command.created}|{command.object.get('id')}"


def _quarantine(state: LedgerState, command: RecordStripeEvent, recorded_sha256: str) -> Decision:
    foreign = EventQuarantined(
        event_id=command.event_id, type=command.type, recorded_sha256=recorded_sha256, sha256=command.sha256
    )
    if foreign.key in state.quarantined:
        return Accepted(reply=_reply("quarantined", deduped=True))
    return Accepted(
        events=(foreign,),
        reply=_reply("quarantined", deduped=False),
        effects=(_for_a_person(command, "quarantined", "another body under a known id"),),
        blobs={foreign.key: command.body},
    )


def _attempt(state: LedgerState, command: RecordStripeEvent, now: datetime) -> Decision:
    """Post an event of the outbox by the books as they are now."""
    judged = judge(state, command, now)
    if isinstance(judged, Broken):
        return _break_again(state, command.event_id, command.type, judged, now)
    forwarded = StripeEventForwarded(
        event_id=command.event_id,
        attempt=state.outbox[command.event_id].attempts + 1,
        outcome=judged.outcome,
        posting=judged.posting,
        facts=judged.facts,
    )
    events: list[Any] = [*judged.opened, forwarded]
    alerts = judged.alerts
    if judged.failure is not None:
        if f"stripe:event:{command.event_id}" not in state.dead_letters:
            events.append(_dead_letter(command, judged.failure, judged.facts))
        alerts = (*alerts, _for_a_person(command, judged.outcome, judged.failure))
    events.extend(judged.later)
    return Accepted(events=events, reply=_reply(judged.outcome, deduped=False), effects=alerts)


def _keep_broken(state: LedgerState, command: RecordStripeEvent, broken: Broken, now: datetime) -> Decision:
    """Record an event and that its first posting broke, in one commit (FWD-001)."""
    recorded = _recorded(command, Judged(outcome="pending", facts={}))
    first = _broke(state.retries, command.event_id, 1, broken, now)
    return Accepted(events=(recorded, first), reply=refused_for_now(first), blobs={recorded.key: command.body})


def _break_again(
    state: LedgerState, event_id: str, event_type: str | None, broken: Broken, now: datetime, *, last: bool = False
) -> Decision:
    """Record an attempt that broke; after the last one a person is told, once, and Stripe need not send it again."""
    attempt = state.outbox[event_id].attempts + 1
    broke = _broke(state.retries, event_id, attempt, broken, now, last=last)
    if broke.next_retry_at is not None:
        return Accepted(events=(broke,), reply=refused_for_now(broke))
    details = {"event_id": event_id, "code": broken.code, "attempts": attempt}
    alert = RaiseAlert(name="posting_given_up", runbook=RUNBOOK, details=details)
    reply = _reply("dead_letter", deduped=False)
    subject = f"stripe:event:{event_id}"
    if subject in state.dead_letters:
        return Accepted(events=(broke,), reply=reply, effects=(alert,))
    letter = DeadLettered(
        subject=subject,
        event_id=event_id,
        event_type=event_type,
        failure_class=broken.code,
        details={"reason": broken.reason, "attempts": str(attempt), "runbook": RUNBOOK},
    )
    return Accepted(events=(broke, letter), reply=reply, effects=(alert,))


def _broke(
    terms: RetryTerms, event_id: str, attempt: int, broken: Broken, now: datetime, *, last: bool = False
) -> PostingBroke:
    return PostingBroke(
        event_id=event_id,
        attempt=attempt,
        code=broken.code,
        http_status=broken.http_status,
        reason=broken.reason,
        next_retry_at=None if last else retry_at(terms, attempt, now),
    )


def _recorded(command: RecordStripeEvent, judged: Judged) -> StripeEventRecorded:
    return StripeEventRecorded(
        event_id=command.event_id,
        type=command.type,
        api_version=command.api_version,
        livemode=command.livemode,
        created=command.created,
        account=command.account,
        sha256=command.sha256,
        outcome=judged.outcome,
        posting=judged.posting,
        facts=judged.facts,
        fetched=_fingerprint(command) if command.fetched else None,
    )


def _reply(outcome: Outcome | str, *, deduped: bool) -> dict[str, Any]:
    return {"deduped": deduped, "forwarded_to_ledger": outcome in _FORWARDED, "outcome": outcome}


def _for_a_person(command: RecordStripeEvent | RefuseStripeEvent, result: str, reason: str) -> RaiseAlert:
    """Return the alert about an event that did not come to what its sender meant, however it came in (PAY-032)."""
    details = {"event_id": command.event_id, "event_type": command.type, "result": result, "reason": reason}
    return RaiseAlert(name="stripe_event_for_a_person", runbook=LOOK_AT_IT, details=details)


def _dead_letter(command: RecordStripeEvent, failure: str, facts: Any) -> DeadLettered:
    return DeadLettered(
        subject=f"stripe:event:{command.event_id}",
        event_id=command.event_id,
        event_type=command.type,
        failure_class=failure,
        details=facts,
    )
