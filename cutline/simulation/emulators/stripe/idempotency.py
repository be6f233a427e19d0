"""Keeps the first answer to each idempotency key for a day, as Stripe does; it must not execute anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cutline.simulation.emulators.stripe.errors import invalid_parameter, key_in_use, key_reused

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer: status, body and extra headers."""

    http_status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Slot:
    fingerprint: str
    begun_at: datetime
    answer: Answer | None = None


class KeptAnswers:
    """The answers by (account, key). A slot without an answer belongs to a request that is still running."""

    def __init__(self) -> None:
        self._slots: dict[tuple[str, str], _Slot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def begin(self, scope: tuple[str, str], fingerprint: str, now: datetime) -> Answer | None:
        """Reserve a key and return None, or return the answer that is kept for it.

        Raises `ApiError`: 409 while the first request runs, 400 `idempotency_error` for other parameters.
        """
        if not 1 <= len(scope[1]) <= 255:
            raise invalid_parameter("Idempotency-Key", "Idempotency keys hold 1 to 255 characters")
        self.prune(now)
        slot = self._slots.get(scope)
        if slot is None:
            self._slots[scope] = _Slot(fingerprint=fingerprint, begun_at=now)
            return None
        if slot.fingerprint != fingerprint:
            raise key_reused(scope[1])
        if slot.answer is None:
            raise key_in_use(scope[1])
        return slot.answer

    def keep(self, scope: tuple[str, str], answer: Answer) -> None:
        """Save the first answer, whatever it says."""
        self._slots[scope].answer = answer

    def release(self, scope: tuple[str, str]) -> None:
        """Forget a key whose request never began to execute."""
        self._slots.pop(scope, None)

    def prune(self, now: datetime) -> None:
        """Forget what is older than a day; slots are in order of time, so the first to be kept ends the search."""
        while self._slots:
            scope, slot = next(iter(self._slots.items()))
            if now - slot.begun_at < KEPT_FOR or slot.answer is None:
                return
            del self._slots[scope]
