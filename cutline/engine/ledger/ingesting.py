"""Judging settlements that outside services report, and finding a settlement by its reference; it trusts no caller."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from cutline.engine.decision import Accepted, Decision, Rejected
from cutline.engine.errors import RejectCode
from cutline.engine.ledger import accounts, postings
from cutline.engine.ledger.booking import CURRENCY
from cutline.engine.ledger.requests import answered, content_of, post, said
from cutline.engine.ledger.state import LedgerState
from cutline.engine.messages import IngestSettlement, RaiseAlert, ReadSettlement

RUNBOOK: Final = "runbooks/outside-ingest.md"
CONFIRMED: Final = "confirmed"
SUSPENDED: Final = "suspended"

_TERMS: Final = frozenset({"day_cap_cents"})
"""What belongs to this installation and not to the request."""


def ingest_settlement(state: LedgerState, command: IngestSettlement, now: datetime) -> Decision:
    """Credit an account from the provider's clearing account, once by key and by reference (LED-001).

    Every credit raises an alert, for it is money that no webhook of ours has seen. Refused: IDEMPOTENCY_KEY_REUSED
    for other content under a key or a reference, REQUEST_INVALID, INGEST_CAP_EXCEEDED.
    """
    key = f"ingest-key:{command.idempotency_key}"
    content = content_of(command, leave_out=_TERMS)
    answer = answered(state, key, content)
    if answer is not None:
        return _with_settlement(state, answer, command)
    invalid = _invalid_field(command)
    if invalid is not None:
        return Rejected(code=RejectCode.REQUEST_INVALID, details={"field": invalid})
    effect = ingest_effect(command.provider_reference)
    if effect in state.effects:
        return _posted_before(state, command, effect)
    refused = _over_cap(state, command, now)
    if refused is not None:
        return Accepted(reply=refused, effects=(_alert("outside_ingest_refused", command),))
    draft = postings.outside_ingest(effect, command.account_did, command.amount_cents, command.currency)
    posted = post(state, draft, now, content, idempotency_key=key)
    if isinstance(posted, Rejected):
        return posted
    reply = _settlement(command.provider_reference, effect, content, CONFIRMED) | {"deduped": False}
    return Accepted(events=posted.events, reply=reply, effects=(_alert("outside_ingest", command),))


def read_settlement(state: LedgerState, command: ReadSettlement, _now: datetime) -> Decision:
    """Find the one settlement of a payment intent or of an outside reference (LED-002)."""
    reference = command.provider_reference
    payment = state.payments.get(reference)
    if payment is not None:
        status = SUSPENDED if payment.place == "suspense" else CONFIRMED
        content = {
            "account_did": payment.account_did,
            "amount_cents": payment.amount_cents,
            "currency": payment.currency,
        }
        return Accepted(reply=_settlement(reference, f"pi:{reference}:succeeded", content, status))
    effect = ingest_effect(reference)
    by = state.effects.get(effect)
    if by is None:
        return Rejected(code=RejectCode.NOT_FOUND, details={"provider_reference": reference})
    return Accepted(reply=_settlement(reference, effect, _reported(state, by), CONFIRMED))


def ingest_effect(provider_reference: str) -> str:
    """Name what an outside reference did, apart from everything that Stripe does."""
    return f"ingest:{provider_reference}"


def _posted_before(state: LedgerState, command: IngestSettlement, effect: str) -> Decision:
    """Answer a second key for one reference, or refuse it where it says something else."""
    before = _reported(state, state.effects[effect])
    for name in ("account_did", "amount_cents", "currency"):
        if before[name] != str(getattr(command, name)):
            details = {"provider_reference": command.provider_reference, "field": name}
            return Rejected(code=RejectCode.IDEMPOTENCY_KEY_REUSED, details=details)
    return Accepted(reply=_settlement(command.provider_reference, effect, before, CONFIRMED) | {"deduped": True})


def _reported(state: LedgerState, key: str) -> dict[str, str]:
    content: dict[str, str] = json.loads(said(state, key) or "{}")
    return content


def _with_settlement(state: LedgerState, answer: Decision, command: IngestSettlement) -> Decision:
    if isinstance(answer, Rejected):
        return answer
    return _posted_before(state, command, ingest_effect(command.provider_reference))


def _over_cap(state: LedgerState, command: IngestSettlement, now: datetime) -> Rejected | None:
    today_cents = state.ingested_cents.get(command.currency, 0) if state.ingest_day == now.date() else 0
    if today_cents + command.amount_cents <= command.day_cap_cents:
        return None
    details = {"day_cap_cents": command.day_cap_cents, "ingested_today_cents": today_cents}
    return Rejected(code=RejectCode.INGEST_CAP_EXCEEDED, details=details)


def _invalid_field(command: IngestSettlement) -> str | None:
    if not command.idempotency_key or not command.provider_reference:
        return "provider_reference" if command.idempotency_key else "idempotency_key"
    if not accounts.is_owner(command.account_did):
        return "account_did"
    if type(command.amount_cents) is not int or command.amount_cents <= 0:
        return "amount_cents"
    return None if CURRENCY.fullmatch(command.currency) else "currency"


def _settlement(reference: str, effect: str, content: Any, status: str) -> dict[str, Any]:
    return {
        "settlement_id": effect,
        "provider_reference": reference,
        "status": status,
        "account_did": content["account_did"],
        "amount_cents": int(content["amount_cents"]),
        "currency": content["currency"],
    }


def _alert(name: str, command: IngestSettlement) -> RaiseAlert:
    details = {"amount_cents": command.amount_cents, "currency": command.currency, "account_did": command.account_did}
    return RaiseAlert(name=name, runbook=RUNBOOK, details=details)
