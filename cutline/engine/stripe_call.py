"""Calls to Stripe that must have one effect: attempts, retries and look-ups as data; it performs no call.

An attempt and its exact parameters are committed before the call. A key is repeated only while Stripe still
keeps it; an outcome that stays unclear is looked up, and only a fruitless look-up allows a new attempt
(Stripe: idempotent requests). What a call means to an intent or a transfer is known by its caller alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any, Final, Literal

from cutline.engine.messages import CallStripe, StripeAnswered
from cutline.engine.retries import DEFAULT, RetryTerms
from cutline.engine.stripe_attempts import (
    AttemptDeferred,
    AttemptRepeated,
    AttemptStarted,
    CallEvent,
    LookupStarted,
    Parameters,
    Wait,
)

KEY_LIFETIME: Final = timedelta(hours=23)
"""How long a key is repeated. Stripe keeps keys for at least 24 hours; the last hour is left unused."""

ANSWER_TIMEOUT: Final = timedelta(minutes=10)
"""After this long without an answer a call counts as unclear; every task answers or times out far sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """How to find what a call may have made. `before_failing`: look even where no answer was unclear."""

    operation: str
    by: str
    before_failing: bool


LOOKUPS: Final[Mapping[str, Lookup]] = {
    "create_transfer": Lookup(operation="find_transfers", by="transfer_group", before_failing=True),
    "create_payout": Lookup(operation="find_payouts", by="stripe_account", before_failing=True),
    "create_refund": Lookup(operation="find_refunds", by="payment_intent", before_failing=False),
}
"""Operations that move money. The others may start anew at once: an unused intent or account moves none."""


_IDENTITY: Final = ("contest_id", "entry_id", "payout_id")
"""The metadata by which an object that Stripe lists is known as the one asked for."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call under way. `doubtful`: some answer left open whether it had its effect."""

    subject: str
    attempt: int
    operation: str
    parameters: Parameters
    idempotency_key: str | None
    started_at: datetime
    due_at: datetime
    tries: int = 1
    wait: Wait = "answer"
    doubtful: bool = False
    lookup: LookupStarted | None = None
    hopeless: bool = False
    code: str = ""
    message: str = ""
    terms: RetryTerms = DEFAULT

    def effect(self) -> CallStripe:
        """Return the call as it goes out: the look-up if there is one, else the attempt itself."""
        asked = self.lookup
        return CallStripe(
            subject=self.subject,
            attempt=self.attempt,
            operation=self.operation if asked is None else asked.operation,
            parameters=self.parameters if asked is None else asked.parameters,
            idempotency_key=self.idempotency_key if asked is None else None,
        )


@dataclass(slots=True)
class CallBook:
    """The calls under way in one file, and when each wants to be looked at."""

    calls: dict[str, Call] = field(default_factory=dict)
    terms: RetryTerms = DEFAULT
    _due: list[tuple[datetime, str]] = field(default_factory=list)

    def fold(self, event: CallEvent) -> None:
        """Fold one event of a call."""
        if isinstance(event, AttemptStarted):
            self.calls[event.subject] = Call(
                subject=event.subject,
                attempt=event.attempt,
                operation=event.operation,
                parameters=event.parameters,
                idempotency_key=event.idempotency_key,
                started_at=event.started_at,
                due_at=event.started_at + ANSWER_TIMEOUT,
                terms=self.terms,
            )
        else:
            self._fold_progress(self.calls[event.subject], event)
        self._schedule(self.calls[event.subject])

    def close(self, subject: str) -> None:
        """Forget a call that has its outcome."""
        self.calls.pop(subject, None)
        self._tidy()

    def next_due_at(self) -> datetime | None:
        """Return when the first call wants to be looked at."""
        return self._due[0][0] if self._due else None

    def due(self, now: datetime) -> list[Call]:
        """Return the calls to look at now, in order of time and subject."""
        ready = [call for call in self.calls.values() if call.due_at <= now] if self._is_due(now) else []
        return sorted(ready, key=lambda call: (call.due_at, call.subject))

    def _fold_progress(self, call: Call, event: AttemptDeferred | AttemptRepeated | LookupStarted) -> None:
        match event:
            case AttemptDeferred():
                call.wait = event.wait
                call.due_at = event.retry_at
                call.doubtful = call.doubtful or event.money_moved != "no"
                call.hopeless = event.hopeless
                call.code, call.message = event.code, event.message
            case AttemptRepeated():
                call.doubtful = call.doubtful or call.wait == "answer"
                call.wait, call.tries = "answer", event.tries
                call.due_at = event.repeated_at + ANSWER_TIMEOUT
            case LookupStarted():
                call.wait, call.tries, call.lookup = "answer", event.tries, event
                call.hopeless, call.code, call.message = event.hopeless, event.code, event.message
                call.due_at = event.started_at + ANSWER_TIMEOUT

    def _schedule(self, call: Call) -> None:
        heappush(self._due, (call.due_at, call.subject))
        self._tidy()

    def _tidy(self) -> None:
        while self._due:
            due_at, subject = self._due[0]
            call = self.calls.get(subject)
            if call is not None and call.due_at == due_at:
                return
            heappop(self._due)

    def _is_due(self, now: datetime) -> bool:
        return bool(self._due) and self._due[0][0] <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What an answer comes to. `late`: nothing; `waiting`: `events` and `effects` say how it goes on."""

    outcome: Literal["late", "waiting", "succeeded", "failed"]
    events: Sequence[CallEvent] = ()
    effects: Sequence[CallStripe] = ()
    object: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""


LATE: Final = Judgement(outcome="late")


def start(
    subject: str, operation: str, parameters: Parameters, now: datetime, *, attempt: int = 1
) -> tuple[AttemptStarted, CallStripe]:
    """Return the event and the effect of a new attempt; the first one's key is the subject itself."""
    key = subject if attempt == 1 else f"{subject}:{attempt}"
    reading = operation.startswith("retrieve_")
    started = AttemptStarted(
        subject=subject,
        attempt=attempt,
        operation=operation,
        parameters=parameters,
        idempotency_key=None if reading else key,
        started_at=now,
    )
    effect = CallStripe(
        subject=subject,
        attempt=attempt,
        operation=operation,
        parameters=parameters,
        idempotency_key=started.idempotency_key,
    )
    return started, effect


