"""What a log can say about its calls to Stripe; logic-free, and the same for payments and payouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

Parameters = Mapping[str, str | int | bool | Mapping[str, Any]]
Wait = Literal["answer", "same_key", "new_attempt", "look_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """Stripe is called with exactly these parameters and this key."""

    subject: str
    attempt: int
    operation: str
    parameters: Parameters
    idempotency_key: str | None
    started_at: datetime

    @property
    def key(self) -> str:
        """Return the business key: a subject has each attempt once."""
        return f"attempt:{self.subject}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDeferred:
    """A call had no usable outcome; what follows, and when. `money_moved` is what this answer leaves open."""

    subject: str
    attempt: int
    tries: int
    wait: Wait
    retry_at: datetime
    code: str
    message: str
    money_moved: Literal["yes", "no", "unknown"]
    hopeless: bool = False

    @property
    def key(self) -> str:
        """Return the business key: each try is deferred once."""
        return f"deferred:{self.subject}:{self.attempt}:{self.tries}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRepeated:
    """The same call goes out again, with the same key and parameters."""

    subject: str
    attempt: int
    tries: int
    repeated_at: datetime

    @property
    def key(self) -> str:
        """Return the business key: each try goes out once."""
        return f"try:{self.subject}:{self.attempt}:{self.tries}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupStarted:
    """Stripe is asked whether a call had its effect. `hopeless`: if not, there is no new attempt."""

    subject: str
    attempt: int
    tries: int
    operation: str
    parameters: Parameters
    started_at: datetime
    hopeless: bool
    code: str
    message: str

    @property
    def key(self) -> str:
        """Return the business key: each try goes out once."""
        return f"try:{self.subject}:{self.attempt}:{self.tries}"


CallEvent = AttemptStarted | AttemptDeferred | AttemptRepeated | LookupStarted
CALL_EVENTS: Final = (AttemptStarted, AttemptDeferred, AttemptRepeated, LookupStarted)
