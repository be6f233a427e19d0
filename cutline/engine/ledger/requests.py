"""Posting once what others ask for: compare by key, book, record; it knows no single request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger.booking import book
from cutline.engine.ledger.events import Posting, TransactionPosted
from cutline.engine.ledger.postings import Draft
from cutline.engine.ledger.state import LedgerState, joined
from cutline.engine.messages import Prize


@cache
def _reading(kind: Any, leave_out: frozenset[str]) -> tuple[tuple[str, ...], attrgetter[Any]]:
    """Return the fields of a class of request and how to read them; looking them up anew would cost more than that."""
    names = tuple(name for name in kind.__struct_fields__ if name not in leave_out)
    return names, attrgetter(*names)


def content_of(command: Any, *, leave_out: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the fields of a request, which are two at least, as text in the order of its class."""
    kind: Any = type(command)
    names, read = _reading(kind, leave_out)
    return dict(zip(names, map(str, read(command)), strict=True))


def answered(
    state: LedgerState,
    key: str,
    content: Mapping[str, str],
    *,
    reused: RejectCode = RejectCode.IDEMPOTENCY_KEY_REUSED,
) -> Decision | None:
    """Answer a request whose key is used, same content or refused; None for a new key.

    The refusal names the first field that differs (LED-008).
    """
    before = said(state, key)
    if before is None:
        return None
    now = joined(content)
    if before == now:
        return Accepted(reply={"deduped": True, "idempotency_key": key})
    return Rejected(code=reused, details={"idempotency_key": key, "field": differing(before, now)})


def said(state: LedgerState, key: str) -> str | None:
    """Return what the request under a key said, its fields `joined`; None for a new key."""
    before = state.contents.get(key)
    return joined(_asked_for(key, before)) if isinstance(before, Posting) else before


def _asked_for(key: str, posting: Posting) -> dict[str, str]:
    """Return what was asked of a transaction that was asked for leg by leg, as `content_of` gives it."""
    asked = {
        "idempotency_key": key,
        "effect_key": posting.effect_key,
        "kind": posting.kind,
        "currency": posting.currency,
        "legs": tuple((account, cents) for account, cents, _ in posting.legs),
        "occurred_at": posting.occurred_at,
        "hold_source": posting.hold_source,
    }
    return {name: str(value) for name, value in asked.items()}


def post(
    state: LedgerState,
    draft: Draft,
    now: datetime,
    content: Mapping[str, str],
    *,
    idempotency_key: str | None = None,
    occurred_at: datetime | None = None,
    prizes: tuple[Prize, ...] = (),
) -> Decision:
    """Book a draft once by its effect, under the given key or else the effect key."""
    key = idempotency_key or draft.effect_key
    by = state.effects.get(draft.effect_key)
    if by is not None:
        return Accepted(reply={"deduped": True, "idempotency_key": by})
    booked = book(state, draft, occurred_at or now)
    if isinstance(booked, Rejected):
        return booked
    posted = TransactionPosted(
        idempotency_key=key,
        posting=booked.posting,
        content=content,
        prizes=prizes,
    )
    return Accepted(events=(*booked.opened, posted), reply={"deduped": False, "idempotency_key": key})


def differing(before: str, now: str) -> str:
    """Name the first field in which two requests, each `joined` to a string, differ."""
    old, new = json.loads(before), json.loads(now)
    return next((name for name in [*old, *new] if old.get(name) != new.get(name)), "content")