def judge(book: CallBook, answer: StripeAnswered, now: datetime) -> Judgement:
    """Judge an answer from Stripe against the call it belongs to.

    An answer to another attempt, or a failure that nobody waits for any more, changes nothing.
    """
    call = book.calls.get(answer.subject)
    if call is None or answer.attempt != call.attempt:
        return LATE
    if call.wait != "answer" and call.idempotency_key is None:
        return LATE  # What was read before is no news; only an effect is one however late.
    found = call.lookup is not None and answer.operation == call.lookup.operation
    if answer.succeeded and not found and answer.operation == call.operation:
        if answer.object and isinstance(answer.object.get("id") or answer.object.get("url"), str):
            return Judgement(outcome="succeeded", object=answer.object)
        if call.wait != "answer" or call.lookup is not None:
            return LATE
        return postpone(call, now, "answer_unreadable", "The answer names no object.")
    if call.wait != "answer" or (call.lookup is not None) != found:
        return LATE
    if found:
        return _judge_lookup(call, answer, now)
    return _judge_failure(call, answer, now)


def look(book: CallBook, now: datetime) -> tuple[list[CallEvent], list[CallStripe]]:
    """Return what the clock says to the calls under way: repeat, attempt anew, or look up."""
    events: list[CallEvent] = []
    effects: list[CallStripe] = []
    for call in book.due(now):
        going, effect = _go_on(call, now)
        events.append(going)
        effects.append(effect)
    return events, effects


def hurry(book: CallBook, subject: str, now: datetime) -> tuple[tuple[CallEvent], tuple[CallStripe]] | None:
    """Go on at once with a call that waits for its time; None where there is none or its answer is on the way."""
    call = book.calls.get(subject)
    if call is None or call.wait == "answer":
        return None
    going, effect = _go_on(call, now)
    return (going,), (effect,)


def resume(book: CallBook, now: datetime) -> list[CallStripe]:
    """Return the calls that were under way when the process ended, with the same keys and exact parameters.

    A key that Stripe may have forgotten is not repeated; its call is due by the clock and is looked up.
    """
    waiting = (call for call in book.calls.values() if call.wait == "answer")
    return [call.effect() for call in waiting if call.lookup is not None or not _key_is_old(call, now)]


def postpone(
    call: Call,
    now: datetime,
    code: str,
    message: str,
    wait: Literal["same_key", "new_attempt"] = "same_key",
) -> Judgement:
    """Ask again later: the answer was of no use and leaves open what happened."""
    return _defer(call, wait, code, message, "unknown", now)


