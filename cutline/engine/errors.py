"""The one registry of refusals: what each code means, whether money moved, and what to do next.

A code is listed once; HTTP, the command line and the docs all read this table. It must not import anything of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

MoneyMoved = Literal["yes", "no", "unknown"]
Scope = Literal["public", "admin", "internal"]


class InvariantViolated(Exception):
    """A bug: something that cannot be, is. On in production; never caught but to stop and alert."""


class RejectCode(StrEnum):
    """Every way in which Cutline says no."""

    # Requests
    REQUEST_INVALID = "REQUEST_INVALID"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    IDEMPOTENCY_KEY_REQUIRED = "IDEMPOTENCY_KEY_REQUIRED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    MAILBOX_FULL = "MAILBOX_FULL"
    ACTOR_TIMEOUT = "ACTOR_TIMEOUT"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    INTERNAL_FAULT = "INTERNAL_FAULT"
    # Contests
    CONFIG_INVALID = "CONFIG_INVALID"
    NOT_SUPPORTED_YET = "NOT_SUPPORTED_YET"
    CONTEST_EXISTS = "CONTEST_EXISTS"
    CONTEST_QUARANTINED = "CONTEST_QUARANTINED"
    CONTEST_CONFIG_LOCKED = "CONTEST_CONFIG_LOCKED"
    CONTEST_LOCKED = "CONTEST_LOCKED"
    CONTEST_FULL = "CONTEST_FULL"
    ENTRY_LIMIT_REACHED = "ENTRY_LIMIT_REACHED"
    ENTRY_NOT_PENDING = "ENTRY_NOT_PENDING"
    ROSTER_INVALID = "ROSTER_INVALID"
    INVALID_STATUS_TRANSITION = "INVALID_STATUS_TRANSITION"
    POT_SHORT = "POT_SHORT"
    SETTLEMENT_NOT_READY = "SETTLEMENT_NOT_READY"
    SCORERS_DISAGREE = "SCORERS_DISAGREE"
    SETTLEMENT_MISMATCH = "SETTLEMENT_MISMATCH"
    # The feed
    FEED_INVALID = "FEED_INVALID"
    FEED_WRONG_EVENT = "FEED_WRONG_EVENT"
    # Stripe and payments
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    LIVEMODE_MISMATCH = "LIVEMODE_MISMATCH"
    WEBHOOK_INVALID = "WEBHOOK_INVALID"
    EVENT_CONFLICT = "EVENT_CONFLICT"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    LEDGER_INGEST_FAILED = "LEDGER_INGEST_FAILED"
    DUPLICATE_INTENT = "DUPLICATE_INTENT"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    REFUND_AFTER_LOCK = "REFUND_AFTER_LOCK"
    # The ledger
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    SETTLEMENT_ALREADY_POSTED = "SETTLEMENT_ALREADY_POSTED"
    TRANSACTION_UNBALANCED = "TRANSACTION_UNBALANCED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSpec:
    """One row of the registry. `runbook` is a path under `runbooks/`, or None where the caller can mend it alone."""

    code: RejectCode
    http_status: int
    scope: Scope
    meaning: str
    what_to_do: str
    money_moved: MoneyMoved = "no"
    runbook: str | None = None