def _judge_failure(call: Call, answer: StripeAnswered, now: datetime) -> Judgement:
    code, message = answer.code or "unknown", (answer.message or "")[:500]
    moved = answer.money_moved or "unknown"
    lookup = LOOKUPS.get(call.operation)
    doubtful = call.doubtful or moved != "no"
    if answer.kind == "final":
        if lookup is None or not (doubtful or lookup.before_failing):
            return Judgement(outcome="failed", code=code, message=message)
        if doubtful:
            return _defer(call, "look_up", code, message, moved, now, hopeless=True)
        asked, effect = _look_up(call, lookup, now, hopeless=True, code=code, message=message)
        return Judgement(outcome="waiting", events=(asked,), effects=(effect,))
    if answer.kind == "later_new_attempt":
        wait: Wait = "look_up" if doubtful and lookup is not None else "new_attempt"
        return _defer(call, wait, code, message, moved, now)
    return _defer(call, "same_key", code, message, moved, now)


def _judge_lookup(call: Call, answer: StripeAnswered, now: datetime) -> Judgement:
    listed = (answer.object or {}).get("data") if answer.succeeded else None
    if not isinstance(listed, Sequence):
        if call.hopeless and not call.doubtful and answer.kind == "final":
            # Nothing was ever unclear, and who is gone is not shown: the refusal itself stands.
            return Judgement(outcome="failed", code=call.code, message=call.message)
        code, message = answer.code or "answer_unreadable", (answer.message or "")[:500]
        # A look moves nothing: whether the call did stays as open as it was.
        return _defer(call, "look_up", code, message, "no", now, hopeless=call.hopeless)
    for item in listed:
        if _matches(item, call.parameters):
            return Judgement(outcome="succeeded", object=item)
    if call.hopeless:
        return Judgement(outcome="failed", code=call.code, message=call.message)
    started, effect = start(call.subject, call.operation, call.parameters, now, attempt=call.attempt + 1)
    return Judgement(outcome="waiting", events=(started,), effects=(effect,))


def _matches(item: object, parameters: Parameters) -> bool:
    """Say whether a listed object is the one asked for: its metadata name the same contest and entry, or payout."""
    ours = parameters.get("metadata")
    theirs = item.get("metadata") if isinstance(item, Mapping) else None
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return False
    identity = [name for name in _IDENTITY if name in ours]
    return bool(identity) and all(theirs.get(name) == ours[name] for name in identity)


def _go_on(call: Call, now: datetime) -> tuple[CallEvent, CallStripe]:
    lookup = LOOKUPS.get(call.operation)
    old = _key_is_old(call, now)
    if lookup is not None and (call.wait == "look_up" or call.lookup is not None or old):
        code, message = call.code or "key_expired", call.message
        return _look_up(call, lookup, now, hopeless=call.hopeless, code=code, message=message)
    if call.wait == "new_attempt" or old:
        return start(call.subject, call.operation, call.parameters, now, attempt=call.attempt + 1)
    repeated = AttemptRepeated(subject=call.subject, attempt=call.attempt, tries=call.tries + 1, repeated_at=now)
    return repeated, call.effect()


def _look_up(
    call: Call, lookup: Lookup, now: datetime, *, hopeless: bool, code: str, message: str
) -> tuple[LookupStarted, CallStripe]:
    value = call.parameters[lookup.by]
    asked = LookupStarted(
        subject=call.subject,
        attempt=call.attempt,
        tries=call.tries + 1,
        operation=lookup.operation,
        parameters={lookup.by: value},
        started_at=now,
        hopeless=hopeless,
        code=code,
        message=message,
    )
    effect = CallStripe(
        subject=call.subject,
        attempt=call.attempt,
        operation=asked.operation,
        parameters=asked.parameters,
        idempotency_key=None,
    )
    return asked, effect


def _defer(
    call: Call,
    wait: Wait,
    code: str,
    message: str,
    moved: Literal["yes", "no", "unknown"],
    now: datetime,
    *,
    hopeless: bool = False,
) -> Judgement:
    delays = {"new_attempt": call.terms.new_attempt, "look_up": call.terms.look_up}.get(wait, call.terms.same_key)
    # Tries begin anew with each attempt; a call that goes round in attempts must slow down all the same.
    step = call.attempt - 1 if wait == "new_attempt" else call.attempt + call.tries - 2
    deferred = AttemptDeferred(
        subject=call.subject,
        attempt=call.attempt,
        tries=call.tries,
        wait=wait,
        retry_at=now + delays.after(step),
        code=code,
        message=message,
        money_moved=moved,
        hopeless=hopeless,
    )
    return Judgement(outcome="waiting", events=(deferred,))


def _key_is_old(call: Call, now: datetime) -> bool:
    return call.idempotency_key is not None and now - call.started_at >= KEY_LIFETIME
